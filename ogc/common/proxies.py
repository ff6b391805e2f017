"""Where the service lies for whoever asks: its path prefix, and what proxies in front say of scheme, host, caller.

Only a peer of the trusted networks is believed, and of several values the last one: that is what it wrote itself.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from starlette.datastructures import Headers
from starlette.types import Scope

from layers.errors import RefusedError

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
#: segments of letters that need no encoding; no '//' that a browser could read as another host
_PREFIX = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*){1,8}")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(text: str) -> tuple[Network, ...]:
    """Addresses and networks, separated by commas. Raises RefusedError for what is neither."""
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise RefusedError(
            f"LIENTHONG_TRUSTED_PROXIES không hợp lệ: '{text}'. Ví dụ: 127.0.0.0/8,::1,10.0.0.5.",
            f"LIENTHONG_TRUSTED_PROXIES cannot be read: '{text}'. For example: 127.0.0.0/8,::1,10.0.0.5.",
        ) from error


def prefix(text: str) -> str:
    """A path prefix with a slash before and none after; '' for none. Raises RefusedError."""
    made = "/" + text.strip().strip("/")
    if made == "/":
        return ""
    if not _PREFIX.fullmatch(made):
        raise RefusedError(
            f"Đường dẫn gốc không hợp lệ: '{text}'. Ví dụ: /gis.", f"Not a path prefix: '{text}'. For example: /gis."
        )
    return made


def path_below(scope: Scope) -> str:
    """The path below the prefix, whether the proxy in front takes it off or not."""
    path, root = str(scope["path"]), str(scope.get("root_path", "")).rstrip("/")
    is_below = root and (path == root or path.startswith(f"{root}/"))
    return (path[len(root) :] if is_below else path) or "/"


def first_step(path: str) -> str:
    """What stands between the first slashes."""
    return path.lstrip("/").partition("/")[0]


@dataclass(frozen=True, slots=True)
class _Said:
    """What a trusted peer says of the request it passes on; None where it says nothing usable."""

    scheme: str | None
    host: str | None
    prefix: str | None
    caller: str | None


class Place:
    """What is believed of where the service lies."""

    def __init__(self, root_path: str, trusted: Iterable[Network]) -> None:
        self.root_path = root_path
        self.trusted = tuple(trusted)

    def settle(self, scope: Scope) -> None:
        """From here on scheme, Host, root_path and client are those of the caller, not of a proxy."""
        scope["root_path"] = self.root_path
        if _says(scope) and self._trusts((scope.get("client") or ("",))[0]):
            self._take(scope, _said(Headers(scope=scope), self))

    def _take(self, scope: Scope, said: _Said) -> None:
        if said.scheme:
            scope["scheme"] = said.scheme
        if said.host:
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope["headers"] = [(b"host", said.host.encode()), *others]
        if said.prefix is not None:
            scope["root_path"] = said.prefix
        if said.caller:
            scope["client"] = (said.caller, 0)

    def _trusts(self, address: str) -> bool:
        found = _address(address)
        return found is not None and any(found in network for network in self.trusted)

    def first_foreign(self, addresses: Iterable[str]) -> str | None:
        """The nearest address that is not a trusted proxy's, from the last to the first, in its one usual form; no
        farther than to what is no address: who stands behind it is not known."""
        farthest = None
        for each in reversed([each.strip() for each in addresses if each.strip()]):
            found = _address(_bare(each))
            if found is None:
                break
            farthest = str(found)
            if not self._trusts(farthest):
                break
        return farthest


def _says(scope: Scope) -> bool:
    """Whether anything is said at all: most are asked without a proxy."""
    return any(name.startswith((b"x-forwarded-", b"forwarded")) for name, _ in scope["headers"])


def _said(headers: Headers, place: Place) -> _Said:
    """By Forwarded (RFC 7239) and by X-Forwarded-*; where both speak and differ, one of them is not the proxy's."""
    elements = list(_forwarded(_whole(headers, "forwarded")))
    last = elements[-1] if elements else {}
    proto = _agreed(last.get("proto"), _last(_whole(headers, "x-forwarded-proto")))
    host = _agreed(last.get("host"), _last(_whole(headers, "x-forwarded-host")))
    given = _last(_whole(headers, "x-forwarded-prefix"))
    named = place.first_foreign(each["for"] for each in elements if "for" in each)
    listed = place.first_foreign(_whole(headers, "x-forwarded-for").split(","))
    return _Said(
        scheme=proto if proto in ("http", "https") else None,
        host=host if host and _HOST.fullmatch(host) else None,
        prefix=_usable_prefix(given),
        caller=_agreed(named, listed),
    )


def _whole(headers: Headers, name: str) -> str:
    """All lines of a header as one: some proxies write a line of their own under the caller's."""
    return ",".join(headers.getlist(name))


def _forwarded(header: str) -> Iterator[dict[str, str]]:
    for element in header.split(","):
        pairs = (pair.partition("=") for pair in element.split(";"))
        found = {name.strip().lower(): value.strip().strip('"') for name, mark, value in pairs if mark}
        if found:
            yield found


def _agreed(one: str | None, other: str | None) -> str | None:
    if one and other and one.lower() != other.lower():
        return None
    return one or other


def _usable_prefix(given: str | None) -> str | None:
    if not given:
        return None
    stripped = given.rstrip("/")
    return stripped if stripped == "" or _PREFIX.fullmatch(stripped) else None


def _last(header: str) -> str | None:
    return header.rpartition(",")[2].strip() or None


def _bare(address: str) -> str:
    """Without a port, and without the brackets of IPv6."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


@lru_cache(maxsize=1024)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
