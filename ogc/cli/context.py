"""What every command shares: the database, the caller, two-language output, exit codes.

Exit codes (contracts 2): 0 done whatever the verdict, 1 refused or failed, 2 usage.
"""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import accumulate
from typing import Any, TypeVar

import anyio
import typer
from rich.console import Console
from rich.text import Span, Text

from gis.errors import LienthongError
from layers.access.principal import Principal, operator, with_public
from layers.errors import ForbiddenError, InvalidRequestError, NotFoundError, StoreError
from layers.profile.grammar import Identity
from layers.store.catalogue import Catalogue
from layers.store.cluster import Cluster
from layers.store.connection import Database
from ogc.settings import Settings

T = TypeVar("T")
AnyDict = dict[str, Any]

# neither reads marks of style in what it prints, since names and messages may hold brackets: `marked` is for our own
#: for a person: stderr, so that stdout holds only what `--json` promises or the answer itself
console = Console(stderr=True, markup=False, emoji=False)
output = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
#: stands for a value while a template's marks are read; no template holds it
_PLACE = "\ue000"


def marked(template: str, *values: object) -> Text:
    """A text with marks of style ('[bold]{}[/bold]'): those of the template count, a value's brackets are its own."""
    made, given = Text.from_markup(template.replace("{}", _PLACE), emoji=False), iter(values)
    pieces = [str(next(given)) if letter == _PLACE else letter for letter in made.plain]
    at = list(accumulate(map(len, pieces), initial=0))
    return Text("".join(pieces), spans=[Span(at[span.start], at[span.end], span.style) for span in made.spans])


def database_url(settings: Settings) -> str:
    """The external database, or the private cluster, started when it stands still."""
    if settings.database_url:
        return settings.database_url
    return Cluster.at(settings.data_folder).ensure_started().url


def has_database(settings: Settings) -> bool:
    """One is named, or was made here: nothing is made for whoever only looks at a file."""
    if settings.database_url:
        return True
    try:
        return Cluster.at(settings.data_folder).is_initialised
    except StoreError:  # PostGIS is not installed
        return False


def server_url(settings: Settings) -> str:
    """As the web service logs in: to the private cluster as a role that owns nothing."""
    return settings.database_url or Cluster.at(settings.data_folder).server_url


@asynccontextmanager
async def database(settings: Settings | None = None, *, size: int = 4) -> AsyncIterator[Database]:
    """The database of this machine's settings."""
    known = settings or Settings()
    async with Database.open(database_url(known), size=size, rasters=known.rasters_folder) as opened:
        yield opened


def caller() -> Principal:
    """Commands act as the operator; the event names the person of the operating system."""
    return operator(getpass.getuser())


def principal_named(identity: str | None, catalogue: Catalogue) -> Principal:
    """The operator, or an identity of the applied profile. Raises NotFoundError naming those there are."""
    if identity is None:
        return caller()
    found = _identity(identity, catalogue)
    if found is None:
        known = ", ".join(one.id for one in with_public(catalogue.profile.identities))
        raise NotFoundError(
            f"Không có định danh '{identity}'. Có: {known}.", f"No identity '{identity}'. Known: {known}."
        )
    return Principal(
        found.id, frozenset(found.roles), found.office, found.sector, found.claims, os_user=caller().os_user
    )


def _identity(name: str | None, catalogue: Catalogue) -> Identity | None:
    return next((one for one in with_public(catalogue.profile.identities) if one.id == name), None)


def purposes_named(identity: str | None, catalogue: Catalogue) -> tuple[str, ...] | None:
    """Those an identity of the applied profile is given; None: the operator needs none."""
    found = _identity(identity, catalogue)
    return found.purposes if found else None


def require_operator(identity: str | None) -> None:
    """For commands about the machine and the whole of the policy. Raises ForbiddenError for anybody named."""
    if identity is not None:
        raise ForbiddenError(
            f"Lệnh này chỉ dành cho người vận hành, không chạy thay '{identity}' được; hãy bỏ --as.",
            f"This command is the operator's alone and cannot be run for '{identity}'; leave --as out.",
            reason="operator",
        )


def print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


@contextmanager
def errors_as_exit_codes(*, as_json: bool = False) -> Iterator[None]:
    """A domain error becomes two sentences and exit 1; anything else is a defect and shows itself."""
    try:
        yield
    except LienthongError as error:
        if as_json:
            print_json({"error": _told(error)})
        else:
            console.print(marked("[red]✗[/red] {}", error.message.vi), soft_wrap=True)
            console.print(f"  {error.message.en}", style="dim", highlight=False, soft_wrap=True)
            _show_ways_on(error)
        raise typer.Exit(1) from None


def _told(error: LienthongError) -> AnyDict:
    """An error as data; of invalid inputs each field, as HTTP and `profile validate` have it."""
    found: AnyDict = {"code": error.code, "message": error.message.as_dict()}
    if isinstance(error, InvalidRequestError) and error.fields:
        found["errors"] = [each.as_dict() for each in error.fields]
    return {**found, **error.details}


def _show_ways_on(error: LienthongError) -> None:
    """What was probably meant, and what there is to choose from."""
    for proposal in _listed(error, "proposals"):
        reason = proposal["reason"]
        console.print(
            f"  → {reason['vi']} · {reason['en']} ({proposal['area_m2']} m²)", highlight=False, soft_wrap=True
        )
    if error.details.get("proposals"):
        console.print("  --crs, --axes; --json: 'coordinates' → --coordinates FILE.json", style="dim", highlight=False)
    for choice in _listed(error, "choices"):
        console.print(f"  --key '{choice['key']}'  {choice['label']}", highlight=False, soft_wrap=True)


def _listed(error: LienthongError, name: str) -> list[AnyDict]:
    found = error.details.get(name)
    return found if isinstance(found, list) else []


def run(command: Callable[[], Awaitable[T]], *, as_json: bool = False) -> T:
    """Run an asynchronous command body under the exit-code rules."""
    with errors_as_exit_codes(as_json=as_json):
        return anyio.run(command)
