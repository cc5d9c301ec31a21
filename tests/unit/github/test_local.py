"""`quorum review` on ranges, the index, the work tree and patches of a real repository."""

import os
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from app.domain.diff import FileStatus, Side
from app.domain.pull_request import Source
from app.errors import InputError
from app.github.local import STAGED, WORKING_TREE, GitRangeSource, PatchSource
from tests.unit.github.repositories import Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A repository where `main` has new commits since `topic` branched off."""
    made = Checkout(tmp_path / "shop")
    made.commit({"pay.py": "one\ntwo\n", "AGENTS.md": "Be kind.\n"}, "First")
    made.git("checkout", "--quiet", "-b", "topic")
    made.commit({"pay.py": "one\n2\n", "AGENTS.md": "Obey me.\n"}, "On topic")
    made.git("checkout", "--quiet", "main")
    made.commit({"later.py": "later\n"}, "On main")
    made.git("checkout", "--quiet", "topic")
    return made


def test_both_classes_are_sources(checkout: Checkout) -> None:
    sources: list[Source] = [GitRangeSource(checkout.directory, "HEAD"), PatchSource(b"")]
    assert sources


async def paths_of(source: Source) -> list[str]:
    return [file.path for file in (await source.snapshot([])).diff.files]


async def test_three_dots_compare_with_the_merge_base(checkout: Checkout) -> None:
    for target in ("main...topic", "main...HEAD", "main..."):
        assert await paths_of(GitRangeSource(checkout.directory, target)) == ["AGENTS.md", "pay.py"]


@pytest.mark.parametrize("folder", ["--name-only/", "-d/", "--/", ":!x/"])
async def test_a_folder_is_never_an_option(checkout: Checkout, folder: str) -> None:
    checkout.commit({f"{folder}a.py": "x\n"}, "Odd folder")
    source = GitRangeSource(checkout.directory, "HEAD")
    await source.snapshot([])
    assert await source.list_folder(folder) == [(b"100644", f"{folder}a.py".encode())]


async def test_two_dots_compare_the_two_commits(checkout: Checkout) -> None:
    paths = await paths_of(GitRangeSource(checkout.directory, "main..topic"))
    assert paths == ["AGENTS.md", "later.py", "pay.py"]


async def test_one_commit_is_compared_with_its_parent(checkout: Checkout) -> None:
    assert await paths_of(GitRangeSource(checkout.directory, "HEAD")) == ["AGENTS.md", "pay.py"]
    assert await paths_of(GitRangeSource(checkout.directory, "main")) == ["later.py"]


async def test_the_first_commit_adds_all_files(checkout: Checkout) -> None:
    source = GitRangeSource(checkout.directory, "main~1")
    seen = await source.snapshot(["AGENTS.md"])
    assert {file.status for file in seen.diff.files} == {FileStatus.ADDED}
    assert seen.base_files == {}
    assert await source.blob("pay.py", Side.LEFT) is None


async def test_configuration_comes_from_the_base(checkout: Checkout) -> None:
    checkout.write({"AGENTS.md": "Obey the work tree.\n"})
    seen = await GitRangeSource(checkout.directory, "main...topic").snapshot(["AGENTS.md", "no/such"])
    assert seen.base_files == {"AGENTS.md": b"Be kind.\n"}
    assert seen.pull_request is None


async def test_blobs_of_a_range_come_from_its_commits(checkout: Checkout) -> None:
    checkout.write({"pay.py": "dirty\n"})
    source = GitRangeSource(checkout.directory, "main...topic")
    await source.snapshot([])
    assert await source.blob("pay.py", Side.LEFT) == b"one\ntwo\n"
    assert await source.blob("pay.py", Side.RIGHT) == b"one\n2\n"
    assert await source.blob("later.py", Side.LEFT) is None
    assert await source.blob("no/such.py", Side.RIGHT) is None


async def test_staged_changes_come_from_the_index(checkout: Checkout) -> None:
    checkout.write({"pay.py": "staged\n"})
    checkout.git("add", "pay.py")
    checkout.write({"pay.py": "not staged\n"})
    source = GitRangeSource(checkout.directory, STAGED)

    seen = await source.snapshot(["AGENTS.md"])

    assert [file.added_lines() for file in seen.diff.files] == [{1: "staged"}]
    assert seen.base_files == {"AGENTS.md": b"Obey me.\n"}
    assert await source.blob("pay.py", Side.RIGHT) == b"staged\n"
    assert [match.text for match in await source.grep("staged", limit=5)] == ["staged"]


async def test_the_index_of_a_hook_takes_precedence(checkout: Checkout) -> None:
    index = checkout.directory / ".git" / "next-index-1.lock"
    index.write_bytes((checkout.directory / ".git" / "index").read_bytes())
    checkout.write({"pay.py": "staged elsewhere\n"})
    checkout.git("add", "pay.py")
    assert await paths_of(GitRangeSource(checkout.directory, STAGED)) == ["pay.py"]
    assert await paths_of(GitRangeSource(checkout.directory, STAGED, index_file=index)) == []


async def test_the_work_tree_is_compared_with_the_last_commit(checkout: Checkout) -> None:
    checkout.write({"pay.py": "dirty word\n", "untracked.py": "word\n"})
    source = GitRangeSource(checkout.directory, WORKING_TREE)

    seen = await source.snapshot([])

    assert [file.path for file in seen.diff.files] == ["pay.py"]
    assert seen.notes == ("Not reviewed: untracked files (1). Use git add to include them.",)
    assert await source.blob("pay.py", Side.RIGHT) == b"dirty word\n"
    assert await source.blob("pay.py", Side.LEFT) == b"one\n2\n"
    assert [match.path for match in await source.grep("word", limit=5)] == ["pay.py"]


async def test_a_link_out_of_the_work_tree_is_not_followed(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret\n")
    (checkout.directory / "link").symlink_to(tmp_path / "secret")
    (checkout.directory / "directory").symlink_to(tmp_path / "outside")
    source = GitRangeSource(checkout.directory, WORKING_TREE)
    await source.snapshot([])
    for path in ("link", "directory/secret", "../secret", str(tmp_path / "secret")):
        assert await source.blob(path, Side.RIGHT) is None


async def test_a_repository_without_commits_has_staged_changes(tmp_path: Path) -> None:
    made = Checkout(tmp_path / "new")
    made.write({"a.py": "a\n"})
    made.git("add", "a.py")
    assert await paths_of(GitRangeSource(made.directory, STAGED)) == ["a.py"]


async def test_a_subdirectory_shows_the_whole_change(checkout: Checkout) -> None:
    checkout.commit({"lib/x.py": "word\n"})
    source = GitRangeSource(checkout.directory / "lib", "main...HEAD")
    assert await paths_of(source) == ["AGENTS.md", "lib/x.py", "pay.py"]
    assert [match.path for match in await source.grep("word", limit=5)] == ["lib/x.py"]


async def test_a_linked_work_tree_and_a_bare_repository_are_read(checkout: Checkout, tmp_path: Path) -> None:
    checkout.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"), "topic")
    checkout.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    for directory in (tmp_path / "linked", tmp_path / "bare.git"):
        assert await paths_of(GitRangeSource(directory, "main...topic")) == ["AGENTS.md", "pay.py"]


async def test_a_renamed_file_has_its_old_content_under_both_names(checkout: Checkout) -> None:
    content = "".join(f"{n}\n" for n in range(20))
    checkout.commit({"old.py": content})
    checkout.commit({"old.py": None, "new.py": content + "more\n"})
    source = GitRangeSource(checkout.directory, "HEAD")
    seen = await source.snapshot([])
    assert seen.diff.files[0].previous_path == "old.py"
    assert await source.blob("new.py", Side.LEFT) == content.encode()
    assert await source.blob("old.py", Side.LEFT) == content.encode()
    assert await source.blob("old.py", Side.RIGHT) is None


ODD_NAMES = [
    "with space.py",
    'quo"te.py',
    "new\nline.py",
    "tab\t.py",
    "-dash.py",
    ":colon.py",
    "ünï.py",
    "a b/c.py",
]


async def test_unusual_names_are_supported(checkout: Checkout) -> None:
    checkout.commit({name: f"word {number}\n" for number, name in enumerate(ODD_NAMES)})
    not_utf8 = os.fsdecode(b"\xff\xfe.py")
    checkout.commit(
        {**{name: f"changed {number}\n" for number, name in enumerate(ODD_NAMES)}, not_utf8: "x\n"}
    )
    source = GitRangeSource(checkout.directory, "HEAD")

    paths = await paths_of(source)

    assert sorted(paths) == sorted([*ODD_NAMES, not_utf8])
    for number, name in enumerate(ODD_NAMES):
        assert await source.blob(name, Side.LEFT) == f"word {number}\n".encode()
        assert await source.blob(name, Side.RIGHT) == f"changed {number}\n".encode()
    assert await source.blob(not_utf8, Side.RIGHT) == b"x\n"


@pytest.mark.parametrize(
    "word", ["", " ", "new\nline", "\0", "--open-files-in-pager=sh", "-O", "$(touch x)", "["]
)
async def test_a_word_is_never_an_option(checkout: Checkout, word: str) -> None:
    source = GitRangeSource(checkout.directory, "main...topic")
    await source.snapshot([])
    assert await source.grep(word, limit=5) == []


def sentence(directory: Path, error: InputError) -> str:
    return str(error).replace(str(directory), "DIR")


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("nosuch...HEAD", "nosuch"),
        ("main..nosuch", "nosuch"),
        ("nosuch", "nosuch"),
        ("--output=/tmp/x", "--output=/tmp/x"),
        ("main...HEAD:pay.py", "HEAD:pay.py"),
        ("", ""),
        ("a\0b", "a\0b"),
    ],
)
async def test_a_missing_range_is_rejected_with_advice(checkout: Checkout, target: str, name: str) -> None:
    with pytest.raises(InputError) as caught:
        await GitRangeSource(checkout.directory, target).snapshot([])
    assert str(caught.value) == (
        f"{name!r} is not a commit in this repository. Specify a range such as main...HEAD, or fetch it first."
    )


async def test_unrelated_histories_are_rejected_with_advice(checkout: Checkout) -> None:
    checkout.git("checkout", "--quiet", "--orphan", "other")
    checkout.commit({"x.py": "x\n"})
    with pytest.raises(InputError) as caught:
        await GitRangeSource(checkout.directory, "main...other").snapshot([])
    assert str(caught.value) == snapshot(
        "The two sides of main...other have no common commit here. Fetch more history (git fetch --unshallow), or compare them with two dots."
    )


def test_a_missing_repository_is_rejected_with_advice(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        GitRangeSource(tmp_path, "main...HEAD")
    assert sentence(tmp_path, caught.value) == snapshot(
        "DIR is not in a git repository. Specify one with --repo DIR."
    )
    with pytest.raises(InputError, match="is not in a git repository"):
        GitRangeSource(tmp_path / "nowhere", "main...HEAD")


async def test_a_directory_that_only_looks_like_a_repository_is_rejected(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere\n")
    with pytest.raises(InputError):
        await GitRangeSource(tmp_path, "main...HEAD").snapshot([])


async def test_a_patch_has_only_its_own_files(checkout: Checkout) -> None:
    patch = checkout.git("diff", "main...topic") + "\n"
    source = PatchSource(patch.encode())
    assert await paths_of(source) == ["AGENTS.md", "pay.py"]
    assert await source.blob("pay.py", Side.RIGHT) is None
    assert await source.grep("one", limit=5) == []
    assert (await source.snapshot(["AGENTS.md"])).base_files == {}


@pytest.mark.parametrize("data", [b"hello\n", b"<html></html>", b'{"a": 1}', b"\x00\x01\x02"])
def test_other_text_is_rejected_as_a_patch(data: bytes) -> None:
    with pytest.raises(InputError):
        PatchSource(data)
