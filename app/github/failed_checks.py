"""Read the checks of other Apps that failed on the head: names and annotations, never logs. None of it stops a review.

https://docs.github.com/en/graphql/reference/objects#checkrun
"""

import logging
from collections.abc import Iterable, Iterator, Mapping

from githubkit.graphql import GraphQLError

from app.domain.pull_request import CheckNote, FailedCheck, PullRequestRef
from app.errors import GitHubError, GitHubRateLimited
from app.github import graphql
from app.github.client import RepositoryClient
from app.github.pull_node import Node, child

MAX_CHECKS = 10
OWN_NAMES = ("quorum/review", "quorum/security", "quorum/docs")
_SUITES = "checkSuites"

_log = logging.getLogger(__name__)


def is_about_checks(error: GraphQLError) -> bool:
    """Whether the error is about checks that the token may not read."""
    return _SUITES in (error.path or ())


async def read_failed_checks(
    client: RepositoryClient, ref: PullRequestRef, pull: Node
) -> tuple[FailedCheck, ...]:
    """Return the failed checks of other Apps; takes a query of its own only if there are some."""
    runs = list(_failed(pull, client.app_id))[:MAX_CHECKS]
    if not runs:
        return ()
    notes = await _annotations(client, ref, [run["id"] for run in runs])
    return tuple(
        FailedCheck(name=run["name"], title=run["title"] or "", notes=notes.get(run["id"], ()))
        for run in runs
    )


def _failed(pull: Node, own_id: int | None) -> Iterator[Node]:
    for commit in (child(node, "commit") for node in _nodes(pull, "commits")):
        if commit.get("oid") != pull["headRefOid"]:
            continue
        for suite in _nodes(commit, _SUITES):
            if own_id is None or child(suite, "app").get("databaseId") != own_id:
                yield from (run for run in _nodes(suite, "checkRuns") if run["name"] not in OWN_NAMES)


async def _annotations(
    client: RepositoryClient, ref: PullRequestRef, ids: list[str]
) -> Mapping[str, tuple[CheckNote, ...]]:
    try:
        data, _ = await client.graphql_partly(
            graphql.ANNOTATIONS, {"ids": ids}, to=f"read the failed checks of {ref}"
        )
    except GitHubRateLimited:
        raise
    except GitHubError as error:
        _log.warning("Continuing without the annotations of failed checks: %s", error)
        return {}
    return {run["id"]: tuple(_notes(_nodes(run, "annotations"))) for run in data.get("nodes") or () if run}


def _notes(nodes: Iterable[Node]) -> Iterator[CheckNote]:
    for node in nodes:
        yield CheckNote(
            path=node["path"],
            line=node["location"]["start"]["line"],
            level=(node["annotationLevel"] or "failure").lower(),
            message=node["message"],
            title=node["title"] or "",
        )


def _nodes(node: Node, connection: str) -> list[Node]:
    return [each for each in child(node, connection).get("nodes") or () if each]
