"""The GitHub App: calls as itself, and creates clients for its installations, each with its own token.

A token has access to one repository, with the requested permissions or fewer if fewer are granted. Keeps clients and
tokens in memory only; never retries.
"""

import time
from collections import OrderedDict
from typing import Any, cast

import anyio
import httpx

from app.errors import GitHubForbidden, GitHubNotFound, GitHubRejected
from app.github.addresses import PUBLIC_API_URL
from app.github.auth import (
    REVIEW_PERMISSIONS,
    AppJwt,
    FixedToken,
    InstallationToken,
    Permissions,
    possible_permissions,
)
from app.github.client import ApiClient, RepositoryClient
from app.github.failures import Clock
from app.github.transport import InstallationThrottle, KeptOpenTransport, Processes, Sleep, open_transport

MAX_CLIENTS = 1_024
_Key = tuple[int, str, tuple[tuple[str, str], ...]]  # installation, repository, permissions


class GitHubApp:
    """The App: calls as itself, and creates clients for its installations.

    `transport` replaces the network (tests: `httpx.ASGITransport`). `processes` returns how many processes share the limits.
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
        self._clients: OrderedDict[_Key, RepositoryClient] = OrderedDict()
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
        permissions: Permissions = REVIEW_PERMISSIONS,
    ) -> RepositoryClient:
        """Return the client for `owner/repo`, whose token has access to that repository only; cached."""
        key = (installation_id, repository.lower(), tuple(sorted(permissions.items())))
        if key not in self._clients:
            self._clients[key] = self._new_client(installation_id, repository, permissions)
            if len(self._clients) > MAX_CLIENTS:
                self._clients.popitem(last=False)
        self._clients.move_to_end(key)
        return self._clients[key]

    def forget(self, installation_id: int) -> None:
        """Drop the clients and tokens of an installation whose permissions changed."""
        for key in [key for key in self._clients if key[0] == installation_id]:
            del self._clients[key]

    async def own_login(self) -> str:
        """Return the login of the App's bot."""
        data = await self.api.fetch(self.api.rest.apps.async_get_authenticated(), to="read the App")
        return f"{data['slug']}[bot]"  # pyright: ignore[reportOptionalSubscript, reportTypedDictNotRequiredAccess]

    async def has_installed(self, installation_id: int, repository: str) -> bool:
        """Whether this installation holds the repository; a token for another one is refused with 422."""
        owner, _, name = repository.partition("/")
        request = self.api.rest.apps.async_get_repo_installation(owner, name)
        try:
            data = await self.api.fetch(request, to=f"find the installation of {repository}")
        except GitHubNotFound:
            return False
        return cast("dict[str, Any]", data)["id"] == installation_id

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.close()

    def _new_client(
        self, installation_id: int, repository: str, permissions: Permissions
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
        self, installation_id: int, repository: str, permissions: Permissions
    ) -> tuple[str, str, Permissions]:
        """Return a token, its expiry and its missing permissions: a token that can only read is still useful."""
        try:
            return *await self._request_token(installation_id, repository, permissions), {}
        except GitHubRejected as error:
            if "not accessible" in str(error) and (
                moved := await self._moved_id(installation_id, repository)
            ):
                return *await self._request_token(installation_id, moved, permissions), {}
            possible, lacking = await self._split_permissions(installation_id, permissions, error)
            if not possible:
                raise GitHubForbidden(
                    f"The installation does not grant access to {repository} or a permission that Quorum needs. Its owner "
                    "must accept the App's permissions.",
                    status=error.status,
                ) from error
            return *await self._request_token(installation_id, repository, possible), lacking

    async def _split_permissions(
        self, installation_id: int, permissions: Permissions, rejection: GitHubRejected
    ) -> tuple[Permissions, Permissions]:
        """Return the granted and the missing permissions; empty if the rejection is not about permissions.

        GitHub rejects a token for an inaccessible repository too, with another message.
        """
        if "permission" not in str(rejection) or "checks" not in permissions:
            return {}, {}
        return possible_permissions(permissions, await self._fetch_granted(installation_id))

    async def _moved_id(self, installation_id: int, repository: str) -> int | None:
        """Return the id of a repository that has another name now; None if it is gone or elsewhere.

        Its old name still leads to it, but a token can be requested by the id only. The token that looks it up can read
        metadata and nothing else.
        """
        token, _ = await self._request_token(installation_id, None, {"metadata": "read"})
        api = ApiClient(
            FixedToken(token),
            api_url=self.api_url,
            transport=self._transport,
            throttle=self._throttle_of(installation_id),
            clock=self._clock,
        )
        owner, _, name = repository.partition("/")
        try:
            data = await api.fetch(api.rest.repos.async_get(owner, name), to=f"find {repository}")
        except GitHubNotFound:
            return None
        found = cast("dict[str, Any]", data)
        is_same_owner = found["owner"]["login"].lower() == owner.lower()
        return found["id"] if is_same_owner and found["full_name"].lower() != repository.lower() else None

    async def _request_token(
        self, installation_id: int, repository: str | int | None, permissions: Permissions
    ) -> tuple[str, str]:
        """Request a token for a repository by its name or id; None for all of the installation."""
        body: dict[str, Any] = {"permissions": dict(permissions)}
        match repository:
            case str():
                body["repositories"] = [repository.partition("/")[2]]
            case int():
                body["repository_ids"] = [repository]
            case None:
                pass
        request = self.api.rest.apps.async_create_installation_access_token(
            installation_id, data=cast("Any", body)
        )
        answer = await self.api.fetch(request, to=f"create a token for {repository or 'metadata'}")
        return answer["token"], answer["expires_at"]

    async def _fetch_granted(self, installation_id: int) -> Permissions:
        request = self.api.rest.apps.async_get_installation(installation_id)
        data = await self.api.fetch(request, to="read an installation's permissions")
        return {name: str(level) for name, level in cast("dict[str, Any]", data)["permissions"].items()}
