"""Check run buttons, re-run all, forks, the merge queue."""

from pathlib import Path

import pytest

from app.clock import utc_now
from app.domain.model_call import Provider
from app.domain.pull_request import PullRequestRef
from app.store.job_tables import WriteRow
from app.store.review_tables import ReviewRow
from github_sandbox import Pull
from github_sandbox.state import CheckRun
from tests.scenarios.reading import own_comments
from tests.scenarios.vendors import BUG, Reviewers
from tests.scenarios.world import World, open_shop

CART = f"def average(prices):\n    {BUG}\n    return total\n"
GATED = {".github/quorum.yml": "gate: high\n"}


def runs(pull: Pull, name: str, sha: str | None = None) -> list[CheckRun]:
    """The check runs with this name on a commit, oldest first."""
    return [
        run
        for run in pull.repository.check_runs.values()
        if run.name == name and run.head_sha == (sha or pull.head_sha)
    ]


async def opened(world: World, *, fork: str | None = None, files: dict[str, str] | None = None) -> Pull:
    pull = world.create_repository(files).open_pull({"shop.py": CART}, fork=fork)
    await world.settle()
    return pull


@pytest.mark.slow
async def test_the_re_run_button_starts_a_new_run_of_that_stage_and_posts_no_second_comment(
    tmp_path: Path,
) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world, fork="carol")
        pull.repository.rerequest(runs(pull, "quorum/review")[0])
        await world.settle()
        assert [run.conclusion for run in runs(pull, "quorum/review")] == ["neutral", "neutral"]
        assert len(runs(pull, "quorum/security")) == 1
        assert len(own_comments(pull)) == 1


async def test_a_review_adopts_the_check_runs_of_a_waiting_one(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = world.create_repository().open_pull({"shop.py": CART})
        ref = PullRequestRef(owner=pull.repository.owner.login, repo=pull.repository.name, number=pull.number)
        body = {"name": "quorum/review", "head_sha": pull.head_sha, "external_id": f"{ref}@{pull.head_sha}"}
        begun = pull.repository.create_check_run({**body, "status": "in_progress"})
        with world.database.write() as session:
            session.add(
                ReviewRow(
                    id="waits",
                    installation_id=1,
                    repository=ref.repository,
                    pull_request=ref.number,
                    trigger="opened",
                    status="queued",
                    created_at=utc_now(),
                )
            )
            session.add(
                WriteRow(
                    review_id=f"waits@{pull.head_sha}",
                    key="start:review",
                    github_id=begun.id,
                    begun_at=utc_now(),
                )
            )
        await world.settle()
        assert runs(pull, "quorum/review") == [begun]
        assert begun.conclusion == "neutral"
        assert len(runs(pull, "quorum/docs")) == 1


async def test_re_run_all_finds_a_forks_pull_request_by_its_head(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world, fork="carol")
        pull.repository.rerequest_suite(pull.head_sha)
        await world.settle()
        names = ("quorum/review", "quorum/security", "quorum/docs")
        assert [len(runs(pull, name)) for name in names] == [2, 2, 2]
        assert len(own_comments(pull)) == 1


async def test_the_buttons_require_write_access(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        people.bugs[BUG] = {"severity": "low"}
        pull = await opened(world)
        run = runs(pull, "quorum/review")[0]
        assert {action["identifier"] for action in run.actions} == {"rereview", "dismiss_low", "fix_all"}

        pull.repository.request_action(run, "dismiss_low", user="mallory")
        await world.settle()
        assert set(world.outcomes().values()) == {"open"}

        pull.repository.request_action(run, "dismiss_low", user="alice")
        await world.settle()
        assert set(world.outcomes().values()) == {"dismissed"}
        assert [each.conclusion for each in runs(pull, "quorum/review")] == ["neutral", "success"]


@pytest.mark.slow
async def test_re_run_all_reviews_each_pull_request_of_the_head(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        repository = world.create_repository()
        first = repository.open_pull({"shop.py": CART})
        second = _same_head(first)
        await world.settle()

        repository.rerequest_suite(first.head_sha)
        await world.settle()

        requested = [row for row in world.reviews() if row.trigger.startswith("check_suite:")]
        assert {row.pull_request for row in requested} == {first.number, second.number}
        assert len({row.delivery for row in requested}) == 2  # each is a separate job
        assert {row.status for row in requested} == {"completed"}


@pytest.mark.slow
async def test_re_run_all_ignores_a_closed_pull_request_of_the_head(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        first = world.create_repository().open_pull({"shop.py": CART})
        second = _same_head(first)
        await world.settle()
        second.close()
        await world.settle()

        first.repository.rerequest_suite(first.head_sha)
        await world.settle()

        ends = {row.pull_request: row for row in world.reviews() if row.trigger.startswith("check_suite:")}
        assert ends[first.number].status == "completed"
        if second.number in ends:
            assert ends[second.number].error == "it is closed"


async def test_the_buttons_work_after_the_repository_is_renamed(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        [run] = runs(pull, "quorum/review")
        world.github.rename(pull.repository, "store")
        await world.settle()

        pull.repository.rerequest(run)
        await world.settle()

        first, second = runs(pull, "quorum/review")
        assert (first.external_id or "").startswith("acme/shop#1@")
        assert (second.external_id or "").startswith("acme/store#1@")
        assert second.conclusion == "neutral"
        assert len(own_comments(pull)) == 1


@pytest.mark.slow
async def test_a_review_requested_only_by_a_command_is_updated_too(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = world.create_repository(GATED).open_pull({"shop.py": CART}, draft=True)
        pull.comment("alice", "/rereview")
        await world.settle()
        assert [run.conclusion for run in runs(pull, "quorum/review")] == ["neutral", "failure"]
        world.vendors.fake.forget()

        pull.reply("alice", pull.threads[0].root, "/dismiss")
        await world.settle()

        assert [run.conclusion for run in runs(pull, "quorum/review")] == ["neutral", "failure", "success"]
        assert "no problems found" in pull.issue_comments[-1].body
        assert world.vendors.fake.requests == []
        assert len([review for review in pull.reviews if "quorum:review" in review.body]) == 1


async def test_a_decision_reviews_no_push_that_was_not_to_be_reviewed(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = world.create_repository().open_pull({"shop.py": CART}, draft=True)
        pull.comment("alice", "/rereview")
        await world.settle()
        pull.push({"unread.py": CART})
        await world.settle()
        world.vendors.fake.forget()

        pull.reply("alice", pull.threads[0].root, "/dismiss")
        await world.settle()

        assert world.vendors.fake.requests == []
        assert world.reviews()[-1].error == "its newest commit has not been reviewed"


def _same_head(pull: Pull) -> Pull:
    """A second pull request from the same branch, into another base."""
    pull.repository.git.point("refs/heads/release", pull.base_sha)
    return pull.repository.open_pull({}, base="release", branch=pull.head_ref, head_sha=pull.head_sha)


async def test_the_merge_queue_immediately_gets_the_pull_requests_conclusions(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world, files=GATED)
        world.vendors.fake.forget()
        head = pull.repository.queue_merge([pull])
        await world.settle()
        assert world.vendors.fake.requests == []
        assert [run.conclusion for run in runs(pull, "quorum/review", head)] == ["failure"]
        assert [run.conclusion for run in runs(pull, "quorum/security", head)] == ["success"]


async def test_the_merge_queue_gets_no_conclusion_without_a_review(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = world.create_repository().open_pull({"shop.py": CART}, draft=True)
        await world.settle()
        head = pull.repository.queue_merge([pull])
        await world.settle()
        assert [run.conclusion for run in runs(pull, "quorum/review", head)] == ["neutral"]
        assert world.vendors.fake.requests == []


async def test_the_merge_queue_uses_each_stages_conclusion_on_the_newest_commit(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors, bugs={})
        pull = await opened(world, files={".github/quorum.yml": "gate: high\nreview_on_push: false\n"})
        pull.push({"more.py": "x = eval(input())\n"})
        pull.comment("alice", "/rereview review")
        await world.settle()

        head = pull.repository.queue_merge([pull])
        await world.settle()

        assert [run.conclusion for run in runs(pull, "quorum/review", head)] == ["success"]
        [security] = runs(pull, "quorum/security", head)
        assert security.conclusion == "failure"  # it reviewed the first commit, not this one
        assert "`#1` has not been reviewed" in (security.summary or "")


@pytest.mark.parametrize("squashes", [False, True])
async def test_a_merge_group_gets_the_worst_conclusion_of_its_pull_requests(
    tmp_path: Path, squashes: bool
) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        repository = world.create_repository(GATED)
        bad = repository.open_pull({"bad.py": CART})
        good = repository.open_pull({"good.py": "x = 1\n"})
        await world.settle()

        if squashes:  # one group each, on top of each other, without their commits
            first = repository.queue_merge([bad], squash=True)
            head = repository.queue_merge([good], squash=True, onto=first)
        else:
            head = repository.queue_merge([bad, good])
        await world.settle()

        assert [run.conclusion for run in runs(good, "quorum/review", head)] == ["failure"]
        assert [run.conclusion for run in runs(good, "quorum/security", head)] == ["success"]


async def test_an_unreviewed_pull_request_does_not_pass_the_queue_with_its_neighbor(
    tmp_path: Path,
) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors, bugs={})
        repository = world.create_repository(GATED)
        unread = repository.open_pull({"unread.py": "x = 1\n"}, draft=True)
        read = repository.open_pull({"read.py": "y = 1\n"})
        await world.settle()

        first = repository.queue_merge([unread], squash=True)
        head = repository.queue_merge([read], squash=True, onto=first)
        await world.settle()

        [run] = runs(read, "quorum/review", head)
        assert run.conclusion == "failure"
        assert "`#1` has not been reviewed" in (run.summary or "")


async def test_started_check_runs_fail_closed_when_the_base_becomes_unreadable(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = world.create_repository(GATED).open_pull({"shop.py": CART})
        world.vendors.hold()
        await world.deliver()
        await world.vendors.fake.reached[Provider.GPT].wait()
        await world.stop()  # in the middle of the review
        github = world.github
    assert {run.status for run in runs(pull, "quorum/review")} == {"in_progress"}

    async with open_shop(tmp_path, github=github) as world:
        pull.repository.pulls.pop(pull.number)  # out of reach for some reason
        await world.settle()
        world.log.take("the job failed")
        assert [run.conclusion for run in runs(pull, "quorum/review")] == ["failure"]


async def test_a_check_run_links_to_its_review_on_the_dashboard(tmp_path: Path) -> None:
    async with open_shop(tmp_path, quorum_public_url="https://quorum.example.com/") as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        [review] = world.reviews()
        [run] = runs(pull, "quorum/review")
        assert run.details_url == f"https://quorum.example.com/reviews/{review.id}"
