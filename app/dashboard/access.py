"""Who may see pages, API and metrics: the token as a bearer, or a cookie that signing in with it gave. Fails closed.

Loopback is no exception: tunnels end there. Only `quorum demo` builds an open one. Never logs a token.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

COOKIE = "quorum_session"
SESSION_S = 12 * 3_600
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Checks one token. `token` None: open, for the demo on loopback alone."""

    token: str | None = field(repr=False)
    clock: Callable[[], float] = time.time
    secure_cookie: bool = False

    def allows(self, request: Request) -> bool:
        """Whether the request carries the token or a session that it signed."""
        if self.token is None:
            return True
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(given.strip()):
            return True
        return self._is_session(request.cookies.get(COOKIE, ""))

    def is_token(self, given: str) -> bool:
        """Whether this is the token; in constant time."""
        return self.token is not None and hmac.compare_digest(given.encode(), self.token.encode())

    def sign_in(self, *, to: str = "/") -> Response:
        """A redirect that carries a session."""
        answer = RedirectResponse(to, status_code=303)
        until = int(self.clock()) + SESSION_S
        answer.set_cookie(
            COOKIE,
            f"{until}.{self._signature(until)}",
            max_age=SESSION_S,
            httponly=True,
            secure=self.secure_cookie,
            samesite="strict",
        )
        return answer

    def _is_session(self, cookie: str) -> bool:
        until, _, signature = cookie.partition(".")
        if not until.isascii() or not until.isdigit() or int(until) < self.clock():
            return False
        return hmac.compare_digest(signature.encode(), self._signature(int(until)).encode())

    def _signature(self, until: int) -> str:
        return hmac.new((self.token or "").encode(), f"session:{until}".encode(), hashlib.sha256).hexdigest()
