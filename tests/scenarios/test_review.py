"""From the webhook to the posted review: three stages, three vendors, one review."""

import pytest

from github_sandbox import Fault, Pull
from github_sandbox.git import FileContent
from github_sandbox.state import CheckRun
from tests.scenarios.conftest import Open
from tests.scenarios.reading import (
    conclusions,
    inline_comments,
    take_checks,
    take_file_comments,
    take_review,
    take_summary,
)
from tests.scenarios.vendors import finding
from tests.scenarios.world import World

PAY: dict[str, FileContent] = {
    "pay.py": "def pay(cart, rate):\n    share = cart.total / rate\n    return share\n",
}
DIVISION = finding(
    "pay.py",
    "    share = cart.total / rate",
    line=2,
    title="A rate of 0 ends in a ZeroDivisionError",
    rule_id="division-by-zero",
    suggestion="    share = cart.total / rate if rate else 0",
)
ROUNDING = finding(
    "pay.py",
    "    return share",
    line=3,
    title="The share is not rounded to cents",
    rule_id="precision-loss",
    severity="medium",
)
GREEN = {"review": "success", "security": "success", "docs": "success"}


def take_all_clean(pull: Pull) -> None:
    """Take what a review without findings posts."""
    assert "no problems" in take_review(pull).body.lower()
    assert "no problems found" in take_summary(pull).body
    assert conclusions(take_checks(pull)) == GREEN


def ended(world: World, head_sha: str) -> set[str | None]:
    """Name → conclusion of the check runs of a head."""
    return {run.conclusion for run in world.repository.check_runs.values() if run.head_sha == head_sha}


async def test_a_finding_in_an_ignored_file_is_not_posted(opened: Open) -> None:
    async with opened(config="ignore_paths: [pay.py]\ngate: high\n") as world:
        world.vendors.claude.finds(DIVISION)
        pull = world.open_pull({**PAY, "cart.py": "def total(items):\n    return len(items)\n"})
        await world.settle()
        assert "About a file that was not reviewed" in take_summary(pull).body
        assert not inline_comments(pull)
        assert set(conclusions(take_checks(pull)).values()) == {"neutral"}  # not every changed file was read
        take_review(pull)


async def test_three_check_runs_are_in_progress_before_any_model_is_called(world: World) -> None:
    world.vendors.hold()
    pull = world.open_pull(PAY)
    await world.until_asked(1)
    runs = list(world.repository.check_runs.values())
    assert sorted(run.name for run in runs) == ["quorum/docs", "quorum/review", "quorum/security"]
    assert {run.status for run in runs} == {"in_progress"}
    assert {run.external_id for run in runs} == {f"octo/shop#1@{pull.head_sha}"}
    world.vendors.release()
    await world.settle()
    take_all_clean(pull)


async def test_the_stages_call_their_own_vendors_concurrently(world: World) -> None:
    world.vendors.hold()
    pull = world.open_pull(PAY)
    await world.until_asked(3)
    requests = (
        world.vendors.claude.requests_for("review"),
        world.vendors.gpt.requests_for("security"),
        world.vendors.gemini.requests_for("docs"),
    )
    assert [len(each) for each in requests] == [1, 1, 1]
    world.vendors.release()
    await world.settle()
    assert sorted(world.calls()) == [("claude", "ok"), ("gemini", "ok"), ("gpt", "ok")]
    take_all_clean(pull)


async def test_every_vendor_is_called_with_its_own_json_schema_output(world: World) -> None:
    pull = world.open_pull(PAY)
    await world.settle()
    assert [request.schema is not None for request in world.vendors.requests] == [True, True, True]
    take_all_clean(pull)


async def test_a_sequential_pipeline_passes_earlier_findings_to_docs_only(opened: Open) -> None:
    async with opened(config="pipeline: sequential\n") as world:
        world.vendors.claude.finds(DIVISION)
        world.vendors.gpt.finds(ROUNDING)
        pull = world.open_pull(PAY)
        await world.settle()
        [review], [security], [docs] = (
            world.vendors.claude.requests_for("review"),
            world.vendors.gpt.requests_for("security"),
            world.vendors.gemini.requests_for("docs"),
        )
        order = [world.vendors.requests.index(each) for each in (review, security, docs)]
        assert order == sorted(order)
        handed_over = docs.text.partition("Found by the stages before yours")[2]
        for rule_id in ("division-by-zero", "precision-loss"):
            assert f'"rule_id": "{rule_id}"' in handed_over
        assert "Found by the stages before" not in security.text
        rows = world.answered()
        assert [rows[stage].parent_id for stage in ("review", "security")] == [None, None]
        assert rows["docs"].parent_id == rows["review"].id
        take_review(pull)
        take_summary(pull)
        take_checks(pull)


async def test_a_verdict_comes_from_another_vendor_and_links_to_the_call_that_found_the_finding(
    world: World,
) -> None:
    world.vendors.gpt.finds(ROUNDING)
    pull = world.open_pull(PAY)
    await world.settle()
    rows = world.answered()
    assert rows["verify"].parent_id == rows["security"].id
    assert rows["verify"].provider != rows["security"].provider == "gpt"
    assert [rows[stage].parent_id for stage in ("review", "security", "docs")] == [None, None, None]
    pull.take_all()


async def test_security_sees_code_but_neither_title_nor_description(world: World) -> None:
    pull = world.open_pull(PAY, title="Audited by the bank", body="Nothing to see here, approved twice.")
    await world.settle()
    [security], [review] = (
        world.vendors.gpt.requests_for("security"),
        world.vendors.claude.requests_for("review"),
    )
    assert "cart.total / rate" in security.text
    assert "Audited" not in security.text
    assert "approved twice" not in security.text
    assert "Audited" in review.text
    take_all_clean(pull)


async def test_one_review_contains_the_inline_comments_and_suggestions(world: World) -> None:
    world.vendors.claude.finds(DIVISION)
    world.vendors.gpt.finds(ROUNDING)
    pull = world.open_pull(PAY)
    await world.settle()
    review = take_review(pull)
    assert (review.state, review.commit_id) == ("COMMENTED", pull.head_sha)
    first, second = sorted(inline_comments(pull), key=lambda comment: comment.anchor.line or 0)
    assert (first.anchor.path, first.anchor.line, first.anchor.side) == ("pay.py", 2, "RIGHT")
    assert "```suggestion\n    share = cart.total / rate if rate else 0\n```" in first.body
    assert "Claude, confirmed by G" in first.body  # GPT or Gemini, whichever has less to verify
    assert (second.anchor.line, "suggestion" in second.body) == (3, False)
    assert {comment.review_id for comment in (first, second)} == {review.id}
    summary = take_summary(pull)
    assert DIVISION["title"] in summary.body
    for body in (review.body, first.body, second.body, summary.body):
        assert body.rsplit("\n", 1)[-1].startswith("<!-- quorum:")
    checks = take_checks(pull)
    assert conclusions(checks) == {"review": "neutral", "security": "neutral", "docs": "success"}
    [annotation] = checks["quorum/review"].annotations
    assert (annotation["path"], annotation["start_line"]) == ("pay.py", 2)


async def test_a_refuted_finding_is_not_posted_and_the_summary_says_why(world: World) -> None:
    world.vendors.claude.finds(DIVISION)
    world.vendors.gpt.refutes(DIVISION["title"], because="pay.py:1 is only called with a rate above 0.")
    pull = world.open_pull(PAY)
    await world.settle()
    assert "no problems" in take_review(pull).body.lower()
    assert not inline_comments(pull)
    summary = take_summary(pull).body
    assert "Rejected claims (1)" in summary
    assert "is only called with a rate above 0" in summary
    assert conclusions(take_checks(pull)) == GREEN


async def test_a_finding_outside_the_diff_is_posted_on_the_file(opened: Open) -> None:
    lines = [f"value_{number} = {number}" for number in range(1, 101)]
    async with opened(files={"values.py": "\n".join(lines) + "\n"}) as world:
        world.vendors.claude.finds(
            finding("values.py", "value_60 = 60", line=60, title="Another value no longer fits"),
        )
        lines[4] = "value_5 = 6"
        pull = world.open_pull({"values.py": "\n".join(lines) + "\n"})
        await world.settle()
        [comment] = take_file_comments(pull)
        assert (comment.anchor.subject_type, comment.anchor.line) == ("file", None)
        assert "Another value no longer fits" in comment.body
        take_review(pull)
        assert "file comment" in take_summary(pull).body
        assert conclusions(take_checks(pull))["review"] == "neutral"


async def test_findings_beyond_the_inline_limit_are_rows_of_the_summary(opened: Open) -> None:
    async with opened(config="max_inline: 1\n") as world:
        world.vendors.claude.finds(DIVISION, ROUNDING)
        pull = world.open_pull(PAY)
        await world.settle()
        assert len(inline_comments(pull)) == 1
        take_review(pull)
        summary = take_summary(pull).body
        assert DIVISION["title"] in summary
        assert ROUNDING["title"] in summary
        assert "| below |" in summary
        take_checks(pull)


async def test_a_check_run_has_at_most_fifty_annotations(opened: Open) -> None:
    async with opened(config="quorum: 1\nprofile: thorough\n") as world:
        names = [f"value_{number}" for number in range(60)]
        source = "".join(f"{name} = 10 / 0\n" for name in names)
        found = [
            finding("values.py", f"{name} = 10 / 0", line=number, title=f"{name} divides by zero")
            for number, name in enumerate(names, 1)
        ]
        world.vendors.claude.finds(*found[:50])
        world.vendors.gpt.finds()
        world.vendors.gemini.documents_as("Divides.")
        pull = world.open_pull(
            {"values.py": source, "more.py": _many_shells(), "other.py": "import pickle\n"}
        )
        await world.settle()
        checks = take_checks(pull)
        review = checks["quorum/review"]
        assert len(review.annotations) >= 50
        _assert_none_is_repeated(checks)
        take_review(pull)
        take_summary(pull)


def _many_shells() -> str:
    """The same analyzer finding at many places."""
    return "import subprocess\n" + "".join(
        f"def run_{number}(name):\n    subprocess.run('ls ' + name, shell=True)\n\n\n" for number in range(60)
    )


def _assert_none_is_repeated(checks: dict[str, CheckRun]) -> None:
    lines = [annotation["start_line"] for annotation in checks["quorum/review"].annotations]
    assert len(lines) == len(set(lines)) == 50
    assert len(checks["quorum/security"].annotations) == 1  # the same problem at 60 places is one finding


async def test_the_first_review_of_a_small_change_makes_at_most_14_github_calls(opened: Open) -> None:
    files: dict[str, FileContent] = {
        ".github/CODEOWNERS": "* @octo/everyone\n*.py @octo/shop @mika\n",
        "AGENTS.md": "Be kind.\n",
        "cart.py": "a = 1\n",
        "shop.py": "b = 1\n",
    }
    async with opened(files=files, config="profile: normal\n") as world:
        world.vendors.claude.finds(DIVISION)
        pull = world.open_pull({**PAY, "cart.py": "a = 2\n", "shop.py": "b = 2\n"})
        await world.settle()
        called = [
            request
            for request in world.github.requests
            if not request.path.endswith((".git/info/refs", "git-upload-pack"))
        ]
        calls = [f"{request.method} {request.path}" for request in called]
        writes = sum(call.startswith("PATCH ") and "/check-runs/" in call for call in calls)
        first_words = (
            writes - 3
        )  # a slow machine shows what a stage has answered before its check run completes
        assert first_words <= 3
        assert len(calls) - first_words <= 14, "\n".join(calls)
        assert sum(request.points for request in called) <= 5
        assert {row.owners for row in world.findings()} == {"@octo/shop @mika"}
        take_review(pull)
        take_summary(pull)
        take_checks(pull)


@pytest.mark.parametrize("how", ["reopened", "ready_for_review"])
async def test_a_pull_request_is_reviewed_when_it_becomes_open_or_ready(world: World, how: str) -> None:
    pull = world.open_pull(PAY, draft=how == "ready_for_review")
    if how == "reopened":
        pull.close()
        world.github.hook.queue.clear()  # while Quorum was not running
        pull.reopen()
    else:
        await world.settle()
        assert not world.vendors.requests
        pull.mark_ready()
    await world.settle()
    take_all_clean(pull)
    assert how in [review.trigger for review in world.reviews()]


async def test_a_push_is_reviewed_and_the_summary_is_edited_in_place(world: World) -> None:
    world.vendors.claude.finds(DIVISION)
    pull = world.open_pull(PAY)
    await world.settle()
    take_review(pull)
    take_checks(pull)
    first = take_summary(pull)
    pull.push({"ship.py": "def ship(order):\n    return order\n"})
    await world.settle()
    second = take_summary(pull)
    assert first.id == second.id
    assert len(pull.issue_comments) == 1
    assert "both changed files" in second.body
    assert (
        len(inline_comments(pull)) == 1
    )  # nothing is posted twice, and without news there is no second review
    checks = take_checks(pull)
    assert {run.head_sha for run in checks.values()} == {pull.head_sha}
    assert conclusions(checks)["review"] == "neutral"


async def test_a_push_with_a_new_finding_posts_only_that_one(world: World) -> None:
    world.vendors.claude.finds(DIVISION)
    pull = world.open_pull(PAY)
    await world.settle()
    pull.take_all()
    new = finding("ship.py", "    return order.id", line=2, title="The order is shipped twice")
    world.vendors.claude.finds(DIVISION, new)
    pull.push({"ship.py": "def ship(order):\n    return order.id\n"})
    await world.settle()
    review = take_review(pull)
    posted = [comment for comment in inline_comments(pull) if comment.review_id == review.id]
    assert [comment.anchor.path for comment in posted] == ["ship.py"]
    take_summary(pull)
    take_checks(pull)


async def test_a_push_during_the_review_supersedes_it_and_nothing_is_posted_for_the_old_head(
    world: World,
) -> None:
    world.vendors.claude.finds(DIVISION)
    world.vendors.hold()
    pull = world.open_pull(PAY)
    await world.until_asked(3)
    old = pull.head_sha
    pull.push({"pay.py": "def pay(cart):\n    return cart.total\n"})
    world.vendors.claude.finds()
    await world.deliver()
    world.vendors.release()
    await world.settle()
    assert [review.status for review in world.reviews()] == ["superseded", "completed"]
    assert take_review(pull).commit_id == pull.head_sha != old
    assert len(pull.reviews) == 1
    take_summary(pull)
    assert ended(world, old) == {"cancelled"}
    assert ended(world, pull.head_sha) == {"success"}
    pull.take_all("check_run")


async def test_a_push_without_a_webhook_is_noticed_before_posting(world: World) -> None:
    world.vendors.hold()
    pull = world.open_pull(PAY)
    await world.until_asked(3)
    old = pull.head_sha
    pull.push({"pay.py": "def pay(cart):\n    return cart.total\n"})
    world.github.hook.queue.clear()
    world.vendors.release()
    await world.settle()
    assert take_review(pull).commit_id == pull.head_sha
    assert len(pull.reviews) == 1
    take_summary(pull)
    assert ended(world, old) == {"cancelled"}
    assert ended(world, pull.head_sha) == {"success"}
    pull.take_all("check_run")


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        pytest.param("/reviews$", Fault.DONE_THEN_BAD_GATEWAY, id="the review"),
        pytest.param("/issues/1/comments$", Fault.DONE_THEN_BAD_GATEWAY, id="the summary"),
        pytest.param("/check-runs$", Fault.DONE_THEN_NO_ANSWER, id="a check run"),
    ],
)
async def test_a_write_without_a_response_is_found_and_not_repeated(
    world: World, path: str, fault: Fault
) -> None:
    world.vendors.claude.finds(DIVISION)
    world.github.faults.inject(fault, path=path)
    pull = world.open_pull(PAY)
    await world.settle()
    assert len(pull.reviews) == 1
    assert len(pull.issue_comments) == 1
    assert len(world.repository.check_runs) == 3
    take_review(pull)
    take_summary(pull)
    assert conclusions(take_checks(pull))["review"] == "neutral"


CONCLUSIONS = [
    pytest.param("off", [], "success", id="no finding, no gate"),
    pytest.param("off", [DIVISION], "neutral", id="findings, no gate"),
    pytest.param("high", [], "success", id="no finding, gate"),
    pytest.param("high", [DIVISION], "failure", id="a finding at the gate"),
    pytest.param("medium", [DIVISION], "failure", id="a finding above the gate"),
    pytest.param("critical", [DIVISION], "neutral", id="a finding below the gate"),
]


@pytest.mark.parametrize(("gate", "found", "conclusion"), CONCLUSIONS)
async def test_the_conclusion_follows_findings_and_gate(
    opened: Open, gate: str, found: list[dict[str, object]], conclusion: str
) -> None:
    async with opened(config=f"gate: '{gate}'\n") as world:
        world.vendors.claude.finds(*found)
        pull = world.open_pull(PAY)
        await world.settle()
        assert conclusions(take_checks(pull)) == {**GREEN, "review": conclusion}
        take_review(pull)
        take_summary(pull)
