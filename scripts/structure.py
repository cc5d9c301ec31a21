"""Print figures about the structure of the code: sizes, names defined twice, and how deep the two main calls go.

    python scripts/structure.py                 # this checkout
    python scripts/structure.py ../older        # another checkout, sizes only
    python scripts/structure.py --frames        # also run one scenario and count frames (run it with .venv/bin/python)

To count frames, the script runs a scenario test that sends webhook bytes to the App. A profiler reads the stack when the
App hands a delivery to the database, calls a vendor's SDK, and sends `POST …/reviews` to GitHub. Only functions of `app`
and `webhooks` count.
"""

import argparse
import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

PACKAGES = ("app", "webhooks")
NOT_MODULES = ("app/sandbox/",)  # the stand-in for GitHub, where a checkout still has it inside `app`
MIGRATIONS = (
    "app/store/migrations/versions/"  # one statement per table: their length says nothing about the code
)
SMALL_FILE_LINES = 80
SCENARIO = ("tests/scenarios/test_review.py", "-k", "one_review")


@dataclass(frozen=True, slots=True)
class Module:
    """One parsed file."""

    path: str
    lines: int
    tree: ast.Module


def load_modules(root: Path) -> list[Module]:
    """Every module of the product, in the order of their paths."""
    paths = (path for package in PACKAGES for path in sorted((root / package).rglob("*.py")))
    named = ((path, path.relative_to(root).as_posix()) for path in paths)
    return [
        _load_module(path, name)
        for path, name in named
        if not name.startswith(NOT_MODULES) and "__pycache__" not in name
    ]


def _load_module(path: Path, name: str) -> Module:
    text = path.read_text(encoding="utf-8")
    return Module(path=name, lines=text.count("\n"), tree=ast.parse(text))


def function_lengths(modules: Sequence[Module]) -> list[int]:
    """Lines of each function, including its signature and docstring; without migrations."""
    return [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for module in modules
        if not module.path.startswith(MIGRATIONS)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def duplicate_classes(modules: Sequence[Module]) -> dict[str, int]:
    """Names of classes that more than one place defines, and how many do."""
    names = Counter(
        node.name for module in modules for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)
    )
    return {name: number for name, number in sorted(names.items()) if number > 1}


def count_names(modules: Sequence[Module], name: str) -> int:
    """How often a name such as `Any` is used; imports do not count."""
    return sum(
        isinstance(node, ast.Name) and node.id == name for module in modules for node in ast.walk(module.tree)
    )


def count_callables(modules: Sequence[Module]) -> int:
    """How often an annotation says `Callable[…]`."""
    return sum(
        isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Callable"
        for module in modules
        for node in ast.walk(module.tree)
    )


def figures(root: Path) -> Iterator[tuple[str, str]]:
    """Name and value of each figure about sizes and names."""
    modules = load_modules(root)
    sizes = sorted(module.lines for module in modules)
    small = sum(size < SMALL_FILE_LINES for size in sizes)
    lengths = sorted(function_lengths(modules))
    twice = duplicate_classes(modules)
    yield "modules", f"{len(modules)}"
    yield "lines", f"{sum(sizes):,}"
    yield "lines of a file, p50 / p90 / max", _distribution(sizes)
    yield f"files under {SMALL_FILE_LINES} lines", f"{small} ({small / len(sizes):.0%})"
    yield "functions", f"{len(lengths):,}"
    yield "lines of a function, p50 / p90 / max", _distribution(lengths)
    yield "class names defined twice", f"{len(twice)}" + (f": {', '.join(twice)}" if twice else "")
    for name in ("Any", "cast"):
        yield f"uses of `{name}`", f"{count_names(modules, name)}"
    yield "annotations with `Callable[`", f"{count_callables(modules)}"


def _distribution(values: Sequence[int]) -> str:
    tenths = quantiles(values, n=10)
    return f"{tenths[4]:.0f} / {tenths[8]:.0f} / {max(values)}"


def print_frames(root: Path) -> int:
    """Run the scenario in a process of its own, under the profiler; the exit code of pytest."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "scripts.frames", *SCENARIO]
    return subprocess.run(command, cwd=root, check=False).returncode  # noqa: S603 - a fixed command


def main() -> int:
    """Print the figures; the exit code of the traced scenario, or 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--frames", action="store_true", help="run one scenario and count frames")
    options = parser.parse_args()
    for name, value in figures(options.root):
        sys.stdout.write(f"{name:<40} {value}\n")
    return print_frames(options.root) if options.frames else 0


if __name__ == "__main__":
    sys.exit(main())
