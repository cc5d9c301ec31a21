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
    rules = [_rule(repo, check) for check in repo.required_checks if check.is_rule_of(branch)]
    return paged(call, [*rules, *_pull_request_rules(repo, branch)])


def _pull_request_rules(repo: Repository, branch: str) -> list[Json]:
    if repo.protected.get(branch, True):  # classic protection has no rules
        return []
    parameters = {
        "dismiss_stale_reviews_on_push": False,
        "require_code_owner_review": False,
        "require_last_push_approval": False,
        "required_approving_review_count": 0,
        "required_review_thread_resolution": False,
    }
    source: Json = {"ruleset_source_type": "Repository", "ruleset_source": repo.full_name, "ruleset_id": 43}
    return [{"type": "pull_request", "parameters": parameters, **source}]


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
            "protected": bool(checks) or branch in repo.protected,
            "protection": _protection(checks, is_enabled=bool(checks) or repo.protected.get(branch, False)),
            "protection_url": f"{url}/protection",
        }
    )


def _protection(checks: list[RequiredCheck], *, is_enabled: bool) -> Json:
    required: Json = {
        "enforcement_level": "non_admins" if checks else "off",
        "contexts": [check.context for check in checks],
        "checks": [{"context": check.context, "app_id": check.app_id} for check in checks],
    }
    return {"enabled": is_enabled, "required_status_checks": required}


_R = "/repos/{owner}/{repo}"
ENDPOINTS = (
    Endpoint("GET", f"{_R}/rules/branches/{{branch:path}}", get_rules, "metadata:read"),
    Endpoint("GET", f"{_R}/branches/{{branch:path}}", get_branch, "contents:read"),
)
