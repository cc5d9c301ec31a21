"""Build the documentation site from the pages in the repository (`make docs`) without changing them.

The pages link to each other and to files outside `docs/`, as on GitHub. The site is therefore built from a copy in which the public
files have the same paths as in the repository. A broken link stops the build.

https://zensical.org/docs/setup/validation/
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
FILES = ("LICENSE", "app.yml", "action.yml")  # that pages link to
KINDS = (".md", ".png", ".svg", ".css", ".json")  # of docs/, without its scripts


def build(target: Path) -> Path:
    """Build the site in `target`; returns the folder of the built pages.

    Raises:
        subprocess.CalledProcessError: a link is broken; `stdout` has zensical's message.
    """
    source = target / "source"
    shutil.rmtree(source, ignore_errors=True)
    for path in public_files():
        copy = source / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, copy)
    shutil.copyfile(ROOT / "zensical.toml", target / "zensical.toml")
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    subprocess.run(  # noqa: S603 - our own interpreter and fixed arguments
        command, cwd=target, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return target / "html"


def public_files() -> list[str]:
    """The paths of all files that the site shows or links to, relative to the root."""
    documentation = [path for path in sorted((ROOT / "docs").rglob("*")) if path.suffix in KINDS]
    return [*PAGES, *FILES, *(str(path.relative_to(ROOT)) for path in documentation)]


def main() -> int:
    """Build the site in `site/`."""
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
