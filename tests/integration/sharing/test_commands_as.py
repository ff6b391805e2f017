"""Commands about layers and policy for somebody named with `--as`: what they may know, and no more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from typer.testing import CliRunner

from layers.profile.apply import apply
from layers.store.connection import Database
from ogc.cli.main import build
from tests.support import policies
from tests.support.commands import Ran

Run = Callable[..., Ran]


@pytest.fixture
def run(url: str, tmp_path: Path) -> Run:
    environment = {"LIENTHONG_DATABASE_URL": url, "LIENTHONG_DATA": str(tmp_path / "data")}

    def command(*arguments: object) -> Ran:
        words = [str(each) for each in arguments]
        done = CliRunner().invoke(build(words[0]), words, env=environment)
        return Ran(done.exit_code, done.stdout, done.stderr)

    return command


async def hide_activity(url: str) -> None:
    profile = policies.profile()
    layers = tuple(one.model_copy(update={"hide_activity": one.id == "parcel"}) for one in profile.layers)
    async with Database.open(url, size=2) as database:
        await apply(database, profile.model_copy(update={"layers": layers}), "test")


def test_a_list_of_layers_names_those_somebody_may_know_of(run: Run) -> None:
    def listed(*who: str) -> set[str]:
        return {one["id"] for one in run("layer", "list", *who, "--json").json["layers"]}

    everything = listed()
    assert everything == listed("--as", "officer") | {"empty"} == {
        "parcel", "zone", "line", "register", "secret", "empty",
    }  # fmt: skip
    assert everything - listed("--as", "public") >= {"register", "secret"} and "zone" in listed("--as", "public")
    assert run("layer", "list", "--as", "khong_co", "--json").code == 1


def test_a_layer_is_shown_with_the_columns_somebody_may_read(run: Run) -> None:
    def columns(*who: str) -> list[str]:
        found = run("layer", "show", "parcel", *who, "--json").json
        return [one["name"] for one in found["definition"]["attributes"]]

    whole = columns()
    assert "ten_chu" in whole and columns("--as", "officer") == whole
    assert columns("--as", "reviewer") == [name for name in whole if name != "ten_chu"]
    theirs, owners = (run("layer", "show", "parcel", "--as", who, "--json").json for who in ("reviewer", "owner"))
    assert theirs["features"] is None and owners["features"] == 120
    assert set(theirs["definition"]) <= {"id", "sector", "title", "geometry", "sharing", "attributes"}


def test_a_hidden_layer_is_missing_in_the_same_words(run: Run) -> None:
    for words in (("show",), ("history",), ("diff",)):
        more = ("1..1",) if words == ("diff",) else ()
        hidden, missing = (
            run("layer", *words, layer, *more, "--as", "public", "--json") for layer in ("secret", "not_there")
        )
        assert hidden.code == missing.code == 1
        assert hidden.out.replace("secret", "?") == missing.out.replace("not_there", "?")


def test_the_history_of_a_layer_is_for_whoever_answers_for_it(run: Run) -> None:
    for words in (("history", "parcel"), ("diff", "parcel", "1..1")):
        assert run("layer", *words, "--as", "owner", "--json").json == run("layer", *words, "--json").json
        refused = run("layer", *words, "--as", "reviewer", "--json")
        assert refused.code == 1 and "releases" in refused.message["en"]


def test_when_a_layer_that_hides_its_activity_was_changed_is_told_to_its_owner(run: Run, url: str) -> None:
    anyio.run(hide_activity, url)
    theirs = run("layer", "show", "parcel", "--as", "reviewer", "--json").json
    assert (theirs["revision"], theirs["release"], theirs["changed"]) == (None, None, None)
    assert run("layer", "show", "parcel", "--as", "owner", "--json").json["revision"] == 1


def test_somebody_reads_their_own_grants_and_all_on_layers_they_manage(run: Run) -> None:
    theirs = run("policy", "show", "--as", "reviewer", "--json").json
    assert {one["id"] for one in theirs["grants"]} == {"open_to_all", "lines_on_maps", "parcels_of_communes"}
    assert theirs["managed"] == []
    owners = run("policy", "show", "--as", "owner", "--json").json
    assert {"owner_parcel", "parcels_of_communes", "officer_parcel"} <= {one["id"] for one in owners["managed"]}
    spoken = run("policy", "show", "--as", "reviewer").out
    assert "parcels_of_communes" in spoken and "officer_secret" not in spoken


def test_the_matrix_has_the_layers_somebody_may_know_of(run: Run) -> None:
    found = run("policy", "matrix", "--as", "public", "--json").json
    assert found["rows"] and {row["layer"] for row in found["rows"]}.isdisjoint({"register", "secret"})
    hidden, missing = (
        run("policy", "matrix", "--layer", layer, "--as", "public", "--json") for layer in ("secret", "not_there")
    )
    assert hidden.code == 1 and hidden.out.replace("secret", "?") == missing.out.replace("not_there", "?")
    (one,) = {
        row["layer"] for row in run("policy", "matrix", "--layer", "zone", "--as", "public", "--json").json["rows"]
    }
    assert one == "zone"


@pytest.mark.parametrize(
    "words",
    [
        ("policy", "history"), ("policy", "agreements"), ("policy", "agree", "AGR-1", "active"),
        ("profile", "apply", "--yes"), ("audit", "verify"),
    ],
)  # fmt: skip
def test_what_is_the_operators_alone_says_so(run: Run, words: tuple[str, ...]) -> None:
    refused = run(*words, "--as", "owner", "--json")
    assert refused.code == 1 and refused.json["error"]["code"] == "forbidden"
    assert "operator" in refused.message["en"] and "người vận hành" in refused.message["vi"]
    assert run("policy", "agreements", "--json").json == {"agreements": []}
