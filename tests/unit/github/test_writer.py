"""The writer on a GitHub sandbox that rejects what GitHub rejects."""

import pytest

from app.domain.diff import Side
from app.domain.publication import (
    AnnotationLevel,
    CheckAction,
    CheckAnnotation,
    Conclusion,
    MarkerKind,
    ReviewComment,
    Writer,
    marker,
)
from app.errors import TRANSIENT, GitHubForbidden, GitHubRateLimited, GitHubRejected, GitHubUnavailable
from app.github.client import token_client
from app.github.writer import PullRequestWriter
from github_sandbox import Fault
from tests.unit.github.conftest import GitHubHarness

REVIEW = marker(MarkerKind.REVIEW, "octo/shop#1@abc")
FINDING = marker(MarkerKind.FINDING, "f1")
SUMMARY = marker(MarkerKind.SUMMARY, "octo/shop#1")


def annotation(number: int) -> CheckAnnotation:
    return CheckAnnotation(
        path="pay.py",
        start_line=1,
        end_line=2,
        level=AnnotationLevel.WARNING,
        title=f"Finding {number}",
        message="It is wrong.",
    )


def opened(world: GitHubHarness) -> PullRequestWriter:
    world.open_pull({"pay.py": "one\n2\nthree\nfour\n"})
    return world.writer()


async def start_check_run(world: GitHubHarness, writer: PullRequestWriter) -> int:
    return await writer.create_check_run(
        head_sha=world.repository.pulls[1].head_sha,
        name="quorum/review",
        external_id="octo/shop#1@abc",
        title="Reviewing",
        summary="…",
    )


def test_the_writer_has_every_method_of_the_protocol(world: GitHubHarness) -> None:
    writer: Writer = world.writer()
    assert writer


async def test_a_check_run_starts_in_progress_and_completes_with_a_conclusion(world: GitHubHarness) -> None:
    writer = opened(world)
    run_id = await start_check_run(world, writer)
    run = world.repository.check_runs[run_id]
    assert (run.status, run.external_id) == ("in_progress", "octo/shop#1@abc")

    await writer.update_check_run(
        run_id,
        title="2 findings",
        summary="Two.",
        text="More.",
        conclusion=Conclusion.NEUTRAL,
        actions=[CheckAction(label="Re-run", description="Review again", identifier="rerun")],
    )

    assert (run.status, run.conclusion, run.title, run.text) == (
        "completed",
        "neutral",
        "2 findings",
        "More.",
    )
    assert [action["identifier"] for action in run.actions] == ["rerun"]


async def test_a_check_run_links_to_its_details(world: GitHubHarness) -> None:
    writer = opened(world)
    run_id = await writer.create_check_run(
        head_sha=world.repository.pulls[1].head_sha,
        name="quorum/docs",
        external_id="octo/shop#1@abc",
        title="t",
        summary="s",
        details_url="https://quorum.example/reviews/1",
    )
    assert world.repository.check_runs[run_id].details_url == "https://quorum.example/reviews/1"


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (50, 1), (51, 2), (120, 3)])
async def test_annotations_are_sent_in_batches_of_fifty_and_the_last_completes_the_run(
    world: GitHubHarness, count: int, requests: int
) -> None:
    writer = opened(world)
    run_id = await start_check_run(world, writer)

    await writer.update_check_run(
        run_id,
        title="t",
        summary="s",
        conclusion=Conclusion.FAILURE,
        annotations=[annotation(n) for n in range(count)],
    )

    run = world.repository.check_runs[run_id]
    assert [a["title"] for a in run.annotations] == [f"Finding {n}" for n in range(count)]
    assert run.conclusion == "failure"
    assert sum(request.startswith("PATCH") for request in world.requests()) == requests


async def test_annotations_that_an_earlier_attempt_appended_are_not_sent_again(world: GitHubHarness) -> None:
    writer = opened(world)
    run_id = await start_check_run(world, writer)
    annotations = [annotation(n) for n in range(70)]
    world.github.faults.inject(Fault.DONE_THEN_BAD_GATEWAY, method="PATCH", path="check-runs")
    with pytest.raises(GitHubUnavailable):
        await writer.update_check_run(
            run_id, title="t", summary="s", conclusion=Conclusion.NEUTRAL, annotations=annotations
        )

    await writer.update_check_run(
        run_id, title="t", summary="s", conclusion=Conclusion.NEUTRAL, annotations=annotations, resume=True
    )

    run = world.repository.check_runs[run_id]
    assert [a["title"] for a in run.annotations] == [a.title for a in annotations]
    assert run.status == "completed"


async def test_the_newest_open_check_run_with_a_name_and_external_id_is_found(world: GitHubHarness) -> None:
    writer = opened(world)
    sha = world.repository.pulls[1].head_sha
    await start_check_run(world, writer)
    newest = await start_check_run(world, writer)

    async def find(name: str, external_id: str) -> int | None:
        return await writer.find_check_run(head_sha=sha, name=name, external_id=external_id)

    assert await find("quorum/review", "octo/shop#1@abc") == newest
    assert await find("quorum/review", "octo/shop#2@abc") is None
    assert await find("quorum/docs", "octo/shop#1@abc") is None


async def test_a_check_run_that_an_older_review_completed_is_not_found(world: GitHubHarness) -> None:
    writer = opened(world)
    sha = world.repository.pulls[1].head_sha
    done = await start_check_run(world, writer)
    await writer.update_check_run(done, title="Done", summary="Done", conclusion=Conclusion.SUCCESS)
    assert (
        await writer.find_check_run(head_sha=sha, name="quorum/review", external_id="octo/shop#1@abc") is None
    )


async def test_a_review_has_its_comments_on_their_lines(world: GitHubHarness) -> None:
    writer = opened(world)
    review_id = await writer.create_review(
        head_sha=await writer.head_sha(),
        body=f"Two things.\n{REVIEW}",
        comments=[
            ReviewComment(path="pay.py", line=2, body="added"),
            ReviewComment(path="pay.py", line=2, side=Side.LEFT, body="removed"),
            ReviewComment(path="pay.py", line=4, start_line=2, body="range"),
            ReviewComment(path="pay.py", line=3, start_line=3, body="a range of one line"),
        ],
    )

    pull = world.repository.pulls[1]
    placed = [
        (c.body, c.anchor.side, c.anchor.start_line, c.anchor.line)
        for c in pull.review_comments()
        if c.review_id == review_id
    ]
    assert placed == [
        ("added", "RIGHT", None, 2),
        ("removed", "LEFT", None, 2),
        ("range", "RIGHT", 2, 4),
        ("a range of one line", "RIGHT", None, 3),
    ]
    assert pull.reviews[0].state == "COMMENTED"


async def test_a_comment_outside_the_hunks_rejects_the_whole_review(world: GitHubHarness) -> None:
    writer = opened(world)
    with pytest.raises(GitHubRejected, match="Line could not be resolved"):
        await writer.create_review(
            head_sha=await writer.head_sha(),
            body=REVIEW,
            comments=[
                ReviewComment(path="pay.py", line=2, body="fine"),
                ReviewComment(path="pay.py", line=900, body="nowhere"),
            ],
        )
    assert world.repository.pulls[1].review_comments() == []


@pytest.mark.parametrize("fault", [Fault.DONE_THEN_BAD_GATEWAY, Fault.DONE_THEN_NO_ANSWER])
async def test_a_review_whose_response_was_lost_is_found_by_its_marker(
    world: GitHubHarness, fault: Fault
) -> None:
    writer = opened(world)
    comments = [ReviewComment(path="pay.py", line=2, body=f"wrong\n{FINDING}")]
    world.github.faults.inject(fault, path="reviews")
    with pytest.raises(GitHubUnavailable):
        await writer.create_review(
            head_sha=await writer.head_sha(), body=f"One.\n{REVIEW}", comments=comments
        )

    pull = world.repository.pulls[1]
    assert await writer.find_review(REVIEW) == pull.reviews[0].id
    assert await writer.find_review_comment(FINDING) == pull.review_comments()[0].id
    assert len(pull.reviews) == 1


async def test_missing_comments_are_not_found(world: GitHubHarness) -> None:
    writer = opened(world)
    assert await writer.find_review(REVIEW) is None
    assert await writer.find_review_comment(FINDING) is None
    assert await writer.find_issue_comment(SUMMARY) is None


async def test_a_marker_copied_by_another_account_is_ignored(world: GitHubHarness) -> None:
    writer = opened(world)
    pull = world.repository.pulls[1]
    pull.comment("mallory", f"Mine now\n{SUMMARY}")
    assert await writer.find_issue_comment(SUMMARY) is None


async def test_a_marker_inside_a_text_is_ignored(world: GitHubHarness) -> None:
    writer = opened(world)
    await writer.create_issue_comment(f"{SUMMARY}\nquoted above\n{marker(MarkerKind.REPLY, 'r')}")
    assert await writer.find_issue_comment(SUMMARY) is None


async def test_a_comment_among_hundreds_is_found(world: GitHubHarness) -> None:
    writer = opened(world)
    pull = world.repository.pulls[1]
    for number in range(120):
        pull.comment("alice", f"comment {number}")
    comment_id = await writer.create_issue_comment(f"Summary\n{SUMMARY}")
    assert await writer.find_issue_comment(SUMMARY) == comment_id


async def test_the_summary_is_edited_in_place(world: GitHubHarness) -> None:
    writer = opened(world)
    comment_id = await writer.create_issue_comment(f"First\n{SUMMARY}")
    await writer.update_issue_comment(comment_id, f"Second\n{SUMMARY}")
    pull = world.repository.pulls[1]
    assert [comment.body for comment in pull.issue_comments] == [f"Second\n{SUMMARY}"]


async def test_a_comment_on_a_file_gets_a_reply_in_its_thread(world: GitHubHarness) -> None:
    writer = opened(world)
    comment_id = await writer.create_file_comment(
        head_sha=await writer.head_sha(), path="pay.py", body="About the file"
    )
    reply_id = await writer.reply_to_review_comment(comment_id, "And more")

    thread = world.repository.pulls[1].threads[0]
    assert [comment.id for comment in thread.comments] == [comment_id, reply_id]
    assert thread.root.anchor.subject_type == "file"


async def test_adding_a_reaction_twice_yields_one_reaction(world: GitHubHarness) -> None:
    writer = opened(world)
    pull = world.repository.pulls[1]
    comment = pull.comment("alice", "/rereview")
    inline = await writer.create_file_comment(head_sha=pull.head_sha, path="pay.py", body="About the file")
    for _ in range(2):
        await writer.react("issue_comment", comment.id, "eyes")
        await writer.react("review_comment", inline, "+1")

    assert [reaction.content for reaction in comment.reactions] == ["eyes"]
    assert [reaction.content for reaction in pull.review_comments()[0].reactions] == ["+1"]


@pytest.mark.parametrize(
    ("role", "permission"),
    [
        ("admin", "admin"),
        ("maintain", "write"),
        ("write", "write"),
        ("triage", "read"),
        ("read", "read"),
        ("none", "none"),
    ],
)
async def test_the_permission_comes_from_the_collaborators_endpoint(
    world: GitHubHarness, role: str, permission: str
) -> None:
    writer = opened(world)
    world.repository.set_role("bob", role)
    assert await writer.permission("bob") == permission


@pytest.mark.parametrize("fault", [Fault.FORBIDDEN, Fault.NOT_FOUND])
async def test_without_a_clear_answer_there_is_no_permission(world: GitHubHarness, fault: Fault) -> None:
    writer = opened(world)
    world.repository.set_role("bob", "admin")
    world.github.faults.inject(fault, method="GET", path="permission")
    assert await writer.permission("bob") == "none"
    assert await writer.permission("a-stranger") == "none"


@pytest.mark.parametrize("fault", [Fault.BAD_GATEWAY, Fault.NO_ANSWER, Fault.SECONDARY_LIMIT])
async def test_an_outage_refuses_nobody_a_permission(world: GitHubHarness, fault: Fault) -> None:
    writer = opened(world)
    world.repository.set_role("bob", "admin")
    world.github.faults.inject(fault, method="GET", path="permission")
    with pytest.raises(TRANSIENT):
        await writer.permission("bob")


@pytest.mark.parametrize("name", ["../../../user", "bob/permission?x=", "bob#", "%2e%2e"])
async def test_a_hostile_login_cannot_change_the_request(world: GitHubHarness, name: str) -> None:
    writer = opened(world)
    world.repository.set_role("bob", "admin")
    assert await writer.permission(name) == "none"


async def test_a_content_limit_is_distinguished_from_an_invalid_request(world: GitHubHarness) -> None:
    writer = opened(world)
    world.github.faults.inject(Fault.ABUSE, path="comments")
    with pytest.raises(GitHubRateLimited):
        await writer.create_issue_comment("one too many")


async def test_a_persons_token_cannot_write_check_runs(world: GitHubHarness) -> None:
    opened(world)
    world.repository.set_role("bob", "write")
    client = token_client(
        world.github.tokens.create_user_token("bob"),
        "octo/shop",
        transport=world.transport(),
        clock=lambda: world.now,
    )
    writer = PullRequestWriter(client, world.ref())
    with pytest.raises(GitHubForbidden):
        await start_check_run(world, writer)
    assert await writer.create_issue_comment(f"By hand\n{SUMMARY}") == await writer.find_issue_comment(
        SUMMARY
    )
