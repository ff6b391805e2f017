"""@camptocamp/ogc-client, as data portals use it, in Node.js."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.shared_layers import Service

HERE = Path(__file__).parent
CLIENT = HERE.parents[2] / "ogc/web/frontend/node_modules/@camptocamp/ogc-client/dist/dist-node.js"


def _told(service: Service, identity: str) -> Any:
    node, token = shutil.which("node"), service.callers[identity].token
    if node is None or not CLIENT.exists():
        pytest.skip("no Node.js or no ogc-client: make assets")
    command = [node, str(HERE / "ogc_client.mjs"), CLIENT.as_uri(), service.base, *([token] if token else [])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("identity", ["public", "officer"])
def test_ogc_client_finds_reads_filters_and_sorts(reading: Service, identity: str) -> None:
    told = _told(reading, identity)
    listed = {each["id"] for each in reading.callers[identity].json("/collections")["collections"]}
    assert told["info"]["title"] and told["classes"] > 20
    assert set(told["names"]) <= listed and {"zone", "empty"} <= set(told["names"])
    assert told["hasFeatures"] and told["hasTiles"] and "WebMercatorQuad" in told["grids"]
    assert "zone" in told["tiled"] and told["tileset"].startswith(f"{reading.base}/collections/zone/tiles/")
    assert "application/geo+json" in told["zone"]["formats"]
    assert {each["name"] for each in told["zone"]["queryables"]} >= {"ma", "cap"}
    assert sorted(told["items"]) == ["V1", "V2", "V3"]
    assert sorted(told["filtered"]) == ["V1", "V2"] and told["item"] == "V2"
    assert told["boxed"] == [{"ma": "V2"}, {"ma": "V1"}, {"ma": "V3"}]
