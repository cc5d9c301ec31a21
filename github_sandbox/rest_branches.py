"""Endpoints that say which checks a branch requires: the active rules of rulesets, and classic branch protection.

https://docs.github.com/en/rest/repos/rules#get-rules-for-a-branch
https://docs.github.com/en/rest/branches/branches#get-a-branch
"""

from starlette.responses import Response

from github_sandbox.call import Call, Endpoint, answer, paged
from github_sandbox.rendering import render_commit
from github_sandbox.repository import Repository
from github_sandbox.state import Json, RequiredCheck


async def get_rules(call: Call) -> Response:
    """List the active rules of a branch; it need not exist."""
    repo, branch = call.repository, call.text("branch")
    return paged(call, [_rule(repo, check) for check in repo.required_checks if check.is_rule_of(branch)])


def _rule(repo: Repository, check: RequiredCheck) -> Json:
    app = {} if check.app_id is None else {"integration_id": check.app_id}
    return {
        "type": "required_status_checks",
        "parameters": {
            "required_status_checks": [{"context": check.context, **app}],
            "strict_required_status_checks_policy": False,
        },
        "ruleset_source_type": "Repository",
        "ruleset_source": repo.full_name,
        "ruleset_id": 42,
    }


async def get_branch(call: Call) -> Response:
    """Get a branch with the part of its protection that every reader sees."""
    repo, branch = call.repository, call.text("branch")
    commit = repo.commit(f"refs/heads/{branch}")
    checks = [check for check in repo.required_checks if check.is_protection_of(branch)]
    url = f"{repo.url}/branches/{branch}"
    return answer(
        {
            "name": branch,
            "commit": render_commit(repo, commit),
            "_links": {"self": url, "html": f"{repo.html_url}/tree/{branch}"},
            "protected": bool(checks),
            "protection": _protection(checks),
            "protection_url": f"{url}/protection",
        }
    )


def _protection(checks: list[RequiredCheck]) -> Json:
    required: Json = {
        "enforcement_level": "non_admins" if checks else "off",
        "contexts": [check.context for check in checks],
        "checks": [{"context": check.context, "app_id": check.app_id} for check in checks],
    }
    return {"enabled": bool(checks), "required_status_checks": required}


_R = "/repos/{owner}/{repo}"
ENDPOINTS = (
    Endpoint("GET", f"{_R}/rules/branches/{{branch:path}}", get_rules, "metadata:read"),
    Endpoint("GET", f"{_R}/branches/{{branch:path}}", get_branch, "contents:read"),
)
