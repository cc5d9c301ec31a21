import asyncio
import json
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from app.analyzers.parser import Parser, find_syntax_facts
from app.analyzers.runner import ProcessLimits
from app.analyzers.workspace import read_texts, write_texts
from app.domain.analysis import ChangedFile
from app.errors import AnalyzerFailed

SERVER = "import os, sys, time\nfrom pathlib import Path\nfrom app.analyzers.worker import ForkServer\n"


def doing(work: str) -> Parser:
    """A parser whose children do this, in the directory of their change."""
    return Parser(
        (sys.executable, "-P", "-s", "-c", f"{SERVER}\ndef work():\n    {work}\nForkServer(work).serve()")
    )


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def parsers() -> Generator[list[Parser]]:
    opened: list[Parser] = []
    yield opened
    for parser in opened:
        parser.close()


async def test_each_change_has_its_own_process(parsers: list[Parser], tmp_path: Path) -> None:
    parser = doing("Path('said').write_text(f'{os.getpid()} {os.getppid()}')")
    parsers.append(parser)
    changes = [tmp_path / name for name in ("one", "two")]
    for change in changes:
        change.mkdir()
    await asyncio.gather(*(parser.run(change, limits=ProcessLimits()) for change in changes))
    said = [(change / "said").read_text().split() for change in changes]
    assert said[0][0] != said[1][0]
    assert said[0][1] == said[1][1], "both are forks of the one that has loaded everything"


async def test_the_parser_process_does_not_see_the_operators_environment(
    parsers: list[Parser], directory: Path
) -> None:
    parser = doing("import json; Path('said').write_text(json.dumps(dict(os.environ)))")
    parsers.append(parser)
    await parser.run(directory, limits=ProcessLimits())
    names = set(json.loads((directory / "said").read_text()))
    assert names <= {
        "HOME",
        "TMPDIR",
        "PATH",
        "LANG",
        "NO_COLOR",
        "PYTHONPATH",
        "PYTHONDONTWRITEBYTECODE",
        "LC_CTYPE",
    }


async def test_a_change_that_hangs_is_stopped_and_the_next_one_is_parsed(
    parsers: list[Parser], directory: Path
) -> None:
    parser = doing(
        "Path('begun').touch(); time.sleep(0 if Path('again').exists() else 60); Path('done').touch()"
    )
    parsers.append(parser)
    for seconds in (0.3, 3.0, 30.0):  # a busy machine may stop it before it begins
        await parser.run(directory, limits=ProcessLimits(seconds=seconds))
        if (directory / "begun").exists():
            break
    assert (directory / "begun").exists()
    assert not (directory / "done").exists()
    (directory / "again").touch()
    await parser.run(directory, limits=ProcessLimits())
    assert (directory / "done").exists()


async def test_a_change_gets_no_more_memory_than_its_limit(parsers: list[Parser], directory: Path) -> None:
    parser = doing("Path('begun').touch(); bytearray(2 << 30); Path('got it').touch()")
    parsers.append(parser)
    await parser.run(directory, limits=ProcessLimits(memory_bytes=1 << 30))
    assert (directory / "begun").exists()
    assert not (directory / "got it").exists()


async def test_a_change_writes_no_more_than_its_limit(parsers: list[Parser], directory: Path) -> None:
    parser = doing("Path('said').write_bytes(bytes(2 << 20))")
    parsers.append(parser)
    await parser.run(directory, limits=ProcessLimits(output_bytes=1 << 20))
    assert (directory / "said").stat().st_size <= 1 << 20


async def test_a_process_that_has_died_is_restarted(parsers: list[Parser], directory: Path) -> None:
    parser = doing("os.kill(os.getppid(), 9) if Path('killing').exists() else Path('done').touch()")
    parsers.append(parser)
    (directory / "killing").touch()
    with pytest.raises(AnalyzerFailed, match="has exited"):
        await parser.run(directory, limits=ProcessLimits())
    (directory / "killing").unlink()
    await parser.run(directory, limits=ProcessLimits())
    assert (directory / "done").exists()


async def test_a_process_that_cannot_start_is_reported(directory: Path) -> None:
    with pytest.raises(AnalyzerFailed, match="could not start"):
        await Parser(("/no/such/program",)).run(directory, limits=ProcessLimits())


async def test_a_file_that_crashes_the_worker_is_named_and_the_files_after_it_are_read(
    parsers: list[Parser], directory: Path
) -> None:
    parser = doing(
        "from app.analyzers import worker; analyze = worker._analyze; "
        "worker._analyze = lambda task: os._exit(1) if task['path'] == 'b.py' else analyze(task); worker.analyze_tasks()"
    )
    parsers.append(parser)
    texts, _ = read_texts([ChangedFile.whole(f"{name}.py", "eval(input())\n") for name in "abc"])
    write_texts(texts, directory / "files")
    facts = await find_syntax_facts(texts, directory=directory / "files", parser=parser)
    assert [hit.path for hit in facts.hits] == ["a.py", "c.py"]
    assert [(each.path, each.reason) for each in facts.partly] == [
        ("b.py", "the syntax rules did not finish")
    ]
