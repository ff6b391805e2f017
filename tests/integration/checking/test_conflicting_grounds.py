"""Grounds of which one is met and another is not: one word for it on the page, on paper and on the command line."""

from __future__ import annotations

from pathlib import Path

import httpx

from ogc.app import create_app
from ogc.auth import make_token
from ogc.settings import Settings
from tests.support.checked import INPUTS, PARCEL, Place
from tests.support.commands import lienthong
from tests.support.published import box
from tests.support.serving import serve

WORDS = {"vi": "Căn cứ trái nhau", "en": "Conflicting grounds"}


def test_contradicting_grounds_have_their_own_name_wherever_they_are_told(place: Place, tmp_path: Path) -> None:
    place.publish("zoning_plan", [{"ma": "Z1", "dat_o": False, "geom": box(-1000, -1000, 2000, 2000)}])
    settings = Settings(data=tmp_path, database_url=place.url)
    with serve(create_app(settings, demo=True)) as base:
        headers = {"Authorization": f"Bearer {make_token(settings.secrets_folder, 'officer')}"}
        with httpx.Client(base_url=base, headers=headers, timeout=60) as officer:
            asked = {"procedure": "land_use_change", "subject": {"parcel": PARCEL}, "inputs": dict(INPUTS)}
            answer = officer.post("/checks", json=asked).json()
            pages = {
                language: officer.get(f"/checks/{answer['id']}", params={"lang": language},
                                      headers={"accept": "text/html"}).text
                for language in WORDS
            }  # fmt: skip
    group = next(finding for finding in answer["findings"] if finding.get("members"))
    assert [told["code"] for told in group["reasons"]] == ["conflict"]
    assert (group["outcome"], group["verdict"]) == ("clear", "refer")
    for language, page in pages.items():
        assert page.count(WORDS[language]) >= 2, "in the list and in the text to copy"

    inputs = [part for name, value in INPUTS.items() for part in ("--set", f"{name}={value}")]
    told = lienthong("check", PARCEL, "--procedure", "land_use_change", *inputs, url=place.url, data=tmp_path)
    assert "trái nhau" in " ".join(told.out.split())
