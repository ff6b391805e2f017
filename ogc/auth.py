"""Who asks: `Authorization: Bearer`, or the cookie of the identity switcher, or nobody (public).

Development tokens exist under `--demo` on loopback only. They are checked against fixed values: one algorithm, one
issuer, one audience, one type, an expiry (access policy 3.5). Whatever does not hold is 401, everywhere, in the same
words. Provinces' own sign-on comes later; outside the demo no token is known, so every token is 401.
"""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from starlette.requests import HTTPConnection, cookie_parser
from starlette.types import Scope

from layers.access.principal import PUBLIC, Principal
from layers.errors import ForbiddenError, UnauthenticatedError
from layers.profile.profile import Profile
from ogc.secrets_folder import signing_key

ALGORITHM = "Ed25519"
ISSUER = "lienthong:development"
AUDIENCE = "lienthong"
TYPE = "at+jwt"
LIFETIME_S = 12 * 3600
SKEW_S = 60
CACHED_TOKENS = 4096
KEY_FILE = "development_token.jwk"
_SCOPE_KEY = "lienthong.caller"
_AUTHENTICATION_KEY = "lienthong.authentication"


@dataclass(frozen=True, slots=True)
class Caller:
    """The principal of a request and the purposes it may name; the first is meant when none is named."""

    principal: Principal
    purposes: tuple[str, ...] = ()


NOBODY = Caller(PUBLIC)


def principal_of(connection: HTTPConnection) -> Principal:
    """The checked caller. A plain call, not a dependency: the middleware has already refused what does not hold."""
    return caller_of(connection).principal


def caller_of(connection: HTTPConnection) -> Caller:
    """KeyError when the app was built without `Authentication`: nobody is never assumed by mistake."""
    caller: Caller = connection.scope[_SCOPE_KEY]
    return caller


async def caller_now(connection: HTTPConnection) -> Caller:
    """Whom the same request would come from at this moment: tokens expire, identities change. Raises
    UnauthenticatedError where it would not be taken any more, UnavailableError."""
    authentication: Authentication = connection.scope[_AUTHENTICATION_KEY]
    return await authentication.caller(connection.scope)


def purpose_of(connection: HTTPConnection, stated: str | None = None) -> str | None:
    """The purpose that counts: the stated one, which must be the caller's, else the caller's first.

    Raises ForbiddenError for a purpose the caller was not given.
    """
    purposes = caller_of(connection).purposes
    if stated is None:
        return purposes[0] if purposes else None
    if stated not in purposes:
        raise ForbiddenError(
            "Bạn không được giao mục đích sử dụng này.", "This purpose was not given to you.", reason="purpose"
        )
    return stated


def make_token(secrets: Path, identity: str, *, now: float | None = None, lifetime_s: int = LIFETIME_S) -> str:
    """A development token for a demo identity, signed with the key of this machine's secrets folder."""
    issued = int(time.time() if now is None else now)
    claims: dict[str, object] = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": identity, "iat": issued, "nbf": issued, "exp": issued + lifetime_s,
    }  # fmt: skip
    key = signing_key(secrets, KEY_FILE)
    return jwt.encode({"alg": ALGORITHM, "typ": TYPE}, claims, key, algorithms=[ALGORITHM])


class TokenVerifier:
    """Checks tokens; one that held is remembered by its digest until it expires, never by its text."""

    def __init__(self, key: OKPKey, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def subject(self, token: str) -> str:
        """The identity a token names. Raises UnauthenticatedError for any defect."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        found = self._known.get(digest)
        if found is None:
            found = self._checked(token)
            self._known[digest] = found
            if len(self._known) > CACHED_TOKENS:
                self._known.popitem(last=False)
        subject, expires = found
        if self._clock() >= expires + SKEW_S:
            self._known.pop(digest, None)
            raise UnauthenticatedError
        return subject

    def _checked(self, token: str) -> tuple[str, float]:
        registry = jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock()),
            leeway=SKEW_S,
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": AUDIENCE},
            sub={"essential": True},
            exp={"essential": True},
            nbf={"essential": True},
        )
        try:
            decoded = jwt.decode(token, self._key, algorithms=[ALGORITHM])
            registry.validate(decoded.claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise UnauthenticatedError from error
        subject, expires = decoded.claims["sub"], decoded.claims["exp"]
        is_sound = isinstance(subject, str) and isinstance(expires, int | float) and not isinstance(expires, bool)
        if decoded.header.get("typ") != TYPE or decoded.header.get("alg") != ALGORITHM or not is_sound:
            raise UnauthenticatedError
        return subject, float(expires)


class DemoIdentities:
    """The identities of the applied profile behind development tokens and the switcher's cookie."""

    def __init__(self, secrets: Path) -> None:
        self._secrets = secrets
        self._key = signing_key(secrets, KEY_FILE)
        self.verifier = TokenVerifier(self._key)
        # cookies do not tell ports apart: another demo on this machine has another key, hence another cookie
        self.cookie = f"lienthong_{self._key.thumbprint()[:8]}"
        self._profile: Profile | None = None
        self._callers: dict[str, Caller] = {}  #: of that very profile

    def token(self, identity: str) -> str:
        return make_token(self._secrets, identity)

    def caller(self, token: str, profile: Profile) -> Caller:
        """Raises UnauthenticatedError when the profile no longer has the identity."""
        subject = self.verifier.subject(token)
        if subject == PUBLIC.id:
            return NOBODY
        if profile is not self._profile:
            self._profile, self._callers = profile, {}
        if subject not in self._callers:
            self._callers[subject] = _caller(profile, subject)
        return self._callers[subject]


def _caller(profile: Profile, subject: str) -> Caller:
    identity = next((identity for identity in profile.identities if identity.id == subject), None)
    if identity is None:
        raise UnauthenticatedError
    principal = Principal(
        identity.id, frozenset(identity.roles), identity.office, identity.sector, dict(identity.claims)
    )
    return Caller(principal, identity.purposes)


def is_loopback(scope: Scope) -> bool:
    """The peer is this machine, and nobody stands behind it: a proxy on loopback speaks for the whole world."""
    host: bytes | None = None
    for name, value in scope["headers"]:
        if name in (b"forwarded", b"x-forwarded-for"):
            return False
        if name == b"host" and host is None:
            host = value
    is_named = host is not None and _is_loopback_name(host.decode("latin-1"))
    return is_named and _is_loopback_address((scope.get("client") or ("",))[0])


@lru_cache(maxsize=1024)
def _is_loopback_address(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def _is_loopback_name(host: str) -> bool:
    """A name that some other server resolves to this machine (DNS rebinding) is not loopback."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return name in ("localhost", "127.0.0.1", "[::1]")


class Authentication:
    """Finds the caller of every request; a token that does not hold is 401, whatever the route."""

    def __init__(self, demo: DemoIdentities | None = None) -> None:
        self.demo = demo

    async def recognise(self, scope: Scope) -> None:
        """The caller of this request, for `caller_of`. Raises UnauthenticatedError."""
        scope[_AUTHENTICATION_KEY] = self
        scope[_SCOPE_KEY] = await self.caller(scope)

    async def caller(self, scope: Scope) -> Caller:
        """Raises UnauthenticatedError."""
        token = _bearer([value for name, value in scope["headers"] if name == b"authorization"])
        if token is None and self.demo is not None:
            token = _cookie(scope, self.demo.cookie)
        return NOBODY if token is None else await self._caller(scope, token)

    async def _caller(self, scope: Scope, token: str) -> Caller:
        if self.demo is None or not is_loopback(scope):
            raise UnauthenticatedError
        catalogue = await scope["app"].state.catalogue.current()
        return self.demo.caller(token, catalogue.profile)

    def told_with(self, scope: Scope, status: int) -> list[tuple[bytes, bytes]]:
        """With a 401 the switcher's cookie goes, so that a person is not shut out by an old one."""
        if status != 401 or self.demo is None:
            return []
        path = str(scope.get("root_path", "")) or "/"
        return [(b"set-cookie", f"{self.demo.cookie}=; Path={path}; Max-Age=0; HttpOnly; SameSite=Strict".encode())]


def _cookie(scope: Scope, wanted: str) -> str | None:
    """Of the first line of cookies; a program sends none."""
    for name, value in scope["headers"]:
        if name == b"cookie":
            return cookie_parser(value.decode("latin-1")).get(wanted)
    return None


def _bearer(given: list[bytes]) -> str | None:
    """The token of the header; None without a header. Any other scheme, or two headers, does not hold."""
    if not given:
        return None
    scheme, _, token = given[0].decode("latin-1").partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise UnauthenticatedError
    return token.strip()
