"""The configuration can exclude pull requests from review."""

from dataclasses import replace

import pytest

from app.domain.configuration import RepositoryConfig
from app.domain.pull_request import PullRequest, PullRequestRef
from app.domain.review import SkipReason
from app.gather.selection import is_dependency_file, is_dependency_update, skip_reason

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
    ("pull", "config", "reason"),
    [
        (READY, RepositoryConfig(enabled=False), SkipReason.DISABLED),
        (PULL, RepositoryConfig(), SkipReason.DRAFT),
        (READY, RepositoryConfig(ignore_authors=("Alice",)), SkipReason.AUTHOR),
        (READY, RepositoryConfig(ignore_labels=("No-Review",)), SkipReason.LABEL),
        (READY, RepositoryConfig(ignore_branches=("release/*",)), SkipReason.BRANCH),
        (READY, RepositoryConfig(ignore_titles=("wip",)), SkipReason.TITLE),
    ],
)
def test_each_ignore_key_excludes_a_pull_request(
    pull: PullRequest, config: RepositoryConfig, reason: SkipReason
) -> None:
    assert skip_reason(pull, config, trigger="opened", commanded=False) is reason
    commanded = skip_reason(pull, config, trigger="comment:1", commanded=True)
    assert (commanded is None) == config.enabled


def test_drafts_and_pushes_are_reviewed_as_configured() -> None:
    assert skip_reason(PULL, RepositoryConfig(drafts=True), trigger="opened", commanded=False) is None
    quiet = RepositoryConfig(review_on_push=False)
    assert skip_reason(READY, quiet, trigger="synchronize", commanded=False)
    assert skip_reason(READY, quiet, trigger="opened", commanded=False) is None
    paused = skip_reason(READY, RepositoryConfig(), trigger="synchronize", commanded=False, paused=True)
    assert paused is SkipReason.PAUSED


def test_a_person_named_dependabot_is_not_a_bot() -> None:
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
def test_manifests_and_lock_files_are_recognized_by_name(path: str, is_one: bool) -> None:
    assert is_dependency_file(path) == is_one
