"""The whole profile as one value, and its canonical text."""

from __future__ import annotations

import hashlib
import json

from layers.access.grammar import Grant

from .grammar import CodeList, Commune, Frozen, Holidays, Identity, LayerDefinition, ProfileHeader
from .plot_rules import PlotRules
from .procedures import ProcedureDefinition


class Profile(Frozen):
    """A validated profile. What processes serve is the applied one, read back from the store."""

    header: ProfileHeader
    layers: tuple[LayerDefinition, ...]
    procedures: tuple[ProcedureDefinition, ...] = ()
    codes: tuple[CodeList, ...] = ()
    communes: tuple[Commune, ...] = ()
    holidays: Holidays = Holidays()
    grants: tuple[Grant, ...] = ()
    identities: tuple[Identity, ...] = ()
    plot_rules: tuple[PlotRules, ...] = ()

    def layer(self, layer_id: str) -> LayerDefinition | None:
        for layer in self.layers:  # every rule of every check looks its layer up
            if layer.id == layer_id:
                return layer
        return None

    def procedure(self, procedure_id: str) -> ProcedureDefinition | None:
        return next((procedure for procedure in self.procedures if procedure.id == procedure_id), None)

    def code_list(self, code_list_id: str) -> CodeList | None:
        return next((codes for codes in self.codes if codes.id == code_list_id), None)

    def plots(self, table_id: str) -> PlotRules | None:
        return next((rules for rules in self.plot_rules if rules.id == table_id), None)

    @property
    def commune_layer(self) -> LayerDefinition | None:
        name = self.header.reference_layers.commune
        return self.layer(name) if name else None

    @property
    def parcel_layer(self) -> LayerDefinition:
        found = self.layer(self.header.reference_layers.parcel)
        assert found is not None  # load refuses a profile without it
        return found


def canonical_text(value: Frozen | Grant | tuple[Grant, ...]) -> str:
    """One text for one meaning: sorted keys, no spaces, defaults left out."""
    if isinstance(value, tuple):
        plain: object = [item.model_dump(mode="json", by_alias=True, exclude_defaults=True) for item in value]
    else:
        plain = value.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
