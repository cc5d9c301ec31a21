"""SIGKILL at random moments while webhooks arrive: what was lost, and what was posted twice.

python -m benchmarks.kills [--kills 200] [--seed 1] [--database sqlite|postgresql|both] [--processes 1]
"""

import argparse
import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, print_figures
from tests import postgres
from tests.durability.killing import KillRun, kill_many

MOST_SHOWN = 10


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    engines = ("sqlite", "postgresql") if options.database == "both" else (options.database,)
    for engine in engines:
        with _folder(engine) as (folder, url):
            run = asyncio.run(
                kill_many(
                    folder,
                    kills=options.kills,
                    seed=options.seed,
                    database_url=url,
                    processes=options.processes,
                )
            )
            print_figures([_figure(engine, run, seed=options.seed)])
            for fault in run.faults[:MOST_SHOWN]:
                print(f"     {fault}")


@contextmanager
def _folder(engine: str) -> Generator[tuple[Path, str | None]]:
    with TemporaryDirectory(prefix="quorum-kills-") as folder:
        if engine == "sqlite":
            yield Path(folder), None
        else:
            with postgres.server() as server, postgres.fresh_database(server) as url:
                yield Path(folder), url


def _figure(engine: str, run: KillRun, *, seed: int) -> Figure:
    return Figure(
        name=f"{run.kills} kills on {engine}, seed {seed}: {run.accepted} deliveries, {run.pulls} pull requests",
        measured=f"{len(run.faults)} faults, {run.took_s:.0f} s",
        target="0 lost, 0 posted twice",
        reached=not run.faults,
    )


if __name__ == "__main__":
    main()
