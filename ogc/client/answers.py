"""The answer of a check, as a planner reads it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from ogc.client.client import Client

_MEASURES = ("area_m2", "share", "length_m", "count", "nearest_m")


class CheckAnswer:
    """What applies to one parcel: `verdict`, `findings` as a table, the whole answer in `json`."""

    def __init__(self, answer: dict[str, Any], client: Client) -> None:
        self.json = answer
        self._client = client

    @property
    def id(self) -> str:
        return str(self.json["id"])

    @property
    def verdict(self) -> str:
        return str(self.json["verdict"])

    @property
    def url(self) -> str:
        """The page of this check."""
        return f"{self._client.url}/checks/{self.id}"

    def pdf(self, path: str | Path, *, language: str | None = None) -> Path:
        """Write the sealed extract to a file; `language` is vi or en, by default the client's. The path."""
        return self._save("pdf", Path(path), language)

    def docx(self, path: str | Path, *, language: str | None = None) -> Path:
        """Write the extract for a word processor, which carries no seal."""
        return self._save("docx", Path(path), language)

    def text(self, *, language: str | None = None) -> str:
        """The text for an appraisal note."""
        return self._client.download(f"/checks/{self.id}.txt", lang=language).decode()

    def _save(self, ending: str, path: Path, language: str | None) -> Path:
        path.write_bytes(self._client.download(f"/checks/{self.id}.{ending}", lang=language))
        return path

    @property
    def findings(self) -> pd.DataFrame:
        """One row a check of the procedure, in its order."""
        rows = [
            {name: finding.get(name) for name in ("check", "layer", "outcome", "verdict", "revision")}
            | {name: (finding.get("measure") or {}).get(name) for name in _MEASURES}
            for finding in self.json["findings"]
        ]
        return pd.DataFrame(rows).set_index("check")

    def __repr__(self) -> str:
        label = self.json["subject"].get("label") or self.json["subject"].get("fid")
        return f"<CheckAnswer {self.verdict}: {label}>"

    def _repr_html_(self) -> str:
        table: str = self.findings.to_html(na_rep="", float_format="{:.2f}".format)
        return f"<p><b>{self.json['subject'].get('label') or ''}</b>: {self.verdict}</p>{table}"
