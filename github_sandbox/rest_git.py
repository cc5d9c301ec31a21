"""Endpoints of the git data API: blobs, trees, commits and refs, as an App uses them to commit without a checkout.

https://docs.github.com/en/rest/git. A ref moves only forward unless `force` is set, and never past a branch's protection:
https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches
"""

import base64
import binascii
from typing import Any, cast

from starlette.responses import Response

from github_sandbox.call import Call, Endpoint, answer, paged
from github_sandbox.errors import ApiError, forbidden, invalid, invalid_field, not_found
from github_sandbox.git import GitFailed
from github_sandbox.rendering import render_commit, render_verification
from github_sandbox.rendering_pulls import render_pull_full
from github_sandbox.repository import Repository
from github_sandbox.state import Json, timestamp

MAX_BLOB_BYTES = 100 * 1024 * 1024
_MODES = {"100644": "blob", "100755": "blob", "040000": "tree", "160000": "commit", "120000": "blob"}
_WORKFLOWS = ".github/workflows/"


def _permitted(call: Call, *names: str) -> None:
    if extra := sorted(set(call.body) - set(names)):
        raise ApiError(422, f'Invalid request.\n\n"{extra[0]}" is not a permitted key.')


async def create_blob(call: Call) -> Response:
    """Create a blob."""
    _permitted(call, "content", "encoding")
    content, encoding = call.body.get("content"), call.body.get("encoding", "utf-8")
    if not isinstance(content, str):
        raise invalid_field("Blob", "content", code="missing_field")
    try:
        data = base64.b64decode(content, validate=True) if encoding == "base64" else content.encode()
    except (binascii.Error, ValueError) as error:
        raise invalid(message="content is not valid Base64") from error
    if len(data) > MAX_BLOB_BYTES:
        raise ApiError(422, "The blob is too large.")
    repo = call.repository
    sha = repo.git.run("hash-object", "-w", "--stdin", stdin=data).decode().strip()
    return answer({"url": f"{repo.url}/git/blobs/{sha}", "sha": sha}, 201)


async def get_tree(call: Call) -> Response:
    """Get a tree by its sha, that of a commit, or a branch: one folder, or with `recursive` all of it."""
    return answer(_tree(call.repository, call.text("sha"), is_recursive="recursive" in call.query))


def _tree(repo: Repository, name: str, *, is_recursive: bool) -> Json:
    try:
        sha = repo.git.run("rev-parse", "--verify", "--quiet", f"{repo.git.resolve(name) or name}^{{tree}}")
        options = ("-r", "-t") if is_recursive else ()
        listed = repo.git.run("ls-tree", "-l", "-z", *options, sha.decode().strip())
    except GitFailed as error:
        raise not_found() from error
    rows: list[Json] = []
    for row in filter(None, listed.split(b"\0")):
        fields, path = row.split(b"\t", 1)
        mode, kind, entry, size = fields.decode().split()
        known = {} if size == "-" else {"size": int(size)}
        where = f"{repo.url}/git/{kind}s/{entry}"
        rows.append({"path": path.decode(), "mode": mode, "type": kind, "sha": entry, "url": where, **known})
    tree = sha.decode().strip()
    return {"sha": tree, "url": f"{repo.url}/git/trees/{tree}", "tree": rows, "truncated": False}


async def create_tree(call: Call) -> Response:
    """Create a tree from a base tree and entries; an App without the permission for workflows cannot change them."""
    _permitted(call, "base_tree", "tree")
    repo, entries = call.repository, _listed(call.body.get("tree"))
    if not entries:
        raise invalid(message="Invalid tree info")
    base = call.body.get("base_tree")
    repo.git.run("read-tree", *([str(base)] if base else ["--empty"]))
    for entry in entries:
        _add_entry(call, entry)
    return answer(_tree(repo, repo.git.run("write-tree").decode().strip(), is_recursive=False), 201)


def _add_entry(call: Call, entry: Json) -> None:
    path, mode, sha = str(entry.get("path")), entry.get("mode"), entry.get("sha")
    if path.startswith("/") or ".." in path.split("/") or ".git" in path.lower().split("/"):
        raise invalid(message="tree.path contains a malformed path component")
    if mode not in _MODES or (entry.get("type") not in (None, _MODES[mode])):
        raise invalid(message="Must supply a valid tree.mode")
    if path.startswith(_WORKFLOWS) and not call.actor.may("workflows:write", call.repository):
        raise forbidden()
    git = call.repository.git
    if sha is None:
        git.run("update-index", "--force-remove", path)
        return
    if _kind(call.repository, str(sha)) != _MODES[mode]:
        raise invalid(message=f"tree.sha {sha} is not a valid {_MODES[mode]}")
    git.run("update-index", "--add", "--replace", "--cacheinfo", f"{mode},{sha},{path}")


def _kind(repo: Repository, sha: str) -> str:
    try:
        return repo.git.run("cat-file", "-t", sha).decode().strip()
    except GitFailed:
        return ""


async def get_commit(call: Call) -> Response:
    """Get a commit object."""
    repo, sha = call.repository, call.text("sha")
    if _kind(repo, sha) != "commit":
        raise not_found()
    return answer(_render(repo, sha))


def _render(repo: Repository, sha: str) -> Json:
    commit = repo.git.commit_of(sha)
    signature = {"name": commit.author, "email": commit.email, "date": timestamp(commit.at)}
    return {
        "sha": sha,
        "node_id": f"C_{sha}",
        "url": f"{repo.url}/git/commits/{sha}",
        "html_url": f"{repo.html_url}/commit/{sha}",
        "author": signature,
        "committer": signature,
        "message": commit.message,
        "tree": {"sha": commit.tree, "url": f"{repo.url}/git/trees/{commit.tree}"},
        "parents": [
            {"sha": p, "url": f"{repo.url}/git/commits/{p}", "html_url": f"{repo.html_url}/commit/{p}"}
            for p in commit.parents
        ],
        "verification": render_verification(repo, sha),
    }


def _listed(value: object) -> list[Any] | None:
    return cast("list[Any]", value) if isinstance(value, list) else None


async def create_commit(call: Call) -> Response:
    """Create a commit by the actor; no ref points at it yet. GitHub signs those of an App:

    https://docs.github.com/en/authentication/managing-commit-signature-verification/about-commit-signature-verification
    """
    _permitted(call, "message", "tree", "parents", "author", "committer", "signature")
    repo, body = call.repository, call.body
    message, tree, parents = body.get("message"), str(body.get("tree")), _listed(body.get("parents", []))
    if not isinstance(message, str) or not message:
        raise invalid_field("Commit", "message", code="missing_field")
    if parents is None:
        raise invalid(message="Invalid request. `parents` is not an array.")
    if _kind(repo, tree) != "tree" or any(_kind(repo, str(each)) != "commit" for each in parents):
        raise invalid(message="Tree SHA does not exist or Parent SHA does not exist")
    login = call.account.login
    who = f"{login} <{call.account.id}+{login}@users.noreply.github.com> {int(call.hub.clock())} +0000"
    lines = [f"tree {tree}", *(f"parent {each}" for each in parents), f"author {who}", f"committer {who}"]
    content = "\n".join([*lines, "", message]).encode()
    sha = repo.git.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=content).decode().strip()
    if call.account is call.hub.bot:
        repo.git.signed.add(sha)
    return answer(_render(repo, sha), 201)


async def list_commits(call: Call) -> Response:
    """List commits of a branch or of a sha, newest first."""
    repo = call.repository
    start = repo.commit(call.query.get("sha") or repo.default_branch)
    shas = repo.git.run("rev-list", "--max-count=1000", start).decode().split()
    return paged(call, [render_commit(repo, sha) for sha in shas])


async def get_ref(call: Call) -> Response:
    """Get a ref by its name without `refs/`."""
    repo, name = call.repository, f"refs/{call.text('ref')}"
    sha = repo.git.resolve(name)
    if sha is None:
        raise not_found()
    return answer(_render_ref(repo, name, sha))


def _render_ref(repo: Repository, name: str, sha: str) -> Json:
    target = {"type": "commit", "sha": sha, "url": f"{repo.url}/git/commits/{sha}"}
    return {"ref": name, "node_id": f"REF_{name}", "url": f"{repo.url}/git/{name}", "object": target}


async def create_ref(call: Call) -> Response:
    """Create a branch at an existing commit."""
    _permitted(call, "ref", "sha")
    repo, name, sha = call.repository, str(call.body.get("ref")), str(call.body.get("sha"))
    if not name.startswith("refs/heads/") or name.endswith("/"):
        raise invalid(message=f"{name} is not a valid ref name.")
    if _kind(repo, sha) != "commit":
        raise invalid(message="Object does not exist")
    if repo.git.resolve(name) is not None:
        raise ApiError(422, "Reference already exists")
    repo.move_branch(name.removeprefix("refs/heads/"), sha, user=call.account.login)
    return answer(_render_ref(repo, name, sha), 201)


async def update_ref(call: Call) -> Response:
    """Move a branch: only forward without `force`, and never a protected one."""
    _permitted(call, "sha", "force")
    repo, name, sha = call.repository, f"refs/{call.text('ref')}", str(call.body.get("sha"))
    before = repo.git.resolve(name)
    if before is None:
        raise ApiError(422, "Reference does not exist")
    if _kind(repo, sha) != "commit":
        raise invalid(message="Object does not exist")
    if not call.body.get("force") and repo.git.merge_base(before, sha) != before:
        raise ApiError(422, "Update is not a fast forward")
    if why := repo.protection_of(name.removeprefix("refs/heads/")):
        raise ApiError(422, why)
    repo.move_branch(name.removeprefix("refs/heads/"), sha, user=call.account.login)
    return answer(_render_ref(repo, name, sha))


async def create_pull(call: Call) -> Response:
    """Open a pull request from a branch of this repository."""
    _permitted(call, "title", "head", "base", "body", "draft", "maintainer_can_modify", "head_repo", "issue")
    repo, body = call.repository, call.body
    head, base = str(body.get("head")).rpartition(":")[2], str(body.get("base"))
    for field, name in (("head", head), ("base", base)):
        if repo.git.resolve(f"refs/heads/{name}") is None:
            raise invalid_field("PullRequest", field)
    if any(p.state == "open" and (p.head_ref, p.base_ref) == (head, base) for p in repo.pulls.values()):
        raise invalid(f"A pull request already exists for {repo.owner.login}:{head}.")
    sha = repo.commit(f"refs/heads/{head}")
    if not repo.git.commits_between(repo.commit(f"refs/heads/{base}"), sha):
        raise invalid(f"No commits between {base} and {head}")
    pull = repo.open_pull(
        {},
        title=str(body.get("title")),
        body=str(body.get("body") or ""),
        author=call.account.login,
        branch=head,
        base=base,
        head_sha=sha,
    )
    return answer(render_pull_full(pull), 201)


_R = "/repos/{owner}/{repo}"
_G = f"{_R}/git"
ENDPOINTS = (
    Endpoint("POST", f"{_G}/blobs", create_blob, "contents:write"),
    Endpoint("GET", f"{_G}/trees/{{sha}}", get_tree, "contents:read"),
    Endpoint("POST", f"{_G}/trees", create_tree, "contents:write"),
    Endpoint("GET", f"{_G}/commits/{{sha}}", get_commit, "contents:read"),
    Endpoint("POST", f"{_G}/commits", create_commit, "contents:write"),
    Endpoint("GET", f"{_G}/ref/{{ref:path}}", get_ref, "contents:read"),
    Endpoint("POST", f"{_G}/refs", create_ref, "contents:write"),
    Endpoint("PATCH", f"{_G}/refs/{{ref:path}}", update_ref, "contents:write"),
    Endpoint("GET", f"{_R}/commits", list_commits, "contents:read"),
    Endpoint("POST", f"{_R}/pulls", create_pull, "pull_requests:write", creates_content=True),
)
