"""How long it takes to parse and index a diff of 123,000 lines. Target: 0.3 s. Run: `python -m benchmarks.diff_parser`."""

import time
from collections.abc import Callable

from app.domain.diff import Diff, Side
from app.domain.patch import parse_diff
from app.findings.quotes import DiffIndex, words

FILES, HUNKS, BLOCKS = 849, 4, 9
REPEATS = 5


def make_diff() -> bytes:
    """849 files with 4 hunks each, about 123,000 lines and 4.5 MB."""
    return b"".join(_file(number) for number in range(FILES))


def _file(number: int) -> bytes:
    name = b"src/package/module_%03d.py" % number
    head = b"diff --git a/%s b/%s\nindex 1111111..2222222 100644\n--- a/%s\n+++ b/%s\n" % ((name,) * 4)
    return head + b"".join(_hunk(1 + 100 * hunk) for hunk in range(HUNKS))


def _hunk(start: int) -> bytes:
    lines = b"".join(
        b"     connection = database.connect(%d)\n-    old = 1\n+    new = compute(value)\n     return connection\n"
        % number
        for number in range(BLOCKS)
    )
    return b"@@ -%d,%d +%d,%d @@ def function():\n%s" % (start, 3 * BLOCKS, start, 3 * BLOCKS, lines)


def index_lines(diff: Diff) -> DiffIndex:
    """Index both sides of every file."""
    index = DiffIndex(diff)
    for path in index.paths:
        index.runs(path, Side.RIGHT)
        index.runs(path, Side.LEFT)
    return index


def main() -> None:
    """Print the best of five runs, in CPU seconds."""
    data = make_diff()
    diff = parse_diff(data)
    index = index_lines(diff)
    lines = data.count(b"\n")
    print(f"diff: {lines:,} lines, {len(data) / 1e6:.1f} MB, {len(diff.files)} files")
    print(f"parse:             {_best(lambda: parse_diff(data)):.3f} s")
    print(f"index of lines:    {_best(lambda: index_lines(diff)):.3f} s")
    print(
        f"one quote, all files, first time: {_best(lambda: _find(index_lines(diff))):.3f} s; again: {_best(lambda: _find(index)):.3f} s"
    )


def _find(index: DiffIndex) -> None:
    for path in index.paths:
        index.find(path, Side.RIGHT, words("nowhere_to_be_found(value)"))


def _best(run: Callable[[], object]) -> float:
    times: list[float] = []
    for _ in range(REPEATS):
        started = time.process_time()
        run()
        times.append(time.process_time() - started)
    return min(times)


if __name__ == "__main__":
    main()
