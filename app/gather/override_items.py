"""Parse the items of `overrides`. A mistake in one setting leaves the others of the item, and all other items, in force."""

import difflib
from collections.abc import Collection, Sequence
from typing import cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.domain.configuration import Override
from app.gather.configuration_file import MAX_OVERRIDES, OverrideItem
from app.gather.selection import Globs


def read_overrides(values: Sequence[object]) -> tuple[tuple[Override, ...], list[str]]:
    """Return the valid overrides, and a sentence about each part that is not valid."""
    overrides: list[Override] = []
    problems: list[str] = []
    if len(values) > MAX_OVERRIDES:
        problems.append(f"`overrides`: only the first {MAX_OVERRIDES} items apply.")
    for number, value in enumerate(values[:MAX_OVERRIDES]):
        name = f"overrides.{number}"
        item, wrong = _read_item(value, name)
        problems += wrong
        if item is None:
            continue
        override = Override(**dict(item))
        if override == Override(paths=override.paths):
            problems.append(f"`{name}` sets nothing. It is ignored.")
            continue
        problems += invalid_globs(f"{name}.paths", item.paths)
        overrides.append(override)
    return tuple(overrides), problems


def _read_item(value: object, name: str) -> tuple[OverrideItem | None, list[str]]:
    try:
        return OverrideItem.model_validate(value), []
    except ValidationError as error:
        problems = {
            problem["loc"][:1]: problem
            for problem in reversed(error.errors(include_input=False, include_url=False))
        }
    if not isinstance(value, dict) or ("paths",) in problems:
        problem = problems.get(("paths",)) or next(iter(problems.values()))
        return None, [f"{_explain(name, problem)[0]} The override is ignored.{_explain(name, problem)[1]}"]
    messages = ["{} It is ignored.{}".format(*_explain(name, problem)) for problem in problems.values()]
    wrong = {key for (key,) in problems}
    return OverrideItem.model_validate(
        {key: each for key, each in cast("dict[object, object]", value).items() if key not in wrong}
    ), messages


def _explain(name: str, problem: ErrorDetails) -> tuple[str, str]:
    wrong, hint = said(problem, OverrideItem.model_fields)
    where = ".".join([name, *map(str, problem["loc"])])
    return f"`{where[:120]}`: {wrong}.", hint


def said(problem: ErrorDetails, known: Collection[str]) -> tuple[str, str]:
    """Return what is wrong as a clause, and the closest valid key as a sentence if the key is unknown."""
    if problem["type"] == "extra_forbidden":
        return "unknown key", closest(str(problem["loc"][-1]), known)
    clause = problem["msg"][:1].lower() + problem["msg"][1:]
    for python, word in (
        ("a valid tuple", "a list"),
        ("a valid dictionary or instance of OverrideItem", "a mapping"),
    ):
        clause = clause.replace(python, word)
    return clause.replace("tuple should have", "the list should have"), ""


def closest(key: str, known: Collection[str]) -> str:
    """Return a sentence that names the closest valid key, or an empty text."""
    close = difflib.get_close_matches(key.lower().replace("-", "_"), known, n=1, cutoff=0.5)
    return f" Did you mean `{close[0]}`?" if close else ""


def invalid_globs(name: str, patterns: Sequence[str]) -> list[str]:
    """Say which patterns match nothing because they are not globs; the others apply."""
    return [
        f"`{name}`: `{pattern[:60]}` is not a glob as in .gitignore. It is ignored."
        for pattern in Globs(patterns).invalid
    ]
