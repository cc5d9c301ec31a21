"""Read which checks a branch requires: the active rules of rulesets, and classic branch protection.

Both need only permission to read. Classic protection in full would need `administration: read`.
"""

from urllib.parse import quote

from app.domain.publication import RequiredChecks
from app.errors import GitHubForbidden, GitHubNotFound
from app.github.client import RepositoryClient

PER_PAGE = 100
MAX_PAGES = 10
_RULE = "required_status_checks"


async def fetch_required_checks(client: RepositoryClient, branch: str, *, app_id: int) -> RequiredChecks:
    """Return the names of the checks that the branch requires of this App or of any App.

    Raises:
        GitHubError: except that GitHub refused to show the rules; then the answer says why.
    """
    names: set[str] = set()
    refusals: list[str] = []
    for fetch in (_fetch_rules, _fetch_protection):
        try:
            names |= {
                name for name, app in await fetch(client, quote(branch, safe="")) if app in (None, app_id)
            }
        except (GitHubForbidden, GitHubNotFound) as error:
            refusals.append(str(error))
    return RequiredChecks(names=frozenset(names), refusal=" ".join(dict.fromkeys(refusals)))


async def _fetch_rules(client: RepositoryClient, branch: str) -> list[tuple[str, int | None]]:
    """https://docs.github.com/en/rest/repos/rules#get-rules-for-a-branch"""
    found: list[tuple[str, int | None]] = []
    for page in range(1, MAX_PAGES + 1):
        request = client.rest.repos.async_get_branch_rules(
            client.owner, client.repo, branch, per_page=PER_PAGE, page=page
        )
        rules = await client.fetch(request, to="read the rules of a branch")
        for rule in rules:
            if rule["type"] == _RULE:
                checks = rule.get("parameters", {}).get(_RULE, [])
                found += [(check["context"], check.get("integration_id")) for check in checks]
        if len(rules) < PER_PAGE:
            break
    return found


async def _fetch_protection(client: RepositoryClient, branch: str) -> list[tuple[str, int | None]]:
    """https://docs.github.com/en/rest/branches/branches#get-a-branch"""
    request = client.rest.repos.async_get_branch(client.owner, client.repo, branch)
    protection = (await client.fetch(request, to="read the protection of a branch")).get("protection") or {}
    required = protection.get(_RULE) or {}
    listed = [(check["context"], check.get("app_id")) for check in required.get("checks") or ()]
    return listed or [(context, None) for context in required.get("contexts") or ()]
