"""Layers as pages show them: title, sector, what the caller may do, how it is drawn, how fresh it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from layers.access.decide import decide, visible_layers
from layers.access.grammar import Action
from layers.access.principal import Principal
from layers.profile.grammar import LayerDefinition, Title
from layers.store.catalogue import Catalogue
from layers.store.overview import NOTHING, Overview
from layers.store.tiles import tile_columns

from .drawing import Legend, legend_of, shape_of
from .formats import HERE

ACTIONS: tuple[Action, ...] = ("items", "tile", "check", "export")


@dataclass(frozen=True, slots=True)
class Card:
    """One layer that the caller may know of."""

    id: str
    title: Title
    sector: str
    custodian: Title | None
    sharing: str
    shape: str  #: polygon, line, point or none
    legend: Legend
    actions: tuple[str, ...]
    state: str
    scale: int | None
    accuracy_m: float | None
    max_age_days: int | None
    release: int | None
    published: datetime | None
    mapped: str
    mapped_communes: tuple[str, ...]
    is_stale: bool
    definition: LayerDefinition
    columns: tuple[str, ...]  #: that a tile may show

    @property
    def is_drawn(self) -> bool:
        return self.shape != "none" and "tile" in self.actions and self.state == "served"


@dataclass(frozen=True, slots=True)
class Sector:
    """A sector with those of its layers that the caller may know of."""

    id: str
    title: Title
    cards: tuple[Card, ...]


def sectors(
    catalogue: Catalogue,
    principal: Principal,
    purpose: str | None,
    now: datetime,
    known: Mapping[str, Overview] | None = None,
) -> tuple[Sector, ...]:
    """Every sector with at least one visible layer, that of the parcels first."""
    made = list(cards(catalogue, principal, purpose, now, known or {}))
    named, first = catalogue.profile.header.sectors, catalogue.profile.parcel_layer.sector
    ids = sorted({*named, *(card.sector for card in made)}, key=lambda id_: (id_ != first, id_))
    found = (
        Sector(id_, named.get(id_, Title(vi=id_, en=id_)), tuple(card for card in made if card.sector == id_))
        for id_ in ids
    )
    return tuple(sector for sector in found if sector.cards)


def cards(
    catalogue: Catalogue, principal: Principal, purpose: str | None, now: datetime, known: Mapping[str, Overview]
) -> Iterator[Card]:
    """Visible layers in the order of the profile."""
    day = now.astimezone(HERE).date()
    active = catalogue.active_agreements
    for definition in visible_layers(
        principal, catalogue.profile.layers, catalogue.grants, day=day, active_agreements=active
    ):
        decisions = {
            action: decide(
                principal, definition, action, catalogue.grants, purpose=purpose, day=day, active_agreements=active
            )
            for action in ACTIONS
        }
        overview = known.get(definition.id, NOTHING)
        if decisions["items"].hides_activity:
            overview = replace(overview, release=None, note="", published=None, content_date=None)
        header = catalogue.profile.header
        accuracy_m = definition.accuracy_m
        if accuracy_m is None and definition.scale:
            accuracy_m = header.accuracy_of_scale_m(definition.scale)
        yield Card(
            id=definition.id,
            title=definition.title,
            sector=definition.sector,
            custodian=definition.custodian,
            sharing=definition.sharing,
            shape=shape_of(definition),
            legend=legend_of(definition),
            actions=tuple(action for action, decision in decisions.items() if decision.is_allowed),
            state=catalogue.layers[definition.id].state,
            scale=definition.scale,
            accuracy_m=accuracy_m,
            max_age_days=definition.max_age_days,
            release=overview.release,
            published=overview.published,
            mapped=overview.mapped,
            mapped_communes=overview.communes,
            is_stale=_is_stale(definition, overview, now),
            definition=definition,
            columns=tile_columns(definition, decisions["tile"]),
        )


def _is_stale(definition: LayerDefinition, overview: Overview, now: datetime) -> bool:
    if definition.max_age_days is None or overview.content_date is None:
        return False
    return now - overview.content_date > timedelta(days=definition.max_age_days)
