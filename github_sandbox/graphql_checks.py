"""GraphQL values of checks: the suites of a commit, the runs of a suite, and the annotations of a run.

https://docs.github.com/en/graphql/reference/objects#checksuite
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from graphql import GraphQLResolveInfo

from github_sandbox.graphql_values import connection, refused
from github_sandbox.model import RepositoryState
from github_sandbox.state import CheckRun, CheckSuite, Json, node_id
from github_sandbox.tokens import Actor


class CheckViews:
    """What one actor sees of checks; all of it needs `checks: read`."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    def suites(
        self, repo: RepositoryState, sha: str, info: "GraphQLResolveInfo[Any]", **arguments: object
    ) -> Json:
        """Resolve `Commit.checkSuites`, oldest first."""
        self._require(repo)
        given: Json = dict(arguments)
        wanted: Json = given.pop("filterBy", None) or {}
        runs = [run for run in repo.check_runs.values() if run.head_sha == sha]
        suites = list({run.suite.id: run.suite for run in runs}.values())
        if wanted.get("appId") is not None:
            suites = [suite for suite in suites if self._app(repo, suite)["databaseId"] == wanted["appId"]]
        return connection("checkSuites", suites, partial(self._suite, repo))(info, **given)

    def run(self, repo: RepositoryState, run: CheckRun) -> Json:
        """Resolve `CheckRun`."""
        self._require(repo)
        return {
            "__typename": "CheckRun",
            "id": run.node_id,
            "name": run.name,
            "status": run.status.upper(),
            "conclusion": run.conclusion.upper() if run.conclusion else None,
            "title": run.title,
            "summary": run.summary,
            "text": run.text,
            "annotations": connection("annotations", run.annotations, _annotation),
        }

    def _suite(self, repo: RepositoryState, suite: CheckSuite) -> Json:
        runs = [run for run in repo.check_runs.values() if run.suite is suite]
        return {
            "__typename": "CheckSuite",
            "id": node_id("CS", suite.id),
            "app": self._app(repo, suite),
            "checkRuns": partial(self._runs, repo, runs),
        }

    def _app(self, repo: RepositoryState, suite: CheckSuite) -> Json:
        app = suite.other or repo.hub.app
        return {"id": node_id("A", app.id), "databaseId": app.id, "slug": app.slug, "name": app.slug}

    def _runs(
        self,
        repo: RepositoryState,
        runs: Sequence[CheckRun],
        info: "GraphQLResolveInfo[Any]",
        **arguments: object,
    ) -> Json:
        """Resolve `CheckSuite.checkRuns`; the filter keeps the newest run of each name unless it asks for all."""
        given: Json = dict(arguments)
        wanted: Json = given.pop("filterBy", None) or {}
        if wanted.get("checkType", "LATEST") == "LATEST":
            runs = list({run.name: run for run in runs}.values())
        if wanted.get("conclusions") is not None:
            runs = [run for run in runs if (run.conclusion or "").upper() in wanted["conclusions"]]
        if wanted.get("checkName") is not None:
            runs = [run for run in runs if run.name == wanted["checkName"]]
        return connection("checkRuns", runs, partial(self.run, repo))(info, **given)

    def _require(self, repo: RepositoryState) -> None:
        if not self._actor.may("checks:read", repo):
            raise refused()


def _annotation(annotation: Json) -> Json:
    return {
        "path": annotation["path"],
        "annotationLevel": annotation["annotation_level"].upper(),
        "title": annotation.get("title"),
        "message": annotation["message"],
        "rawDetails": annotation.get("raw_details"),
        "location": {
            "start": {"line": annotation["start_line"], "column": annotation.get("start_column")},
            "end": {"line": annotation["end_line"], "column": annotation.get("end_column")},
        },
    }
