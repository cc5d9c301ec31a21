"""A pull request over its pushes: what is reviewed, what is not posted again, what is found fixed."""

from pathlib import Path

import pytest

from github_sandbox import GitHubSandbox, Pull
from tests.scenarios.reading import own_comments
from tests.scenarios.vendors import BUG, Reviewers
from tests.scenarios.world import World, open_shop

CART = f"def average(prices):\n    {BUG}\n    return total\n"
LINES = "".join(f"value_{number} = {number}\n" for number in range(40))


async def opened(world: World, files: dict[str, str] | None = None) -> Pull:
    repository = world.create_repository()
    pull = repository.open_pull(files or {"shop.py": CART, "other.py": LINES})
    await world.settle()
    return pull


async def test_a_push_reviews_only_what_it_changed(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        assert len(own_comments(pull)) == 1
        world.vendors.fake.forget()

        pull.push({"new.py": "def fresh():\n    return 1\n"})
        await world.settle()

        prompts = [each.text for each in world.vendors.fake.requests]
        assert prompts
        assert all("new.py" in text for text in prompts)
        assert not any("value_1 = 1" in text for text in prompts)
        assert len(own_comments(pull)) == 1
        assert "An empty cart crashes" in pull.issue_comments[0].body


async def test_a_rebase_without_changes_calls_no_model(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        world.vendors.fake.forget()

        pull.repository.push({"base.py": "x = 1\n"})
        pull.force_push({"shop.py": CART, "other.py": LINES})
        await world.settle()

        assert world.vendors.fake.requests == []
        assert len(own_comments(pull)) == 1
        runs = [run for run in pull.repository.check_runs.values() if run.head_sha == pull.head_sha]
        assert {run.conclusion for run in runs} == {"neutral", "success"}


async def test_a_fixed_finding_gets_one_reply_and_its_comment_is_minimized(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)

        pull.push({"shop.py": CART.replace(BUG, "total = sum(prices) / max(1, len(prices))")})
        await world.settle()
        pull.push({"more.py": "y = 2\n"})
        await world.settle()

        [thread] = pull.threads
        assert len(thread.comments) == 2
        assert "Fixed by" in thread.comments[1].body
        assert thread.root.minimized_reason == "resolved"
        assert set(world.outcomes().values()) == {"resolved"}


@pytest.mark.slow
async def test_nothing_is_posted_twice_over_twenty_pushes_rebases_restarts_and_redeliveries(
    tmp_path: Path,
) -> None:
    github, pull = GitHubSandbox(tmp_path / "github"), None
    for start in range(0, 20, 5):
        async with open_shop(tmp_path, github=github) as world:
            Reviewers(world.vendors)
            pull = pull or await opened(world)
            for number in range(start, start + 5):
                if number % 4 == 3:
                    pull.repository.push({"base.py": f"x = {number}\n"})
                    pull.force_push({"shop.py": f"# {number}\n{CART}", "other.py": LINES})
                else:
                    pull.push({f"file_{number}.py": f"x = {number}\n", "shop.py": f"# {number}\n{CART}"})
                await world.settle()
                newest = [each for each in github.hook.log.values() if each.event == "pull_request"][-1]
                github.hook.redeliver(newest.id)
                await world.settle()
            assert len(own_comments(pull)) == 1
            assert set(world.outcomes().values()) == {"open"}
    assert pull
    assert len(pull.reviews) == 1
    assert len(pull.issue_comments) == 1


@pytest.mark.slow
async def test_of_five_quick_pushes_only_the_last_is_reviewed(tmp_path: Path) -> None:
    async with open_shop(tmp_path, quorum_debounce_s=1.0) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        for number in range(5):
            pull.push({"more.py": f"average = {number}\n{CART if number == 4 else ''}"})
            await world.deliver()
        await world.settle()
        assert [review.commit_id for review in pull.reviews[1:]] == [pull.head_sha]
        assert [row.status for row in world.reviews()].count("completed") == 2
        unended = [run for run in pull.repository.check_runs.values() if run.status != "completed"]
        assert unended == []


async def test_a_push_without_a_webhook_is_reviewed(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        pull = world.create_repository().open_pull({"shop.py": CART})
        waiting = list(world.github.hook.queue)

        def push_meanwhile(request: object) -> object:
            if len(pull.commits()) == 1:
                pull.push({"late.py": "x = 1\n"})
                world.github.hook.queue.clear()  # the delivery is lost
            return people.say(request)  # pyright: ignore[reportArgumentType]

        world.vendors.fake.answers[next(iter(world.vendors.fake.answers))] = push_meanwhile
        world.github.hook.queue[:] = waiting
        await world.settle()
        assert [review.commit_id for review in pull.reviews] == [pull.head_sha]
        first, second = (
            [run.conclusion for run in pull.repository.check_runs.values() if run.head_sha == sha]
            for sha in pull.commits()
        )
        assert set(first) == {"cancelled"}
        assert "cancelled" not in second


@pytest.mark.slow
async def test_a_finding_that_comes_back_gets_one_reply_in_its_thread(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        pull.push({"shop.py": CART.replace(BUG, "total = 0")})
        await world.settle()
        pull.push({"shop.py": f"# again\n{CART}"})
        await world.settle()
        [thread] = pull.threads
        assert ["Reintroduced in" in comment.body for comment in thread.comments] == [False, False, True]
        assert thread.root.minimized_reason is None  # it was minimized as resolved
        assert world.findings()[-1].outcome == "open"


async def test_the_thread_of_a_finding_that_comes_back_is_reopened(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        world.github.app.permissions["contents"] = "write"
        Reviewers(world.vendors)
        pull = await opened(world)
        pull.push({"shop.py": CART.replace(BUG, "total = 0")})
        await world.settle()
        [thread] = pull.threads
        assert thread.resolved_by
        pull.push({"shop.py": f"# again\n{CART}"})
        await world.settle()
        assert thread.resolved_by is None
        assert world.findings()[-1].outcome == "open"


async def test_a_thread_in_which_a_person_had_the_last_word_gets_no_reply(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        [thread] = pull.threads
        pull.reply("alice", thread.root, "I will look into this tomorrow.")
        pull.push({"shop.py": CART.replace(BUG, "total = 0")})
        await world.settle()
        assert len(thread.comments) == 2
        assert set(world.outcomes().values()) == {"resolved"}


async def test_a_finding_in_changed_code_that_is_still_wrong_is_not_called_fixed(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        people.fixed = "confirmed"
        pull = await opened(world)
        pull.push({"shop.py": CART.replace(BUG, "total = sum(prices)   /  len( list(prices) )")})
        await world.settle()
        assert len(own_comments(pull)) == 1
        assert set(world.outcomes().values()) == {"open"}
        assert "finding" in pull.issue_comments[0].body


@pytest.mark.slow
async def test_a_push_that_fixes_findings_makes_at_most_twelve_github_calls(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        names = [f"cart_{number}.py" for number in range(4)]
        pull = await opened(world, dict.fromkeys(names, CART))
        pull.push({names[0]: CART.replace(BUG, "total = 0")})
        await world.settle()  # from now on the App knows that it may not resolve threads here
        before = len(world.github.requests)
        pull.push({name: CART.replace(BUG, "total = 1") for name in names[1:]})
        await world.settle()
        calls = world.github_calls()[before:]
        updates = [call for call in calls if call.startswith("PATCH") and "/check-runs/" in call]
        first_words = (
            len(updates) - 3
        )  # a stage's check run is updated when it has answered, and completed at the end
        assert first_words <= 3
        assert len(calls) - first_words <= 12, calls
        assert all(len(thread.comments) == 2 for thread in pull.threads)


async def test_threads_are_resolved_if_the_app_may(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        world.github.app.permissions |= {"contents": "write"}
        pull = await opened(world)
        pull.push({"shop.py": CART.replace(BUG, "total = 0")})
        await world.settle()
        [thread] = pull.threads
        assert thread.resolved_by is world.github.bot
        assert not thread.root.minimized_reason
        assert "Fixed by" in thread.comments[1].body


async def test_a_thread_in_which_a_person_had_the_last_word_is_left_alone(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        world.github.app.permissions |= {"contents": "write"}
        pull = await opened(world)
        [thread] = pull.threads
        pull.reply("alice", thread.root, "I will look into this tomorrow.")
        pull.push({"shop.py": CART.replace(BUG, "total = 0")})
        await world.settle()
        assert thread.resolved_by is None
        assert not thread.root.minimized_reason
        assert len(thread.comments) == 2


async def test_a_stage_that_is_enabled_later_reviews_what_it_has_not_seen(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        repository = world.create_repository({".github/quorum.yml": "stages: [review]\n"})
        pull = repository.open_pull({"shop.py": CART})
        await world.settle()
        repository.push({".github/quorum.yml": "stages: [review, security]\n"})
        world.vendors.fake.forget()
        pull.push({"more.py": "x = 1\n"})
        await world.settle()
        prompt = "".join(each.text for each in world.vendors.fake.requests if "# Task: security" in each.text)
        assert "shop.py" in prompt


async def test_a_push_that_fixes_findings_and_adds_one_makes_at_most_twelve_github_calls(
    tmp_path: Path,
) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        names = [f"cart_{number}.py" for number in range(4)]
        pull = await opened(world, dict.fromkeys(names, CART))
        pull.push({names[0]: CART.replace(BUG, "total = 0")})
        await world.settle()  # from now on the App knows that it may not resolve threads here
        before = len(world.github.requests)
        fixed = {name: CART.replace(BUG, "total = 1") for name in names[1:]}
        pull.push({**fixed, "new.py": f"{CART}# new\n"})
        await world.settle()
        calls = world.github_calls()[before:]
        updates = [call for call in calls if call.startswith("PATCH") and "/check-runs/" in call]
        first_words = (
            len(updates) - 3
        )  # a stage's check run is updated when it has answered, and completed at the end
        assert first_words <= 3
        assert len(calls) - first_words <= 12, calls
        assert len(pull.threads) == 5
        assert all(len(thread.comments) == 2 for thread in pull.threads[:4])
        assert "finding" in pull.issue_comments[0].body
