"""GraphQL: one query reads a pull request with files of its base, and mutations need permissions.

https://docs.github.com/en/graphql
"""

from typing import Any

import pytest

from github_sandbox import Anchor
from tests.github_sandbox.conftest import SandboxHarness, comment

SNAPSHOT = """
query Snapshot($owner: String!, $name: String!, $number: Int!, $path: String!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      title body state isDraft headRefOid baseRefOid changedFiles
      author { __typename login }
      headRepository { nameWithOwner }
      labels(first: 10) { nodes { name } }
      baseRef { target { oid ... on Commit {
        config: file(path: $path) { object { ... on Blob { text isBinary isTruncated byteSize } } }
        missing: file(path: "nowhere") { path }
      } } }
      reviewThreads(first: 10) { nodes {
        id isResolved isOutdated path line viewerCanResolve
        comments(first: 10) { nodes { fullDatabaseId databaseId body viewerDidAuthor author { __typename login } } }
      } }
      comments(first: 10) { nodes { body isMinimized minimizedReason } }
    }
  }
}
"""
WHERE = {"owner": "acme", "name": "payments", "number": 1, "path": ".github/quorum.yml"}
RESOLVE = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"
CLASSIFY = """
mutation($id: ID!, $why: ReportedContentClassifiers!) {
  minimizeComment(input: {subjectId: $id, classifier: $why}) { minimizedComment { isMinimized minimizedReason } }
}
"""


async def snapshot(world: SandboxHarness, **more: Any) -> Any:
    answer = await world.query(SNAPSHOT, {**WHERE, **more})
    assert "errors" not in answer, answer
    return answer["data"]["repository"]["pullRequest"]


async def test_one_query_reads_the_pull_request_and_files_of_its_base(world: SandboxHarness) -> None:
    world.pull.push({".github/quorum.yml": "gate: off\n"})
    pull = await snapshot(world)
    assert (pull["title"], pull["state"], pull["isDraft"], pull["changedFiles"]) == (
        "Change payments",
        "OPEN",
        False,
        4,
    )
    assert pull["headRefOid"] == world.pull.head_sha
    commit = pull["baseRef"]["target"]
    assert commit["config"]["object"]["text"] == "gate: high\n"
    assert commit["missing"] is None


async def test_logins_of_bots_have_no_suffix(world: SandboxHarness) -> None:
    await world.request("POST", "/pulls/1/reviews", world.review(comment()))
    (thread,) = (await snapshot(world))["reviewThreads"]["nodes"]
    (said,) = thread["comments"]["nodes"]
    assert said["author"] == {"__typename": "Bot", "login": "quorum"}
    assert said["viewerDidAuthor"] is True
    rest = (await world.request("GET", "/pulls/1/comments")).json()[0]
    assert (rest["user"]["login"], str(rest["id"])) == ("quorum[bot]", said["fullDatabaseId"])


async def test_database_ids_no_longer_fit_the_old_field(world: SandboxHarness) -> None:
    """https://docs.github.com/en/graphql/reference/objects#pullrequestreviewcomment"""
    world.pull.review_comment("bob", Anchor(path="pay.py", line=5), "why?")
    (thread,) = (await snapshot(world))["reviewThreads"]["nodes"]
    (said,) = thread["comments"]["nodes"]
    assert said["databaseId"] is None
    assert int(said["fullDatabaseId"]) > 2**31


async def test_a_binary_has_no_text_and_a_long_text_is_truncated(world: SandboxHarness) -> None:
    world.repository.push({"a.bin": b"\0\1", "long.txt": "x" * 600_000})
    binary = (await snapshot(world, path="a.bin"))["baseRef"]["target"]["config"]["object"]
    long = (await snapshot(world, path="long.txt"))["baseRef"]["target"]["config"]["object"]
    assert (binary["text"], binary["isBinary"]) == (None, True)
    assert (len(long["text"]), long["isTruncated"], long["byteSize"]) == (512_000, True, 600_000)


async def test_the_head_repository_of_a_deleted_fork_is_null(world: SandboxHarness) -> None:
    pull = world.repository.open_pull({"x.py": "x\n"}, fork="mallory")
    pull.delete_head_repository()
    assert (await snapshot(world, number=pull.number))["headRepository"] is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"number": 99}, "Could not resolve to a PullRequest with the number of 99."),
        ({"name": "nowhere"}, "Could not resolve to a Repository with the name 'acme/nowhere'."),
    ],
)
async def test_a_missing_object_is_a_typed_error_with_status_200(
    world: SandboxHarness, changed: dict[str, Any], message: str
) -> None:
    answer = await world.query(SNAPSHOT, {**WHERE, **changed})
    assert (answer["errors"][0]["type"], answer["errors"][0]["message"]) == ("NOT_FOUND", message)
    assert world.sandbox.requests[-1].status == 200


@pytest.mark.parametrize(
    ("arguments", "kind"), [("", "MISSING_PAGINATION_BOUNDARIES"), ("(first: 101)", "EXCESSIVE_PAGINATION")]
)
async def test_connections_require_first_or_last_of_at_most_100(
    world: SandboxHarness, arguments: str, kind: str
) -> None:
    """https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api#node-limit"""
    text = f'{{ repository(owner: "acme", name: "payments") {{ pullRequest(number: 1) {{ comments{arguments} {{ nodes {{ id }} }} }} }} }}'
    assert (await world.query(text))["errors"][0]["type"] == kind


async def test_a_count_alone_needs_no_limit(world: SandboxHarness) -> None:
    world.pull.comment("bob", "one")
    text = '{ repository(owner: "acme", name: "payments") { pullRequest(number: 1) { comments { totalCount } } } }'
    assert (await world.query(text))["data"]["repository"]["pullRequest"]["comments"] == {"totalCount": 1}


async def test_connections_are_paged_by_cursor(world: SandboxHarness) -> None:
    for number in range(5):
        world.pull.comment("bob", str(number))
    text = """query($n: Int!, $after: String) { repository(owner: "acme", name: "payments") { pullRequest(number: 1) {
      comments(first: $n, after: $after) { totalCount nodes { body } pageInfo { hasNextPage endCursor } } } } }"""
    seen: list[str] = []
    after: str | None = None
    for has_next in (True, True, False):
        answer = await world.query(text, {"n": 2, "after": after})
        page = answer["data"]["repository"]["pullRequest"]["comments"]
        seen += [node["body"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        assert (page["pageInfo"]["hasNextPage"], page["totalCount"]) == (has_next, 5)
    assert seen == ["0", "1", "2", "3", "4"]


async def test_resolving_a_thread_requires_contents_write(world: SandboxHarness) -> None:
    """https://github.com/github/gh-aw/issues/35726"""
    await world.request("POST", "/pulls/1/reviews", world.review(comment()))
    thread = world.pull.threads[0]
    refused = await world.query(RESOLVE, {"id": thread.node_id})
    assert refused["errors"][0]["type"] == "FORBIDDEN"
    assert refused["errors"][0]["message"] == "Resource not accessible by integration"
    assert thread.resolved_by is None
    assert (await snapshot(world))["reviewThreads"]["nodes"][0]["viewerCanResolve"] is False
    installation = world.sandbox.installations[world.installation_id]
    world.sandbox.accept_permissions(installation, {"contents": "write"})
    done = await world.query(RESOLVE, {"id": thread.node_id})
    assert done["data"]["resolveReviewThread"]["thread"]["isResolved"] is True


async def test_a_comment_is_minimized_with_a_reason(world: SandboxHarness) -> None:
    made = (await world.request("POST", "/issues/1/comments", {"body": "old"})).json()
    done = await world.query(CLASSIFY, {"id": made["node_id"], "why": "OUTDATED"})
    told = done["data"]["minimizeComment"]["minimizedComment"]
    assert told == {"isMinimized": True, "minimizedReason": "outdated"}
    refused = await world.query(CLASSIFY, {"id": made["node_id"], "why": "BORING"})
    assert refused["errors"]


async def test_a_thread_gets_a_reply(world: SandboxHarness) -> None:
    first = world.pull.review_comment("bob", Anchor(path="pay.py", line=5), "why?")
    text = """mutation($id: ID!) { addPullRequestReviewThreadReply(input: {pullRequestReviewThreadId: $id, body: "so"}) {
      comment { body replyTo { body } } } }"""
    done = await world.query(text, {"id": world.pull.thread_of(first).node_id})
    told = done["data"]["addPullRequestReviewThreadReply"]["comment"]
    assert told == {"body": "so", "replyTo": {"body": "why?"}}


async def test_one_of_several_mutations_may_fail_alone(world: SandboxHarness) -> None:
    made = [(await world.request("POST", "/issues/1/comments", {"body": f"{n}"})).json() for n in range(2)]
    text = """mutation($a: ID!, $b: ID!) {
      a: minimizeComment(input: {subjectId: $a, classifier: OUTDATED}) { minimizedComment { isMinimized } }
      b: minimizeComment(input: {subjectId: $b, classifier: OUTDATED}) { minimizedComment { isMinimized } } }"""
    answer = await world.query(text, {"a": made[0]["node_id"], "b": "IC_nowhere"})
    assert answer["data"] == {"a": {"minimizedComment": {"isMinimized": True}}, "b": None}
    assert (answer["errors"][0]["type"], answer["errors"][0]["path"]) == ("NOT_FOUND", ["b"])


async def test_an_invalid_document_returns_its_errors(world: SandboxHarness) -> None:
    world.guard.raises = False
    assert (await world.query("{ nonsense }"))["errors"]
    assert (await world.query("{ repository("))["errors"]


async def test_code_requires_contents_read(world: SandboxHarness) -> None:
    body = {"query": SNAPSHOT, "variables": WHERE}
    token = world.token({"pull_requests": "read"})
    answer = (await world.request("POST", "graphql", body, token=token)).json()
    assert {error["type"] for error in answer["errors"]} == {"FORBIDDEN"}


async def test_the_enterprise_path_leads_to_the_same_endpoint(world: SandboxHarness) -> None:
    body = {"query": "{ viewer { login } }"}
    answer = await world.request("POST", "api/graphql", body)
    assert answer.json()["data"]["viewer"]["login"] == "quorum[bot]"


async def test_files_are_read_by_expression_and_blobs_listed_by_tree(world: SandboxHarness) -> None:
    text = """query($e: String!) { repository(owner: "acme", name: "payments") {
      file: object(expression: $e) { ... on Blob { text } }
      head: object(expression: "HEAD") { oid ... on Commit { tree { entries { path object { oid } } } } }
      gone: object(expression: "nowhere:README.md") { oid }
      none: object(expression: "main:nowhere") { oid }
      ref(qualifiedName: "refs/heads/main") { name target { oid } }
      missing: ref(qualifiedName: "refs/heads/nowhere") { name }
      defaultBranchRef { name }
    } }"""
    told = (await world.query(text, {"e": f"{world.pull.head_sha}:new.py"}))["data"]["repository"]
    assert told["file"]["text"] == "one\ntwo\nthree\n"
    assert [e["path"] for e in told["head"]["tree"]["entries"]] == sorted(
        [".github/quorum.yml", "README.md", "old.py", "pay.py"]
    )
    assert (told["gone"], told["none"], told["missing"]) == (None, None, None)
    assert told["ref"]["target"]["oid"] == told["head"]["oid"] == world.pull.base_sha
    assert told["defaultBranchRef"]["name"] == "main"


async def test_objects_are_found_by_their_global_id(world: SandboxHarness) -> None:
    inline = world.pull.review_comment("bob", Anchor(path="pay.py", line=5), "why?")
    said = world.pull.comment("bob", "hello")
    world.pull.react("alice", said, "+1")
    text = """query($ids: [ID!]!) { nodes(ids: $ids) { __typename
      ... on IssueComment { body pullRequest { number } reactionGroups { content reactors { totalCount } } }
      ... on PullRequestReviewComment { body pullRequestReview { state comments(first: 5) { totalCount } } }
      ... on PullRequest { labels(first: 5) { nodes { name } } files(first: 5) { nodes { path changeType } } }
      ... on PullRequestReview { state author { login } }
      ... on PullRequestReviewThread { path }
    } }"""
    world.pull.add_label("urgent")
    thread, review = world.pull.threads[0], world.pull.reviews[0]
    ids = [world.pull.node_id, said.node_id, inline.node_id, thread.node_id, review.node_id]
    answer = await world.query(text, {"ids": ids})
    assert "errors" not in answer, answer["errors"]
    pull, comment_told, inline_told, thread_told, review_told = answer["data"]["nodes"]
    assert pull["labels"]["nodes"] == [{"name": "urgent"}]
    assert {f["path"]: f["changeType"] for f in pull["files"]["nodes"]} == {
        "new.py": "ADDED",
        "old.py": "DELETED",
        "pay.py": "MODIFIED",
    }
    assert comment_told["pullRequest"]["number"] == 1
    groups = {g["content"]: g["reactors"]["totalCount"] for g in comment_told["reactionGroups"]}
    assert groups["THUMBS_UP"] == 1
    assert inline_told["pullRequestReview"] == {"state": "COMMENTED", "comments": {"totalCount": 1}}
    assert (thread_told["path"], review_told["author"]["login"]) == ("pay.py", "bob")
    single = await world.query("query($id: ID!) { node(id: $id) { id } }", {"id": "PR_nowhere"})
    assert single["errors"][0]["type"] == "NOT_FOUND"


async def test_the_rate_limit_can_be_queried(world: SandboxHarness) -> None:
    answer = await world.query("{ rateLimit { limit remaining used resetAt } }")
    assert answer["data"]["rateLimit"]["limit"] == 5_000


async def test_an_empty_reply_to_a_thread_is_rejected(world: SandboxHarness) -> None:
    first = world.pull.review_comment("bob", Anchor(path="pay.py", line=5), "why?")
    text = """mutation($id: ID!) { addPullRequestReviewThreadReply(input: {pullRequestReviewThreadId: $id, body: ""}) {
      comment { body } } }"""
    answer = await world.query(text, {"id": world.pull.thread_of(first).node_id})
    assert answer["errors"][0]["type"] == "UNPROCESSABLE"


async def test_an_invalid_cursor_is_rejected(world: SandboxHarness) -> None:
    text = """{ repository(owner: "acme", name: "payments") { pullRequest(number: 1) {
      comments(first: 1, after: "bm9uc2Vuc2U=") { totalCount } } } }"""
    assert (await world.query(text))["errors"][0]["type"] == "INVALID_CURSOR_ARGUMENTS"


async def test_a_commit_has_its_history_and_the_lines_of_a_file_their_commits(world: SandboxHarness) -> None:
    """https://docs.github.com/en/graphql/reference/objects#commit"""
    document = """
    query($owner: String!, $name: String!, $head: GitObjectID!, $path: String!) {
      repository(owner: $owner, name: $name) { object(oid: $head) { ... on Commit {
        history(first: 1, path: $path) { totalCount nodes { oid } }
        blame(path: $path) { ranges { startingLine endingLine commit { oid messageHeadline } } }
      } } }
    }
    """
    world.pull.push({"past.py": "one\ntwo\n"}, message="Begin")
    world.pull.push({"past.py": "one\n2\nthree\n"}, message="Go on")
    where = {"owner": "acme", "name": "payments", "head": world.pull.head_sha, "path": "past.py"}
    answer = await world.query(document, where)
    commit = answer["data"]["repository"]["object"]
    assert commit["history"] == {"totalCount": 2, "nodes": [{"oid": world.pull.head_sha}]}
    assert [
        (each["startingLine"], each["endingLine"], each["commit"]["messageHeadline"])
        for each in commit["blame"]["ranges"]
    ] == [(1, 1, "Begin"), (2, 3, "Go on")]
    missing = await world.query(document, where | {"path": "nowhere.py"})
    assert [error["type"] for error in missing["errors"]] == ["NOT_FOUND"]
