"""The page about troubleshooting, held against the sentences with which the program refuses to work, and the other way round."""

import ast
import re
from collections.abc import Iterator

from app import errors
from app.domain.model_call import Outcome
from tests.unit.repository.files import read, tracked

PAGE = read("docs/troubleshooting.md")
REFUSALS = {"ConfigurationError", "StoreUnavailable", "StoreOutdated", "InputError", "GitFailed"}
# Not for operators: prompts and cases are part of the repository, and MCP answers go to the program that called.
ELSEWHERE = (
    "app/prompting/",
    "app/evaluation/",
    "app/mcp_server/",
    "app/commands/eval",
    "app/commands/demo.py",
)
EXPLAINED_THERE = {
    "is not a time span",
    "wrote more than",
    "took longer than",
    "exited with",
    "cannot be read: it is not UTF-8",
}
SHORTEST = 10  # characters of a sentence that tell it apart


def pieces_of(value: ast.expr) -> list[str]:
    """The fixed parts of a message, without the values that it contains."""
    parts = value.values if isinstance(value, ast.JoinedStr) else [value]
    texts = [part.value for part in parts if isinstance(part, ast.Constant)]
    return [text for text in texts if isinstance(text, str)]


def refusals() -> Iterator[list[str]]:
    """The fixed parts of the message of each `raise` of an error that people see."""
    for path in tracked():
        if not path.startswith("app/") or not path.endswith(".py") or path.startswith(ELSEWHERE):
            continue
        for node in ast.walk(ast.parse(read(path))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                name = node.exc.func.id if isinstance(node.exc.func, ast.Name) else ""
                pieces = pieces_of(node.exc.args[0]) if name in REFUSALS else []
                if any(len(piece) >= SHORTEST for piece in pieces):
                    yield pieces


def quotes() -> list[str]:
    """The fixed parts of the sentences in the first columns."""
    cells = [row.split(" | ")[0] for row in PAGE.split("\n") if row.startswith("| ")]
    quoted = [text for cell in cells for text in re.findall(r"`([^`]+)`", cell)]
    parts = [part.strip(" .:") for text in quoted if " " in text for part in text.split("…")]
    return [part for part in parts if len(part) >= SHORTEST]


def test_every_sentence_with_which_the_program_refuses_is_on_the_page() -> None:
    known = [*quotes(), *EXPLAINED_THERE]
    found = list(refusals())
    assert len(found) > 40
    missing = [pieces for pieces in found if not any(quote in piece for piece in pieces for quote in known)]
    assert missing == []


def test_every_sentence_on_the_page_is_one_of_the_program() -> None:
    sources = "".join(read(path) for path in tracked() if path.startswith("app/") and path.endswith(".py"))
    said = re.sub(r'"\s*f?"', "", sources).replace("\\", "")
    missing = [quote for quote in quotes() if quote not in said]
    assert missing == []


def test_every_outcome_of_a_model_call_but_success_is_on_the_page() -> None:
    listed = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert listed == {outcome.value for outcome in Outcome} - {"ok"}
    kinds = [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, errors.ModelError)
    ]
    assert {kind.outcome.value for kind in kinds} <= listed
