"""A bare git repository, driven by the git program: creates commits, reads trees, blobs and diffs.

Hermetic: it reads no configuration of the machine or the user, and sets every identity and date. It knows nothing of
GitHub and never has a work tree.
"""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "HOME": os.devnull,
    "LC_ALL": "C",
}
# GitHub serves any reachable commit by its id: https://git-scm.com/docs/git-config#Documentation/git-config.txt-uploadpackallowReachableSHA1InWant
_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
[uploadpack]
\tallowReachableSHA1InWant = true
\tallowFilter = true
\thideRefs = refs/keep
"""

_BLAMED = re.compile(r"[0-9a-f]{40} \d+ \d+ \d+")


class GitFailed(Exception):
    """The git program failed; the message is its error output."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A tree entry with its mode: `100755` executable, `120000` symbolic link, `160000` submodule (data: its sha)."""

    data: bytes
    mode: str = "100644"


FileContent = str | bytes | Entry | None
"""What a path holds after a commit; None: the path is deleted."""


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One row of `git ls-tree -r`; `size` is None for a submodule."""

    path: str
    mode: str
    kind: str
    sha: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit's own fields."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: str
    email: str
    at: int
    message: str


def _as_entry(content: str | bytes | Entry) -> Entry:
    if isinstance(content, Entry):
        return content
    return Entry(content.encode() if isinstance(content, str) else content)


def _quoted(path: str) -> bytes:
    """Quote a path for fast-import: C-quoted, any byte allowed (https://git-scm.com/docs/git-fast-import)."""
    raw = path.encode("utf-8", "surrogateescape")
    return (
        b'"' + b"".join(b"\\%03o" % c if c < 33 or c > 126 or c in b'"\\' else bytes([c]) for c in raw) + b'"'
    )


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


class GitRepository:
    """A bare repository at `path`, created by the constructor."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for folder in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
            (path / folder).mkdir(parents=True, exist_ok=True)
        (path / "HEAD").write_text("ref: refs/heads/main\n")
        (path / "config").write_text(_CONFIG)
        self.forgotten: set[str] = set()
        self.signed: set[str] = set()  # commits that GitHub signed itself
        self.tree = lru_cache(maxsize=256)(self._tree)
        self.blob = lru_cache(maxsize=1024)(self._blob)
        self.raw_diff = lru_cache(maxsize=256)(self._raw_diff)
        self.commit_of = lru_cache(maxsize=1024)(self._commit_of)
        self._merge_bases = lru_cache(maxsize=256)(self._merge_base)
        self._commits = lru_cache(maxsize=256)(self._commits_between)

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run a git command and return its output; raise `GitFailed` with its error output."""
        done = subprocess.run(  # noqa: S603 - arguments are a list, the program is git
            ["git", "--git-dir", str(self.path), *arguments],  # noqa: S607 - the machine's own git
            input=stdin,
            capture_output=True,
            env=ENVIRONMENT,
            check=False,
        )
        if done.returncode:
            raise GitFailed(done.stderr.decode("utf-8", "replace").strip() or f"git {arguments[0]} failed")
        return done.stdout

    def commit(
        self,
        files: Mapping[str, FileContent],
        *,
        ref: str,
        parents: Sequence[str],
        message: str,
        author: str,
        at: float,
    ) -> str:
        """Create a commit on top of `parents[0]`'s tree, point `ref` at it and return its sha."""
        signature = f"{author} <{author}@users.noreply.github.com> {int(at)} +0000".encode()
        lines = [b"commit %s\nmark :1\nauthor %s\ncommitter %s\n" % (ref.encode(), signature, signature)]
        lines.append(_data(message.encode()))
        lines += [
            b"%s %s\n" % (b"merge" if number else b"from", parent.encode())
            for number, parent in enumerate(parents)
        ]
        # Without the reset, an old branch of the same name would become a parent.
        start = [] if parents else [b"reset %s\n\n" % ref.encode()]
        lines += [self._change(path, content) for path, content in files.items()]
        stream = b"".join([*start, *lines, b"\nget-mark :1\ndone\n"])
        out = self.run(
            "-c", "fastimport.unpackLimit=1", "fast-import", "--quiet", "--force", "--done", stdin=stream
        )
        return out.decode().strip()

    @staticmethod
    def _change(path: str, content: FileContent) -> bytes:
        if content is None:
            return b"D %s\n" % _quoted(path)
        entry = _as_entry(content)
        if entry.mode == "160000":
            return b"M 160000 %s %s\n" % (entry.data, _quoted(path))
        return b"M %s inline %s\n%s" % (entry.mode.encode(), _quoted(path), _data(entry.data))

    def point(self, ref: str, sha: str) -> None:
        """Point a ref at a commit."""
        target = self.path / ref
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"{sha}\n")

    def delete_ref(self, ref: str) -> None:
        """Remove a ref if it exists."""
        (self.path / ref).unlink(missing_ok=True)

    def resolve(self, name: str) -> str | None:
        """The full sha of a reachable commit, by branch, full ref or sha; None if no ref leads to it."""
        for ref in (f"refs/heads/{name}", f"refs/tags/{name}", name if name.startswith("refs/") else ""):
            if ref and (self.path / ref).is_file():
                return (self.path / ref).read_text().strip()
        if name in self._tips():
            return name
        if not 7 <= len(name) <= 40 or set(name) - set("0123456789abcdef"):
            return None
        try:
            sha = self.run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").decode().strip()
        except GitFailed:
            return None
        return sha if self.is_reachable(sha) else None

    def is_served(self, sha: str) -> bool:
        """Whether an object may be fetched: everything except replaced commits that no ref leads to."""
        return sha not in self.forgotten or self.is_reachable(sha)

    def is_reachable(self, sha: str) -> bool:
        """Whether a branch, tag or pull ref leads to this commit."""
        return sha in self._tips() or bool(self.run("for-each-ref", "--count=1", "--contains", sha))

    def _tips(self) -> set[str]:
        """The shas that refs point at; git packs no refs here."""
        return {p.read_text().strip() for p in (self.path / "refs").rglob("*") if p.is_file()}

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor; None for unrelated histories."""
        return one if one == other else self._merge_bases(one, other)

    def _merge_base(self, one: str, other: str) -> str | None:
        try:
            return self.run("merge-base", one, other).decode().strip()
        except GitFailed:
            return None

    def commits_between(self, base: str, head: str) -> list[str]:
        """Shas reachable from head and not from base, oldest first; both are shas."""
        return list(self._commits(base, head))

    def _commits_between(self, base: str, head: str) -> tuple[str, ...]:
        return tuple(self.run("rev-list", "--reverse", f"{base}..{head}").decode().split())

    def history(self, commit: str, path: str | None) -> list[str]:
        """Shas reachable from the commit, newest first; with a path, those that changed it."""
        return self.run("log", "--format=%H", commit, *(("--", path) if path else ())).decode().split()

    def blame(self, commit: str, path: str) -> list[tuple[int, int, str]]:
        """Runs of lines with the commit that last changed them: first line, last line, sha."""
        rows = self.run("blame", "--incremental", commit, "--", path).decode("utf-8", "replace").split("\n")
        headers = [row.split() for row in rows if _BLAMED.fullmatch(row)]
        return sorted((int(line), int(line) + int(count) - 1, sha) for sha, _, line, count in headers)

    def _commit_of(self, sha: str) -> Commit:
        out = self.run("show", "--no-patch", "--format=%T%x00%P%x00%an%x00%ae%x00%at%x00%B", sha)
        tree, parents, author, email, at, message = out.decode("utf-8", "replace").split("\0")
        return Commit(sha, tree, tuple(parents.split()), author, email, int(at), message.strip())

    def _tree(self, commit: str) -> dict[str, TreeEntry]:
        rows = self.run("ls-tree", "-r", "-l", "-z", commit).split(b"\0")
        entries: dict[str, TreeEntry] = {}
        for row in filter(None, rows):
            fields, raw_path = row.split(b"\t", 1)
            mode, kind, sha, size = fields.decode().split()
            path = raw_path.decode("utf-8", "surrogateescape")
            entries[path] = TreeEntry(path, mode, kind, sha, None if size == "-" else int(size))
        return entries

    def _blob(self, sha: str) -> bytes:
        return self.run("cat-file", "blob", sha)

    def file(self, commit: str, path: str) -> bytes | None:
        """The bytes of a file at a commit; None if it does not exist."""
        entry = self.tree(commit).get(path)
        return None if entry is None or entry.kind != "blob" else self.blob(entry.sha)

    def _raw_diff(self, base: str, head: str, context: int = 3) -> bytes:
        """`git diff --raw -z` followed by the patches, as one byte string; detects renames as GitHub does."""
        return self.run(
            "-c", "diff.renameLimit=4000", "diff", "--raw", "-p", "-z", "--abbrev=40", "--full-index",
            "--find-renames=50%", "--no-ext-diff", "--no-textconv", "--submodule=short", f"--unified={context}", base, head,
        )  # fmt: skip
