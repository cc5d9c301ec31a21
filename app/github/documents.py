"""The GraphQL documents that Quorum sends. Text only; a test holds each against GitHub's published schema.

Paths, ids and texts travel as variables, never inside a document: https://docs.github.com/en/graphql/reference
"""

from collections.abc import Mapping
from enum import StrEnum

# `fullDatabaseId` is a decimal string; `databaseId` is an Int that newer ids no longer fit.
_COMMENT = "fullDatabaseId body viewerDidAuthor"
_BLOB = "... on Blob { text byteSize isBinary isTruncated }"
_REACTIONS = "reactionGroups { content reactors(first: 1) { totalCount } }"
_PAGE = "pageInfo { hasNextPage endCursor }"
_THREADS = f"""\
{_PAGE}
      nodes {{
        id isResolved isOutdated path line
        comments(first: 50) {{ nodes {{ id {_COMMENT} {_REACTIONS} author {{ __typename login }} }} }}
      }}"""


def snapshot(base_paths: int) -> str:
    """A pull request, `$p0…` of its base branch, and Quorum's threads and comments."""
    files = " ".join(f"p{i}: file(path: $p{i}) {{ object {{ {_BLOB} }} }}" for i in range(base_paths))
    return f"""\
query Snapshot($owner: String!, $name: String!, $number: Int!{_declared("p", base_paths)}) {{
  repository(owner: $owner, name: $name) {{
    pullRequest(number: $number) {{
      title body state isDraft changedFiles
      author {{ __typename login }}
      labels(first: 100) {{ nodes {{ name }} }}
      baseRefName baseRefOid headRefName headRefOid
      headRepository {{ nameWithOwner }}
      baseRef {{ target {{ oid ... on Commit {{ oid {files} }} }} }}
      reviewThreads(first: 100) {{ {_THREADS} }}
      comments(first: 100) {{ {_PAGE} nodes {{ id {_COMMENT} }} }}
    }}
  }}
}}"""


def blobs(count: int) -> str:
    """The files that `$e0…` name as `commit:path`."""
    objects = " ".join(f"e{i}: object(expression: $e{i}) {{ {_BLOB} }}" for i in range(count))
    return f"""\
query Blobs($owner: String!, $name: String!{_declared("e", count)}) {{
  repository(owner: $owner, name: $name) {{ {objects} }}
}}"""


REVIEW_THREADS = f"""\
query ReviewThreads($owner: String!, $name: String!, $number: Int!, $after: String) {{
  repository(owner: $owner, name: $name) {{
    pullRequest(number: $number) {{
      reviewThreads(first: 100, after: $after) {{ {_THREADS} }}
    }}
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
    """What can be done with a thread (by its id) or its first comment (by that one's)."""

    RESOLVE = "resolve"
    UNRESOLVE = "unresolve"
    FOLD = "fold"
    UNFOLD = "unfold"


_CHANGES = {
    ThreadChange.RESOLVE: "resolveReviewThread(input: {threadId: $%s}) { thread { isResolved } }",
    ThreadChange.UNRESOLVE: "unresolveReviewThread(input: {threadId: $%s}) { thread { isResolved } }",
    ThreadChange.FOLD: "minimizeComment(input: {subjectId: $%s, classifier: RESOLVED}) "
    "{ minimizedComment { isMinimized } }",
    ThreadChange.UNFOLD: "unminimizeComment(input: {subjectId: $%s}) { unminimizedComment { isMinimized } }",
}


def answer_threads(replies: int, changes: Mapping[ThreadChange, int], *, edits: bool = False) -> str:
    """Answers the threads `$t0…` with `$b0…`, edits the comment `$c0` to `$d0`, and makes so many of each change, to
    `$resolve0…`, `$fold0…` and so on.
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
