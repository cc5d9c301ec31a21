"""Builds the documentation's site from the pages as they stand in the repository: `make docs`. Changes no page.

The pages link to each other, and to files beside `docs/`, as they do on GitHub. So the site is built from a copy in which the public
files stand where they stand in the repository. A link to a page or heading that is not there ends the build.

https://zensical.org/docs/setup/validation/
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
FILES = ("LICENSE", "app.yml", "action.yml")  # that pages lead to
KINDS = (".md", ".png", ".json")  # of docs/; its scripts stay at home


def build(target: Path) -> Path:
    """Build the site in `target`; returns the folder of the built pages.

    Raises:
        subprocess.CalledProcessError: a link leads nowhere; what zensical said is in `stdout`.
    """
    source = target / "source"
    shutil.rmtree(source, ignore_errors=True)
    for path in public_files():
        copy = source / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, copy)
    shutil.copyfile(ROOT / "zensical.toml", target / "zensical.toml")
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    subprocess.run(  # noqa: S603 - our own interpreter and fixed words
        command, cwd=target, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return target / "html"


def public_files() -> list[str]:
    """The paths of everything that the site shows or leads to, from the root."""
    documentation = [path for path in sorted((ROOT / "docs").rglob("*")) if path.suffix in KINDS]
    return [*PAGES, *FILES, *(str(path.relative_to(ROOT)) for path in documentation)]


def main() -> int:
    """Build it in `site/`."""
    target = ROOT / "site"
    target.mkdir(exist_ok=True)
    try:
        html = build(target)
    except subprocess.CalledProcessError as error:
        sys.stderr.write(error.stdout)
        return 1
    sys.stdout.write(f"{html / 'index.html'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
