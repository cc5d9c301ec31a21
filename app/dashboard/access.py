"""Who may see pages, API and metrics: the token as a bearer, or a cookie that signing in with it gave. Fails closed.

Loopback is no exception: tunnels end there. Only `quorum demo` builds an open one. Never logs a token.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

COOKIE = "quorum_session"
SESSION_S = 12 * 3_600
LONGEST_MOMENT = 12  # digits of the second in which a session ends
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # with `no-referrer` browsers send `Origin: null` on forms, and the check of the origin needs it
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Checks one token. `token` None: open, for the demo on loopback alone."""

    token: str | None = field(repr=False)
    clock: Callable[[], float] = time.time

    def allows(self, request: Request) -> bool:
        """Whether the request carries the token or a session that it signed."""
        if self.token is None or self.has_bearer(request):
            return True
        return self._is_session(request.cookies.get(COOKIE, ""))

    def has_bearer(self, request: Request) -> bool:
        """Whether the request names the token itself, which no browser does on its own."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self.is_token(given.strip())

    def is_token(self, given: str) -> bool:
        """Whether this is the token; in constant time."""
        return self.token is not None and hmac.compare_digest(
            given.encode("utf-8", "replace"), self.token.encode()
        )

    def sign_in(self, request: Request, answer: Response) -> Response:
        """The answer with a session in it."""
        until = int(self.clock()) + SESSION_S
        set_cookie(request, answer, COOKIE, f"{until}.{self._signature(until)}", max_age_s=SESSION_S)
        return answer

    def _is_session(self, cookie: str) -> bool:
        until, _, signature = cookie.partition(".")
        if not (until.isascii() and until.isdigit()) or len(until) > LONGEST_MOMENT:
            return False
        if int(until) < self.clock():
            return False
        return hmac.compare_digest(signature.encode(), self._signature(int(until)).encode())

    def _signature(self, until: int) -> str:
        return hmac.new((self.token or "").encode(), f"session:{until}".encode(), hashlib.sha256).hexdigest()


def set_cookie(
    request: Request, answer: Response, name: str, value: str, *, max_age_s: int, lax: bool = False
) -> None:
    """A cookie that scripts cannot read and other sites cannot use; `lax` for the way back from GitHub alone."""
    answer.set_cookie(
        name,
        value,
        max_age=max_age_s,
        httponly=True,
        secure=request.url.scheme == "https",
        samesite="lax" if lax else "strict",
    )


def is_from_here(request: Request) -> bool:
    """Whether a form was sent by one of our own pages; a request that does not say where it comes from was not.

    https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
    """
    site = request.headers.get("sec-fetch-site")
    if site not in (None, "same-origin"):
        return False
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == request.headers.get("host")


def own_path(wanted: str) -> str:
    """A path of this site to go on to; `/` for anything that might lead elsewhere."""
    plain = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted
    return wanted if plain and wanted.isprintable() else "/"
