"""Read a local repository through a git directory of our own, so that none of its settings or attributes apply.

Only the objects and a copy of the index come from the repository. Its configuration, hooks, grafts and `.git/info` are
not there, and our `info/attributes` outranks every `.gitattributes`: https://git-scm.com/docs/gitattributes#_description
"""

import os
import shutil
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp

from app.errors import GitFailed, InputError
from app.github.git_process import Git
from app.github.git_version import MIN_VERSION, git_version, name_of

# Every attribute that decides what git shows of a file, or how it reads one from the work tree.
_ATTRIBUTES = "* !diff !text !eol !crlf !ident !filter !working-tree-encoding !whitespace !binary\n"
_CONFIG = "[core]\nrepositoryformatversion = 1\nbare = {bare}\n[extensions]\nobjectFormat = {object_format}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    object_format: str
    objects: Path
    index: Path


def temporary_directory(owner: object) -> Path:
    """Create a directory that is deleted when its owner is."""
    directory = Path(mkdtemp(prefix="quorum-git-"))
    weakref.finalize(owner, shutil.rmtree, directory, ignore_errors=True)
    return directory


async def isolate(git: Git, *, directory: Path, work_tree: Path | None = None) -> Git:
    """Make `directory` a git directory for the same objects and the same index, and, if given, this work tree.

    Raises `InputError` if this is no repository that git can read.
    """
    if (version := await git_version(git)) < MIN_VERSION:
        raise InputError(f"git {name_of(version)} is too old. Install git {name_of(MIN_VERSION)} or newer.")
    places = await _find(git)
    _fill(directory, places, has_work_tree=work_tree is not None)
    environment = {"GIT_DIR": str(directory), "GIT_OBJECT_DIRECTORY": str(places.objects)}
    if work_tree:
        environment["GIT_WORK_TREE"] = str(work_tree)
    isolated = replace(git, directory=work_tree or directory, environment=environment)
    if work_tree:
        await _look_at_every_file(isolated, work_tree)
    return isolated


async def _find(git: Git) -> _Places:
    try:
        answer = await git.run(
            "rev-parse", "--show-object-format", "--git-path", "objects", "--git-path", "index"
        )
    except GitFailed as error:
        raise InputError(f"{git.directory} is not a readable git repository: {error}.") from error
    lines = os.fsdecode(answer).removesuffix("\n").split("\n")
    if len(lines) != 3:
        raise InputError(f"The path of {git.directory} contains a line break, so git cannot name its parts.")
    object_format, objects, index = lines
    return _Places(object_format=object_format, objects=git.directory / objects, index=git.directory / index)


def _fill(directory: Path, places: _Places, *, has_work_tree: bool) -> None:
    (directory / "HEAD").write_text("ref: refs/heads/none\n")
    (directory / "refs").mkdir()
    (directory / "info").mkdir()
    (directory / "info" / "attributes").write_text(_ATTRIBUTES)
    bare = "false" if has_work_tree else "true"
    (directory / "config").write_text(_CONFIG.format(bare=bare, object_format=places.object_format))
    if places.index.is_file():
        shutil.copyfile(places.index, directory / "index")
    for shared in places.index.parent.glob("sharedindex.*"):  # the rest of a split index
        shutil.copyfile(shared, directory / shared.name)


async def _look_at_every_file(git: Git, work_tree: Path) -> None:
    """Clear the flags of the index that tell git not to look at a file of the work tree."""
    listed = (await git.run("ls-files", "-v", "-z")).split(b"\0")[:-1]
    unchanged = [entry[2:] for entry in listed if entry[:1].islower()]
    skipped = [entry[2:] for entry in listed if entry[:1].upper() == b"S" and _exists(work_tree, entry[2:])]
    for option, paths in (("--no-assume-unchanged", unchanged), ("--no-skip-worktree", skipped)):
        if paths:
            await git.run("update-index", option, "-z", "--stdin", stdin=_terminated(paths))


def _exists(work_tree: Path, path: bytes) -> bool:
    return os.path.lexists(work_tree / os.fsdecode(path))


def _terminated(paths: Iterable[bytes]) -> bytes:
    return b"".join(path + b"\0" for path in paths)
