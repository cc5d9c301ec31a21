"""Endpoints that read code over REST and git's smart HTTP: contents, commits, comparisons, and permissions of users.

https://docs.github.com/en/rest/repos and https://git-scm.com/docs/http-protocol. For git, the installation token is the
password of user `x-access-token`:
https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation
"""

import asyncio
import base64
import gzip
import os
import re

from starlette.responses import Response

from github_sandbox.call import Call, Endpoint, answer, page_of, paged
from github_sandbox.diffs import cut_to_response, exceeded_limit, render_diff
from github_sandbox.errors import ApiError, not_found
from github_sandbox.git import ENVIRONMENT, GitFailed
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

# `permission` has four values; other roles map to them: https://docs.github.com/en/rest/collaborators/collaborators
_FOLDED = {"maintain": "write", "triage": "read"}
_RAW_LIMIT_BYTES = 100 * 1024 * 1024
_DIRECTORY_LIMIT = 1_000
_SERVICE = "git-upload-pack"


async def get_repository(call: Call) -> Response:
    """Get the repository."""
    return answer(render_full_repository(call.repository))


async def get_contents(call: Call) -> Response:
    """Get a file or a directory at a ref; raw bytes for the raw media type."""
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
    """Get a blob."""
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


async def get_commit(call: Call) -> Response:
    """Get a commit with its files."""
    repo = call.repository
    sha = repo.commit(call.text("ref"))
    parents = repo.git.commit_of(sha).parents
    changes = repo.changes(parents[0], sha) if parents else []
    additions, deletions = sum(c.additions for c in changes), sum(c.deletions for c in changes)
    stats = {"additions": additions, "deletions": deletions, "total": additions + deletions}
    files = [render_file_change(repo, sha, c) for c in cut_to_response(changes, call.hub.limits)]
    return answer({**render_commit(repo, sha), "stats": stats, "files": files})


async def list_pulls_of_commit(call: Call) -> Response:
    """List pull requests that contain a commit."""
    repo, sha = call.repository, call.text("sha")
    return paged(call, [render_pull(p) for p in repo.pulls.values() if sha in p.commits()])


async def compare(call: Call) -> Response:
    """Compare two commits from their merge base: at most 300 files, all on page 1; 250 commits unless a page is requested."""
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
    comparison: Json = {
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
    return answer({**comparison, "commits": [render_commit(repo, sha) for sha in rows]}, headers=headers)


def _compared_commits(call: Call, ahead: list[str]) -> tuple[list[str], dict[str, str]]:
    if "page" in call.query or "per_page" in call.query:
        return page_of(call, ahead)
    return ahead[: call.hub.limits.compare_commits], {}


def _comparison(ahead: int, behind: int) -> str:
    if ahead and behind:
        return "diverged"
    return "ahead" if ahead else "behind" if behind else "identical"


def diff_response(call: Call, base: str, head: str) -> Response:
    """Respond with the diff media type; 406 if the diff is too large.

    https://docs.github.com/en/rest/pulls/pulls#get-a-pull-request
    """
    diff = render_diff(call.repository.git, base, head)
    why = exceeded_limit(diff, len(call.repository.changes(base, head)), call.hub.limits)
    if why:
        raise ApiError(406, why, errors=[{"resource": "PullRequest", "field": "diff", "code": "too_large"}])
    return Response(diff, media_type="application/vnd.github.diff; charset=utf-8")


async def get_permission(call: Call) -> Response:
    """Get the permission of a user; 404 for an unknown user."""
    repo, login = call.repository, call.text("username")
    if login not in call.hub.accounts:
        raise not_found()
    role = repo.role(login)
    user = {**render_account(call.hub.urls, call.hub.account(login)), "role_name": role}
    return answer({"permission": _FOLDED.get(role, role), "role_name": role, "user": user})


async def advertise_refs(call: Call) -> Response:
    """Answer the first request of a fetch. Pushing is not supported."""
    if call.query.get("service") != _SERVICE:
        raise ApiError(403, "Pushing is not possible here")
    refs = await _upload_pack(call, b"", "--advertise-refs")
    line = f"# service={_SERVICE}\n".encode()
    body = b"%04x%s0000%s" % (len(line) + 4, line, refs)
    if "version=2" in call.request.headers.get("git-protocol", ""):
        body = refs
    return Response(body, media_type=f"application/x-{_SERVICE}-advertisement")


async def upload_pack(call: Call) -> Response:
    """Send the requested objects as a pack."""
    body = call.raw_body
    if call.request.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    pack = _refusal(call, body) or await _upload_pack(call, body)
    return Response(pack, media_type=f"application/x-{_SERVICE}-result")


def _refusal(call: Call, body: bytes) -> bytes | None:
    """Refuse commits that a force push replaced; protocol 2 would serve every object in the store."""
    for requested in re.findall(rb"want ([0-9a-f]{40})", body):
        sha = requested.decode()
        if not call.repository.git.is_served(sha):
            message = f"ERR upload-pack: not our ref {sha}".encode()
            return b"%04x%s" % (len(message) + 4, message)
    return None


async def _upload_pack(call: Call, body: bytes, *options: str) -> bytes:
    if call.actor.kind == "anonymous" and call.hub.repository(_name(call)).private:
        raise ApiError(401, "Requires authentication", headers={"www-authenticate": 'Basic realm="GitHub"'})
    process = await asyncio.create_subprocess_exec(
        "git", "upload-pack", "--stateless-rpc", *options, str(call.repository.git.path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**ENVIRONMENT, "GIT_PROTOCOL": call.request.headers.get("git-protocol", "")},
        cwd=os.sep,
    )  # fmt: skip
    out, err = await process.communicate(body)
    if process.returncode and not out:
        raise ApiError(500, err.decode("utf-8", "replace"))
    return out


def _name(call: Call) -> str:
    return f"{call.text('owner')}/{call.text('repo')}"


_R = "/repos/{owner}/{repo}"
ENDPOINTS = (
    Endpoint("GET", _R, get_repository, "metadata:read"),
    Endpoint("GET", f"{_R}/contents/{{path:path}}", get_contents, "contents:read"),
    Endpoint("GET", f"{_R}/git/blobs/{{sha}}", get_blob, "contents:read"),
    Endpoint("GET", f"{_R}/commits/{{sha}}/pulls", list_pulls_of_commit, "pull_requests:read"),
    Endpoint("GET", f"{_R}/compare/{{basehead:path}}", compare, "contents:read"),
    Endpoint("GET", f"{_R}/collaborators/{{username}}/permission", get_permission, "metadata:read"),
)
LAST = (Endpoint("GET", f"{_R}/commits/{{ref:path}}", get_commit, "contents:read"),)
GIT = tuple(
    Endpoint(method, f"/{{owner}}/{{repo}}{suffix}/{tail}", handler, "contents:read")
    for suffix in (".git", "")
    for method, tail, handler in (
        ("GET", "info/refs", advertise_refs),
        ("POST", _SERVICE, upload_pack),
    )
)
