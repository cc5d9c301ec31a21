"""The package has no import cycles and does not depend on the product."""

from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

import github_sandbox

PACKAGE = "github_sandbox"
LONGEST_MODULE = 300


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """All imports, including those that only type checkers see."""
    return grimp.build_graph(
        PACKAGE, include_external_packages=True, exclude_type_checking_imports=False, cache_dir=None
    )


def test_no_module_imports_itself_through_others(graph: grimp.ImportGraph) -> None:
    own = {name for name in graph.modules if name.startswith(f"{PACKAGE}.")}
    imports = {name: graph.find_modules_directly_imported_by(name) & own for name in own}
    list(TopologicalSorter(imports).static_order())  # raises CycleError with the cycle


def test_the_stand_in_does_not_import_the_product(graph: grimp.ImportGraph) -> None:
    assert not {"app", "webhooks", "tests"} & graph.modules


def test_no_module_is_longer_than_300_lines() -> None:
    folder = Path(github_sandbox.__file__).parent
    lengths = {path.name: len(path.read_text().splitlines()) for path in folder.glob("*.py")}
    assert {name for name, length in lengths.items() if length > LONGEST_MODULE} == set()
