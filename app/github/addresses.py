"""URLs of GitHub, derived from the API's URL: github.com, GHE.com, GitHub Enterprise Server, the sandbox. Pure."""

import re
from urllib.parse import urlsplit

from app.domain.pull_request import PullRequestRef
from app.errors import InputError

PUBLIC_API_URL = "https://api.github.com"
# GHES does not support the newer version that githubkit sends:
# https://docs.github.com/en/enterprise-server@3.19/rest/about-the-rest-api/api-versions
SERVER_API_VERSION = "2022-11-28"

_SERVER_PATH = "/api/v3"
_PULL_PATH = re.compile(
    r"^/(?P<owner>[\w-]+)/(?P<repo>[\w.-]+)/pull/(?P<number>[1-9]\d{0,17})(?:/.*)?$", re.ASCII
)


def is_enterprise_server(api_url: str) -> bool:
    """Whether this is a GHES, whose API is under `/api/v3`."""
    return urlsplit(api_url).path.rstrip("/").endswith(_SERVER_PATH)


def web_url(api_url: str) -> str:
    """Return the base URL of repositories for people and git, without a trailing slash."""
    parts = urlsplit(api_url)
    if is_enterprise_server(api_url):
        path = parts.path.rstrip("/").removesuffix(_SERVER_PATH)
        return f"{parts.scheme}://{parts.netloc}{path}"
    host = parts.netloc
    if parts.scheme == "https" and host.endswith((".github.com", ".ghe.com")):
        host = host.removeprefix("api.")
    return f"{parts.scheme}://{host}"


def git_url(api_url: str, repository: str) -> str:
    """Return the URL from which git fetches `owner/repo`."""
    return f"{web_url(api_url)}/{repository}.git"


def parse_pull_request_url(url: str, api_url: str = PUBLIC_API_URL) -> PullRequestRef:
    """Parse the URL of a pull request as the browser shows it.

    Raises:
        InputError: the URL is not a pull request's, or its host is not the API's. Tokens are never sent to other hosts.
    """
    parts = urlsplit(url.strip())
    found = _PULL_PATH.match(parts.path)
    if parts.scheme not in ("http", "https") or not found:
        raise InputError(f"{url} is not a pull request URL. Expected https://github.com/OWNER/REPO/pull/123.")
    if parts.netloc.removeprefix("www.") != urlsplit(web_url(api_url)).netloc:
        raise InputError(
            f"{parts.netloc} is not the GitHub of GITHUB_API_URL. For GitHub Enterprise Server, set "
            f"GITHUB_API_URL=https://{parts.netloc}{_SERVER_PATH}."
        )
    return PullRequestRef(owner=found["owner"], repo=found["repo"], number=int(found["number"]))
