"""Quality of findings: the right line, every file covered, few verification calls, no leaked secret.

    python -m benchmarks.findings

The whole pipeline with fake vendors, the stand-in for GitHub and SQLite, in this process.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.domain.diff import Diff
from app.domain.finding import Finding, Placement, Severity, Stage
from app.domain.patch import parse_diff
from app.domain.publication import ReviewComment
from app.domain.pull_request import PullRequestRef
from app.findings.anchor import anchor
from app.findings.quotes import DiffIndex
from app.github.app import GitHubApp
from app.github.local import PatchSource
from app.github.writer import PullRequestWriter
from app.logs import JsonFormatter
from app.store.review_tables import FindingRow
from benchmarks.change import Lab, finding, make_change, read_files
from benchmarks.figures import Figure, print_figures
from github_sandbox import GitHubSandbox
from tests.fakes.vendor_wire import VendorRequest
from tests.scenarios.world import World, open_world
from tests.unit.test_redaction import FORMATS

SHIFTS = (0, -2, 2, -50, 50)
COMMENTS_A_REVIEW = 30


def main() -> None:
    """Measure and print."""
    logging.disable(logging.CRITICAL)
    with TemporaryDirectory(prefix="quorum-bench-") as name:
        asyncio.run(_measure(Path(name)))


async def _measure(folder: Path) -> None:
    print_figures([await _right_line(folder / "line")])
    for files in (80, 300):
        print_figures([await _covered(folder / f"covered{files}", files=files)])
    print_figures(await _verification_calls(folder / "verify"))
    print_figures(await _secrets(folder / "secrets"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Truth:
    path: str
    line: int
    quote: str


def _unique_lines(diff: Diff) -> list[_Truth]:
    """The added lines whose text occurs once in the diff."""
    added = [
        _Truth(path=file.path, line=line.new_line, quote=line.text)
        for file in diff.files
        for hunk in file.hunks
        for line in hunk.lines
        if line.old_line is None and line.new_line is not None and line.text.strip()
    ]
    shown = Counter(
        "".join(line.text.split()) for file in diff.files for hunk in file.hunks for line in hunk.lines
    )
    return [each for each in added if shown["".join(each.quote.split())] == 1]


async def _right_line(folder: Path) -> Figure:
    change = make_change(folder / "repository", files=20)
    diff = parse_diff(change.patch)
    truths, paths = _unique_lines(diff), [file.path for file in diff.files]
    index = DiffIndex(diff)
    placed: list[tuple[_Truth, Finding]] = []
    for number, truth in enumerate(truths):
        other = paths[(paths.index(truth.path) + 1 + number % (len(paths) - 1)) % len(paths)]
        claims = [_claim(truth, truth.path, max(1, truth.line + shift)) for shift in SHIFTS]
        placed += [(truth, anchor(claim, index)) for claim in (*claims, _claim(truth, other, truth.line))]
    right = sum(
        (each.placement, each.path, each.start_line) == (Placement.INLINE, truth.path, truth.line)
        for truth, each in placed
    )
    wrong = sum(each.placement is Placement.INLINE for _, each in placed) - right
    refused = await _post(folder / "github", change.patch, change.folder, [each for _, each in placed])
    return Figure(
        name="right line: numbers off by 0, ±2, ±50, or in another file",
        measured=f"{right / len(placed):.1%} of {len(placed):,}; {wrong} wrong; {refused} x 422",
        target="100 %, 0 wrong, 0 x 422",
        reached=bool(placed) and right == len(placed) and not wrong and not refused,
    )


def _claim(truth: _Truth, path: str, line: int) -> Finding:
    return Finding(
        stage=Stage.REVIEW, severity=Severity.HIGH, rule_id="logic-error", path=path, start_line=line, end_line=line,
        title="The total is wrong", explanation="It is.", quote=truth.quote, found_by=("claude:m",),
    )  # fmt: skip


async def _post(folder: Path, patch: bytes, repository: Path, findings: Iterable[Finding]) -> int:
    """How many of these findings the stand-in rejects as inline comments, as GitHub would."""
    github = GitHubSandbox(folder)
    before, after = read_files(repository, "HEAD~1"), read_files(repository, "HEAD")
    shop = github.create_repository("bench/shop", before)
    pull = shop.open_pull({path: text for path, text in after.items() if before.get(path) != text})
    app = GitHubApp(github.app.id, github.app.private_key, transport=github.transport())
    installation = github.installation_on("bench/shop")
    assert installation, "the App is installed where it is made"
    client = app.installation(installation.id, "bench/shop")
    writer = PullRequestWriter(client, PullRequestRef(owner="bench", repo="shop", number=pull.number))
    places = dict.fromkeys(
        (each.path, each.end_line, each.side) for each in findings if each.placement is Placement.INLINE
    )
    comments = [ReviewComment(path=path, line=line, side=side, body="x") for path, line, side in places]
    for start in range(0, len(comments), COMMENTS_A_REVIEW):
        await writer.create_review(
            head_sha=pull.head_sha, body="x", comments=comments[start : start + COMMENTS_A_REVIEW]
        )
    await app.aclose()
    return sum(request.status == 422 for request in github.requests)


async def _covered(folder: Path, *, files: int) -> Figure:
    change = make_change(folder / "repository", files=files, functions=3, changed=1)
    lab = Lab(folder=folder / "data")
    gathered, report = await lab.review(PatchSource(change.patch))
    await lab.close()
    coverage = report.coverage
    paths = [file.path for file in gathered.context.diff.files]
    read = {
        task: _paths_in(lab.requests_for(verification=False), task, paths)
        for task in ("correctness", "security")
    }
    complete = all(len(found) == files for found in read.values())
    return Figure(
        name=f"files covered, {files} files",
        measured=f"{coverage.reviewed + len(coverage.omitted)}/{coverage.files}, {len(coverage.omitted)} omitted, {len(gathered.context.chunks)} chunks",
        target="100 %, omissions named",
        reached=complete and coverage.files == files and coverage.reviewed == files,
    )


def _paths_in(requests: Iterable[VendorRequest], task: str, paths: Iterable[str]) -> set[str]:
    """The files that appear in requests of a stage."""
    text = "\n".join(each.text for each in requests if f"# Task: {task}" in each.text)
    return {path for path in paths if f"=== {path} (" in text}


async def _verification_calls(folder: Path) -> list[Figure]:
    change = make_change(folder / "repository", files=120)
    share = "        share = row.amount / len(rows)"
    paths = [file.path for file in parse_diff(change.patch).files]
    some = [finding(path, share, line=14, title=f"The share is wrong in {path}") for path in paths[::6]]
    figures: list[Figure] = []
    for name, findings, most in (("with candidates", some, 1.0), ("without candidates", [], 0.0)):
        lab = Lab(folder=folder / name.replace(" ", "-"), findings=findings)
        gathered, _ = await lab.review(PatchSource(change.patch))
        await lab.close()
        calls = Counter(request.provider for request in lab.requests_for(verification=True))
        chunks = len(gathered.context.chunks)
        figures.append(
            Figure(
                name=f"calls for verification, {name}",
                measured=f"{calls.total()} for {chunks} chunks ({', '.join(calls) or 'nobody'})",
                target="≤ 1 per verifying vendor and chunk" if most else "0",
                reached=all(count <= chunks for count in calls.values()) and bool(calls) is bool(most),
            )
        )
    return figures


class _Log(logging.Handler):
    """Everything that is logged, before the log's own redaction."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.setFormatter(JsonFormatter(lambda text: text))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


async def _secrets(folder: Path) -> list[Figure]:
    """Send canaries on added lines through webhook, gather, vendors, store and publication."""
    values = {name: make() for name, make in FORMATS.items()}
    files = {f"conf/{number:02}.py": f"{line}\n" for number, (_, line) in enumerate(values.values())}
    log, root = _Log(), logging.getLogger()
    logging.disable(logging.NOTSET)
    root.addHandler(log)
    root.setLevel(logging.INFO)
    try:
        async with open_world(folder) as world:
            pull = world.open_pull(files)
            await world.settle()
            found = _reported(world)
            posted = [*_posted(world)]
            for kind in ("review", "review_comment", "issue_comment", "check_run"):
                pull.take_all(kind)
            requests = [str(request.body) for request in world.vendors.requests]
        stored = [path.read_bytes() for path in (folder / "data").rglob("*") if path.is_file()]
    finally:
        root.removeHandler(log)
        logging.disable(logging.CRITICAL)
    places = {
        "requests": requests,
        "log": log.lines,
        "posts": posted,
        "rows": [each.decode("latin-1") for each in stored],
    }
    leaks = {where: _leaks(values, texts) for where, texts in places.items()}
    share = len(found) / len(values)
    return [
        Figure(
            name="secrets on added lines that are reported",
            measured=f"{len(found)}/{len(values)} formats = {share:.0%}",
            target="≥ 95 % of 30+ formats",
            reached=share >= 0.95 and len(values) >= 30,
        ),
        Figure(
            name="raw secrets in requests, log, posts and rows",
            measured=", ".join(f"{where} {len(names)}" for where, names in leaks.items())
            + f" (of {sum(map(len, places.values()))} texts)",
            target="0",
            reached=not any(leaks.values()) and all(places.values()),
        ),
    ]


def _reported(world: World) -> set[str]:
    """The files in which a secret was reported."""
    return {row.path for row in world.rows(FindingRow) if "secret" in row.rule_id}


def _posted(world: World) -> Iterator[str]:
    for item in world.github.posted:
        yield item.body
        yield str(getattr(item.target, "output", ""))


def _leaks(values: Mapping[str, Any], texts: Iterable[str]) -> list[str]:
    """The formats whose value occurs in one of the texts; for a multi-line key, one line is enough."""
    joined = "\n".join(texts)
    return [name for name, (value, _) in values.items() if any(part in joined for part in _parts(value))]


def _parts(value: str) -> list[str]:
    lines = [line for line in value.replace("\\n", "\n").split("\n") if "KEY-----" not in line]
    return lines if len(lines) > 1 else [value]


if __name__ == "__main__":
    main()
