"""What is wrong with a body is told by the names that body has.

The rooms below know a subject by the names of `POST /checks`. Whoever sent the same shape under another name, or a
parcel as text, is told of what they sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from pydantic import BaseModel

from layers.errors import InvalidRequestError

Rename = Callable[[str], str]
#: what the rooms below call the subject, and what the text of one parcel is called where it is read
_SUBJECT, _PARCEL = "subject", "parcel"
_UNNAMED = "body"


@contextmanager
def told_by(rename: Rename) -> Iterator[None]:
    """Whatever is refused within is told of the fields that `rename` says."""
    try:
        yield
    except InvalidRequestError as error:
        error.fields = tuple(replace(field, field=rename(field.field)) for field in error.fields)
        raise


def of_subject(subject: BaseModel, place: str = _SUBJECT) -> Rename:
    """Fields of a subject, by the one way in which it was stated; `place` is where it stands ('' for the body)."""
    given = [name for name, value in subject if value is not None]

    def rename(field: str) -> str:
        head, _, rest = field.partition(".")
        if head not in (_SUBJECT, _PARCEL):
            return field
        if len(given) != 1:
            return place or _UNNAMED
        return _joined(place, within(subject, rest if rest.partition(".")[0] == given[0] else given[0]))

    return rename


def of_parcel(parcel: BaseModel | str, place: str) -> Rename:
    """Fields of one parcel that stands at `place`."""

    def rename(field: str) -> str:
        if field.partition(".")[0] not in (_SUBJECT, _PARCEL):
            return field
        rest = field.removeprefix(_SUBJECT).removeprefix(".").removeprefix(_PARCEL).removeprefix(".")
        return _joined(place, within(parcel, rest))

    return rename


def within(body: object, path: str) -> str:
    """As much of a path as the body has: of a text or a table there are no fields."""
    found = list[str]()
    for name in filter(None, path.split(".")):
        if isinstance(body, BaseModel) and name in type(body).model_fields:
            body = getattr(body, name)
        elif isinstance(body, list | tuple) and name.isdecimal() and int(name) < len(body):
            body = body[int(name)]
        else:
            break
        found.append(name)
    return ".".join(found)


def _joined(*parts: str) -> str:
    return ".".join(filter(None, parts)) or _UNNAMED
