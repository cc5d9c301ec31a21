"""Whether the App grows during a soak: memory, open files, threads, temporary files and rows. Linux only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from sqlalchemy import create_engine, inspect, make_url, text

from benchmarks.figures import Figure
from benchmarks.local_deployment import cpu_s
from benchmarks.memory import pss_mib

WARM_UP = 0.25  # share of a process's life that does not count: libraries and caches fill
MORE_MEMORY = 0.10  # tolerance: the second half may use so much more than the first
MORE_FILES = 8
MORE_THREADS = 4
ENGINE_SCHEMA = "dbos"  # on PostgreSQL, the engine's tables are in a schema of their own
MOST_WORKFLOWS = 1_000  # that one sweep deletes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The App at one moment."""

    life: int
    at_s: float
    pss_mib: float
    files: int
    threads: int
    temporary: int
    data_mib: float
    cpu_s: float


def take_sample(pid: int, *, life: int, at_s: float, temporary: Path, data: Path) -> Sample | None:
    """Measure a process; None if it has just ended."""
    process = Path(f"/proc/{pid}")
    try:
        return Sample(
            life=life,
            at_s=at_s,
            pss_mib=pss_mib(pid),
            files=len(list((process / "fd").iterdir())),
            threads=len(list((process / "task").iterdir())),
            temporary=len(list(temporary.iterdir())),
            data_mib=sum(_size(path) for path in data.rglob("*") if path.name != "filler") / (1 << 20),
            cpu_s=cpu_s(pid),
        )
    except OSError:
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:  # gone meanwhile
        return 0


def count_rows(url: str) -> dict[str, int]:
    """Count the rows of every table of the App and of its engine."""
    address = make_url(url)
    if address.get_backend_name() == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    engine = create_engine(address)
    schemas = [None] if address.get_backend_name() == "sqlite" else [None, ENGINE_SCHEMA]
    with engine.connect() as connection:
        names = [
            f"{schema}.{name}" if schema else name
            for schema in schemas
            for name in inspect(connection).get_table_names(schema=schema)
        ]
        rows = {
            name: int(connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()) for name in names
        }
    engine.dispose()
    return rows


def growth_figures(engine: str, samples: Sequence[Sample]) -> list[Figure]:
    """Compare the second half of the longest life with its first half, without the warm-up."""
    lives = {
        life: [each for each in samples if each.life == life] for life in {each.life for each in samples}
    }
    longest = max(lives.values(), key=len)
    counted = longest[int(len(longest) * WARM_UP) :]
    halves = counted[: len(counted) // 2], counted[len(counted) // 2 :]
    minutes = (longest[-1].at_s - longest[0].at_s) / 60
    name = f"{engine}, one process for {minutes:.0f} min"

    def row(
        what: str, value: Callable[[Sample], float], tolerance: float, *, relative: bool = False
    ) -> Figure:
        before, after = (median(map(value, half)) if half else 0.0 for half in halves)
        most = before * (1 + tolerance) if relative else before + tolerance
        limit = f"+{tolerance:.0%}" if relative else f"+{tolerance:.0f}"
        return Figure(
            name=f"{name}: {what}, median of the halves",
            measured=f"{before:.0f} → {after:.0f}",
            target=f"≤ {limit}",
            reached=after <= most,
        )

    return [
        row("MiB PSS", lambda each: each.pss_mib, MORE_MEMORY, relative=True),
        row("file descriptors", lambda each: each.files, MORE_FILES),
        row("threads", lambda each: each.threads, MORE_THREADS),
        row("temporary files", lambda each: each.temporary, 2),
    ]


def retention_figures(engine: str, before: dict[str, int], after: dict[str, int]) -> list[Figure]:
    """Compare the rows before and after a start with a clock past the retention period."""
    kept = {name: rows for name, rows in after.items() if rows and rows >= before.get(name, 0)}
    jobs = [after[name] for name in ("deliveries", "writes", "rejections", "conversation_turns")]
    workflows = next(name for name in before if name.endswith("workflow_status"))
    most = max(0, before[workflows] - MOST_WORKFLOWS)
    return [
        Figure(
            name=f"{engine}: rows of deliveries, writes, rejections, turns after retention",
            measured=f"{before['deliveries']} + {before['writes']} + … → {sum(jobs)}",
            target="0",
            reached=sum(jobs) == 0,
        ),
        Figure(
            name=f"{engine}: the engine's workflows after one sweep past retention",
            measured=f"{before[workflows]} → {after[workflows]}",
            target=f"≤ {most}",
            reached=after[workflows] <= most,
        ),
        Figure(
            name=f"{engine}: tables that keep every row",
            measured=", ".join(sorted(kept)),
            target="figures",
            reached=None,
        ),
    ]
