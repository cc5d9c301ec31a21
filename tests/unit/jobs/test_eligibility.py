"""Which keys of the configuration keep a pull request from being reviewed."""

from dataclasses import replace

import pytest

from app.domain.configuration import RepositoryConfig
from app.domain.pull_request import PullRequest, PullRequestRef
from app.gather.eligibility import is_dependency_file, is_dependency_update, reason_to_leave_out

PULL = PullRequest(
    ref=PullRequestRef(owner="octo", repo="shop", number=7),
    title="WIP: pay",
    body="",
    author="alice",
    author_is_bot=False,
    state="open",
    draft=True,
    labels=("no-review",),
    base_ref="main",
    base_sha="b" * 40,
    head_ref="release/1",
    head_sha="a" * 40,
    head_repository="octo/shop",
)
READY = replace(PULL, draft=False)


@pytest.mark.parametrize(
    ("pull", "config", "said"),
    [
        (READY, RepositoryConfig(enabled=False), "enabled: false"),
        (PULL, RepositoryConfig(), "a draft"),
        (READY, RepositoryConfig(ignore_authors=("Alice",)), "ignore_authors"),
        (READY, RepositoryConfig(ignore_labels=("No-Review",)), "ignore_labels"),
        (READY, RepositoryConfig(ignore_branches=("release/*",)), "ignore_branches"),
        (READY, RepositoryConfig(ignore_titles=("wip",)), "ignore_titles"),
    ],
)
def test_each_key_keeps_a_pull_request_out(pull: PullRequest, config: RepositoryConfig, said: str) -> None:
    assert said in (reason_to_leave_out(pull, config, trigger="opened", commanded=False) or "")
    commanded = reason_to_leave_out(pull, config, trigger="comment:1", commanded=True)
    assert (commanded is None) == config.enabled


def test_drafts_and_pushes_are_reviewed_as_configured() -> None:
    assert reason_to_leave_out(PULL, RepositoryConfig(drafts=True), trigger="opened", commanded=False) is None
    quiet = RepositoryConfig(review_on_push=False)
    assert reason_to_leave_out(READY, quiet, trigger="synchronize", commanded=False)
    assert reason_to_leave_out(READY, quiet, trigger="opened", commanded=False) is None
    paused = reason_to_leave_out(
        READY, RepositoryConfig(), trigger="synchronize", commanded=False, paused_by="bob"
    )
    assert paused == "bob has paused it"


def test_a_person_called_dependabot_is_no_bot() -> None:
    assert is_dependency_update(replace(PULL, author="dependabot", author_is_bot=True))
    assert not is_dependency_update(replace(PULL, author="dependabot"))


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("web/package.json", True),
        ("poetry.lock", True),
        ("requirements/dev.txt", True),
        (".github/workflows/ci.yml", True),
        ("src/package.py", False),
        ("README.md", False),
    ],
)
def test_manifests_and_locks_are_known_by_name(path: str, is_one: bool) -> None:
    assert is_dependency_file(path) == is_one
