"""git reads the contents of many files with two processes, whatever their names."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import GitFailed
from app.github.git_process import MAX_OUTPUT_BYTES, Git
from app.github.git_reads import MAX_BLOB_BYTES, read_blobs
from tests.unit.github.repositories import Checkout

FILES: dict[str, str | bytes | None] = {
    "a.py": "one\ntwo\n",
    "folder/the same.py": "one\ntwo\n",
    "empty.py": "",
    "no newline": "end",
    "b blob 5": b"\x00\xff\n\n",
    "new\nline.py": "three\n",
    "caf\udce9.py": "four\n",
    "a.py missing": "five\n",
    "large.bin": b"x" * (MAX_BLOB_BYTES + 1),
}
SMALL = [name for name in FILES if name != "large.bin"]
NOT_FILES = ["folder", "absent.py", "a.py\0", "folder/", "", "new\nabsent", "absent blob 5"]


@dataclass(frozen=True, kw_only=True)
class CountedGit(Git):
    """Records the arguments of each run."""

    commands: list[str] = field(default_factory=list[str])

    async def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        max_bytes: int = MAX_OUTPUT_BYTES,
        allowed: Sequence[int] = (0,),
    ) -> bytes:
        self.commands.append(" ".join(arguments))
        return await super().run(*arguments, stdin=stdin, max_bytes=max_bytes, allowed=allowed)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    checkout = Checkout(tmp_path_factory.mktemp("blobs") / "repository")
    checkout.commit(FILES)
    return checkout.directory


async def test_each_file_has_its_own_content(directory: Path) -> None:
    names = [f"HEAD:{path}" for path in (*FILES, *NOT_FILES)]
    expected = {f"HEAD:{path}": (directory / path).read_bytes() for path in SMALL}
    assert await read_blobs(Git(directory=directory), names) == expected


@settings(max_examples=25, deadline=None)
@given(paths=st.lists(st.sampled_from([*FILES, *NOT_FILES]), min_size=1, max_size=12))
async def test_the_content_of_a_file_does_not_depend_on_its_batch(directory: Path, paths: list[str]) -> None:
    read = await read_blobs(Git(directory=directory), [f"HEAD:{path}" for path in paths])
    assert read == {f"HEAD:{path}": (directory / path).read_bytes() for path in paths if path in SMALL}


async def test_many_files_are_read_by_two_processes(directory: Path) -> None:
    git = CountedGit(directory=directory)
    await read_blobs(git, [f"HEAD:{path}" for path in ("a.py", "empty.py", "absent.py")])
    assert git.commands == ["cat-file --batch-check", "cat-file --batch"]


async def test_contents_are_read_only_of_existing_files(directory: Path) -> None:
    git = CountedGit(directory=directory)
    assert await read_blobs(git, ["HEAD:absent.py"]) == {}
    assert git.commands == ["cat-file --batch-check"]


async def test_a_missing_repository_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GitFailed, match="not a git repository"):
        await read_blobs(Git(directory=tmp_path), ["HEAD:a.py"])
