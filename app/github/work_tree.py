"""The checkout that `quorum fix` reads and, with `--apply`, writes: only regular files, only if nothing else changed there."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

from app.domain.diff import Side
from app.domain.fix import FixedFile, PathKind
from app.errors import GitFailed, InputError
from app.github.git_isolation import isolate, temporary_directory
from app.github.git_process import Git
from app.github.local import GitRangeSource, open_repository
from app.github.tree_paths import kind_of


class LocalHead:
    """The head of a range as `app.domain.fix.HeadFiles`; call after the source's `snapshot`."""

    def __init__(self, source: GitRangeSource) -> None:
        self._source = source

    async def read(self, path: str) -> bytes | None:
        """Read a file of the head; None if there is none."""
        return await self._source.blob(path, Side.RIGHT)

    async def kind(self, path: str) -> PathKind:
        """Say what the path is in the head's tree."""
        return await kind_of(path, self._list_folder)

    async def _list_folder(self, folder: str) -> Mapping[str, str]:
        rows = await self._source.list_folder(folder)
        return {os.fsdecode(name.rpartition(b"/")[2]): mode.decode() for mode, name in rows}


class WorkTree:
    """The work tree of a repository, which may get a fix."""

    def __init__(self, directory: Path) -> None:
        self._top, self._git = open_repository(directory)

    async def check_clean(self, head: str) -> None:
        """Raise `InputError` unless `head` is checked out and no tracked file differs from it."""
        try:
            current = (
                (await self._git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}")).decode().strip()
            )
        except GitFailed as error:
            raise InputError("Nothing is checked out here, so --apply has nowhere to write.") from error
        if current != head:
            raise InputError(
                f"--apply needs the head of the change checked out ({head[:12]}), but HEAD is {current[:12]}."
            )
        isolated = await isolate(self._git, directory=temporary_directory(self), work_tree=self._top)
        for cached in ((), ("--cached",)):
            if await self._differs(isolated, head, cached):
                raise InputError("The working tree has changes. Commit or stash them before you use --apply.")

    async def _differs(self, git: Git, head: str, cached: Sequence[str]) -> bool:
        try:
            return bool(await git.run("diff", *cached, "--name-only", "-z", "--no-ext-diff", head, "--"))
        except GitFailed as error:
            raise InputError(f"git cannot compare the working tree: {error}.") from error

    async def write(self, files: Sequence[FixedFile]) -> None:
        """Write all files, or none if one of them is not what the fix was made for; raises `InputError`."""
        await asyncio.to_thread(self._write, files)

    def _write(self, files: Sequence[FixedFile]) -> None:
        for file in files:
            if self._content(file.path) != file.before:
                raise InputError(f"{file.path} is not as in the head, so nothing was written.")
        for file in files:
            target = self._top / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=target.parent, prefix=".quorum-", delete=False) as temporary:
                temporary.write(file.after)
            Path(temporary.name).chmod(target.stat().st_mode if file.before is not None else 0o644)
            Path(temporary.name).replace(target)

    def _content(self, path: str) -> bytes | None:
        """The content of a regular file; raises `InputError` if a link is on the way or it is something else."""
        target, inside = self._top / path, self._top.resolve()
        if target.parent.resolve() != (inside / path).parent or target.is_symlink():
            raise InputError(f"{path} is behind a symbolic link, so nothing was written.")
        if not os.path.lexists(target):
            return None
        if not target.is_file():
            raise InputError(f"{path} is not a file, so nothing was written.")
        return target.read_bytes()
