"""Check runs and check suites as GitHub's REST API and its webhooks write them."""

from typing import TYPE_CHECKING

from github_sandbox.rendering import node_id, render_app, timestamp
from github_sandbox.state import CheckRun, CheckSuite, Json

if TYPE_CHECKING:
    from github_sandbox.repository import Repository


def _minimal_pulls(repo: "Repository", head_sha: str) -> list[Json]:
    """Pull requests of the commit, but never those from forks: their list stays empty."""
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


def render_check_run(repo: "Repository", run: CheckRun) -> Json:
    """`check-run`."""
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
        "app": render_app(repo.hub.urls, repo.hub.app),
        "pull_requests": _minimal_pulls(repo, run.head_sha),
    }


def render_check_suite(repo: "Repository", suite: CheckSuite) -> Json:
    """`check-suite`."""
    runs = [run for run in repo.check_runs.values() if run.suite is suite]
    done = bool(runs) and all(run.status == "completed" for run in runs)
    url = f"{repo.url}/check-suites/{suite.id}"
    commit = repo.git.commit_of(suite.head_sha)
    who: Json = {"name": commit.author, "email": commit.email}
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
            "author": who,
            "committer": who,
        },
    }


def _suite_conclusion(runs: list[CheckRun]) -> str:
    """`neutral` and `skipped` count as passed (https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/about-status-checks)."""
    bad = [run.conclusion for run in runs if run.conclusion not in ("success", "neutral", "skipped")]
    return str(bad[0]) if bad else "success"
