"""What one caller is shown of a division: how the ground adds up, and the answer of each part as they may see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gis.division import shares
from gis.procedure import Verdict, worst
from layers.canonical import digest_of

from .answer import Answer, Json, View
from .shown import LONGEST_VERDICT

ROLES_THAT_SHARE = ("child", "remainder", "result")


@dataclass(frozen=True, slots=True)
class Shown:
    """The answer of one part, and the content it was projected from."""

    answer: Answer
    content: Mapping[str, Any]


def answer_of_division(content: Mapping[str, Any], digest: str, view: View, parts: Sequence[Shown]) -> Answer:
    """The projection of a division for one caller; its verdict is that of what is shown."""
    verdicts = [Verdict(content["conservation"]["verdict"]), *(part.answer.verdict for part in parts)]
    registered = _registered(parts)
    shown: Json = {
        "id": content["id"],
        "created": content["created"],
        "kind": content["kind"],
        "as_of": content["as_of"],
        "on_date": content["on_date"],
        "procedure": content["procedure"],
        "inputs": content["inputs"],
        "dossier": content["dossier"],
        "purpose": content["purpose"],
        "verdict": worst(verdicts).value,
        "registered_area_m2": registered,
        "conservation": content["conservation"],
        "parts": _parts(content, parts, registered),
        "evidence": {
            "policy": view.policy,
            "engine": content["engine"],
            "record": digest if all(view.sees_record(part.content) for part in parts) else None,
        },
    }
    shown["evidence"]["digest"] = digest_of(shown)
    slack = sum(part.answer.slack_bytes for part in parts) + LONGEST_VERDICT - len(shown["verdict"])
    return Answer(content["id"], shown, any(part.answer.is_guarded for part in parts), slack)


def _registered(parts: Sequence[Shown]) -> float | None:
    """The certificate's area of the old parcels; None where one has none, or it is not the caller's to see."""
    areas = [part.answer.content["subject"]["registered_area_m2"] for part in parts if _is_parcel(part)]
    return round(sum(areas), 4) if areas and all(area is not None for area in areas) else None


def _is_parcel(part: Shown) -> bool:
    return part.content["subject"]["layer"] is not None


def _parts(content: Mapping[str, Any], parts: Sequence[Shown], registered: float | None) -> list[Json]:
    """Each part with its share of the certificate's area, as the ground was measured."""
    sharing = [part for part in content["parts"] if part["role"] in ROLES_THAT_SHARE]
    given = iter(shares(registered, [part["area_m2"] for part in sharing]) if registered is not None else ())
    told = []
    for part, shown in zip(content["parts"], parts, strict=True):
        share = next(given, None) if part["role"] in ROLES_THAT_SHARE else None
        own = shown.answer.content
        told.append({
            "role": part["role"],
            "label": own["subject"]["label"],
            "land_use": part["land_use"],
            "area_m2": part["area_m2"],
            "registered_area_m2": round(share, 4) if share is not None else own["subject"]["registered_area_m2"],
            "geometry": shown.content["subject"]["geojson"],
            "answer": own,
        })  # fmt: skip
    return told
