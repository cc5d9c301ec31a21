"""Refs, commits, files and blobs as GraphQL shows them.

https://docs.github.com/en/graphql/reference/objects#commit
"""

from functools import partial
from typing import TYPE_CHECKING

from github_sandbox.graphql_values import later, refused
from github_sandbox.rendering import timestamp
from github_sandbox.state import Json
from github_sandbox.tokens import Actor

if TYPE_CHECKING:
    from github_sandbox.repository import Repository

TEXT_LIMIT_BYTES = 512_000
_BINARY_PROBE_BYTES = 8_000


class CodeViews:
    """What one asker sees of the code; all of it wants `contents: read`."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    def ref_of(self, repo: "Repository", _info: object, **given: str) -> Json | None:
        """`Repository.ref(qualifiedName:)`."""
        return self.ref(repo, given["qualifiedName"].removeprefix("refs/heads/"))

    def object_of(self, repo: "Repository", _info: object, **given: str) -> Json | None:
        """`Repository.object(expression:)`: a commit, or with `commit:path` a file."""
        self._require(repo)
        name, _, path = (given.get("oid") or given.get("expression") or "").partition(":")
        sha = repo.git.resolve(repo.default_branch if name in ("", "HEAD") else name)
        if sha is None:
            return None
        return self._blob(repo, sha, path) if path else self.commit(repo, sha)

    def _require(self, repo: "Repository") -> None:
        if not self._actor.may("contents:read", repo):
            raise refused()

    def ref(self, repo: "Repository", branch: str) -> Json | None:
        """`Ref`; None for a branch that is gone."""
        sha = repo.git.resolve(f"refs/heads/{branch}")
        if sha is None:
            return None
        return {
            "__typename": "Ref",
            "id": f"REF_{branch}",
            "name": branch,
            "prefix": "refs/heads/",
            "target": later(lambda: self.commit(repo, sha)),
        }

    def commit(self, repo: "Repository", sha: str) -> Json:
        """`Commit`."""
        commit = repo.git.commit_of(sha)
        return {
            "__typename": "Commit",
            "id": f"C_{sha}",
            "oid": sha,
            "abbreviatedOid": sha[:7],
            "message": commit.message,
            "messageHeadline": commit.message.split("\n", 1)[0],
            "committedDate": timestamp(commit.at),
            "file": partial(self._file, repo, sha),
            "tree": {
                "__typename": "Tree",
                "id": f"T_{commit.tree}",
                "oid": commit.tree,
                "abbreviatedOid": commit.tree[:7],
                "entries": later(lambda: [self._entry(repo, sha, path) for path in repo.git.tree(sha)]),
            },
        }

    def _file(self, repo: "Repository", sha: str, _info: object, path: str) -> Json | None:
        return self._entry(repo, sha, path)

    def _entry(self, repo: "Repository", sha: str, path: str) -> Json | None:
        self._require(repo)
        entry = repo.git.tree(sha).get(path)
        if entry is None:
            return None
        return {
            "name": path.rsplit("/", 1)[-1],
            "path": path,
            "mode": int(entry.mode, 8),
            "type": entry.kind,
            "oid": entry.sha,
            "size": entry.size or 0,
            "extension": path.rpartition(".")[2],
            "isGenerated": False,
            "object": later(lambda: self._blob(repo, sha, path)),
        }

    def _blob(self, repo: "Repository", sha: str, path: str) -> Json | None:
        data = repo.git.file(sha, path)
        if data is None:
            return None
        blob = repo.git.tree(sha)[path].sha
        is_binary = b"\0" in data[:_BINARY_PROBE_BYTES]
        return {
            "__typename": "Blob",
            "id": f"B_{blob}",
            "oid": blob,
            "abbreviatedOid": blob[:7],
            "byteSize": len(data),
            "isBinary": is_binary,
            "isTruncated": len(data) > TEXT_LIMIT_BYTES,
            "text": None if is_binary else data[:TEXT_LIMIT_BYTES].decode("utf-8", "replace"),
        }
