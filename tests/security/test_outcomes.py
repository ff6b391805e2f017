"""Every identity, a sample of parcels, every procedure of the demo: what is shown is the engine's own, or withheld.

No policy ever turns something into `clear`; what is withheld counts as refer; a dossier adds outcomes and no more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import anyio
import psycopg
import pytest

from gis.procedure import Verdict, worst
from layers.access.principal import PUBLIC, Principal, operator
from layers.checking.answer import Answer
from layers.checking.dossiers import DossierDraft, register
from layers.checking.request import ByFid, CheckRequest
from layers.checking.run import check
from layers.errors import NotFoundError
from layers.profile.grammar import Identity
from layers.store.catalogue import Catalogue, load_catalogue
from layers.store.connection import Database
from layers.store.dossiers import dossier
from tests.support.province import Province

INPUTS: Mapping[str, Mapping[str, object]] = {
    "land_use_change": {"target_use": "ODT", "target_area_m2": 50},
    "first_certificate": {"claimed_use": "ODT"},
    "construction_permit": {"building_use": "NHA_O", "storeys": 2},
    "parcel_split_merge": {"kind": "SPLIT", "land_use": "ODT"},
    "petrol_station_siting": {"station_level": 2},
}
#: planted conflicts first: they meet layers that some may not see
PLANTED, DRAWN = 8, 3
ON_DATE = date(2026, 8, 1)


@dataclass(frozen=True)
class Shown:
    """One answer beside what the engine found, both with their groups' members in a row."""

    identity: str
    procedure: str
    has_dossier: bool
    answer: Mapping[str, Any]
    engine: Mapping[str, Any]

    def pairs(self) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        return zip(_flat(self.answer["findings"]), _flat(self.engine["findings"]), strict=True)


def _flat(findings: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [part for one in findings for part in (one, *one.get("members", ()))]


@pytest.fixture(scope="module")
def shown(province: Province) -> list[Shown]:
    """Each identity asks about each parcel in each procedure, freely; desks that hold a dossier ask with it too."""

    async def run() -> list[Shown]:
        async with Database.open(province.url, size=2) as database:
            async with database.connection() as connection:
                catalogue = await load_catalogue(connection)
            return await _ask_all(database, catalogue, _parcels(province))

    return anyio.run(run)


def _parcels(province: Province) -> list[int]:
    conflicts = json.loads((province.files / "conflicts.json").read_text(encoding="utf-8"))["conflicts"]
    keys = sorted({one["parcel"] for one in conflicts if one["check"] in ("blocks", "earlier_permit")})
    keys += sorted({one["parcel"] for one in conflicts} - set(keys))
    with psycopg.connect(province.url) as connection:
        planted = connection.execute(
            "SELECT fid FROM data.parcel WHERE until IS NULL AND key = ANY(%s) ORDER BY array_position(%s, key)",
            (keys[:PLANTED], keys[:PLANTED]),
        ).fetchall()
        drawn = connection.execute(
            "SELECT fid FROM data.parcel WHERE until IS NULL ORDER BY md5(fid::text) LIMIT %s", (DRAWN,)
        ).fetchall()
    return [fid for (fid,) in (*planted, *drawn)]


def _principal(identity: Identity) -> Principal:
    return Principal(identity.id, frozenset(identity.roles), identity.office, identity.sector, identity.claims)


async def _ask_all(database: Database, catalogue: Catalogue, fids: Sequence[int]) -> list[Shown]:
    known = [(_principal(one), one.purposes) for one in catalogue.profile.identities if one.id != PUBLIC.id]
    found: list[Shown] = []
    for fid in fids:
        dossier = await _dossier(database, catalogue, fid)
        for procedure in INPUTS:
            for principal, purposes in [(PUBLIC, ()), *known]:
                purpose = purposes[0] if purposes else None
                cases = [None] if dossier is None or purpose is None else [None, dossier]
                for given in cases:
                    request = CheckRequest(procedure, ByFid(fid), INPUTS[procedure], given, purpose, on_date=ON_DATE)
                    found += await _ask(database, catalogue, request, principal)
    return found


async def _dossier(database: Database, catalogue: Catalogue, fid: int) -> str | None:
    """A dossier for any procedure at any desk; its quota is used up on the way."""
    draft = DossierDraft(f"T-{fid}", parcels=(ByFid(fid),))
    await register(database, catalogue, draft, operator("test"))
    return draft.id


async def _ask(database: Database, catalogue: Catalogue, request: CheckRequest, principal: Principal) -> list[Shown]:
    try:
        answer: Answer = await check(database, catalogue, request, principal)
    except NotFoundError:  # a parcel of defence land does not exist for everybody
        return []
    async with database.connection() as connection:
        row = await (await connection.execute("SELECT body FROM checks.record WHERE id = %s", (answer.id,))).fetchone()
    assert row is not None
    engine = json.loads(row["body"])
    return [Shown(principal.id, request.procedure, request.dossier is not None, answer.content, engine)]


def test_the_sample_reaches_everybody_and_every_procedure(shown: list[Shown]) -> None:
    assert {one.procedure for one in shown} == set(INPUTS)
    assert len({one.identity for one in shown}) >= 5
    found = {finding["outcome"] for one in shown for finding in _flat(one.engine["findings"])}
    assert {"clear", "affected"} <= found
    withheld = {one.identity for one in shown if any(shown["outcome"] == "withheld" for shown, _ in one.pairs())}
    assert withheld >= {"public", "construction_reviewer", "land_officer"}


def test_every_outcome_is_the_engines_own_or_withheld(shown: list[Shown]) -> None:
    for one in shown:
        for told, engine in one.pairs():
            assert told["outcome"] in (engine["outcome"], "withheld"), (one.identity, one.procedure, told["check"])
            expected = "refer" if told["outcome"] == "withheld" else engine["verdict"]
            assert told["verdict"] == expected


def test_the_verdict_is_the_worst_of_what_is_shown_and_withheld_refers(shown: list[Shown]) -> None:
    for one in shown:
        counted = [Verdict(told["verdict"]) for told in one.answer["findings"] if told["required"]]
        assert one.answer["verdict"] == worst(counted).value
        if any(told["outcome"] == "withheld" and told["required"] for told in one.answer["findings"]):
            assert one.answer["verdict"] != "pass"
        assert Verdict(one.answer["verdict"]).rank >= Verdict.REFER.rank or one.engine["verdict"] == "pass"


def test_checks_that_are_not_asked_keep_their_names_where_no_layer_is_secret(shown: list[Shown]) -> None:
    assert any(one.engine["skipped"] for one in shown)
    assert all(one.answer["skipped"] == one.engine["skipped"] for one in shown)


def test_whoever_asks_the_engine_finds_the_same(shown: list[Shown]) -> None:
    """No right removes a candidate: the records of one question agree whoever asked it."""
    found: dict[tuple[str, str], list[list[tuple[str, str]]]] = {}
    for one in shown:
        outcomes = [(engine["check"], engine["outcome"]) for engine in _flat(one.engine["findings"])]
        found.setdefault((one.engine["subject"]["fid"], one.procedure), []).append(outcomes)
    assert all(each == same[0] for same in found.values() for each in same)


def test_a_dossier_adds_outcomes_and_nothing_else(shown: list[Shown]) -> None:
    reduced = 0
    for one in shown:
        for told, engine in one.pairs():
            if [reason["code"] for reason in told["reasons"]] != ["reduced"] or "members" in told:
                continue
            reduced += 1
            assert one.has_dossier and told["outcome"] == engine["outcome"]
            assert not told["features"] and not told["dropped"] and told["revision"] is None
            assert {*told["measure"].values(), *told["coverage"].values()} == {None}
    assert reduced > 0


def test_what_is_withheld_freely_says_nothing_of_what_was_found(shown: list[Shown]) -> None:
    """The same words for every parcel, whatever the engine found there."""
    words: dict[tuple[str, str, str], set[str]] = {}
    outcomes: dict[tuple[str, str, str], set[str]] = {}
    for one in shown:
        for told, engine in one.pairs():
            if told["outcome"] == "withheld" and not one.has_dossier and "members" not in told:
                place = (one.identity, one.procedure, engine["check"])
                words.setdefault(place, set()).add(json.dumps(told, sort_keys=True))
                outcomes.setdefault(place, set()).add(engine["outcome"])
    assert all(len(said) == 1 for said in words.values())
    assert any(len(found) > 1 for found in outcomes.values())


def test_the_demos_dossiers_tell_their_desks_an_outcome(province: Province) -> None:
    """A blocked parcel and a site for a petrol station; without the dossier neither desk is told."""
    cases = {
        "H29-DEMO-0001": ("construction_reviewer", "construction_permit", "blocks", "affected"),
        "H29-DEMO-0002": ("land_officer", "petrol_station_siting", "water_intake_distance", "clear"),
    }

    async def run() -> list[tuple[str, str, str]]:
        async with Database.open(province.url, size=2) as database:
            async with database.connection() as connection:
                catalogue = await load_catalogue(connection)
                known = {name: await dossier(connection, name) for name in cases}
            people = {one.id: one for one in catalogue.profile.identities}
            found = []
            for name, (identity, procedure, asked, _) in cases.items():
                registered = known[name]
                assert registered is not None
                for given in (None, name):
                    request = CheckRequest(
                        procedure, ByFid(registered.parcels[0]), INPUTS[procedure], given,
                        people[identity].purposes[0], on_date=ON_DATE,
                    )  # fmt: skip
                    (one,) = await _ask(database, catalogue, request, _principal(people[identity]))
                    told = next(shown for shown, _ in one.pairs() if shown["check"] == asked)
                    found.append((name, told["outcome"], told["reasons"][0]["code"]))
            return found

    assert anyio.run(run) == [
        one
        for name, (*_, outcome) in cases.items()
        for one in ((name, "withheld", "needs_dossier"), (name, outcome, "reduced"))
    ]
