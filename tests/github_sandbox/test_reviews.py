"""Reviews and comments in the diff: all or nothing, permitted keys, anchors, lengths.

https://docs.github.com/en/rest/pulls/reviews#create-a-review-for-a-pull-request
https://docs.github.com/en/rest/pulls/comments#create-a-review-comment-for-a-pull-request
"""

from typing import Any

import httpx
import pytest

from github_sandbox import Anchor
from tests.contracts.guard import OpenApiGuard
from tests.github_sandbox.conftest import SandboxHarness, comment

REVIEWS = "/pulls/1/reviews"


@pytest.fixture
def unguarded(world: SandboxHarness) -> SandboxHarness:
    """The description already forbids such requests; here the stand-in itself must reject them."""
    transport = OpenApiGuard(raises=False).wrap(world.sandbox.transport())
    world.http = httpx.AsyncClient(transport=transport, base_url="https://api.github.com")
    return world


async def test_creating_a_review_responds_with_200_and_stores_its_comments(world: SandboxHarness) -> None:
    answer = await world.request("POST", REVIEWS, world.review(comment(), comment(line=30)))
    assert (answer.status_code, answer.json()["state"]) == (200, "COMMENTED")
    assert [c.anchor.line for c in world.pull.review_comments()] == [5, 30]
    assert world.pull.threads[0].root.diff_hunk.endswith("-line 5\n+changed 5")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (comment(line=20), "Line could not be resolved"),
        (comment(line=5_000), "Line could not be resolved"),
        (comment(path="nowhere.py"), "Path could not be resolved"),
        (comment(path="README.md", line=1), "Path could not be resolved"),
        (comment(path="old.py", line=1), "Line could not be resolved"),
        (comment(path="new.py", line=1, side="LEFT"), "Line could not be resolved"),
        (comment(line=5, start_line=2), "Start side must be given with start line"),
        (
            comment(line=30, start_line=5, start_side="RIGHT"),
            "Start line must be part of the same hunk as the line.",
        ),
        (comment(line=5, start_line=6, start_side="RIGHT"), "Start line must precede the end line."),
        (comment(line=5, start_line=5, start_side="RIGHT"), "Start line must precede the end line."),
    ],
)
async def test_one_bad_anchor_rejects_the_whole_review_with_strings(
    world: SandboxHarness, wrong: dict[str, Any], error: str
) -> None:
    """https://github.com/QwenLM/qwen-code/issues/6711 and https://github.com/warpdotdev/oz-for-oss/issues/310"""
    answer = await world.request("POST", REVIEWS, world.review(comment(), wrong))
    assert (answer.status_code, answer.json()["errors"]) == (422, [error])
    assert (world.pull.reviews, world.pull.threads) == ([], [])


@pytest.mark.parametrize(
    "right",
    [
        comment(line=4),
        comment(line=8),
        comment(line=5, side="LEFT"),
        comment(line=4, side="LEFT"),
        comment(path="old.py", line=5, side="LEFT"),
        comment(path="new.py", line=3, start_line=1, start_side="RIGHT"),
        comment(line=5, start_line=5, start_side="LEFT"),
    ],
)
async def test_right_comments_go_on_added_and_context_lines_left_on_removed_and_context_lines(
    world: SandboxHarness, right: dict[str, Any]
) -> None:
    assert (await world.request("POST", REVIEWS, world.review(right))).status_code == 200


async def test_a_range_across_two_hunks_is_rejected(world: SandboxHarness) -> None:
    """https://github.com/devops-thiago/ThrillhouseBot/issues/249"""
    text = "".join(f"line {n}\n" for n in range(1, 41))
    pull = world.repository.open_pull({"pay.py": text.replace("line 5\n", "a\n").replace("line 13\n", "b\n")})
    assert [h.header for h in pull.changes()[0].hunks] == [
        "@@ -2,7 +2,7 @@ line 1",
        "@@ -10,7 +10,7 @@ line 9",
    ]
    body = world.review(comment(line=10, start_line=8, start_side="RIGHT"))
    assert (await world.request("POST", f"/pulls/{pull.number}/reviews", body)).status_code == 422


@pytest.mark.parametrize("key", ["subject_type", "fingerprint"])
async def test_an_unknown_key_is_rejected(unguarded: SandboxHarness, key: str) -> None:
    """https://github.com/danobi/prr/issues/33"""
    answer = await unguarded.request("POST", REVIEWS, unguarded.review({**comment(), key: "line"}))
    assert answer.status_code == 422
    assert f'"{key}" is not a permitted key' in answer.json()["message"]


async def test_a_comment_review_requires_a_body(world: SandboxHarness) -> None:
    assert (await world.request("POST", REVIEWS, world.review(body=""))).status_code == 422


@pytest.mark.parametrize(("length", "status"), [(65_536, 200), (65_537, 422)])
async def test_bodies_have_at_most_65536_characters(world: SandboxHarness, length: int, status: int) -> None:
    assert (await world.request("POST", REVIEWS, world.review(body="x" * length))).status_code == status
    said = await world.request("POST", "/issues/1/comments", {"body": "x" * length})
    assert said.status_code == (201 if status == 200 else 422)
    inline = await world.request("POST", REVIEWS, world.review(comment(body="x" * length)))
    assert inline.status_code == status


@pytest.mark.parametrize("event", ["APPROVE", "REQUEST_CHANGES"])
async def test_an_author_cannot_approve_their_own_pull_request(world: SandboxHarness, event: str) -> None:
    """https://github.com/Blazity/ai-workflow/issues/180"""
    pull = world.repository.open_pull({"bot.py": "x\n"}, author=world.sandbox.app.bot_login)
    path = f"/pulls/{pull.number}/reviews"
    assert (await world.request("POST", path, world.review(event=event))).status_code == 422
    assert (await world.request("POST", path, world.review())).status_code == 200


async def test_only_one_review_may_be_pending(world: SandboxHarness) -> None:
    """https://github.com/github/app/issues/3371"""
    assert (await world.request("POST", REVIEWS, {"body": "later"})).json()["state"] == "PENDING"
    assert (await world.request("POST", REVIEWS, {"body": "later"})).status_code == 422


async def test_a_commit_of_another_branch_is_rejected(world: SandboxHarness) -> None:
    body = world.review(commit_id=world.pull.base_sha)
    assert (await world.request("POST", REVIEWS, body)).status_code == 422


async def test_a_review_of_an_older_commit_is_checked_against_its_own_diff(world: SandboxHarness) -> None:
    first = world.pull.head_sha
    world.pull.push({"new.py": "one\n"})
    late = comment(path="new.py", line=3)
    assert (await world.request("POST", REVIEWS, world.review(late))).status_code == 422
    assert (await world.request("POST", REVIEWS, world.review(late, commit_id=first))).status_code == 200


async def test_a_comment_on_a_file_must_not_have_a_line(unguarded: SandboxHarness) -> None:
    """https://github.com/octokit/octokit.rb/issues/1717"""
    on_file = {"path": "new.py", "subject_type": "file", "commit_id": unguarded.pull.head_sha, "body": "all"}
    with_null = await unguarded.request("POST", "/pulls/1/comments", {**on_file, "line": None})
    assert with_null.status_code == 422
    upper = await unguarded.request("POST", "/pulls/1/comments", {**on_file, "subject_type": "FILE"})
    assert upper.status_code == 422
    made = await unguarded.request("POST", "/pulls/1/comments", on_file)
    assert (made.status_code, made.json()["subject_type"]) == (201, "file")
    assert "line" not in made.json()


async def test_a_single_comment_is_checked_like_a_review(world: SandboxHarness) -> None:
    body = {**comment(line=20), "commit_id": world.pull.head_sha}
    assert (await world.request("POST", "/pulls/1/comments", body)).status_code == 422
    assert (await world.request("POST", "/pulls/1/comments", {**body, "line": 5})).status_code == 201


async def test_only_the_first_comment_of_a_thread_can_be_replied_to(world: SandboxHarness) -> None:
    first = world.pull.review_comment("bob", Anchor(path="pay.py", line=5), "why?")
    answer = await world.request("POST", f"/pulls/1/comments/{first.id}/replies", {"body": "because"})
    assert (answer.status_code, answer.json()["in_reply_to_id"]) == (201, first.id)
    second = answer.json()["id"]
    assert (
        await world.request("POST", f"/pulls/1/comments/{second}/replies", {"body": "no"})
    ).status_code == 404


async def test_comments_of_others_cannot_be_edited(world: SandboxHarness) -> None:
    said = world.pull.comment("bob", "mine")
    answer = await world.request("PATCH", f"/issues/comments/{said.id}", {"body": "yours"})
    assert (answer.status_code, said.body) == (403, "mine")


async def test_a_thread_moves_with_its_line(world: SandboxHarness) -> None:
    await world.request("POST", REVIEWS, world.review(comment(line=30)))
    text = "".join(f"line {n}\n" if n not in (5, 30) else f"changed {n}\n" for n in range(1, 41))
    world.pull.push({"pay.py": "first\nsecond\n" + text})
    thread = world.pull.threads[0]
    assert (thread.root.anchor.line, thread.root.original.line, thread.is_outdated) == (32, 30, False)


async def test_a_thread_on_a_changed_line_is_outdated(world: SandboxHarness) -> None:
    await world.request("POST", REVIEWS, world.review(comment()))
    world.pull.push({"pay.py": "".join(f"line {n}\n" if n != 5 else "again\n" for n in range(1, 41))})
    (row,) = (await world.request("GET", "/pulls/1/comments")).json()
    assert (row["line"], row["original_line"], row["position"]) == (None, 5, None)
    assert world.pull.threads[0].is_outdated


async def test_a_repeated_reaction_is_the_same_one(world: SandboxHarness) -> None:
    """https://docs.github.com/en/rest/reactions/reactions"""
    said = world.pull.comment("bob", "/rereview")
    path = f"/issues/comments/{said.id}/reactions"
    statuses = [(await world.request("POST", path, {"content": "eyes"})).status_code for _ in range(2)]
    assert (statuses, len(said.reactions)) == ([201, 200], 1)
