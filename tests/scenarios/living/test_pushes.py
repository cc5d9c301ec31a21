"""A pull request over its pushes: what is read, what is said again, what is found fixed."""

from pathlib import Path

import pytest

from app.sandbox.pull import Pull
from tests.scenarios.living.driver import BUG, App, Reviewers, own_comments, running

pytestmark = pytest.mark.timeout(60)

CART = f"def average(prices):\n    {BUG}\n    return total\n"
LINES = "".join(f"value_{number} = {number}\n" for number in range(40))


async def opened(app: App, files: dict[str, str] | None = None) -> Pull:
    repository = app.repository()
    pull = repository.open_pull(files or {"shop.py": CART, "other.py": LINES})
    await app.settle()
    return pull


async def test_a_push_reads_what_it_changed_and_nothing_else(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        Reviewers(app.vendors)
        pull = await opened(app)
        assert len(own_comments(app, pull)) == 1
        app.vendors.forget()

        pull.push({"new.py": "def fresh():\n    return 1\n"})
        await app.settle()

        asked = [each.text for each in app.vendors.requests]
        assert asked
        assert all("new.py" in text for text in asked)
        assert not any("value_1 = 1" in text for text in asked)
        assert len(own_comments(app, pull)) == 1
        assert "An empty cart crashes" in pull.issue_comments[0].body


async def test_a_rebase_that_changes_nothing_asks_no_model(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        Reviewers(app.vendors)
        pull = await opened(app)
        app.vendors.forget()

        pull.repository.push({"base.py": "x = 1\n"})
        pull.force_push({"shop.py": CART, "other.py": LINES})
        await app.settle()

        assert app.vendors.requests == []
        assert len(own_comments(app, pull)) == 1
        runs = [run for run in pull.repository.check_runs.values() if run.head_sha == pull.head_sha]
        assert {run.conclusion for run in runs} == {"neutral", "success"}


async def test_a_fixed_finding_gets_one_reply_and_its_comment_folds(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        Reviewers(app.vendors)
        pull = await opened(app)

        pull.push({"shop.py": CART.replace(BUG, "total = sum(prices) / max(1, len(prices))")})
        await app.settle()
        pull.push({"more.py": "y = 2\n"})
        await app.settle()

        [thread] = pull.threads
        assert len(thread.comments) == 2
        assert "Fixed by" in thread.comments[1].body
        assert thread.root.minimized_reason == "resolved"
        assert set(app.outcomes().values()) == {"resolved"}
