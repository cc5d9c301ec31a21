"""How many planted findings end green: files that names, attributes, encodings, NULs or long lines try to hide.

Most are read in this process, many in one change, and judged file by file; some go through `quorum review`, one in a change.

python -m benchmarks.blindness [--changes 2000] [--commands 20] [--seed 1]
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

from app.analyzers.analysis import analyze
from app.commands.review_output import DONE, exit_code
from app.domain.analysis import Analysis
from app.domain.configuration import Gate
from app.domain.finding import Finding, Severity, Stage
from app.domain.model_call import Provider
from app.domain.publication import Conclusion
from app.domain.review import Coverage, ReviewReport, StageResult, StageStatus, UsageTotal, join_reasons
from app.gather import BASE_PATHS, Gathered, gather, read_configuration
from app.github.local import GitRangeSource
from app.publish.checks import conclude
from benchmarks.blind_changes import PlantedFile, plant, write_repository
from benchmarks.figures import Figure, print_figures

FILES_PER_CHANGE = 20
STAGES = tuple(
    StageResult(stage=stage, status=StageStatus.COMPLETED, provider=Provider.CLAUDE, model="finds-nothing")
    for stage in Stage
)


def measure(*, changes: int = 2_000, commands: int = 20, seed: int = 1) -> Figure:
    """Count the files whose finding is neither reported nor said to be unread."""
    rng = random.Random(seed)
    planted = [plant(rng, number) for number in range(changes)]
    branches = {f"c{i}": files for i, files in enumerate(_split(planted, FILES_PER_CHANGE))}
    alone = {f"alone{i}": (file,) for i, file in enumerate(rng.sample(planted, min(commands, changes)))}
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder) / "planted.git"
        write_repository(repository, branches | alone)
        blind = asyncio.run(_blind_in_process(repository, branches))
        blind += [name for name, files in alone.items() if _is_blind_command(repository, name, files[0])]
    return Figure(
        name=f"{changes:,} planted findings, {len(alone)} of them through `quorum review`",
        measured=f"{len(blind)} green or without a note {blind[:5] or ''}".strip(),
        target="0",
        reached=not blind,
    )


def _split(files: Sequence[PlantedFile], size: int) -> Iterator[tuple[PlantedFile, ...]]:
    return (tuple(files[start : start + size]) for start in range(0, len(files), size))


async def _blind_in_process(repository: Path, branches: Mapping[str, Sequence[PlantedFile]]) -> list[str]:
    blind: list[str] = []
    for name, files in branches.items():
        source = GitRangeSource(repository, f"main..{name}")
        snapshot = await source.snapshot(BASE_PATHS)
        gathered = await gather(source, snapshot=snapshot, configuration=read_configuration(snapshot))
        analysis = await analyze(gathered.changed_files)
        blind += [f"{name}:{file.path}" for file in files if _is_blind(file.path, gathered, analysis)]
    return blind


def _is_blind(path: str, gathered: Gathered, analysis: Analysis) -> bool:
    """Whether a review of this file alone, by models that find nothing, ends green, with 0, or without a word about it."""
    report = _report(path, gathered, analysis)
    is_green = any(
        conclude(stage, report, gate=Gate.HIGH) is Conclusion.SUCCESS
        for stage in STAGES
        if stage.stage is Stage.SECURITY
    )
    with redirect_stderr(StringIO()):
        code = exit_code(report, named_stages=(), fail_on=Severity.HIGH)
    is_named = report.findings or report.coverage.omitted or report.coverage.partly
    return is_green or code == DONE or not is_named


def _places(finding: Finding) -> set[str]:
    """The files of a finding and of its duplicates."""
    return {finding.path, *(each.path for each in finding.duplicates)}


def _report(path: str, gathered: Gathered, analysis: Analysis) -> ReviewReport:
    omitted = tuple(each for each in gathered.coverage.omitted if each.path == path)
    partly = join_reasons(each for each in analysis.partly if each.path == path and not omitted)
    return ReviewReport(
        findings=tuple(finding for finding in analysis.findings if path in _places(finding)),
        rejected=(),
        stages=STAGES,
        coverage=Coverage(files=1, reviewed=1 - len(omitted), omitted=omitted, partly=partly),
        usage=UsageTotal(),
        duration_ms=0,
    )


def _is_blind_command(repository: Path, branch: str, file: PlantedFile) -> bool:
    arguments = (
        "review",
        f"main..{branch}",
        "--repo",
        str(repository),
        "--format",
        "json",
        "--fail-on",
        "high",
    )
    command = [sys.executable, "-c", "from app.cli import main; main()", *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": str(repository.parent), "PYTHONPATH": str(Path.cwd())}
    ran = subprocess.run(command, env=environment, capture_output=True, check=False)
    report = json.loads(ran.stdout)
    coverage = report["coverage"]
    duplicates = [place for each in report["findings"] for place in each["duplicates"]]
    named = [*report["findings"], *duplicates, *coverage["omitted"], *coverage.get("partly", ())]
    return ran.returncode == DONE or file.path not in {each["path"] for each in named}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=2_000)
    parser.add_argument("--commands", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print_figures([measure(changes=options.changes, commands=options.commands, seed=options.seed)])
