"""URLs of github.com, GHE.com, GitHub Enterprise Server and the sandbox."""

import pytest

from app.domain.pull_request import PullRequestRef
from app.errors import InputError
from app.github.addresses import git_url, is_enterprise_server, web_url
from app.github.local import parse_pull_request_url

GHES = "https://github.example.com/api/v3"


@pytest.mark.parametrize(
    ("api_url", "web"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://api.github.com/", "https://github.com"),
        ("https://api.acme.ghe.com", "https://acme.ghe.com"),
        (GHES, "https://github.example.com"),
        ("https://github.example.com:8443/api/v3/", "https://github.example.com:8443"),
        ("http://127.0.0.1:8090", "http://127.0.0.1:8090"),
    ],
)
def test_the_web_url_is_derived_from_the_api_url(api_url: str, web: str) -> None:
    assert web_url(api_url) == web
    assert git_url(api_url, "octo/shop") == f"{web}/octo/shop.git"


def test_the_api_of_a_server_has_its_own_path() -> None:
    assert is_enterprise_server(GHES)
    assert not is_enterprise_server("https://api.github.com")


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/octo/shop/pull/7",
        "https://github.com/octo/shop/pull/7/files#diff-1",
        " https://www.github.com/octo/shop/pull/7?w=1 ",
    ],
)
def test_a_browser_url_identifies_a_pull_request(url: str) -> None:
    assert parse_pull_request_url(url) == PullRequestRef(owner="octo", repo="shop", number=7)


def test_a_url_of_a_server_is_accepted_if_the_api_is_that_server() -> None:
    ref = parse_pull_request_url("https://github.example.com/octo/shop.js/pull/7", GHES)
    assert ref == PullRequestRef(owner="octo", repo="shop.js", number=7)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/octo/shop",
        "https://github.com/octo/shop/issues/7",
        "https://github.com/octo/shop/pull/0",
        "https://github.com/octo/shop/pull/x",
        "https://github.com/../shop/pull/7",
        "ftp://github.com/octo/shop/pull/7",
        "main...HEAD",
        "",
    ],
)
def test_other_urls_are_rejected_with_an_example(url: str) -> None:
    with pytest.raises(InputError, match="Expected https://github.com/OWNER/REPO/pull/123"):
        parse_pull_request_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/octo/shop/pull/7",
        "https://github.com.evil.example/octo/shop/pull/7",
        "https://github.com@evil.example/octo/shop/pull/7",
    ],
)
def test_urls_of_other_hosts_are_rejected(url: str) -> None:
    with pytest.raises(InputError, match="is not the GitHub of GITHUB_API_URL"):
        parse_pull_request_url(url)
