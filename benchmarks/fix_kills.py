"""SIGKILL around the writes of fixes: whether each request has one commit and one reply in the end.

python -m benchmarks.fix_kills [--kills 50]
"""

import argparse
import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, print_figures
from tests.durability.fixing import FixKills, kill_around_fixes


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="quorum-fix-kills-") as folder:
        run = asyncio.run(kill_around_fixes(Path(folder), kills=options.kills))
    print_figures([_figure(run)])
    for fault in run.faults:
        print(f"     {fault}")


def _figure(run: FixKills) -> Figure:
    return Figure(
        name=f"{run.kills} kills around fixes, {run.questions} questions to the fixing model",
        measured=f"{run.commits} commits, {run.replies} replies, {run.took_s:.0f} s",
        target="one of each for every request",
        reached=not run.faults and run.commits == run.replies == run.kills,
    )


if __name__ == "__main__":
    main()
