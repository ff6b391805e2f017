"""Query parameters: an unknown, repeated or invalid one is 400 and named (OGC API Features 1, 7.5 and 7.6)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from copy import copy
from typing import Self, TypeVar

from fastapi import Request as FastApiRequest
from fastapi.dependencies.models import Dependant
from starlette.datastructures import QueryParams
from starlette.requests import Request

from gis.errors import Message
from layers.errors import FieldError, InvalidRequestError

from .negotiation import FORMATS, Forms

T = TypeVar("T")

#: known on every route
COMMON = frozenset({"f", "lang"})


class Parameters:
    """The query of one request, checked against the names its route knows."""

    def __init__(
        self, request: Request, known: Collection[str] = (), *, allow_others: bool = False, forms: Forms | None = None
    ) -> None:
        """`allow_others` leaves names that are not known to the route, which then asks `others`. A route that names `f`
        or `lang` among its own judges their values itself; `forms` are the words of `f` where there are others."""
        self._read(request.query_params.multi_items(), known, allow_others=allow_others, forms=forms)

    @classmethod
    def written(
        cls, query: bytes, known: Collection[str] = (), *, allow_others: bool = False, forms: Forms | None = None
    ) -> Self:
        """Those of a query as it was sent, by the same rules."""
        made = cls.__new__(cls)
        made._read(QueryParams(query).multi_items(), known, allow_others=allow_others, forms=forms)
        return made

    def _read(
        self, given: Iterable[tuple[str, str]], known: Collection[str], *, allow_others: bool, forms: Forms | None
    ) -> None:
        self._values: dict[str, str] = {}
        self._known = COMMON.union(known)
        errors = []
        for name, value in given:
            if not allow_others and name not in self._known:
                errors.append(_unknown(name))
            elif name in self._values:
                errors.append(_error(name, "tham số lặp lại", "given more than once"))
            elif "\0" in value:
                errors.append(_error(name, "chứa ký tự không dùng được", "holds a character that no text has"))
            self._values[name] = value
        judged = {name: text for name, text in self._values.items() if name not in known}
        errors += _errors_of_common(judged, tuple(forms or FORMATS))
        if errors:
            raise invalid(errors)

    @classmethod
    def of(cls, values: Mapping[str, str], known: Collection[str]) -> Self:
        """Those of a question that was kept; they were checked when it was asked."""
        made = cls.__new__(cls)
        made._values, made._known = dict(values), COMMON.union(known)
        return made

    @property
    def values(self) -> Mapping[str, str]:
        """As they were written."""
        return dict(self._values)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __bool__(self) -> bool:
        """True when anything beyond format and language was given."""
        return any(name not in COMMON for name in self._values)

    def others(self, allowed: Collection[str]) -> dict[str, str]:
        """The values of names the route does not know itself, which must be among `allowed`."""
        given = {name: value for name, value in self._values.items() if name not in self._known}
        unknown = [_unknown(name) for name in given if name not in allowed]
        if unknown:
            raise invalid(unknown)
        return given

    def with_default(self, name: str, text: str) -> Self:
        """The same, with a value where none was given."""
        made = copy(self)
        made._values = {name: text, **self._values}
        return made

    def get(self, name: str) -> str | None:
        return self._values.get(name)

    def parsed(self, name: str, parse: Callable[[str], T]) -> T | None:
        """The value read by `parse`, None when absent; ValueError(vi, en) becomes 400."""
        text = self._values.get(name)
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError as error:
            vi, en = error.args if len(error.args) == 2 else ("giá trị không hợp lệ", "not a valid value")
            raise invalid([_error(name, vi, en)]) from error


def _errors_of_common(values: dict[str, str], formats: tuple[str, ...]) -> list[FieldError]:
    errors = []
    if "f" in values and values["f"] not in formats:
        errors.append(_error("f", f"chỉ nhận {' hoặc '.join(formats)}", " or ".join(formats)))
    if values.get("lang", "vi") not in ("vi", "en"):
        errors.append(_error("lang", "chỉ nhận vi hoặc en", "vi or en"))
    return errors


def _unknown(name: str) -> FieldError:
    return _error(name, "tham số không tồn tại", "no such parameter")


def _error(name: str, vi: str, en: str) -> FieldError:
    return FieldError(name, Message(vi, en))


def invalid(errors: list[FieldError]) -> InvalidRequestError:
    """One error that names every parameter that cannot be used."""
    vi = "; ".join(f"{error.field}: {error.message.vi}" for error in errors)
    en = "; ".join(f"{error.field}: {error.message.en}" for error in errors)
    return InvalidRequestError(f"Tham số không dùng được: {vi}.", f"Parameters that cannot be used: {en}.", errors)


def unknown(name: str) -> InvalidRequestError:
    """The error of a parameter that the route does not have, for one that it does not have for this caller."""
    return invalid([_unknown(name)])


def invalid_value(name: str, vi: str, en: str) -> InvalidRequestError:
    return invalid([_error(name, vi, en)])


def boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("chỉ nhận true hoặc false", "true or false")
    return text == "true"


def one_of(*allowed: str) -> Callable[[str], str]:
    """A parser of fixed words."""

    def parse(text: str) -> str:
        if text not in allowed:
            listed = ", ".join(allowed)
            raise ValueError(f"chỉ nhận {listed}", f"one of {listed}")
        return text

    return parse


def whole_number(least: int) -> Callable[[str], int]:
    """A parser of decimal digits not below `least`."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 18) or int(text) < least:
            raise ValueError(f"cần một số nguyên từ {least}", f"a whole number from {least} is needed")
        return int(text)

    return parse


async def refuse_unknown(request: FastApiRequest) -> None:
    """For routes declared with FastAPI: what they did not declare is unknown."""
    route = request.scope.get("route")
    dependant = getattr(route, "dependant", None)
    if dependant is not None:
        Parameters(request, _declared(dependant))


def _declared(dependant: Dependant) -> frozenset[str]:
    own = {field.alias for field in dependant.query_params}
    return frozenset(own.union(*(_declared(inner) for inner in dependant.dependencies)))
