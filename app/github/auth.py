"""Who Quorum is towards GitHub: the App's JWT, an installation's token, a person's token.

Tokens live in memory only and appear in no `repr`. githubkit's own App strategy is not used: it prints the private key,
shares its token cache over the whole process and mints no new token after a 401.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import lru_cache
from typing import Protocol

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from githubkit import BaseAuthStrategy, GitHub

from app.errors import ConfigurationError
from app.github.failures import Clock, utc_timestamp

# https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
JWT_BACKDATED_S = 60
JWT_LIFETIME_S = 540  # GitHub takes at most 600
JWT_REUSED_S = 480
TOKEN_MARGIN_S = 60.0


class Credential(Protocol):
    """Something that can be put behind `Authorization: Bearer`."""

    async def token(self) -> str:
        """The current token; may fetch one."""
        ...

    def drop(self, token: str) -> None:
        """Forgets a token that GitHub refused."""
        ...


class FixedToken:
    """A token that somebody else made, such as `GITHUB_TOKEN`."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        """The token."""
        return self._token

    def drop(self, token: str) -> None:
        """Nothing: there is no other."""


class AppJwt:
    """The App's own JWT, signed with its private key. Raises `ConfigurationError` where that is no RSA key."""

    def __init__(self, *, app_id: str, private_key: str, clock: Clock) -> None:
        self._app_id = app_id
        self._key = parse_private_key(private_key)
        self._clock = clock
        self._signed = ("", 0.0)

    async def token(self) -> str:
        """A JWT that is good for some minutes."""
        token, signed_at = self._signed
        now = self._clock()
        if not token or not signed_at <= now < signed_at + JWT_REUSED_S:
            token = self._sign(int(now))
            self._signed = (token, now)
        return token

    def drop(self, token: str) -> None:
        """Forgets the JWT."""
        if self._signed[0] == token:
            self._signed = ("", 0.0)

    def _sign(self, now: int) -> str:
        claims = {"iss": self._app_id, "iat": now - JWT_BACKDATED_S, "exp": now + JWT_LIFETIME_S}
        return jwt.encode(claims, self._key, algorithm="RS256")


@lru_cache(maxsize=1)  # the App has one; to check that it is sound takes 40 ms
def parse_private_key(pem: str) -> RSAPrivateKey:
    """The App's key, also where a variable holds it with `\\n` for its newlines. Raises `ConfigurationError`."""
    try:
        key = load_pem_private_key(pem.replace("\\n", "\n").encode(), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigurationError("The App's private key is no PEM text of an RSA key.") from error
    if not isinstance(key, RSAPrivateKey):
        raise ConfigurationError("The App's private key is no RSA key.")
    return key


class InstallationToken:
    """A token that is fetched when needed, kept while it is good, and fetched once for many who wait.

    `fetch` returns a token and its `expires_at`. Tokens are of any length:
    https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
    """

    def __init__(self, fetch: Callable[[], Awaitable[tuple[str, str]]], *, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._token = ""
        self._expires_at = 0.0
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        """The token; raises `GitHubError` where none is given."""
        async with self._lock:
            if not self._token or self._clock() >= self._expires_at - TOKEN_MARGIN_S:
                self._token, expires_at = await self._fetch()
                self._expires_at = utc_timestamp(expires_at)
            return self._token

    def drop(self, token: str) -> None:
        """Forgets the token if it is still this one: somebody else may have fetched a new one meanwhile."""
        if self._token == token:
            self._token = ""


class BearerAuth(BaseAuthStrategy, httpx.Auth):
    """Puts a credential on each request, and after a 401 a new one, once.

    `api_version` is sent where it is given; it replaces the one that githubkit sends.
    """

    def __init__(self, credential: Credential | None, *, api_version: str | None) -> None:
        self._credential = credential
        self._api_version = api_version

    def get_auth_flow(self, github: "GitHub[BaseAuthStrategy]") -> httpx.Auth:  # pyright: ignore[reportIncompatibleMethodOverride]
        """This very object: the flow holds no state of a request."""
        return self

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """The request, and its repetition where the token was refused and there is another."""
        if self._api_version:
            request.headers["X-GitHub-Api-Version"] = self._api_version
        if self._credential is None:
            yield request
            return
        token = await self._credential.token()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code != 401:
            return
        self._credential.drop(token)
        renewed = await self._credential.token()
        if renewed != token:
            request.headers["Authorization"] = f"Bearer {renewed}"
            yield request
