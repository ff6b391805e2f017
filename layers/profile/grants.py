"""Grants apart from a profile's folder: read from YAML with places, and held against the applied profile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from gis.errors import Message
from layers.access.grammar import Grant
from layers.errors import FieldError, GrantsError

from .load import worded_errors
from .placed import Placed
from .profile import Profile
from .references import Parts, grant_errors, repeated
from .source import WHOLE_FILE, Location, Source, read, read_text


class _Value(Source):
    """What came as a value and not from a file: an error names the steps to it, no line."""

    def error(self, location: Location, vi: str, en: str) -> FieldError:
        steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
        return FieldError(steps.removeprefix(".") or WHOLE_FILE, Message(vi, en), self.path)


#: characters of a text that somebody sends, and grants in it
LONGEST_TEXT, MOST_GRANTS = 200_000, 500
_NO_SOURCE = _Value("grants", None, None)


def read_grants(path: Path) -> tuple[Placed[Grant], ...]:
    """The grants of a YAML or JSON file, of a folder of them, or of a profile's folder. Raises GrantsError."""
    folder, files = _files(path)
    if not files:
        raise GrantsError([FieldError(WHOLE_FILE, Message("không có tệp quyền nào", "no file of grants"), str(path))])
    return _together(grants_of(read(folder, file)) for file in files)


def parse_grants(name: str, text: str) -> tuple[Placed[Grant], ...]:
    """The grants of a YAML text; a single one need not be a list. Raises GrantsError."""
    if len(text) > LONGEST_TEXT:
        raise GrantsError([FieldError(WHOLE_FILE, Message("quá dài", "too long"), name)])
    source = read_text(name, text)
    _require_few(source.value)
    return _together([grants_of(source)])


def given_grants(values: object) -> tuple[Placed[Grant], ...]:
    """Grants as JSON has them. Raises GrantsError; a field is named `grants[0].rows`."""
    _require_few(values)
    return _together([grants_of(_Value("grants", {"grants": values}, None))])


def _require_few(value: object) -> None:
    listed = value.get("grants") if isinstance(value, dict) else value
    if isinstance(listed, list) and len(listed) > MOST_GRANTS:
        message = Message(f"tối đa {MOST_GRANTS} quyền một lần", f"at most {MOST_GRANTS} grants at a time")
        raise GrantsError([FieldError("grants", message, "grants")])


def unplaced(grants: Iterable[Grant]) -> tuple[Placed[Grant], ...]:
    """Grants that came as values: an error names the grant and the field, no line."""
    return tuple(Placed(_NO_SOURCE, (grant.id,), grant) for grant in grants)


def require_sound(profile: Profile, grants: Sequence[Placed[Grant]]) -> None:
    """Raises GrantsError naming every layer, column, rule or identity the profile does not have."""
    parts = _parts(profile, grants)
    found = [*(error for grant in grants for error in grant_errors(parts, grant)), *repeated(grants)]
    if found:
        raise GrantsError(list(dict.fromkeys(found)))


def grants_of(source: Source) -> Iterator[Placed[Grant] | FieldError]:
    """The grants of one file and what is wrong with it. `{grants: […]}` is what `policy show --json` prints."""
    yield from source.errors
    value = source.value
    at: tuple[str | int, ...] = ()
    if isinstance(value, dict) and isinstance(value.get("grants"), list):
        value, at = value["grants"], ("grants",)
    items = value if isinstance(value, list) else [] if source.errors else [value]
    for number, item in enumerate(items):
        place = (*at, number) if isinstance(value, list) else at
        try:
            yield Placed(source, place, Grant.model_validate(item))
        except ValidationError as error:
            yield from worded_errors(source, place, error)


def _together(files: Iterable[Iterator[Placed[Grant] | FieldError]]) -> tuple[Placed[Grant], ...]:
    found = [each for file in files for each in file]
    errors = [each for each in found if isinstance(each, FieldError)]
    if errors:
        raise GrantsError(errors)
    return tuple(each for each in found if isinstance(each, Placed))


def _files(path: Path) -> tuple[Path, list[Path]]:
    if not path.is_dir():
        return path.parent, [path] if path.is_file() else []
    folder = path / "grants" if (path / "grants").is_dir() else path
    return folder, sorted(folder.glob("*.yaml"))


def _parts(profile: Profile, grants: Sequence[Placed[Grant]]) -> Parts:
    return Parts(
        header=Placed(_NO_SOURCE, (), profile.header),
        layers=[Placed(_NO_SOURCE, (), layer) for layer in profile.layers],
        procedures=[],
        codes=[],
        communes=profile.communes,
        holidays=profile.holidays,
        grants=grants,
        identities=[Placed(_NO_SOURCE, (), identity) for identity in profile.identities],
        unread=frozenset(),
    )
