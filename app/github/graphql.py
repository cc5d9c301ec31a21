"""The GraphQL documents that Quorum sends, and the mutation that answers review threads.

A test checks each document against GitHub's published schema. Paths, ids and texts travel as variables, never inside a
document: https://docs.github.com/en/graphql/reference"""

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

from app.domain.publication import CommentEdit, ThreadAnswer, ThreadsDone
from app.errors import GitHubForbidden
from app.github.client import RepositoryClient

REPLIES_PER_PAGE = 20  # of a thread; the rest of a longer one is read by itself
MAX_POINTS = 5  # of a snapshot

# `fullDatabaseId` is a decimal string; `databaseId` is an Int that newer ids no longer fit.
_COMMENT = "fullDatabaseId body viewerDidAuthor"
_BLOB = "... on Blob { text byteSize isBinary isTruncated }"
_REACTIONS = "reactionGroups { content reactors(first: 1) { totalCount } }"
_PAGE = "pageInfo { hasNextPage endCursor }"
_ISSUE = "number title body"
# The checks that failed on the head; their annotations are a query of their own, because they would cost points.
_CHECKS = """\
commits(last: 1) { nodes { commit { oid checkSuites(first: 20) { nodes { app { databaseId } checkRuns(
        first: 10, filterBy: {checkType: LATEST, conclusions: [FAILURE, TIMED_OUT, STARTUP_FAILURE]}
      ) { nodes { id name title } } } } } } }"""
_REPLY = f"id {_COMMENT} author {{ __typename login }}"
# Each connection costs one hundredth of a point for each node above it, so the thumbs are read on first comments only.
_THREADS = f"""\
{_PAGE}
      nodes {{
        id isResolved isOutdated path line
        opening: comments(first: 1) {{ nodes {{ {_REACTIONS} }} }}
        comments(first: {REPLIES_PER_PAGE}) {{ {_PAGE} nodes {{ {_REPLY} }} }}
      }}"""


def snapshot(base_paths: int) -> str:
    """Build the query of a pull request, the files `$p0…` of its base branch, and its threads and comments."""
    files = " ".join(f"p{i}: file(path: $p{i}) {{ object {{ {_BLOB} }} }}" for i in range(base_paths))
    return f"""\
query Snapshot($owner: String!, $name: String!, $number: Int!{_declared("p", base_paths)}) {{
  rateLimit {{ cost }}
  repository(owner: $owner, name: $name) {{
    pullRequest(number: $number) {{
      title body state isDraft changedFiles
      author {{ __typename login }}
      labels(first: 100) {{ nodes {{ name }} }}
      closingIssuesReferences(first: 5) {{ nodes {{ {_ISSUE} repository {{ nameWithOwner }} }} }}
      baseRefName baseRefOid headRefName headRefOid
      {_CHECKS}
      headRepository {{ nameWithOwner }}
      baseRef {{ target {{ oid ... on Commit {{ oid {files} }} }} }}
      reviewThreads(first: 100) {{ {_THREADS} }}
      comments(first: 100) {{ {_PAGE} nodes {{ id {_COMMENT} }} }}
    }}
  }}
}}"""


def blobs(count: int) -> str:
    """Build the query of the files that `$e0…` name as `commit:path`."""
    objects = " ".join(f"e{i}: object(expression: $e{i}) {{ {_BLOB} }}" for i in range(count))
    return f"""\
query Blobs($owner: String!, $name: String!{_declared("e", count)}) {{
  repository(owner: $owner, name: $name) {{ {objects} }}
}}"""


def issues(count: int) -> str:
    """Build the query of the issues with the numbers `$i0…`."""
    declared = "".join(f", $i{i}: Int!" for i in range(count))
    found = " ".join(f"i{i}: issue(number: $i{i}) {{ {_ISSUE} }}" for i in range(count))
    return f"""\
query Issues($owner: String!, $name: String!{declared}) {{
  repository(owner: $owner, name: $name) {{ {found} }}
}}"""


ANNOTATIONS = """\
query Annotations($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on CheckRun {
      id
      annotations(first: 20) { nodes { path annotationLevel title message location { start { line } } } }
    }
  }
}"""

_PAST = "oid committedDate messageHeadline"
HISTORY = f"""\
query History($owner: String!, $name: String!, $head: GitObjectID!, $path: String!, $first: Int!) {{
  repository(owner: $owner, name: $name) {{
    object(oid: $head) {{ ... on Commit {{ history(first: $first, path: $path) {{ nodes {{ {_PAST} }} }} }} }}
  }}
}}"""

BLAME = f"""\
query Blame($owner: String!, $name: String!, $head: GitObjectID!, $path: String!) {{
  repository(owner: $owner, name: $name) {{
    object(oid: $head) {{
      ... on Commit {{ blame(path: $path) {{ ranges {{ startingLine endingLine commit {{ {_PAST} }} }} }} }}
    }}
  }}
}}"""

REVIEW_THREADS = f"""\
query ReviewThreads($owner: String!, $name: String!, $number: Int!, $after: String) {{
  repository(owner: $owner, name: $name) {{
    pullRequest(number: $number) {{
      reviewThreads(first: 100, after: $after) {{ {_THREADS} }}
    }}
  }}
}}"""

THREAD_COMMENTS = f"""\
query ThreadComments($thread: ID!, $after: String) {{
  node(id: $thread) {{
    ... on PullRequestReviewThread {{ comments(first: 100, after: $after) {{ {_PAGE} nodes {{ {_REPLY} }} }} }}
  }}
}}"""

COMMENTS = f"""\
query Comments($owner: String!, $name: String!, $number: Int!, $after: String) {{
  repository(owner: $owner, name: $name) {{
    pullRequest(number: $number) {{
      comments(first: 100, after: $after) {{ {_PAGE} nodes {{ id {_COMMENT} }} }}
    }}
  }}
}}"""

REVIEWS = f"""\
query Reviews($owner: String!, $name: String!, $number: Int!, $after: String) {{
  repository(owner: $owner, name: $name) {{
    pullRequest(number: $number) {{
      reviews(first: 100, after: $after) {{ {_PAGE} nodes {{ {_COMMENT} }} }}
    }}
  }}
}}"""


class ThreadChange(StrEnum):
    """A change of a thread (by its id) or of its first comment (by the comment's id)."""

    RESOLVE = "resolve"
    UNRESOLVE = "unresolve"
    MINIMIZE = "minimize"
    UNMINIMIZE = "unminimize"


_CHANGES = {
    ThreadChange.RESOLVE: "resolveReviewThread(input: {threadId: $%s}) { thread { isResolved } }",
    ThreadChange.UNRESOLVE: "unresolveReviewThread(input: {threadId: $%s}) { thread { isResolved } }",
    ThreadChange.MINIMIZE: "minimizeComment(input: {subjectId: $%s, classifier: RESOLVED}) "
    "{ minimizedComment { isMinimized } }",
    ThreadChange.UNMINIMIZE: "unminimizeComment(input: {subjectId: $%s}) { unminimizedComment { isMinimized } }",
}


def answer_threads_document(replies: int, changes: Mapping[ThreadChange, int], *, edits: bool = False) -> str:
    """Build the mutation that replies to the threads `$t0…` with `$b0…`, edits the comment `$c0` to `$d0`, and makes
    the given number of each change, on `$resolve0…`, `$minimize0…` and so on.
    """
    parts = [
        f"r{i}: addPullRequestReviewThreadReply(input: {{pullRequestReviewThreadId: $t{i}, body: $b{i}}}) "
        "{ comment { id } }"
        for i in range(replies)
    ]
    named = [(change, f"{change}{i}") for change, count in changes.items() for i in range(count)]
    parts += [f"{name}: {_CHANGES[change] % name}" for change, name in named]
    if edits:
        parts.append("edit: updateIssueComment(input: {id: $c0, body: $d0}) { issueComment { id } }")
    declared = [f"$t{i}: ID!, $b{i}: String!" for i in range(replies)]
    declared += [f"${name}: ID!" for _, name in named]
    declared += ["$c0: ID!, $d0: String!"] if edits else []
    return f"mutation AnswerThreads({', '.join(declared)}) {{ {' '.join(parts)} }}"


def _declared(letter: str, count: int) -> str:
    return "".join(f", ${letter}{i}: String!" for i in range(count))


ANSWERS_PER_MUTATION = 40
REFUSAL_HOLDS_S = 3_600.0

_log = logging.getLogger(__name__)


async def answer_threads(
    client: RepositoryClient, answers: Sequence[ThreadAnswer], *, edit: CommentEdit | None = None
) -> ThreadsDone:
    """Reply to threads, resolve settled ones or minimize their comments, and reopen the others.

    Resolving needs `contents: write`, which owners need not grant; without it, comments are minimized as resolved.
    The last request includes `edit`. https://docs.github.com/en/graphql/reference/mutations#resolvereviewthread
    """
    resolved = minimized = 0
    edited = False
    for start in range(0, len(answers), ANSWERS_PER_MUTATION):
        is_last = start + ANSWERS_PER_MUTATION >= len(answers)
        done = await _answer(
            client, answers[start : start + ANSWERS_PER_MUTATION], edit=edit if is_last else None
        )
        resolved, minimized, edited = resolved + done.resolved, minimized + done.minimized, done.edited
    return ThreadsDone(resolved=resolved, minimized=minimized, edited=edited)


async def _answer(
    client: RepositoryClient, answers: Sequence[ThreadAnswer], *, edit: CommentEdit | None
) -> ThreadsDone:
    threads = [answer.thread_node_id for answer in answers if answer.settled]
    comments = [answer.comment_node_id for answer in answers if answer.settled]
    reopened = [answer for answer in answers if not answer.settled]
    resolved = [answer.thread_node_id for answer in reopened if answer.is_resolved]
    unminimize = {
        ThreadChange.UNMINIMIZE: [each.comment_node_id for each in reopened if not each.is_resolved]
    }
    may_resolve = (threads or resolved) and time.monotonic() >= client.resolving_refused_until_s
    if may_resolve:
        changes = {ThreadChange.RESOLVE: threads, ThreadChange.UNRESOLVE: resolved} | unminimize
        try:
            done = await _mutate(client.resolving(), answers, changes, edit=edit)
        except GitHubForbidden as error:
            _log.info("Threads are not resolved: %s", error)
            client.resolving_refused_until_s = time.monotonic() + REFUSAL_HOLDS_S
        else:
            left = [] if done.resolved else comments
            return replace(
                done, minimized=(await _mutate(client, (), {ThreadChange.MINIMIZE: left})).minimized
            )
    return await _mutate(client, answers, {ThreadChange.MINIMIZE: comments} | unminimize, edit=edit)


async def _mutate(
    client: RepositoryClient,
    answers: Sequence[ThreadAnswer],
    changes: Mapping[ThreadChange, Sequence[str]],
    *,
    edit: CommentEdit | None = None,
) -> ThreadsDone:
    """Send one request whose parts succeed or fail independently."""
    replies = [answer for answer in answers if answer.body is not None]
    if not (replies or edit or any(changes.values())):
        return ThreadsDone()
    variables: dict[str, Any] = {}
    for index, answer in enumerate(replies):
        variables |= {f"t{index}": answer.thread_node_id, f"b{index}": answer.body}
    for change, node_ids in changes.items():
        variables |= {f"{change}{index}": node_id for index, node_id in enumerate(node_ids)}
    variables |= {"c0": edit.node_id, "d0": edit.body} if edit else {}
    counts = {change: len(node_ids) for change, node_ids in changes.items()}
    document = answer_threads_document(len(replies), counts, edits=edit is not None)
    data, errors = await client.graphql_partly(document, variables, to="answer threads")
    for error in errors:
        _log.info("GitHub rejected part of the answers to threads: %s", error.message)
    done = Counter(name.rstrip("0123456789") for name, answer in data.items() if answer is not None)
    return ThreadsDone(
        resolved=done[ThreadChange.RESOLVE], minimized=done[ThreadChange.MINIMIZE], edited=bool(done["edit"])
    )
