"""Says what a path is in the tree of a commit, folder by folder, so that no link and no other spelling goes unnoticed."""

import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.diff import Side
from app.domain.fix import PathKind
from app.domain.pull_request import Source
from app.errors import GitHubError
from app.github.client import RepositoryClient

FOLDER = "040000"
_KINDS = {"100644": PathKind.FILE, "100755": PathKind.EXECUTABLE}

ListFolder = Callable[[str], Awaitable[Mapping[str, str]]]
"""Maps the names in a folder (`""` or `a/b/`) to their modes."""


async def kind_of(path: str, list_folder: ListFolder) -> PathKind:
    """Walk from the root to the path."""
    folder = ""
    *parents, name = path.split("/")
    for parent in parents:
        modes = await list_folder(folder)
        if parent not in modes:
            return _missing(parent, modes)
        if modes[parent] != FOLDER:
            return PathKind.OTHER
        folder += f"{parent}/"
    modes = await list_folder(folder)
    return _KINDS.get(modes[name], PathKind.OTHER) if name in modes else _missing(name, modes)


def _missing(name: str, modes: Mapping[str, str]) -> PathKind:
    return PathKind.SIMILAR if _folded(name) in set(map(_folded, modes)) else PathKind.ABSENT


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


class CommitTree:
    """The tree of a commit on GitHub, read folder by folder with the git data API.

    https://docs.github.com/en/rest/git/trees#get-a-tree
    """

    def __init__(self, client: RepositoryClient, commit: str) -> None:
        self._client = client
        self._shas = {"": commit}
        self._modes: dict[str, dict[str, str]] = {}

    async def kind(self, path: str) -> PathKind:
        """Say what the path is."""
        return await kind_of(path, self._list_folder)

    async def _list_folder(self, folder: str) -> Mapping[str, str]:
        if folder not in self._modes:
            request = self._client.rest.git.async_get_tree(
                self._client.owner, self._client.repo, self._shas[folder]
            )
            data: Any = await self._client.fetch(request, to="read a folder of the head")
            if data["truncated"]:
                raise GitHubError(f"The folder {folder or '/'} has more files than GitHub lists.")
            self._modes[folder] = {row["path"]: row["mode"] for row in data["tree"]}
            self._shas |= {
                f"{folder}{row['path']}/": row["sha"] for row in data["tree"] if row["mode"] == FOLDER
            }
        return self._modes[folder]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteHead:
    """The head of a pull request as `app.domain.fix.HeadFiles`; `source` has taken its snapshot."""

    source: Source
    tree: CommitTree

    async def read(self, path: str) -> bytes | None:
        """Read a file of the head; None if there is none."""
        return await self.source.blob(path, Side.RIGHT)

    async def kind(self, path: str) -> PathKind:
        """Say what the path is in the head's tree."""
        return await self.tree.kind(path)
