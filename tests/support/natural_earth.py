"""The layers of CQL2's abstract tests, published through the command line as an officer would."""

from __future__ import annotations

import tempfile
from pathlib import Path

from layers.profile.load import load_profile
from tests.support.commands import lienthong
from tests.support.published import apply_profile

PROFILE = Path(__file__).resolve().parent.parent / "profiles" / "natural_earth"
SOURCES = {
    "country": "ne_110m_admin_0_countries",
    "place": "ne_110m_populated_places_simple",
    "river": "ne_110m_rivers_lake_centerlines",
}


def publish_all(url: str, file: Path) -> None:
    apply_profile(url, load_profile(PROFILE))
    with tempfile.TemporaryDirectory() as own:
        for layer, source in SOURCES.items():
            ran = lienthong("layer", "publish", file, "--layer", layer, "--source-layer", source, "--yes", "--json",
                            url=url, data=Path(own))  # fmt: skip
            assert ran.code == 0, (ran.err, ran.out[-3000:])
            assert ran.json["rows"]["refused"] == 0, (layer, ran.json["defects"])
