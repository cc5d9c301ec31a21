"""Configuration, attributes, hooks and submodules of a repository cannot start programs."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from app.domain.diff import Side
from app.errors import GitFailed, InputError
from app.github.git_process import Git
from app.github.local import STAGED, WORKING_TREE, GitRangeSource
from tests.unit.github.repositories import ENVIRONMENT, Checkout


class Trap:
    """A program that leaves a trace when it runs."""

    def __init__(self, directory: Path) -> None:
        self.traces = directory / "traces"
        self.program = directory / "trap.sh"
        self.program.write_text(f'#!/bin/sh\necho "$0 $*" >> {self.traces}\ncat\n')
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)

    @property
    def was_sprung(self) -> bool:
        return self.traces.exists()


HOSTILE = [
    "core.fsmonitor",
    "core.pager",
    "core.editor",
    "core.sshCommand",
    "core.gitProxy",
    "core.alternateRefsCommand",
    "core.askPass",
    "diff.external",
    "diff.evil.command",
    "diff.evil.textconv",
    "filter.evil.clean",
    "filter.evil.smudge",
    "filter.evil.process",
    "merge.evil.driver",
    "gpg.program",
    "credential.helper",
    "interactive.diffFilter",
    "uploadpack.packObjectsHook",
    "sequence.editor",
    "pager.diff",
    "pager.grep",
]


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path)


@pytest.fixture
def checkout(tmp_path: Path, trap: Trap) -> Checkout:
    made = Checkout(tmp_path / "hostile")
    made.commit({"pay.py": "one\n", ".gitattributes": "* diff=evil filter=evil merge=evil\n"})
    inner = Checkout(made.directory / "module")
    inner.commit({"a.py": "a\n"})
    made.git("-c", "protocol.file.allow=always", "add", "--all")
    made.git("commit", "--quiet", "-m", "with a repository inside")
    made.git("checkout", "--quiet", "-b", "topic")
    made.commit({"pay.py": "one\nword\n"})
    for key in HOSTILE:
        made.git("config", key, str(trap.program))
        inner.git("config", key, str(trap.program))
    made.git("config", "filter.evil.required", "true")
    made.git("config", "log.showSignature", "true")
    made.git("config", "core.hooksPath", str(made.directory / "hooks"))
    hooks = made.directory / "hooks"
    hooks.mkdir()
    for hook in ("pre-commit", "post-index-change", "reference-transaction", "fsmonitor-watchman"):
        (hooks / hook).symlink_to(trap.program)
    for file in (made.directory / "pay.py", made.directory / "module" / "a.py"):
        file.write_text("dirty word\n")
        os.utime(file, (1, 1))
    return made


def test_unhardened_git_runs_the_planted_programs(checkout: Checkout, trap: Trap) -> None:
    subprocess.run(
        ["git", "--no-pager", "diff", "HEAD"],
        cwd=checkout.directory,
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
    )
    assert trap.was_sprung


@pytest.mark.parametrize("target", ["main...topic", "main..topic", "topic", STAGED, WORKING_TREE])
async def test_hardened_git_runs_nothing_from_a_repository(
    checkout: Checkout, trap: Trap, target: str
) -> None:
    source = GitRangeSource(checkout.directory, target)
    seen = await source.snapshot(["pay.py", "AGENTS.md"])
    await source.grep("word", limit=5)
    await source.blob("pay.py", Side.LEFT)
    await source.blob("pay.py", Side.RIGHT)

    assert not trap.was_sprung
    if target != STAGED:
        assert "pay.py" in [file.path for file in seen.diff.files]


async def test_a_missing_object_is_not_fetched_with_the_repositorys_settings(
    checkout: Checkout, trap: Trap
) -> None:
    checkout.git("config", "remote.origin.url", f"ext::{trap.program}")
    checkout.git("config", "remote.origin.promisor", "true")
    checkout.git("config", "remote.origin.uploadpack", str(trap.program))
    checkout.git("config", "protocol.allow", "always")
    checkout.git("config", "protocol.ext.allow", "always")
    blob = checkout.git("rev-parse", "topic:pay.py")
    (checkout.directory / ".git" / "objects" / blob[:2] / blob[2:]).unlink()

    with pytest.raises(InputError):
        await GitRangeSource(checkout.directory, "main...topic").snapshot([])

    assert not trap.was_sprung


@pytest.mark.parametrize("target", ["main...topic", STAGED, WORKING_TREE])
async def test_a_filter_whose_name_is_no_utf_8_does_not_run(
    checkout: Checkout, trap: Trap, target: str
) -> None:
    with (checkout.directory / ".git" / "config").open("ab") as config:
        config.write(
            b'[filter "\xff"]\n clean = %b\n smudge = %b\n required = true\n' % ((bytes(trap.program),) * 2)
        )
    with (checkout.directory / ".gitattributes").open("ab") as attributes:
        attributes.write(b"* filter=\xff\n")

    await GitRangeSource(checkout.directory, target).snapshot(["pay.py"])

    assert not trap.was_sprung


async def test_files_that_the_configuration_includes_start_nothing(
    checkout: Checkout, trap: Trap, tmp_path: Path
) -> None:
    (tmp_path / "more").write_text(
        f'[filter "evil"]\n clean = {trap.program}\n[core]\n fsmonitor = {trap.program}\n'
    )
    checkout.git("config", "include.path", str(tmp_path / "more"))
    checkout.git("config", f"includeIf.gitdir:{checkout.directory}/.path", str(tmp_path / "more"))
    checkout.git("config", "extensions.worktreeConfig", "true")
    (checkout.directory / ".git" / "config.worktree").write_text((tmp_path / "more").read_text())

    seen = await GitRangeSource(checkout.directory, WORKING_TREE).snapshot([])

    assert "pay.py" in [file.path for file in seen.diff.files]
    assert not trap.was_sprung


ATTRIBUTES = [
    "*.py binary",
    "*.py -diff",
    "* -text -diff",
    "*.py filter=lfs diff=lfs merge=lfs -text",
    "[attr]hide binary\n*.py hide",
    "pay.py diff=nothing",
]
PLACES = ["committed", "untracked", "in the git directory"]


@pytest.mark.parametrize("target", ["main...topic", "topic", STAGED, WORKING_TREE])
@pytest.mark.parametrize("place", PLACES)
async def test_no_attribute_hides_code(tmp_path: Path, place: str, target: str) -> None:
    checkout = Checkout(tmp_path / "attributes")
    checkout.commit({"pay.py": "one\n"})
    checkout.git("checkout", "--quiet", "-b", "topic")
    attributes = "\n".join(ATTRIBUTES) + "\n"
    checkout.commit(
        {"pay.py": "one\nevil()\n"} | ({".gitattributes": attributes} if place == "committed" else {})
    )
    if place == "untracked":
        checkout.write({".gitattributes": attributes})
    if place == "in the git directory":
        checkout.write({".git/info/attributes": attributes})
    if target == STAGED:
        checkout.git("reset", "--quiet", "--soft", "main")
    if target == WORKING_TREE:
        checkout.git("reset", "--quiet", "--mixed", "main")

    seen = await GitRangeSource(checkout.directory, target).snapshot([])

    file = seen.diff.file("pay.py")
    assert file is not None
    assert (file.binary, file.added_lines()) == (False, {2: "evil()"})


@pytest.mark.parametrize("attribute", ["ident", "working-tree-encoding=UTF-7", "text eol=crlf"])
async def test_a_work_tree_is_read_as_it_is(tmp_path: Path, attribute: str) -> None:
    checkout = Checkout(tmp_path / "converted")
    checkout.commit({"pay.py": "one\n"})
    code = 'x = "$Id: "; evil(); "+AGE-$"'
    checkout.write({"pay.py": f"one\n{code}\n", ".gitattributes": f"*.py {attribute}\n"})

    seen = await GitRangeSource(checkout.directory, WORKING_TREE).snapshot([])

    assert [file.added_lines() for file in seen.diff.files] == [{2: code}]


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
async def test_no_flag_of_the_index_hides_a_change_of_the_work_tree(tmp_path: Path, flag: str) -> None:
    checkout = Checkout(tmp_path / "flags")
    checkout.commit({"pay.py": "one\n"})
    checkout.git("update-index", flag, "pay.py")
    checkout.write({"pay.py": "one\nevil()\n"})

    seen = await GitRangeSource(checkout.directory, WORKING_TREE).snapshot([])

    assert [file.path for file in seen.diff.files] == ["pay.py"]


async def test_replaced_objects_and_grafts_do_not_change_what_is_compared(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "replaced")
    base = checkout.commit({"pay.py": "one\n"})
    checkout.git("checkout", "--quiet", "-b", "topic")
    head = checkout.commit({"pay.py": "one\nevil()\n"})
    checkout.git(
        "replace", checkout.git("rev-parse", "topic:pay.py"), checkout.git("rev-parse", "main:pay.py")
    )
    (checkout.directory / ".git" / "info").mkdir(exist_ok=True)
    (checkout.directory / ".git" / "info" / "grafts").write_text(f"{head}\n{base}\n")

    for target in ("main...topic", "topic"):
        seen = await GitRangeSource(checkout.directory, target).snapshot([])
        assert [file.added_lines() for file in seen.diff.files] == [{2: "evil()"}]


@pytest.mark.parametrize("kind", ["linked work tree", "SHA-256", "split index", "bare"])
async def test_repositories_of_every_kind_are_read(tmp_path: Path, kind: str) -> None:
    checkout = Checkout(tmp_path / "kinds")
    if kind == "SHA-256":
        (checkout.directory / ".git").rename(tmp_path / "old")
        checkout.git("init", "--quiet", "--object-format=sha256", "--initial-branch=main")
    checkout.commit({"pay.py": "one\n"})
    checkout.commit({"pay.py": "one\nword\n"})
    directory, target = checkout.directory, "HEAD~1..HEAD"
    if kind == "split index":
        checkout.git("update-index", "--split-index")
        checkout.write({"pay.py": "one\nword\n" * 2})
        checkout.git("add", "pay.py")
        target = STAGED
    if kind == "linked work tree":
        checkout.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
        directory = tmp_path / "linked"
    if kind == "bare":
        checkout.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
        directory = tmp_path / "bare.git"

    seen = await GitRangeSource(directory, target).snapshot([])

    assert [file.path for file in seen.diff.files] == ["pay.py"]


async def test_git_variables_of_the_caller_are_ignored(
    checkout: Checkout, trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "GIT_EXTERNAL_DIFF",
        "GIT_PAGER",
        "GIT_SSH_COMMAND",
        "GIT_ASKPASS",
        "PAGER",
        "GIT_PROXY_COMMAND",
    ):
        monkeypatch.setenv(name, str(trap.program))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", f"'diff.external={trap.program}'")

    seen = await GitRangeSource(checkout.directory, "main...topic").snapshot([])

    assert [file.path for file in seen.diff.files] == ["pay.py"]
    assert not trap.was_sprung


async def test_diff_settings_of_the_repository_are_ignored(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "particular")
    checkout.commit({"pay.py": "one\n"})
    checkout.commit({"pay.py": "one\nword\n"})
    for key, value in {
        "diff.noprefix": "true",
        "diff.mnemonicPrefix": "true",
        "diff.context": "0",
        "diff.interHunkContext": "9",
        "diff.relative": "true",
        "diff.submodule": "log",
        "diff.suppressBlankEmpty": "true",
        "diff.renames": "false",
        "diff.wordRegex": ".",
        "color.ui": "always",
        "core.quotePath": "false",
        "core.abbrev": "4",
    }.items():
        checkout.git("config", key, value)
    assert "--- a/pay.py" not in checkout.git("diff", "HEAD~1", "HEAD")  # plain git uses the settings

    seen = await GitRangeSource(checkout.directory, "HEAD~1..HEAD").snapshot([])

    (file,) = seen.diff.files
    assert (file.path, file.added_lines(), len(file.hunks[0].lines)) == ("pay.py", {2: "word"}, 2)


def _git(checkout: Checkout) -> Git:
    return Git(directory=checkout.directory)


async def test_a_work_tree_that_points_elsewhere_is_not_followed(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "pay.py").write_text("secret\n")
    checkout.git("config", "core.worktree", str(tmp_path / "private"))
    source = GitRangeSource(checkout.directory, WORKING_TREE)
    seen = await source.snapshot([])
    file = seen.diff.file("pay.py")
    assert file is not None
    assert "secret" not in file.added_lines().values()
    assert await source.blob("pay.py", Side.RIGHT) == b"dirty word\n"


async def test_output_and_time_are_limited(checkout: Checkout) -> None:
    git = _git(checkout)
    with pytest.raises(GitFailed, match="wrote more than 10 bytes"):
        await git.run("cat-file", "-p", "HEAD", max_bytes=10)
    assert len(await git.read_some("cat-file", "-p", "HEAD", max_bytes=10)) == 10
    with pytest.raises(GitFailed, match="Not a valid object name"):
        await git.read_some("cat-file", "-p", "nothing", max_bytes=10)
    slow = Git(directory=checkout.directory, timeout_s=0.0)
    with pytest.raises(GitFailed, match="took longer than 0 s"):
        await slow.run("log")


async def test_child_processes_of_git_are_killed_with_it(tmp_path: Path) -> None:
    """A hanging fetch is a child process of git, which would keep the output open."""
    git = Git(directory=tmp_path, config={"alias.hang": "!sleep 50"}, timeout_s=0.2)
    with pytest.raises(GitFailed, match="took longer"):
        await git.run("hang")


async def test_git_cannot_write_files_that_are_too_large(tmp_path: Path) -> None:
    large = Checkout(tmp_path / "large")
    large.commit({"big.bin": os.urandom(100_000)})
    for blocks, expected in ((2, False), (2_000, True)):
        git = Git(
            directory=tmp_path,
            config={"protocol.file.allow": "always"},
            environment={"GIT_ALLOW_PROTOCOL": "file"},
            max_file_blocks=blocks,
        )
        target = tmp_path / f"{blocks}.git"
        try:
            await git.run("clone", "--quiet", "--bare", f"file://{large.directory}", str(target))
            written = True
        except GitFailed:
            written = False
        assert written is expected


async def test_a_missing_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GitFailed, match="cannot start"):
        await Git(directory=tmp_path / "nowhere").run("version")


def test_secret_settings_are_not_shown() -> None:
    git = Git(directory=Path(), config={"http.extraHeader": "Authorization: Basic c2VjcmV0"})
    assert "c2VjcmV0" not in repr(git)
