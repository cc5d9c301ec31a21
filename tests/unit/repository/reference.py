"""Renders the tables in docs/ that come from the code. A test compares the pages with them.

python -m tests.unit.repository.reference     updates the tables between their marks in docs/
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Any, cast, get_args, get_type_hints

import typer.main
from prometheus_client import CollectorRegistry
from pydantic import SecretStr, TypeAdapter
from pydantic.fields import FieldInfo

from app.cli import cli
from app.dashboard.access import DashboardAccess
from app.dashboard.api import Api
from app.domain.configuration import RepositoryConfig
from app.domain.notification import BudgetNear, BudgetReached, ReviewFinished, WeeklyDigest
from app.domain.rules import ALL_RULES
from app.gather.configuration import ConfigurationFile, configuration_schema
from app.llm.build import ModelEnvironment, ModelSettings, build_models
from app.settings import Settings
from app.store.database import Database
from tests.unit.repository.files import ROOT, read

OPERATORS = "docs/configuration.md"


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table; pipes inside a cell are escaped."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def settings_table() -> str:
    """One row for each variable."""
    rows = [
        (f"`{name.upper()}`", _default(field), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return table(("Variable", "Default", "Meaning"), rows)


def _default(field: FieldInfo) -> str:
    default = cast("object", field.default)
    if default is None or default == () or isinstance(default, SecretStr):
        return "–"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def keys_table() -> str:
    """One row for each key of `.github/quorum.yml`."""
    properties = configuration_schema()["properties"]
    schema = configuration_schema()
    rows = [
        (f"`{key}`", _values(properties[key], schema), _default_of_key(key), field.description or "")
        for key, field in ConfigurationFile.model_fields.items()
    ]
    return table(("Key", "Values", "Default", "Meaning"), rows)


def _values(value: dict[str, Any], schema: dict[str, Any]) -> str:
    """The allowed values, in a few words."""
    if "$ref" in value:
        value = schema["$defs"][value["$ref"].rpartition("/")[2]]
    if "enum" in value:
        return " ".join(f"`{each}`" for each in value["enum"])
    if "anyOf" in value:
        return _values(next(each for each in value["anyOf"] if each.get("type") != "null"), schema)
    if value["type"] == "array":
        return f"list of {_values(value['items'], schema)}"
    if "maximum" in value:
        return f"{value['minimum']} to {value['maximum']}"
    if value["type"] == "object":
        return "mapping of " + " ".join(f"`{name}`" for name in value["properties"])
    return {"boolean": "`true` `false`", "string": "text"}[value["type"]]


def _default_of_key(key: str) -> str:
    default = {field.name: getattr(RepositoryConfig(), field.name) for field in fields(RepositoryConfig)}[key]
    match default:
        case bool():
            return f"`{str(default).lower()}`"
        case tuple():
            return " ".join(f"`{each}`" for each in cast("tuple[object, ...]", default)) or "–"
        case StrEnum() | int() | str():
            return f"`{default}`" if default != "" else "–"
        case _:
            return "–"


def rules_table() -> str:
    """One row for each rule."""
    rows = [(f"`{rule.id}`", rule.cwe or "–", rule.family, rule.title) for rule in ALL_RULES.values()]
    return table(("rule_id", "CWE", "Family", "Meaning"), rows)


def commands_text() -> str:
    """Each command of the program with its options, as in `--help`."""
    group: Any = typer.main.get_command(cli)
    return "\n\n".join(_command_text(name, command) for name, command in group.commands.items())


def _command_text(name: str, command: Any) -> str:
    rows = [_parameter(each) for each in command.params if each.name != "help"]
    described = f"### `quorum {name}`\n\n{command.help}"
    return described + ("\n\n" + table(("Option", "Default", "Meaning"), rows) if rows else "")


def _parameter(parameter: Any) -> tuple[str, str, str]:
    is_option = parameter.param_type_name == "option"
    name = ", ".join([*parameter.opts, *parameter.secondary_opts]) if is_option else parameter.name.upper()
    choices = _choices(parameter.type_descriptor.annotation)
    values = " " + "|".join(choices) if choices else ""
    default = getattr(parameter.default, "value", parameter.default)
    shown = "–" if default is None or default is False else f"`{default}`"
    return f"`{name}{values}`", shown, parameter.help or ""


def _choices(annotation: Any) -> list[str]:
    """The values of an enumeration, or of a list of them."""
    inner = next(iter(get_args(annotation)), annotation)
    is_choice = isinstance(inner, type) and issubclass(inner, StrEnum)
    return [each.value for each in cast("type[StrEnum]", inner)] if is_choice else []


def metric_names() -> set[str]:
    """Every metric of the code."""
    names = re.findall(r"^# TYPE (\S+) ", exposition(), re.MULTILINE)
    return {name for name in names if not name.endswith("_created")}


def metrics_table() -> str:
    """One row for each metric, in Prometheus' terms."""
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", exposition(), re.MULTILINE))
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", exposition(), re.MULTILINE))
    rows = [(f"`{name}`", kind, helps[name]) for name, kind in kinds.items() if not name.endswith("_created")]
    return table(("Metric", "Type", "Meaning"), rows)


def payload_table(kind: type[object]) -> str:
    """One row for each field of a notification's `data`: its JSON type and its description."""
    hints = get_type_hints(kind, include_extras=True)
    schema = TypeAdapter(kind).json_schema()
    rows = [
        (f"`{name}`", _json_type(schema["properties"][name]), hint.__metadata__[0])
        for name, hint in hints.items()
        if name != "type"
    ]
    return table(("Field", "Type", "Meaning"), rows)


def _json_type(value: dict[str, Any]) -> str:
    if "enum" in value:
        return " ".join(f"`{each}`" for each in value["enum"])
    if "anyOf" in value:
        return " or ".join(each["type"] for each in value["anyOf"])
    return value["type"]


class _Idle:
    """An engine without work."""

    async def check(self) -> None: ...

    async def depth(self) -> dict[str, int]:
        return {"queued": 0}


def exposition() -> str:
    """The response of `/metrics` on a server that has done nothing yet."""
    registry = CollectorRegistry()
    build_models(ModelSettings(), ModelEnvironment(registry=registry))
    api = Api(
        database=cast("Database", None),
        engine=cast("Any", _Idle()),
        registry=registry,
        access=DashboardAccess(token=None),
        clock=lambda: datetime.now(UTC),
    )
    return bytes(asyncio.run(api.metrics()).body).decode()


TABLES: dict[str, tuple[str, Callable[[], str]]] = {
    "settings": (OPERATORS, settings_table),
    "keys": (OPERATORS, keys_table),
    "rules": ("docs/rules.md", rules_table),
    "program": ("docs/cli.md", commands_text),
    "metrics": ("docs/metrics.md", metrics_table),
    "review.finished": ("docs/notifications.md", partial(payload_table, ReviewFinished)),
    "budget.reached": ("docs/notifications.md", partial(payload_table, BudgetReached)),
    "budget.near": ("docs/notifications.md", partial(payload_table, BudgetNear)),
    "digest.weekly": ("docs/notifications.md", partial(payload_table, WeeklyDigest)),
}


def between(name: str, page: str) -> str:
    """The text between the marks of a table on its page."""
    found = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", page, re.DOTALL)
    assert found, f"the page has no marks <!-- {name} --> … <!-- /{name} -->"
    return found[1]


def with_table(name: str, page: str, rendered: str) -> str:
    """Return the page with the rendered table between its marks."""
    before, after = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
    return page.replace(f"{before}{between(name, page)}{after}", f"{before}{rendered}{after}")


def update_pages() -> None:
    """Update every table on its page."""
    for name, (path, render) in TABLES.items():
        page = read(path)
        (ROOT / path).write_text(with_table(name, page, render()), encoding="utf-8")


if __name__ == "__main__":
    update_pages()
