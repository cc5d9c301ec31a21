"""Clients for GitHub's API: as any credential, and about one repository.

The only place that builds githubkit objects. Their defaults do not suit a service: no timeout, retries of POST,
a process-wide token cache, a new TLS context a request. Never retries; the engine owns retries.
A client belongs to the event loop in which it is first used.
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
from app.github.auth import BearerAuth, Credential, FixedToken
from app.github.failures import Clock, mapped_failures
from app.github.permissions import RESOLVE_PERMISSIONS, Permissions
from app.github.throttle import InstallationThrottle
from app.github.transport import TIMEOUT_S, USER_AGENT, KeptOpenTransport, open_transport

J = TypeVar("J")


class ApiClient:
    """Calls GitHub as one credential and speaks in `GitHubError`s."""

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
            trust_env=False,  # no ~/.netrc; the transport knows the proxy
            async_transport=transport,
            cache_strategy=MemCacheStrategy(),
            http_cache=False,
            throttler=throttle,
            auto_retry=False,
            rest_api_validate_body=False,
        )

    @property
    def rest(self) -> RestVersionSwitcher:
        """githubkit's REST methods; await what they return through `fetch` or `send`."""
        return self._github.rest

    async def send(self, answer: Awaitable[Response[Any, J]], *, to: str) -> Response[Any, J]:
        """The answer to a request; `to` says what for, in the words of an error."""
        with self._guarded(to):
            return await answer

    async def fetch(self, answer: Awaitable[Response[Any, J]], *, to: str) -> J:
        """The JSON of an answer, typed but unchecked: githubkit's models refuse real answers."""
        response = await self.send(answer, to=to)
        with mapped_failures(to=to, clock=self._clock):
            return response.json()

    async def graphql(self, document: str, variables: dict[str, Any], *, to: str) -> dict[str, Any]:
        """The data of a document that must succeed as a whole."""
        with self._guarded(to):
            return await self._github.graphql.arequest(document, variables)

    async def graphql_partly(
        self, document: str, variables: dict[str, Any], *, to: str
    ) -> tuple[dict[str, Any], list[GraphQLError]]:
        """The data and the errors of a document whose parts may fail; raises where there is no data at all."""
        with self._guarded(to):
            try:
                return await self._github.graphql.arequest(document, variables), []
            except GraphQLFailed as failed:
                if failed.response.data is None:
                    raise
                return failed.response.data, failed.response.errors or []

    @contextmanager
    def _guarded(self, to: str) -> Generator[None]:
        """Maps failures; after a limit that GitHub reports, the installation's requests wait in their queue."""
        try:
            with mapped_failures(to=to, clock=self._clock):
                yield
        except GitHubRateLimited as error:
            if error.status is not None:  # None: the throttle's own
                self._throttle.hold(error.retry_after_s)
            raise

    async def token(self) -> str:
        """The credential's token, for git."""
        return await self._credential.token() if self._credential else ""


class Issuer(Protocol):
    """Who makes an installation's clients: the App."""

    async def own_login(self) -> str:
        """The login under which its installations write."""
        ...

    def installation(
        self, installation_id: int, repository: str, *, permissions: Permissions
    ) -> "RepositoryClient":
        """The client with these permissions."""
        ...


class RepositoryClient(ApiClient):
    """Calls about one repository."""

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
        app: Issuer | None = None,
    ) -> None:
        super().__init__(credential, api_url=api_url, transport=transport, throttle=throttle, clock=clock)
        self.repository = repository
        self.owner, _, self.repo = repository.partition("/")
        self.installation_id = installation_id
        self.resolving_refused_until_s = 0.0  # contents:write is not granted: not asked for again before
        self.lacking: Permissions = {}  # permissions that its token wants and does not have
        self._app = app
        self._own_login: str | None = None

    async def own_login(self) -> str:
        """The login under which this client writes: the App's bot, or the person whose token it is."""
        if self._own_login is None:
            self._own_login = await (self._app.own_login() if self._app else self._fetch_person())
        return self._own_login

    async def _fetch_person(self) -> str:
        asked = self.rest.users.async_get_authenticated()
        return (await self.fetch(asked, to="tell whose token it is"))["login"]

    @property
    def git_url(self) -> str:
        """Where git fetches this repository."""
        return git_url(self.api_url, self.repository)

    def resolving(self) -> "RepositoryClient":
        """The client that may resolve threads: with contents:write in an installation, itself otherwise."""
        if self._app is None or self.installation_id is None:
            return self
        wanted = {name: level for name, level in RESOLVE_PERMISSIONS.items() if name not in self.lacking}
        return self._app.installation(self.installation_id, self.repository, permissions=wanted)


def token_client(
    token: str,
    repository: str,
    api_url: str = PUBLIC_API_URL,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock = time.time,
) -> RepositoryClient:
    """A client with a token that somebody else made (`GITHUB_TOKEN`)."""
    return RepositoryClient(
        FixedToken(token),
        repository=repository,
        api_url=api_url,
        transport=KeptOpenTransport(transport or open_transport(api_url)),
        throttle=InstallationThrottle(clock=clock),
        clock=clock,
    )
