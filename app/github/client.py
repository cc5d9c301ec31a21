"""Clients for GitHub's API: with any credential, and for one repository.

The only place that creates githubkit objects. Their defaults do not suit a service: no timeout, retries of POST,
a token cache per process, a new TLS context per request. Never retries: the engine does.
A client belongs to the event loop that first uses it.
"""

import time
from collections.abc import Awaitable, Generator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import httpx
from githubkit import GitHub, Response
from githubkit.cache import MemCacheStrategy
from githubkit.exception import GraphQLFailed
from githubkit.graphql import GraphQLError
from githubkit.versions import RestVersionSwitcher

from app.errors import GitHubRateLimited
from app.github.addresses import PUBLIC_API_URL, SERVER_API_VERSION, git_url, is_enterprise_server
from app.github.auth import RESOLVE_PERMISSIONS, BearerAuth, Credential, FixedToken, Permissions
from app.github.failures import Clock, mapped_failures
from app.github.transport import (
    TIMEOUT_S,
    USER_AGENT,
    InstallationThrottle,
    KeptOpenTransport,
    open_transport,
)

J = TypeVar("J")


class ApiClient:
    """Calls GitHub with one credential; all methods raise `GitHubError`s."""

    def __init__(
        self,
        credential: Credential | None,
        *,
        api_url: str,
        transport: httpx.AsyncBaseTransport,
        throttle: InstallationThrottle,
        clock: Clock = time.time,
    ) -> None:
        self.api_url = api_url
        self._credential = credential
        self._throttle = throttle
        self._clock = clock
        self._github = GitHub(
            BearerAuth(credential, api_version=SERVER_API_VERSION if is_enterprise_server(api_url) else None),
            base_url=api_url,
            user_agent=USER_AGENT,
            timeout=TIMEOUT_S,
            trust_env=False,  # no ~/.netrc; the transport handles the proxy
            async_transport=transport,
            cache_strategy=MemCacheStrategy(),
            http_cache=False,
            throttler=throttle,
            auto_retry=False,
            rest_api_validate_body=False,
        )

    @property
    def rest(self) -> RestVersionSwitcher:
        """githubkit's REST methods; pass what they return to `fetch` or `send`."""
        return self._github.rest

    async def send(self, answer: Awaitable[Response[Any, J]], *, to: str) -> Response[Any, J]:
        """Send a request; in error messages, `to` completes "GitHub refused to …"."""
        with self._guarded(to):
            return await answer

    async def fetch(self, answer: Awaitable[Response[Any, J]], *, to: str) -> J:
        """Return the response's JSON, typed but not validated: githubkit's models reject real responses."""
        response = await self.send(answer, to=to)
        with mapped_failures(to=to, clock=self._clock):
            return response.json()

    async def graphql(self, document: str, variables: dict[str, Any], *, to: str) -> dict[str, Any]:
        """Run a document; all of it must succeed."""
        with self._guarded(to):
            return await self._github.graphql.arequest(document, variables)

    async def graphql_partly(
        self, document: str, variables: dict[str, Any], *, to: str
    ) -> tuple[dict[str, Any], list[GraphQLError]]:
        """Run a document whose parts can fail; return data and errors. Raises if there is no data."""
        with self._guarded(to):
            try:
                return await self._github.graphql.arequest(document, variables), []
            except GraphQLFailed as failed:
                if failed.response.data is None:
                    raise
                return failed.response.data, failed.response.errors or []

    @contextmanager
    def _guarded(self, to: str) -> Generator[None]:
        """Map failures; if GitHub reports a limit, hold the installation's requests."""
        try:
            with mapped_failures(to=to, clock=self._clock):
                yield
        except GitHubRateLimited as error:
            if error.status is not None:  # None: raised by the throttle
                self._throttle.hold(error.retry_after_s)
            raise

    async def token(self) -> str:
        """Return the credential's token, for git."""
        return await self._credential.token() if self._credential else ""


class ClientFactory(Protocol):
    """Creates an installation's clients; implemented by the App."""

    app_id: int

    async def own_login(self) -> str:
        """Return the login that installations write as."""
        ...

    def installation(
        self, installation_id: int, repository: str, *, permissions: Permissions
    ) -> "RepositoryClient":
        """Return a client with these permissions."""
        ...


class RepositoryClient(ApiClient):
    """A client for one repository."""

    def __init__(
        self,
        credential: Credential,
        *,
        repository: str,
        api_url: str,
        transport: httpx.AsyncBaseTransport,
        throttle: InstallationThrottle,
        clock: Clock = time.time,
        installation_id: int | None = None,
        app: ClientFactory | None = None,
    ) -> None:
        super().__init__(credential, api_url=api_url, transport=transport, throttle=throttle, clock=clock)
        self.repository = repository
        self.owner, _, self.repo = repository.partition("/")
        self.installation_id = installation_id
        self.resolving_refused_until_s = 0.0  # contents:write was denied and is not requested again before
        self.lacking: Permissions = {}  # requested permissions that the token does not have
        self._app = app
        self.app_id = app.app_id if app else None  # None: a person's token
        self._own_login: str | None = None

    async def own_login(self) -> str:
        """Return the login that this client writes as: the App's bot, or the owner of the token."""
        if self._own_login is None:
            self._own_login = await (self._app.own_login() if self._app else self._fetch_person())
        return self._own_login

    async def _fetch_person(self) -> str:
        request = self.rest.users.async_get_authenticated()
        return (await self.fetch(request, to="read the token's owner"))["login"]

    @property
    def git_url(self) -> str:
        """The URL from which git fetches this repository."""
        return git_url(self.api_url, self.repository)

    def resolving(self) -> "RepositoryClient":
        """Return a client that can resolve threads: in an installation one with contents:write, otherwise this one."""
        if self._app is None or self.installation_id is None:
            return self
        permissions = {name: level for name, level in RESOLVE_PERMISSIONS.items() if name not in self.lacking}
        return self._app.installation(self.installation_id, self.repository, permissions=permissions)


def token_client(
    token: str,
    repository: str,
    api_url: str = PUBLIC_API_URL,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock = time.time,
) -> RepositoryClient:
    """Create a client with a given token (`GITHUB_TOKEN`)."""
    return RepositoryClient(
        FixedToken(token),
        repository=repository,
        api_url=api_url,
        transport=KeptOpenTransport(transport or open_transport(api_url)),
        throttle=InstallationThrottle(clock=clock),
        clock=clock,
    )
