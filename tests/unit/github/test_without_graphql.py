"""Without GraphQL, Quorum reads and finds the same with more REST requests."""

from dataclasses import replace

import httpx

from app.domain.diff import Side
from app.domain.publication import MarkerKind, ReviewComment, marker
from app.github.app import GitHubApp
from app.github.reader import PullRequestSource
from app.github.writer import PullRequestWriter
from tests.unit.github.conftest import GitHubHarness

FINDING = marker(MarkerKind.FINDING, "f1")
SUMMARY = marker(MarkerKind.SUMMARY, "octo/shop#1")


class NoGraphQL(httpx.AsyncBaseTransport):
    """A transport on which `/graphql` does not exist."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/graphql"):
            return httpx.Response(404, json={"message": "Not Found"}, request=request)
        return await self._inner.handle_async_request(request)


def app_without_graphql(world: GitHubHarness) -> GitHubApp:
    app = world.github.app
    transport = NoGraphQL(world.transport())
    return GitHubApp(app.id, app.private_key, transport=transport, clock=lambda: world.now)


async def posted(world: GitHubHarness) -> None:
    """A finding, a person's reply, and a summary."""
    writer = world.writer()
    pull = world.repository.pull(1)
    comment = ReviewComment(path="pay.py", line=2, body=f"Look\n\n{FINDING}")
    await writer.create_review(head_sha=pull.head_sha, body="One finding.", comments=[comment])
    await writer.create_issue_comment(f"Summary\n\n{SUMMARY}")
    pull.reply("alice", pull.review_comments()[0], "Why?")


async def test_rest_reads_the_same_as_graphql(world: GitHubHarness) -> None:
    world.open_pull({"pay.py": "one\n2\nthree\n", "new.py": "x\n"}, title="Pay", draft=True)
    await posted(world)
    paths = [".github/quorum.yml", "AGENTS.md"]
    with_graphql = await world.source().snapshot(paths)
    client = app_without_graphql(world).installation(world.installation_id, "octo/shop")
    without = await PullRequestSource(client, world.ref()).snapshot(paths)

    assert without.pull_request == with_graphql.pull_request
    assert without.diff == with_graphql.diff
    assert without.base_files == {"AGENTS.md": b"Be kind.\n"}
    assert without.summary_comment_id == with_graphql.summary_comment_id
    [thread], [known] = without.threads, with_graphql.threads
    assert thread == replace(known, node_id="")


async def test_contents_are_read_one_by_one(world: GitHubHarness) -> None:
    world.open_pull({"pay.py": "one\n2\nthree\n"})
    client = app_without_graphql(world).installation(world.installation_id, "octo/shop")
    source = PullRequestSource(client, world.ref())
    await source.snapshot([])

    assert await source.blob("pay.py", Side.RIGHT) == b"one\n2\nthree\n"
    assert await source.blob("pay.py", Side.LEFT) == b"one\ntwo\nthree\n"


async def test_posted_comments_are_found(world: GitHubHarness) -> None:
    world.open_pull({"pay.py": "one\n2\nthree\n"})
    await posted(world)
    client = app_without_graphql(world).installation(world.installation_id, "octo/shop")
    writer = PullRequestWriter(client, world.ref())

    assert await writer.find_issue_comment(SUMMARY) == world.repository.pull(1).issue_comments[0].id
    assert await writer.find_review_comment(FINDING) == world.repository.pull(1).review_comments()[0].id
    assert await writer.find_issue_comment(marker(MarkerKind.SUMMARY, "octo/shop#2")) is None


async def test_a_copied_marker_is_ignored(world: GitHubHarness) -> None:
    pull = world.open_pull({"pay.py": "one\n2\nthree\n"})
    pull.comment("mallory", f"Mine now\n\n{SUMMARY}")
    pull.comment("evil[bot]", f"Mine now\n\n{SUMMARY}")
    client = app_without_graphql(world).installation(world.installation_id, "octo/shop")

    assert (await PullRequestSource(client, world.ref()).snapshot([])).summary_comment_id is None
