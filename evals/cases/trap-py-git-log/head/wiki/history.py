import subprocess
from dataclasses import dataclass

from wiki.pages import Pages

FORMAT = "%H%x00%an%x00%aI%x00%s"
TIMEOUT_S = 5


@dataclass(frozen=True)
class Revision:
    commit: str
    author: str
    at: str
    subject: str


def history(pages: Pages, name: str, limit: int = 50) -> list[Revision]:
    """The newest changes of a page; raises UnknownPage."""
    path = pages.path(name)
    command = ["git", "log", f"--max-count={limit}", f"--format={FORMAT}", "--", str(path.relative_to(pages.root))]
    done = subprocess.run(
        command, cwd=pages.root, capture_output=True, text=True, timeout=TIMEOUT_S, check=True
    )
    return [Revision(*line.split("\0")) for line in done.stdout.splitlines()]
