"""Every notebook runs against a live server; none keeps outputs."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_keeps_no_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    kept = [cell.source[:40] for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
    assert kept == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_to_its_end(path: Path, demo_server: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    url, token = demo_server
    monkeypatch.setenv("LIENTHONG_URL", url)
    monkeypatch.setenv("LIENTHONG_TOKEN", token)
    monkeypatch.setenv("PYTHONPATH", str(path.parent.parent) + os.pathsep + os.environ.get("PYTHONPATH", ""))
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    html = "".join(output["data"].get("text/html", "") for output in shown if "data" in output)
    assert "leaflet" in html
    hosts = {part.split("/")[0].split('"')[0] for part in html.split("http://")[1:]}
    assert hosts <= {url.removeprefix("http://"), "www.w3.org"}
    assert "https://" not in html.replace("https://www.openstreetmap.org", "").replace("https://leafletjs.com", "")
