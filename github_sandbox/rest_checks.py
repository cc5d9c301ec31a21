"""Routes of check runs and check suites.

https://docs.github.com/en/rest/checks
"""

from starlette.responses import Response

from github_sandbox.call import Call, Endpoint, answer, paged
from github_sandbox.errors import not_found
from github_sandbox.rendering import render_repository
from github_sandbox.rendering_checks import render_check_run, render_check_suite
from github_sandbox.state import CheckRun, Json


def _run(call: Call) -> CheckRun:
    run = call.repository.check_runs.get(call.number("check_run_id"))
    if run is None:
        raise not_found()
    return run


async def create_check_run(call: Call) -> Response:
    """A new check run; an existing one of the same name stays."""
    return answer(render_check_run(call.repository, call.repository.create_check_run(call.body)), 201)


async def get_check_run(call: Call) -> Response:
    """One check run."""
    return answer(render_check_run(call.repository, _run(call)))


async def update_check_run(call: Call) -> Response:
    """Change one; annotations are appended to those that are there."""
    run = _run(call)
    call.repository.update_check_run(run, call.body)
    return answer(render_check_run(call.repository, run))


async def list_annotations(call: Call) -> Response:
    """A check run's annotations."""
    run = _run(call)
    optional = ("start_column", "end_column", "title", "raw_details")
    rows: list[Json] = [
        {
            **dict.fromkeys(optional),
            **annotation,
            "blob_href": f"{call.repository.html_url}/blob/{run.head_sha}/{annotation['path']}",
        }
        for annotation in run.annotations
    ]
    return paged(call, rows)


async def list_check_runs(call: Call) -> Response:
    """The check runs of a commit; `filter=latest` (the default) gives the newest of each name."""
    repo = call.repository
    sha = repo.commit(call.text("ref"))
    runs = [run for run in repo.check_runs.values() if run.head_sha == sha]
    runs = [run for run in runs if call.query.get("check_name") in (None, run.name)]
    runs = [run for run in runs if call.query.get("status") in (None, run.status)]
    if call.query.get("filter", "latest") == "latest":
        runs = list({run.name: run for run in runs}.values())
    return paged(
        call,
        [render_check_run(repo, run) for run in reversed(runs)],
        wrap=lambda rows: {"total_count": len(runs), "check_runs": rows},
    )


async def list_check_suites(call: Call) -> Response:
    """The check suites of a commit."""
    repo = call.repository
    suite = repo.check_suites.get(repo.commit(call.text("ref")))
    rows = [{**render_check_suite(repo, suite), "repository": render_repository(repo)}] if suite else []
    return paged(call, rows, wrap=lambda page: {"total_count": len(rows), "check_suites": page})


async def rerequest(call: Call) -> Response:
    """Ask for a check run again."""
    call.repository.rerequest(_run(call), user=call.account.login)
    return answer({}, 201)


_R = "/repos/{owner}/{repo}"
_RUN = f"{_R}/check-runs/{{check_run_id:int}}"
ENDPOINTS = (
    Endpoint("POST", f"{_R}/check-runs", create_check_run, "checks:write"),
    Endpoint("GET", _RUN, get_check_run, "checks:read"),
    Endpoint("PATCH", _RUN, update_check_run, "checks:write"),
    Endpoint("GET", f"{_RUN}/annotations", list_annotations, "checks:read"),
    Endpoint("POST", f"{_RUN}/rerequest", rerequest, "checks:write"),
    Endpoint("GET", f"{_R}/commits/{{ref:path}}/check-runs", list_check_runs, "checks:read"),
    Endpoint("GET", f"{_R}/commits/{{ref:path}}/check-suites", list_check_suites, "checks:read"),
)
