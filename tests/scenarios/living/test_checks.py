"""Buttons of check runs, re-run all, forks, the merge queue."""

from pathlib import Path

import pytest

from app.sandbox.pull import Pull
from app.sandbox.state import CheckRun
from tests.scenarios.living.driver import BUG, App, Reviewers, own_comments, running

pytestmark = pytest.mark.timeout(60)

CART = f"def average(prices):\n    {BUG}\n    return total\n"
GATED = {".github/quorum.yml": "gate: high\n"}


def runs(pull: Pull, name: str, sha: str | None = None) -> list[CheckRun]:
    """The check runs of a name on a commit, oldest first."""
    return [
        run
        for run in pull.repository.check_runs.values()
        if run.name == name and run.head_sha == (sha or pull.head_sha)
    ]


async def opened(app: App, *, fork: str | None = None, files: dict[str, str] | None = None) -> Pull:
    pull = app.repository(files).open_pull({"shop.py": CART}, fork=fork)
    await app.settle()
    return pull


async def test_the_re_run_button_makes_a_new_run_of_that_stage_and_no_second_comment(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        Reviewers(app.vendors)
        pull = await opened(app, fork="carol")
        pull.repository.rerequest(runs(pull, "quorum/review")[0])
        await app.settle()
        assert [run.conclusion for run in runs(pull, "quorum/review")] == ["neutral", "neutral"]
        assert len(runs(pull, "quorum/security")) == 1
        assert len(own_comments(app, pull)) == 1


async def test_re_run_all_finds_a_forks_pull_request_by_its_head(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        Reviewers(app.vendors)
        pull = await opened(app, fork="carol")
        pull.repository.rerequest_suite(pull.head_sha)
        await app.settle()
        names = ("quorum/review", "quorum/security", "quorum/docs")
        assert [len(runs(pull, name)) for name in names] == [2, 2, 2]
        assert len(own_comments(app, pull)) == 1


async def test_the_buttons_want_write_access(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        people = Reviewers(app.vendors)
        people.bugs[BUG] = {"severity": "low"}
        pull = await opened(app)
        run = runs(pull, "quorum/review")[0]
        assert {action["identifier"] for action in run.actions} == {"rereview", "dismiss_low"}

        pull.repository.request_action(run, "dismiss_low", user="mallory")
        await app.settle()
        assert set(app.outcomes().values()) == {"open"}

        pull.repository.request_action(run, "dismiss_low", user="alice")
        await app.settle()
        assert set(app.outcomes().values()) == {"dismissed"}
        assert [each.conclusion for each in runs(pull, "quorum/review")] == ["neutral", "success"]


async def test_the_merge_queue_hears_at_once_what_the_pull_request_heard(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        app.sandbox.app.events = (*app.sandbox.app.events, "merge_group")
        Reviewers(app.vendors)
        pull = await opened(app, files=GATED)
        app.vendors.forget()
        head = pull.repository.queue_merge([pull])
        await app.settle()
        assert app.vendors.requests == []
        assert [run.conclusion for run in runs(pull, "quorum/review", head)] == ["failure"]
        assert [run.conclusion for run in runs(pull, "quorum/security", head)] == ["success"]


async def test_the_merge_queue_is_not_told_of_a_review_that_nobody_made(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        app.sandbox.app.events = (*app.sandbox.app.events, "merge_group")
        Reviewers(app.vendors)
        pull = app.repository().open_pull({"shop.py": CART}, draft=True)
        await app.settle()
        head = pull.repository.queue_merge([pull])
        await app.settle()
        assert [run.conclusion for run in runs(pull, "quorum/review", head)] == ["neutral"]
        assert app.vendors.requests == []
