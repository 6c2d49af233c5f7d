"""Access to the server: the right host name, no other web site, and beyond this machine a token.

Without the first two a page of any web site, open in a browser on this machine, could use a server
that listens only on loopback: by a name that its DNS turns to 127.0.0.1 (DNS rebinding), or by a
form that the browser posts for it (cross-site request forgery).

Sources: RFC 6750 (bearer tokens); RFC 9110, section 15.5.20 (421); Fetch Metadata, W3C.
"""

import hashlib
import hmac
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dlmath.serving.refusal import Refusal
from dlmath.serving.replies import answer_refusal
from dlmath.serving.sign_in import asking_page, read_token

COOKIE = "dlmath_token"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
# A health check has no token, and learns nothing else.
_OPEN = ("/healthz", "/readyz")
_READING = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Access:
    """The clients that may send requests.

    Attributes:
        names: Host names under which the server is reached.
        any_address: Whether any IP address in the place of a name is right too. No DNS stands
            between an address and its machine, so that it cannot be rebound.
        token: The secret of clients; None where only this machine can send requests.
    """

    names: frozenset[str]
    any_address: bool
    token: str | None

    @classmethod
    def of(cls, host: str, token: str | None, further: Iterable[str] = ()) -> "Access":
        """Return the access of a server that listens on `host`, under `further` names too."""
        own = (*LOOPBACK, host, *further)
        if not is_loopback(host):
            own = (*own, socket.gethostname())  # the full name would wait for a DNS
        names = frozenset(name.lower() for name in own)
        return cls(names, not is_loopback(host), token)

    def knows_host(self, header: str) -> bool:
        """Return whether a Host header names this server."""
        try:
            name = urlsplit(f"//{header}").hostname or ""
            _ = urlsplit(f"//{header}").port
        except ValueError:
            return False
        return name.rstrip(".") in self.names or (self.any_address and _is_address(name))

    def admits(self, headers: Headers) -> bool:
        """Return whether the request shows the token, in the header or the cookie."""
        if self.token is None:
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.is_token(given.strip())
        return _is_same(_cookie(headers.get("cookie", "")), self.cookie)

    @property
    def cookie(self) -> str:
        """The cookie that stands for the token in a browser."""
        return hashlib.sha256((self.token or "").encode(errors="replace")).hexdigest()

    def is_token(self, given: str) -> bool:
        """Compare in a time that does not tell how much of it was right."""
        return _is_same(given, self.token or "")


class Guard:
    """Refuses what `Access` does not admit, before a byte of the body is read."""

    def __init__(self, app: ASGIApp, access: Access):
        self.app = app
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._check_way(scope, headers)
            answer = await self._sign_in(scope, receive)
            if answer is None:
                self._check_token(scope, headers)
        except Refusal as refusal:
            answer = answer_refusal(scope, refusal)
            if refusal.status == 401 and _is_visitor(scope, headers):
                answer = asking_page(was_wrong=scope["method"] == "POST")
        await (answer or self.app)(scope, receive, send)

    def _check_way(self, scope: Scope, headers: Headers) -> None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self.access.knows_host(hosts[0]):
            raise Refusal(421, "This server is not known by that host name.", code="host")
        if scope["method"] not in _READING and _is_foreign(headers, hosts[0]):
            raise Refusal(403, "A page of another site may not ask here.", code="origin")

    def _check_token(self, scope: Scope, headers: Headers) -> None:
        if scope["path"] not in _OPEN and not self.access.admits(headers):
            raise Refusal(
                401, "Send the header Authorization: Bearer TOKEN, or open the page.", code="token"
            )

    async def _sign_in(self, scope: Scope, receive: Receive) -> Response | None:
        """Turn the token of an address or a form into a cookie, so that it stays in no history."""
        if self.access.token is None or scope["path"] != "/":
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["method"] == "POST":
            given = await read_token(scope, receive)
        if not self.access.is_token(given):
            return None
        answer = RedirectResponse("./", 303)  # a proxy may have put the page under a path
        # Lax: a link in a mail leads to the page, and no other site posts with it.
        answer.set_cookie(COOKIE, self.access.cookie, httponly=True, samesite="lax")
        return answer


def _is_visitor(scope: Scope, headers: Headers) -> bool:
    """Return whether a browser asks for the page, and not a program for an answer."""
    return scope["path"] == "/" and "text/html" in headers.get("accept", "")


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a server that listens there."""
    if host.lower() == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _is_same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), wanted.encode(errors="replace"))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_foreign(headers: Headers, host: str) -> bool:
    """Return whether a browser says that the request was made by a page of another site."""
    origins = headers.getlist("origin")
    if origins:  # "null" is the origin of a page that hides its own
        return any(origin.partition("://")[2].lower() != host.lower() for origin in origins)
    return headers.get("sec-fetch-site", "none") not in ("none", "same-origin")


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
