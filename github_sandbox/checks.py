"""What GitHub accepts for a check run, what a request changes in it, and how it is rendered.

https://docs.github.com/en/rest/checks/runs
"""

from typing import Any

from github_sandbox.errors import ApiError, invalid, invalid_field
from github_sandbox.model import RepositoryState
from github_sandbox.rendering import render_app
from github_sandbox.state import CheckRun, CheckSuite, Json, node_id, timestamp

ANNOTATIONS_PER_REQUEST = 50
TEXT_LIMIT = 65_535
ACTION_LIMITS = {"label": 20, "description": 40, "identifier": 20}
STATUSES = ("queued", "in_progress", "completed")
CONCLUSIONS = ("action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out")
LEVELS = ("notice", "warning", "failure")
_MESSAGE_BYTES = 64 * 1024
_TITLE_LIMIT = 255


def no_commit(sha: str) -> ApiError:
    """Return a 422 for a sha that is not in the repository."""
    return invalid(message=f"No commit found for SHA: {sha}")


def check_request(body: Json, *, creating: bool) -> None:
    """Raise what GitHub answers to a request that it rejects, for creating and for updating."""
    if creating and not body.get("name"):
        raise invalid_field("CheckRun", "name", code="missing_field")
    if creating and not body.get("head_sha"):
        raise invalid_field("CheckRun", "head_sha", code="missing_field")
    _check_state(body)
    if body.get("output") is not None:
        _check_output(body["output"], creating=creating)
    _check_actions(body.get("actions") or [])


def _check_state(body: Json) -> None:
    status, conclusion = body.get("status"), body.get("conclusion")
    if status is not None and status not in STATUSES:
        raise invalid_field("CheckRun", "status")
    if conclusion is not None and conclusion not in CONCLUSIONS:
        raise invalid_field("CheckRun", "conclusion")
    if status == "completed" and conclusion is None:
        raise invalid_field("CheckRun", "conclusion", code="missing_field")


def _check_output(output: Json, *, creating: bool) -> None:
    required = ("title", "summary") if creating else ("summary",)
    for key in required:
        if not isinstance(output.get(key), str):
            raise invalid_field("CheckRun", f"output.{key}", code="missing_field")
    for key in ("summary", "text"):
        if len(output.get(key) or "") > TEXT_LIMIT:
            raise invalid_field("CheckRun", key, message=f"{key} exceeds a maximum length of {TEXT_LIMIT}")
    annotations: list[Json] = output.get("annotations") or []
    if len(annotations) > ANNOTATIONS_PER_REQUEST:
        raise invalid(
            message="Invalid request.\n\nNo more than 50 items are allowed; "
            f"{len(annotations)} were supplied."
        )
    for annotation in annotations:
        _check_annotation(annotation)


def _check_annotation(annotation: Json) -> None:
    for key in ("path", "start_line", "end_line", "annotation_level", "message"):
        if annotation.get(key) in (None, ""):
            raise invalid_field("CheckAnnotation", key, code="missing_field")
    wrong: list[tuple[str, bool]] = [
        ("annotation_level", annotation["annotation_level"] not in LEVELS),
        ("end_line", not 1 <= annotation["start_line"] <= annotation["end_line"]),
        ("message", len(annotation["message"].encode()) > _MESSAGE_BYTES),
        ("raw_details", len((annotation.get("raw_details") or "").encode()) > _MESSAGE_BYTES),
        ("title", len(annotation.get("title") or "") > _TITLE_LIMIT),
        ("start_column", _columns_over_lines(annotation)),
    ]
    for field, is_wrong in wrong:
        if is_wrong:
            raise invalid_field("CheckAnnotation", field)


def _columns_over_lines(annotation: Json) -> bool:
    has_columns = annotation.get("start_column") is not None or annotation.get("end_column") is not None
    return has_columns and annotation["start_line"] != annotation["end_line"]


def _check_actions(actions: list[Any]) -> None:
    if len(actions) > 3:
        raise invalid(message=f"No more than 3 items are allowed; {len(actions)} were supplied.")
    for action in actions:
        for key, limit in ACTION_LIMITS.items():
            value = action.get(key)
            if not isinstance(value, str) or not value:
                raise invalid_field("CheckRun", f"actions.{key}", code="missing_field")
            if len(value) > limit:
                raise invalid_field("CheckRun", f"actions.{key}", code="too_long")


def apply(run: CheckRun, body: Json, *, now: float) -> None:
    """Apply an accepted request to a check run."""
    for key in ("name", "external_id", "details_url", "started_at"):
        if body.get(key) is not None:
            setattr(run, key, body[key])
    if body.get("actions") is not None:
        run.actions = list(body["actions"])
    _apply_state(run, body, now=now)
    output: Json = body.get("output") or {}
    for key in ("title", "summary", "text"):
        if output.get(key) is not None:
            setattr(run, key, output[key])
    run.annotations += output.get("annotations") or []


def _apply_state(run: CheckRun, body: Json, *, now: float) -> None:
    if body.get("conclusion") is not None:  # a conclusion implies completed
        run.status, run.conclusion = "completed", body["conclusion"]
        run.completed_at = body.get("completed_at") or timestamp(now)
    elif body.get("status") is not None:
        run.status, run.conclusion, run.completed_at = body["status"], None, None
    if run.status != "queued" and run.started_at is None:
        run.started_at = timestamp(now)


def _minimal_pulls(repo: RepositoryState, head_sha: str) -> list[Json]:
    """Pull requests of the commit, except those from forks: their list is empty."""
    pulls = [
        p for p in repo.pulls.values() if p.head_sha == head_sha and p.state == "open" and not p.is_from_fork
    ]
    small = {"id": repo.id, "url": repo.url, "name": repo.name}
    return [
        {
            "id": pull.id,
            "number": pull.number,
            "url": pull.url,
            "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": small},
            "base": {"ref": pull.base_ref, "sha": pull.base_sha, "repo": small},
        }
        for pull in pulls
    ]


def render_check_run(repo: RepositoryState, run: CheckRun) -> Json:
    """Render `check-run`."""
    url = f"{repo.url}/check-runs/{run.id}"
    return {
        "id": run.id,
        "node_id": run.node_id,
        "name": run.name,
        "head_sha": run.head_sha,
        "external_id": run.external_id,
        "url": url,
        "html_url": f"{repo.html_url}/runs/{run.id}",
        "details_url": run.details_url or f"{repo.html_url}/runs/{run.id}",
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": run.started_at,
        "completed_at": run.completed_at,
        "output": {
            "title": run.title,
            "summary": run.summary,
            "text": run.text,
            "annotations_count": len(run.annotations),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": run.suite.id},
        "app": render_app(repo.hub.urls, repo.hub.app) | _named(run.suite),
        "pull_requests": _minimal_pulls(repo, run.head_sha),
    }


def render_check_suite(repo: RepositoryState, suite: CheckSuite) -> Json:
    """Render `check-suite`."""
    runs = [run for run in repo.check_runs.values() if run.suite is suite]
    done = bool(runs) and all(run.status == "completed" for run in runs)
    url = f"{repo.url}/check-suites/{suite.id}"
    commit = repo.git.commit_of(suite.head_sha)
    signature: Json = {"name": commit.author, "email": commit.email}
    return {
        "id": suite.id,
        "node_id": node_id("CS", suite.id),
        "head_branch": suite.head_branch,
        "head_sha": suite.head_sha,
        "status": "completed" if done else "queued",
        "conclusion": _suite_conclusion(runs) if done else None,
        "url": url,
        "before": suite.before,
        "after": suite.head_sha,
        "pull_requests": _minimal_pulls(repo, suite.head_sha),
        "app": render_app(repo.hub.urls, repo.hub.app),
        "created_at": timestamp(suite.created_at),
        "updated_at": timestamp(suite.created_at),
        "latest_check_runs_count": len(runs),
        "check_runs_url": f"{url}/check-runs",
        "head_commit": {
            "id": commit.sha,
            "tree_id": commit.tree,
            "message": commit.message,
            "timestamp": timestamp(commit.at),
            "author": signature,
            "committer": signature,
        },
    }


def _named(suite: CheckSuite) -> Json:
    other = suite.other
    return {"id": other.id, "slug": other.slug, "name": other.slug} if other else {}


def _suite_conclusion(runs: list[CheckRun]) -> str:
    """`neutral` and `skipped` count as passed (https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/about-status-checks)."""
    bad = [run.conclusion for run in runs if run.conclusion not in ("success", "neutral", "skipped")]
    return str(bad[0]) if bad else "success"
