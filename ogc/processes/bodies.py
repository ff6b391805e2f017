"""What is sent to be executed (OGC API - Processes 1.0, execute.yaml), and the inputs of a batch."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from layers.exporting.formats import FORMATS
from layers.jobs.batch_asked import MOST_FEATURES, MOST_KEYS, BatchAsked
from ogc.service.bodies import AsOf, Closed, Line


class ExecuteBody(Closed):
    """`outputs`, where given, names what is wanted; whatever is named, a job holds all of it."""

    inputs: dict[str, Any] = Field(default_factory=dict)
    outputs: dict[str, Any] | None = None
    response: Literal["raw", "document"] = "document"


def _is_text(value: object) -> object:
    """A number would be taken for seconds since 1970."""
    if value is not None and not isinstance(value, str):
        raise ValueError("an ISO 8601 text")
    return value


class FeaturesBody(Closed):
    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Literal["FeatureCollection"]
    features: list[dict[str, Any]] = Field(min_length=1, max_length=MOST_FEATURES)


class ExportBody(Closed):
    """As the parameters of `items`, by the same words and in the same writing."""

    layer: str = Field(min_length=1, max_length=64)
    format: Literal[*FORMATS]  # type: ignore[valid-type]
    parameters: dict[str, Annotated[str, Field(max_length=8000)]] = Field(default_factory=dict, max_length=40)


class BatchBody(Closed):
    procedure: str = Field(min_length=1, max_length=64)
    inputs: dict[str, Any] = Field(default_factory=dict)
    commune: str | None = Field(default=None, min_length=1, max_length=20)
    filter: str | None = Field(default=None, min_length=1, max_length=4000)
    keys: list[Annotated[str, Field(min_length=1, max_length=200)]] | None = Field(default=None, max_length=MOST_KEYS)
    features: FeaturesBody | None = None
    purpose: Line | None = None
    as_of: AsOf = None
    on_date: Annotated[date | None, BeforeValidator(_is_text)] = None

    def asked(self, purpose: str | None) -> BatchAsked:
        """The question, for the purpose that counts."""
        return BatchAsked(
            procedure=self.procedure, inputs=self.inputs, commune=self.commune, filter=self.filter, keys=self.keys,
            features=self.features.features if self.features else None, purpose=purpose,
            as_of=self.as_of.isoformat() if self.as_of else None,
            on_date=self.on_date.isoformat() if self.on_date else None,
        )  # fmt: skip
