"""Credentials for GitHub: the App's JWT, an installation's token, a person's token, and permissions.

Tokens live in memory only and appear in no `repr`. githubkit's own App strategy is not used: it prints the private key,
shares its token cache across the process and fetches no new token after a 401."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Protocol

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from githubkit import BaseAuthStrategy, GitHub

from app.errors import ConfigurationError
from app.github.failures import Clock, utc_timestamp

Permissions = Mapping[str, str]
"""Maps a permission to `read` or `write`."""

# Only what a review needs: https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps
REVIEW_PERMISSIONS: Permissions = {
    "metadata": "read",
    "contents": "read",
    "pull_requests": "write",
    "issues": "write",
    "checks": "write",
}
FILE_PERMISSIONS: Permissions = {"metadata": "read", "contents": "read"}
READ_PERMISSIONS: Permissions = {"metadata": "read", "contents": "read", "pull_requests": "read"}
_LEVELS = ("", "read", "write", "admin")
# resolveReviewThread needs contents:write. Requested only to resolve a thread; may not be granted.
RESOLVE_PERMISSIONS: Permissions = {
    "metadata": "read",
    "contents": "write",
    "pull_requests": "write",
    "issues": "write",  # the same request edits the summary comment
}


def lacking_permissions(required: Permissions, granted: Permissions) -> dict[str, str]:
    """Return the required permissions that are not granted, or not at the required level."""
    return {
        name: level
        for name, level in required.items()
        if _LEVELS.index(granted.get(name, "")) < _LEVELS.index(level)
    }


def possible_permissions(required: Permissions, granted: Permissions) -> tuple[Permissions, Permissions]:
    """Return the granted and the missing permissions; both empty if the granted ones do not allow reading."""
    lacking = lacking_permissions(required, granted)
    if not lacking or lacking_permissions(READ_PERMISSIONS, granted):
        return {}, {}
    possible = {
        name: granted[name] if name in lacking else required[name] for name in required if name in granted
    }
    return possible, lacking


# https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
JWT_BACKDATED_S = 60
JWT_LIFETIME_S = 540  # GitHub accepts at most 600
JWT_REUSED_S = 480
TOKEN_MARGIN_S = 60.0


class Credential(Protocol):
    """A credential for `Authorization: Bearer`."""

    async def token(self) -> str:
        """Return the current token; may fetch one."""
        ...

    def drop(self, token: str) -> None:
        """Drop a token that GitHub rejected."""
        ...


class FixedToken:
    """A given token, such as `GITHUB_TOKEN`."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        """Return the token."""
        return self._token

    def drop(self, token: str) -> None:
        """Do nothing: there is no other token."""


class AppJwt:
    """The App's JWT, signed with its private key. Raises `ConfigurationError` if the key is not an RSA private key."""

    def __init__(self, *, app_id: str, private_key: str, clock: Clock) -> None:
        self._app_id = app_id
        self._key = parse_private_key(private_key)
        self._clock = clock
        self._signed = ("", 0.0)

    async def token(self) -> str:
        """Return a JWT that is valid for some minutes."""
        token, signed_at = self._signed
        now = self._clock()
        if not token or not signed_at <= now < signed_at + JWT_REUSED_S:
            token = self._sign(int(now))
            self._signed = (token, now)
        return token

    def drop(self, token: str) -> None:
        """Drop the JWT."""
        if self._signed[0] == token:
            self._signed = ("", 0.0)

    def _sign(self, now: int) -> str:
        claims = {"iss": self._app_id, "iat": now - JWT_BACKDATED_S, "exp": now + JWT_LIFETIME_S}
        return jwt.encode(claims, self._key, algorithm="RS256")


@lru_cache(maxsize=1)  # the App has one key, and loading it takes 40 ms
def parse_private_key(pem: str) -> RSAPrivateKey:
    """Parse the App's private key; accepts `\\n` for newlines. Raises `ConfigurationError` for other kinds of keys."""
    try:
        key = load_pem_private_key(pem.replace("\\n", "\n").encode(), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigurationError("The App's private key is not a PEM file of an RSA key.") from error
    if not isinstance(key, RSAPrivateKey):
        raise ConfigurationError("The App's private key is not an RSA key.")
    return key


class InstallationToken:
    """A token that is fetched when needed and cached while it is valid; concurrent callers share one fetch.

    `fetch` returns a token and its `expires_at`. Tokens can have any length:
    https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
    """

    def __init__(self, fetch: Callable[[], Awaitable[tuple[str, str]]], *, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._token = ""
        self._expires_at = 0.0
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        """Return the token; raises `GitHubError` if GitHub grants none."""
        async with self._lock:
            if not self._token or self._clock() >= self._expires_at - TOKEN_MARGIN_S:
                self._token, expires_at = await self._fetch()
                self._expires_at = utc_timestamp(expires_at)
            return self._token

    def drop(self, token: str) -> None:
        """Drop this token, unless another task has replaced it."""
        if self._token == token:
            self._token = ""


class BearerAuth(BaseAuthStrategy, httpx.Auth):
    """Adds a credential to each request, and retries once with a new one after a 401.

    `api_version`, if set, replaces the version that githubkit sends.
    """

    def __init__(self, credential: Credential | None, *, api_version: str | None) -> None:
        self._credential = credential
        self._api_version = api_version

    def get_auth_flow(self, github: "GitHub[BaseAuthStrategy]") -> httpx.Auth:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return this object: it has no state per request."""
        return self

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send the request, and again if GitHub rejects the token and there is a new one."""
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
