"""How long the keyless review of a 20-file change takes, and how fast the secret scanner is."""

import asyncio
import resource
import statistics
import time
from pathlib import Path

from app.analyzers.analysis import analyze
from app.analyzers.parser import shared_parser
from app.domain.analysis import ChangedFile
from app.redaction import Redactor

ROUNDS = 5
ROOT = Path(__file__).parents[1] / "app"


def twenty_files() -> list[ChangedFile]:
    """The twenty largest modules of this project, every line as if it were new."""
    largest = sorted(ROOT.rglob("*.py"), key=lambda path: path.stat().st_size, reverse=True)[:20]
    return [ChangedFile.whole(path.name, path.read_text(encoding="utf-8")) for path in largest]


def cpu_s() -> float:
    """CPU time of this process and its finished children, independent of the machine's load."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    """Print two lines of figures."""
    files = twenty_files()
    lines = sum(len(file.added) for file in files)
    times: list[float] = []
    busy_s = cpu_s()
    for _ in range(ROUNDS):
        began = time.perf_counter()
        asyncio.run(analyze(files))
        times.append(time.perf_counter() - began)
    shared_parser().close()  # a child's time is counted once it has ended
    print(
        f"keyless review, 20 files, {lines} lines: median {statistics.median(times):.2f} s, worst {max(times):.2f} s, "
        f"of processors {(cpu_s() - busy_s) / ROUNDS:.2f} s (target: 2 s)"
    )
    text = b"\n".join(file.head or b"" for file in files).decode() * 10
    began = time.perf_counter()
    Redactor().redact(text)
    print(f"secrets: {text.count(chr(10)) / (time.perf_counter() - began):,.0f} lines/s")


if __name__ == "__main__":
    main()
