"""Whom `--as` may name."""

from __future__ import annotations

import pytest

from layers.errors import NotFoundError
from layers.profile.profile import Profile
from layers.store.catalogue import Catalogue
from ogc.cli.context import principal_named, purposes_named
from tests.support import extracts


def catalogue(*identities: str) -> Catalogue:
    whole = extracts.profile()
    kept = tuple(one for one in whole.identities if one.id in identities)
    profile: Profile = whole.model_copy(update={"identities": kept})
    return Catalogue(profile, "sha256:0", (), "sha256:0", {})


@pytest.mark.parametrize("named", [(), ("public",)], ids=["not in the profile", "in the profile"])
def test_the_public_may_always_be_named_and_has_no_rights_of_its_own(named: tuple[str, ...]) -> None:
    known = catalogue(*named)
    public = principal_named("public", known)
    assert (public.id, public.roles, public.claims, public.is_operator) == ("public", frozenset(), {}, False)
    assert purposes_named("public", known) == (), "none at all; None would be the operator's, who needs none"


def test_whoever_else_is_not_in_the_profile_is_told_who_is() -> None:
    with pytest.raises(NotFoundError) as refused:
        principal_named("x[/y]", catalogue("construction_reviewer"))
    assert "construction_reviewer, public" in refused.value.message.en
