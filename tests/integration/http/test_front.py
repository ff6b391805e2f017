"""One front: links behind a proxy, every method, every form, every language."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ogc.app import create_app
from ogc.auth import make_token
from ogc.settings import Settings
from tests.support.behind import Stripping, Walk, told
from tests.support.serving import serve

PUBLIC_HOME = "https://gis.example.vn/gis"
BEGUN = ("/", "/?f=html", "/map/style.json", "/collections/zone/items?f=html&limit=1")


def test_every_link_stays_behind_the_proxy_that_speaks_for_it(
    filled_template: str, clone: Callable[[str], str], tmp_path: Path
) -> None:
    says = {
        "X-Forwarded-Host": "gis.example.vn", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/gis",
        "X-Forwarded-For": "192.0.2.9",
    }  # fmt: skip
    app = create_app(Settings(data=tmp_path, database_url=clone(filled_template)))
    with serve(Stripping(app, "/gis", says)) as address:
        walk = Walk(PUBLIC_HOME, f"{address}/gis").everything(*BEGUN)
    assert not walk.strays and not walk.failures, told(walk)
    assert len(walk.seen) > 60


def test_every_link_of_somebody_with_a_token_keeps_the_root_path(
    filled_template: str, clone: Callable[[str], str], tmp_path: Path
) -> None:
    settings = Settings(data=tmp_path, database_url=clone(filled_template), root_path="gis/")
    with serve(Stripping(create_app(settings, demo=True), "/gis", {})) as address:
        token = make_token(settings.secrets_folder, "officer")
        home = f"{address}/gis"
        walk = Walk(home, home, {"Authorization": f"Bearer {token}"}).everything(*BEGUN, "/collections/parcel")
    assert not walk.strays and not walk.failures, told(walk)
    assert any("/collections/secret" in link for link in walk.seen)
