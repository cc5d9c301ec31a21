"""A rename without a changed line is read where the new name makes the file something else."""

import pytest

from app.analyzers.analysis import analyze
from app.gather import Gathered
from app.gather.gather import TierThresholds
from app.gather.moves import CONTENT_UNKNOWN
from app.gather.selection import LFS_POINTER
from tests.unit.gather.fakes import FakeSource, diff_of, gather_from

EVIL = 'import os\n\n\ndef run(name):\n    os.system("ls " + name)\n'
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"


async def gathered(old: str, new: str, text: str = EVIL, *, known: bool = True, config: str = "") -> Gathered:
    """Gather a change that only renames; `known` says whether the source has the file's content."""
    tree = {".github/quorum.yml": config, **({new: text} if known else {})}
    rename = diff_of(new, text, text, previous_path=old)
    source = FakeSource(base={**tree, old: text}, head={**tree, old: text}, extra_files=[rename])
    return await gather_from(source, thresholds=TierThresholds())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("notes.txt", "conftest.py"),
        ("notes.txt", "shop/pay.py"),
        ("data", "run.py"),
        ("examples/pay.py", "setup.py"),
        ("examples/hook.py", ".git-hooks/hook.py"),
    ],
)
async def test_code_that_gets_its_name_by_a_rename_is_read(old: str, new: str) -> None:
    change = await gathered(old, new)
    assert change.context.chunks[0].files[0].added == 5
    findings = (await analyze(change.changed_files)).findings
    assert [(each.path, each.start_line, each.rule_id) for each in findings] == [
        (new, 5, "command-injection")
    ]


async def test_a_file_that_leaves_an_ignored_folder_is_read() -> None:
    change = await gathered("fixtures/pay.py", "shop/pay.py", config="ignore_paths: [fixtures/]\n")
    assert change.context.chunks[0].files[0].added == 5


@pytest.mark.parametrize(
    ("old", "new"),
    [("pay.py", "payments.py"), ("shop/pay.py", "app/pay.py"), (".github/a.py", ".github/b.py")],
)
async def test_moved_code_is_not_read_again(old: str, new: str) -> None:
    change = await gathered(old, new)
    assert change.coverage.reviewed == 1
    assert change.context.chunks[0].files[0].hunks == ()


async def test_a_rename_whose_content_is_not_known_is_listed_as_not_read() -> None:
    change = await gathered("notes.txt", "conftest.py", known=False)
    assert [(each.path, each.reason) for each in change.coverage.unread] == [("conftest.py", CONTENT_UNKNOWN)]
    assert change.coverage.reviewed == 0


async def test_a_renamed_pointer_is_listed_as_not_read() -> None:
    change = await gathered("data.txt", "conftest.py", POINTER + "\n")
    assert [each.reason for each in change.coverage.unread] == [LFS_POINTER]


async def test_a_renamed_binary_is_listed_as_not_read() -> None:
    change = await gathered("data.txt", "run.exe", "\x00\x01\x02" * 500)
    assert [each.reason for each in change.coverage.unread] == ["binary"]
