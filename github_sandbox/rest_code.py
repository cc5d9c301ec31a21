"""Routes that read code: the repository, its contents, commits and comparisons, and who may write to it.

https://docs.github.com/en/rest/repos
"""

import base64

from starlette.responses import Response

from github_sandbox.call import Call, Endpoint, answer, page_of, paged
from github_sandbox.diffs import cut_to_response, exceeded_limit, render_diff
from github_sandbox.errors import ApiError, not_found
from github_sandbox.git import GitFailed
from github_sandbox.rendering import (
    render_account,
    render_commit,
    render_content,
    render_file_change,
    render_full_repository,
)
from github_sandbox.rendering_pulls import render_pull
from github_sandbox.repository import Repository
from github_sandbox.state import Json

# `permission` knows four words; the others fold: https://docs.github.com/en/rest/collaborators/collaborators
_FOLDED = {"maintain": "write", "triage": "read"}
_RAW_LIMIT_BYTES = 100 * 1024 * 1024
_DIRECTORY_LIMIT = 1_000


async def get_repository(call: Call) -> Response:
    """The repository."""
    return answer(render_full_repository(call.repository))


async def get_contents(call: Call) -> Response:
    """A file or a directory at a ref; raw bytes where the raw media type is asked for."""
    repo, path = call.repository, call.text("path").strip("/")
    ref = call.query.get("ref") or repo.default_branch
    commit = repo.commit(ref)
    entry = repo.git.tree(commit).get(path)
    if entry is None:
        return answer(_directory(repo, commit, path, ref))
    if entry.kind != "blob":
        return answer({**render_content(repo, path, ref, b"", entry.sha), "type": "submodule"})
    data = repo.git.blob(entry.sha)
    if "raw" in call.accept:
        return Response(data, media_type="application/vnd.github.raw; charset=utf-8")
    if len(data) > _RAW_LIMIT_BYTES:
        raise ApiError(403, "This API returns blobs up to 100 MB in size.")
    return answer(render_content(repo, path, ref, data, entry.sha))


def _directory(repo: Repository, commit: str, path: str, ref: str) -> list[Json]:
    prefix = f"{path}/" if path else ""
    tree = repo.git.tree(commit)
    names = sorted({p[len(prefix) :].split("/", 1)[0] for p in tree if p.startswith(prefix)})
    if not names:
        raise not_found()
    rows: list[Json] = []
    for name in names[:_DIRECTORY_LIMIT]:
        entry = tree.get(prefix + name)
        row = render_content(repo, prefix + name, ref, b"", entry.sha if entry else commit)
        row |= {"size": (entry.size or 0) if entry else 0, "type": "file" if entry else "dir"}
        rows.append({key: value for key, value in row.items() if key not in ("content", "encoding")})
    return rows


async def get_blob(call: Call) -> Response:
    """A blob by its sha."""
    repo, sha = call.repository, call.text("sha")
    try:
        data = repo.git.blob(sha)
    except GitFailed as error:
        raise not_found() from error
    return answer(
        {
            "sha": sha,
            "node_id": f"B_{sha}",
            "url": f"{repo.url}/git/blobs/{sha}",
            "size": len(data),
            "encoding": "base64",
            "content": base64.encodebytes(data).decode(),
        }
    )


async def get_tree(call: Call) -> Response:
    """A commit's whole tree."""
    repo = call.repository
    sha = repo.commit(call.text("sha"))
    rows = [
        {
            "path": e.path,
            "mode": e.mode,
            "type": e.kind,
            "sha": e.sha,
            **({} if e.size is None else {"size": e.size}),
        }
        for e in repo.git.tree(sha).values()
    ]
    return answer({"sha": sha, "url": f"{repo.url}/git/trees/{sha}", "tree": rows, "truncated": False})


async def get_commit(call: Call) -> Response:
    """A commit with its files."""
    repo = call.repository
    sha = repo.commit(call.text("ref"))
    parents = repo.git.commit_of(sha).parents
    changes = repo.changes(parents[0], sha) if parents else []
    additions, deletions = sum(c.additions for c in changes), sum(c.deletions for c in changes)
    stats = {"additions": additions, "deletions": deletions, "total": additions + deletions}
    files = [render_file_change(repo, sha, c) for c in cut_to_response(changes, call.hub.limits)]
    return answer({**render_commit(repo, sha), "stats": stats, "files": files})


async def list_pulls_of_commit(call: Call) -> Response:
    """Pull requests that hold a commit."""
    repo, sha = call.repository, call.text("sha")
    return paged(call, [render_pull(p) for p in repo.pulls.values() if sha in p.commits()])


async def compare(call: Call) -> Response:
    """Two commits from their merge base: at most 300 files, all on page 1; 250 commits where no page is asked for."""
    repo = call.repository
    base_ref, dots, head_ref = call.text("basehead").partition("...")
    if not dots:
        raise not_found()
    base, head = repo.commit(base_ref.rpartition(":")[2]), repo.commit(head_ref.rpartition(":")[2])
    merge_base = repo.git.merge_base(base, head)
    if merge_base is None:
        raise ApiError(404, f"No common ancestor between {base_ref} and {head_ref}.")
    if "diff" in call.accept:
        return diff_response(call, merge_base, head)
    ahead, behind = repo.git.commits_between(base, head), repo.git.commits_between(head, base)
    limits = call.hub.limits
    changes = cut_to_response(repo.changes(base, head)[: limits.compare_files], limits)
    on_first_page = call.query.get("page", "1") == "1"
    url = f"{repo.html_url}/compare/{base_ref}...{head_ref}"
    said: Json = {
        "url": f"{repo.url}/compare/{base_ref}...{head_ref}",
        "html_url": url,
        "permalink_url": url,
        "diff_url": f"{url}.diff",
        "patch_url": f"{url}.patch",
        "base_commit": render_commit(repo, base),
        "merge_base_commit": render_commit(repo, merge_base),
        "status": _comparison(len(ahead), len(behind)),
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "files": [render_file_change(repo, head, c) for c in changes] if on_first_page else [],
    }
    rows, headers = _compared_commits(call, ahead)
    return answer({**said, "commits": [render_commit(repo, sha) for sha in rows]}, headers=headers)


def _compared_commits(call: Call, ahead: list[str]) -> tuple[list[str], dict[str, str]]:
    if "page" in call.query or "per_page" in call.query:
        return page_of(call, ahead)
    return ahead[: call.hub.limits.compare_commits], {}


def _comparison(ahead: int, behind: int) -> str:
    if ahead and behind:
        return "diverged"
    return "ahead" if ahead else "behind" if behind else "identical"


def diff_response(call: Call, base: str, head: str) -> Response:
    """The diff media type; 406 for one too large.

    https://docs.github.com/en/rest/pulls/pulls#get-a-pull-request
    """
    diff = render_diff(call.repository.git, base, head)
    why = exceeded_limit(diff, len(call.repository.changes(base, head)), call.hub.limits)
    if why:
        raise ApiError(406, why, errors=[{"resource": "PullRequest", "field": "diff", "code": "too_large"}])
    return Response(diff, media_type="application/vnd.github.diff; charset=utf-8")


async def get_permission(call: Call) -> Response:
    """What a person may do; 404 for a person that does not exist."""
    repo, login = call.repository, call.text("username")
    if login not in call.hub.accounts:
        raise not_found()
    role = repo.role(login)
    user = {**render_account(call.hub.urls, call.hub.account(login)), "role_name": role}
    return answer({"permission": _FOLDED.get(role, role), "role_name": role, "user": user})


async def compare_dependencies(call: Call) -> Response:
    """The dependency changes that somebody said; off, as on most private repositories, while nobody has."""
    if call.repository.dependency_changes is None:
        raise ApiError(403, "Dependency graph is not enabled for this repository.")
    return answer(call.repository.dependency_changes)


async def list_advisories(call: Call) -> Response:
    """Published advisories of the ecosystem whose `package@version` is among those asked for."""
    wanted = set(call.query.get("affects", "").split(","))
    ecosystem = call.query.get("ecosystem")
    return answer(
        [
            advisory
            for affected, advisory in call.hub.advisories
            if affected in wanted
            and any(flaw["package"]["ecosystem"] == ecosystem for flaw in advisory["vulnerabilities"])
        ]
    )


async def upload_sarif(call: Call) -> Response:
    """Keep a SARIF report; wants `security_events:write`."""
    receipt = call.repository.keep_sarif(call.body)
    return answer({"id": receipt, "url": f"{call.repository.url}/code-scanning/sarifs/{receipt}"}, 202)


_R = "/repos/{owner}/{repo}"
ENDPOINTS = (
    Endpoint("GET", _R, get_repository, "metadata:read"),
    Endpoint("GET", f"{_R}/contents/{{path:path}}", get_contents, "contents:read"),
    Endpoint("GET", f"{_R}/git/blobs/{{sha}}", get_blob, "contents:read"),
    Endpoint("GET", f"{_R}/git/trees/{{sha}}", get_tree, "contents:read"),
    Endpoint("GET", f"{_R}/commits/{{sha}}/pulls", list_pulls_of_commit, "pull_requests:read"),
    Endpoint("GET", f"{_R}/compare/{{basehead:path}}", compare, "contents:read"),
    Endpoint("GET", f"{_R}/collaborators/{{username}}/permission", get_permission, "metadata:read"),
    Endpoint(
        "GET", f"{_R}/dependency-graph/compare/{{basehead:path}}", compare_dependencies, "contents:read"
    ),
    Endpoint("GET", "/advisories", list_advisories, "anyone"),
    Endpoint("POST", f"{_R}/code-scanning/sarifs", upload_sarif, "security_events:write"),
)
LAST = (Endpoint("GET", f"{_R}/commits/{{ref:path}}", get_commit, "contents:read"),)
