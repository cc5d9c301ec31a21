"""Controls access to pages, API, and metrics: by bearer token, or by the session cookie set at sign-in. Fails closed.

Loopback connections also need the token, because tunnels end there. Only `quorum demo` grants open access.
Every answer of the server has `nosniff` and `no-store`; pages have more headers. Never logs a token.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "quorum_session"
SESSION_S = 12 * 3_600
MAX_EXPIRY_DIGITS = 12
ANSWER_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # with `no-referrer`, browsers send `Origin: null` with forms, and `is_same_origin` would reject them
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    **ANSWER_HEADERS,
}


class AnswerHeaders:
    """ASGI middleware that sets `ANSWER_HEADERS` on every answer, whichever route or error it comes from."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add the headers when the answer starts."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(ANSWER_HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)


async def answer_failure(request: Request, error: Exception) -> Response:
    """Answer 500 without details; the server logs the error. This answer does not pass through the middleware."""
    del request, error
    return JSONResponse({"error": "Quorum could not answer this request."}, 500, ANSWER_HEADERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardAccess:
    """Checks the token; `token` None grants open access, for the demo on loopback only."""

    token: str | None = field(repr=False)
    clock: Callable[[], float] = time.time

    def allows(self, request: Request) -> bool:
        """Whether the request has the token or a valid session cookie."""
        if self.token is None or self.has_bearer(request):
            return True
        return self._is_session(request.cookies.get(COOKIE, ""))

    def has_bearer(self, request: Request) -> bool:
        """Whether the request has the token itself, which browsers do not send on their own."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self.is_token(given.strip())

    def is_token(self, given: str) -> bool:
        """Whether this is the token, compared in constant time."""
        return self.token is not None and hmac.compare_digest(
            given.encode("utf-8", "replace"), self.token.encode()
        )

    def sign_in(self, request: Request, response: Response) -> Response:
        """Set a session cookie on the response."""
        expires_at = int(self.clock()) + SESSION_S
        value = f"{expires_at}.{self._signature(expires_at)}"
        set_cookie(request, response, COOKIE, value, max_age_s=SESSION_S)
        return response

    def _is_session(self, cookie: str) -> bool:
        expires_at, _, signature = cookie.partition(".")
        if not (expires_at.isascii() and expires_at.isdigit()) or len(expires_at) > MAX_EXPIRY_DIGITS:
            return False
        if int(expires_at) < self.clock():
            return False
        return hmac.compare_digest(signature.encode(), self._signature(int(expires_at)).encode())

    def _signature(self, expires_at: int) -> str:
        key, message = (self.token or "").encode(), f"session:{expires_at}".encode()
        return hmac.new(key, message, hashlib.sha256).hexdigest()


def set_cookie(
    request: Request, response: Response, name: str, value: str, *, max_age_s: int, lax: bool = False
) -> None:
    """Set a cookie that scripts cannot read and other sites cannot use; `lax` only for the redirect from GitHub."""
    response.set_cookie(
        name,
        value,
        max_age=max_age_s,
        httponly=True,
        secure=request.url.scheme == "https",
        samesite="lax" if lax else "strict",
    )


def is_same_origin(request: Request) -> bool:
    """Whether one of our own pages submitted a form; false if the request does not name its origin.

    https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
    """
    site = request.headers.get("sec-fetch-site")
    if site not in (None, "same-origin"):
        return False
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == request.headers.get("host")


def own_path(path: str) -> str:
    """Return the path if it is on this site, otherwise `/`."""
    is_local = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if is_local and path.isprintable() else "/"
