"""Clients for GitHub: the App itself, one repository of an installation, a repository with a person's token.

The only place that builds githubkit objects. Their defaults do not suit a service: no timeout, retries of POST,
a process-wide token cache, a new TLS context a request. Never retries; the engine owns retries.
A client belongs to the event loop in which it is first used.
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import anyio
import httpx
from githubkit import GitHub, Response
from githubkit.cache import MemCacheStrategy
from githubkit.exception import GraphQLFailed
from githubkit.graphql import GraphQLError
from githubkit.versions import RestVersionSwitcher

from app.errors import GitHubForbidden, GitHubRateLimited, GitHubRejected
from app.github.addresses import PUBLIC_API_URL, SERVER_API_VERSION, git_url, is_enterprise_server
from app.github.auth import AppJwt, BearerAuth, Credential, FixedToken, InstallationToken
from app.github.failures import Clock, mapped_failures
from app.github.throttle import InstallationThrottle, Processes, Sleep

TIMEOUT_S = 30.0
USER_AGENT = "quorum-review"
KEPT_CLIENTS = 1_024

# What a review needs, and nothing else: https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps
REVIEW_PERMISSIONS: Mapping[str, str] = {
    "metadata": "read",
    "contents": "read",
    "pull_requests": "write",
    "issues": "write",
    "checks": "write",
}
FILE_PERMISSIONS: Mapping[str, str] = {"metadata": "read", "contents": "read"}
READ_PERMISSIONS: Mapping[str, str] = {"metadata": "read", "contents": "read", "pull_requests": "read"}
_LEVELS = ("", "read", "write", "admin")
# resolveReviewThread wants this one; it is asked for when a thread is resolved, and may not be granted.
RESOLVE_PERMISSIONS: Mapping[str, str] = {
    "metadata": "read",
    "contents": "write",
    "pull_requests": "write",
    "issues": "write",  # the summary is edited in the same request
}

J = TypeVar("J")


def lacking_permissions(wanted: Mapping[str, str], granted: Mapping[str, str]) -> dict[str, str]:
    """Those wanted permissions that were not granted, or not as far; name → wanted level."""
    return {
        name: level
        for name, level in wanted.items()
        if _LEVELS.index(granted.get(name, "")) < _LEVELS.index(level)
    }


class KeptOpenTransport(httpx.AsyncBaseTransport):
    """Shares one connection pool between clients that each close their transport after a request."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends the request."""
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Nothing; `close` is for the owner."""

    async def close(self) -> None:
        """Closes the connections."""
        await self._transport.aclose()


def open_transport(api_url: str) -> httpx.AsyncBaseTransport:
    """A connection pool, through the environment's proxy where there is one (HTTPS_PROXY, NO_PROXY)."""
    parts = urlsplit(api_url)
    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    return httpx.AsyncHTTPTransport(proxy=proxy, limits=httpx.Limits(max_connections=64, keepalive_expiry=30))


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
        app: "GitHubApp | None" = None,
    ) -> None:
        super().__init__(credential, api_url=api_url, transport=transport, throttle=throttle, clock=clock)
        self.repository = repository
        self.owner, _, self.repo = repository.partition("/")
        self.installation_id = installation_id
        self.resolving_refused_until_s = (
            0.0  # the owner did not grant contents:write: not asked for again before
        )
        self.lacking: Mapping[str, str] = {}  # permissions that its token wants and does not have
        self._app = app
        self._own_login: str | None = None

    async def own_login(self) -> str:
        """The login under which this client writes: the App's bot, or the person whose token it is."""
        if self._own_login is None:
            if self._app:
                asked = self._app.api.rest.apps.async_get_authenticated()
                said = await self._app.api.fetch(asked, to="tell who the App is")
                self._own_login = f"{said['slug']}[bot]"  # pyright: ignore[reportOptionalSubscript, reportTypedDictNotRequiredAccess]
            else:
                asked_person = self.rest.users.async_get_authenticated()
                self._own_login = (await self.fetch(asked_person, to="tell whose token it is"))["login"]
        return self._own_login

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


class GitHubApp:
    """The App: calls as itself, and makes the clients of its installations.

    `transport` replaces the network (tests: `httpx.ASGITransport`). `processes` tells how many share the limits.
    """

    def __init__(
        self,
        app_id: str | int,
        private_key: str,
        api_url: str = PUBLIC_API_URL,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock = time.time,
        sleep: Sleep = anyio.sleep,
        processes: Processes = lambda: 1,
    ) -> None:
        self.app_id = int(app_id)
        self.api_url = api_url
        self._clock = clock
        self._sleep = sleep
        self._transport = KeptOpenTransport(transport or open_transport(api_url))
        self._processes = processes
        self._throttles: dict[int, InstallationThrottle] = {}
        self._clients: OrderedDict[tuple[int, str, tuple[tuple[str, str], ...]], RepositoryClient] = (
            OrderedDict()
        )
        self.api = ApiClient(
            AppJwt(app_id=str(app_id), private_key=private_key, clock=clock),
            api_url=api_url,
            transport=self._transport,
            throttle=InstallationThrottle(clock=clock),
            clock=clock,
        )

    def installation(
        self,
        installation_id: int,
        repository: str,
        *,
        permissions: Mapping[str, str] = REVIEW_PERMISSIONS,
    ) -> RepositoryClient:
        """The client of `owner/repo`, whose token reaches that repository alone; kept, with its token."""
        key = (installation_id, repository.lower(), tuple(sorted(permissions.items())))
        if key not in self._clients:
            self._clients[key] = self._new_client(installation_id, repository, permissions)
            if len(self._clients) > KEPT_CLIENTS:
                self._clients.popitem(last=False)
        self._clients.move_to_end(key)
        return self._clients[key]

    def forget(self, installation_id: int) -> None:
        """Drops the installation's clients and their tokens: it grants something else from now on."""
        for key in [key for key in self._clients if key[0] == installation_id]:
            del self._clients[key]

    def _new_client(
        self, installation_id: int, repository: str, permissions: Mapping[str, str]
    ) -> RepositoryClient:
        async def fetch() -> tuple[str, str]:
            token, expires_at, client.lacking = await self._fetch_token(
                installation_id, repository, permissions
            )
            return token, expires_at

        client = RepositoryClient(
            InstallationToken(fetch, clock=self._clock),
            repository=repository,
            installation_id=installation_id,
            api_url=self.api_url,
            transport=self._transport,
            throttle=self._throttle_of(installation_id),
            clock=self._clock,
            app=self,
        )
        return client

    def _throttle_of(self, installation_id: int) -> InstallationThrottle:
        if installation_id not in self._throttles:
            throttle = InstallationThrottle(clock=self._clock, sleep=self._sleep, processes=self._processes)
            self._throttles[installation_id] = throttle
        return self._throttles[installation_id]

    async def _fetch_token(
        self, installation_id: int, repository: str, permissions: Mapping[str, str]
    ) -> tuple[str, str, Mapping[str, str]]:
        """The token, its end, and what of the permissions it lacks: what only reads is worth having too."""
        try:
            return *await self._ask_token(installation_id, repository, permissions), {}
        except GitHubRejected as error:
            possible, lacking = await self._narrowed(installation_id, permissions, error)
            if not possible:
                raise GitHubForbidden(
                    f"The installation does not grant {repository} or a permission that Quorum needs; its owner must "
                    "accept the App's permissions.",
                    status=error.status,
                ) from error
            return *await self._ask_token(installation_id, repository, possible), lacking

    async def _narrowed(
        self, installation_id: int, permissions: Mapping[str, str], refusal: GitHubRejected
    ) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """What of the permissions is granted, and what is lacking; nothing where too little is left to read by.

        GitHub also refuses a token for a repository that is out of reach, in other words.
        """
        if "permission" not in str(refusal) or "checks" not in permissions:
            return {}, {}
        granted = await self._fetch_granted(installation_id)
        lacking = lacking_permissions(permissions, granted)
        if not lacking or lacking_permissions(READ_PERMISSIONS, granted):
            return {}, {}
        kept = {
            name: granted[name] if name in lacking else permissions[name]
            for name in permissions
            if name in granted
        }
        return kept, lacking

    async def _ask_token(
        self, installation_id: int, repository: str, permissions: Mapping[str, str]
    ) -> tuple[str, str]:
        body: Any = {
            "repositories": [repository.partition("/")[2]],
            "permissions": dict(permissions),
        }
        asked = self.api.rest.apps.async_create_installation_access_token(installation_id, data=body)
        answer = await self.api.fetch(asked, to=f"give a token for {repository}")
        return answer["token"], answer["expires_at"]

    async def _fetch_granted(self, installation_id: int) -> Mapping[str, str]:
        asked = self.api.rest.apps.async_get_installation(installation_id)
        said = await self.api.fetch(asked, to="tell what an installation grants")
        return {name: str(level) for name, level in cast("dict[str, Any]", said)["permissions"].items()}

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._transport.close()


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
