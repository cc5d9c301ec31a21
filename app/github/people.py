"""Sign people in with GitHub, and find the repositories that they can read and the App is installed on.

The App's user token has access only to what both the App and the person can access. Stores nothing.
https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
"""

import time
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import urlencode

import httpx

from app.domain.viewer import Viewer
from app.errors import GitHubForbidden, GitHubUnavailable
from app.github.addresses import PUBLIC_API_URL, web_url
from app.github.auth import FixedToken
from app.github.client import ApiClient
from app.github.failures import Clock
from app.github.transport import (
    TIMEOUT_S,
    USER_AGENT,
    InstallationThrottle,
    KeptOpenTransport,
    open_transport,
)

PER_PAGE = 100
MAX_PAGES = 100  # 10,000 repositories per installation; further ones are ignored


class GitHubPeople:
    """Signs people in with the App's client id and secret. `transport` replaces the network."""

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        api_url: str = PUBLIC_API_URL,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock = time.time,
    ) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._api_url = api_url
        self._web_url = web_url(api_url)
        self._transport = KeptOpenTransport(transport or open_transport(api_url))
        self._clock = clock

    def authorize_url(self, *, state: str, challenge: str) -> str:
        """Return the URL to send the browser to; GitHub redirects to the App's callback URL."""
        query = {
            "client_id": self._client_id,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._web_url}/login/oauth/authorize?{urlencode(query)}"

    async def exchange(self, code: str, *, verifier: str) -> str:
        """Exchange the browser's code for the person's token.

        Raises:
            GitHubForbidden: GitHub rejects the code.
            GitHubUnavailable: GitHub does not answer, or not in JSON.
        """
        form = {
            "client_id": self._client_id,
            "client_secret": self._client_secret,
            "code": code,
            "code_verifier": verifier,
        }
        headers = {"Accept": "application/json", "User-Agent": USER_AGENT}
        try:
            async with httpx.AsyncClient(
                transport=self._transport, timeout=TIMEOUT_S, trust_env=False
            ) as client:
                url = f"{self._web_url}/login/oauth/access_token"
                answer = await client.post(url, data=form, headers=headers)
            data: Any = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise GitHubUnavailable("GitHub did not answer the sign-in request.") from error
        if not isinstance(data, dict) or not isinstance(token := data.get("access_token"), str):  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            raise GitHubForbidden("GitHub rejected the sign-in code.")
        return token

    async def load_viewer(self, token: str) -> Viewer:
        """Fetch the person and the repositories that the person can read now.

        Raises:
            GitHubError: GitHub does not answer, or rejects the token.
        """
        client = ApiClient(
            FixedToken(token),
            api_url=self._api_url,
            transport=self._transport,
            throttle=InstallationThrottle(clock=self._clock),
            clock=self._clock,
        )
        person = await client.fetch(
            client.rest.users.async_get_authenticated(), to="read the signed-in person"
        )
        found = {
            installation: [each async for each in _repositories(client, installation)]
            for installation in [number async for number in _installations(client)]
        }
        return Viewer(
            login=person["login"],
            repositories={number: frozenset(name for name, _ in each) for number, each in found.items()},
            writable={
                number: frozenset(name for name, may_push in each if may_push)
                for number, each in found.items()
            },
        )


async def _installations(client: ApiClient) -> AsyncGenerator[int]:
    """https://docs.github.com/en/rest/apps/installations#list-app-installations-accessible-to-the-user-access-token"""
    for page in range(1, MAX_PAGES + 1):
        request = client.rest.apps.async_list_installations_for_authenticated_user(
            per_page=PER_PAGE, page=page
        )
        found = (await client.fetch(request, to="list the person's installations"))["installations"]
        for installation in found:
            yield installation["id"]
        if len(found) < PER_PAGE:
            return


async def _repositories(client: ApiClient, installation: int) -> AsyncGenerator[tuple[str, bool]]:
    """Yield names, and whether the person may push: https://docs.github.com/en/rest/apps/installations#list-repositories-accessible-to-the-user-access-token"""
    for page in range(1, MAX_PAGES + 1):
        request = client.rest.apps.async_list_installation_repos_for_authenticated_user(
            installation, per_page=PER_PAGE, page=page
        )
        found = (await client.fetch(request, to="list the person's repositories"))["repositories"]
        for repository in found:
            yield repository["full_name"], bool(repository.get("permissions", {}).get("push"))
        if len(found) < PER_PAGE:
            return
