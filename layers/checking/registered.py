"""What an answer adds from the certificate: areas of findings in its measure, and what is left of the subject.

The law knows the area on the certificate: a finding's share of the computed area is told as the same share of it,
beside the computed area. Whoever may not see the certificate's area is told nothing that follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gis.procedure import Outcome

from .shown import Json, is_reduced, withheld
from .view import View


def hides_certificate(subject: Mapping[str, Any], view: View) -> bool:
    """The area on the certificate of some parcel is not the caller's to see, whether there is one or not."""
    if subject["layer"] is None or subject["registered_area_column"] is None:
        return False
    sight = view.sight(subject["layer"])
    rows = [part["attributes"] for part in subject.get("parts", ())] or [subject["attributes"]]
    return any(subject["registered_area_column"] not in (sight.columns(row) or frozenset()) for row in rows)


def speaks_of_certificate(finding: Mapping[str, Any]) -> bool:
    return finding["kind"] == "subject" and "difference_m2" in finding["measure"]


def without_certificate(finding: Mapping[str, Any]) -> Json:
    return withheld(finding, "no_right")


def add_registered(finding: Json, subject: Mapping[str, Any]) -> None:
    """The areas of a shown finding, and of its features, as shares of the certificate's."""
    measure = finding["measure"]
    if measure.get("area_m2") is None or "difference_m2" in measure or finding["layer"] is None:
        return
    finding["measure"] = {**measure, "registered_area_m2": share_of_certificate(measure["area_m2"], subject)}
    finding["features"] = [
        {**feature, "registered_area_m2": share_of_certificate(feature["area_m2"], subject)}
        for feature in finding["features"]
    ]


def share_of_certificate(area_m2: float | None, subject: Mapping[str, Any]) -> float | None:
    """None where there is no certificate, or it is not the caller's to see."""
    registered, whole = subject["registered_area_m2"], subject["area_m2"]
    if area_m2 is None or registered is None or not whole:
        return None
    share: float = min(area_m2 / whole, 1.0)
    return round(share * float(registered), 4)


def remainder_shown(
    remainder: Mapping[str, Any] | None, findings: list[Json], subject: Mapping[str, Any]
) -> Json | None:
    """What no prohibition touches; None where the record does not tell it or a finding it stands on is not shown."""
    if remainder is None:
        return None
    shown = {finding["check"]: finding for finding in findings}
    if not all(name in shown and _is_whole(shown[name]) for name in remainder["checks"]):
        return {"area_m2": None, "registered_area_m2": None, "checks": []}
    area = remainder["area_m2"]
    return {"area_m2": area, "registered_area_m2": share_of_certificate(area, subject), "checks": remainder["checks"]}


def _is_whole(finding: Mapping[str, Any]) -> bool:
    return finding["outcome"] != Outcome.WITHHELD and not is_reduced(finding)
