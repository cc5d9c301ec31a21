"""Reduces GitHub's published descriptions to what Quorum calls, and writes them to tests/data/github.

Run it by hand to update them, with the folder of the three unpacked npm packages:
`python -m tests.contracts.vendoring FOLDER` (FOLDER/openapi, FOLDER/graphql-schema, FOLDER/webhooks-examples).
"""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from graphql import DefinitionNode, parse, print_ast
from graphql.language import ast

from github_sandbox.asgi import ENDPOINTS
from github_sandbox.graphql_api import SCHEMA_PATH

Json = dict[str, Any]
DATA = Path(__file__).parents[1] / "data" / "github"
NOT_IN_DESCRIPTION = {"/settings/apps/new", "/organizations/{}/settings/apps/new"}
_PROSE = (
    "description",
    "example",
    "examples",
    "externalDocs",
    "x-github",
    "tags",
    "summary",
    "title",
    "default",
)


def shape(path: str) -> str:
    """A path without the names of its parameters, so that different names compare equal."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def bare(value: Any, *, names: bool = False) -> Any:
    """A description without its prose; below `properties` the keys are names and stay."""
    if isinstance(value, list):
        return [bare(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, dict):
        return value
    rows: Json = value  # pyright: ignore[reportUnknownVariableType] - an object of JSON
    kept = {k: v for k, v in rows.items() if names or k not in _PROSE}
    return {
        key: bare(item, names=key in ("properties", "schemas", "parameters", "responses"))
        for key, item in kept.items()
    }


def references(value: Any) -> set[str]:
    """All `#/components/…` references in a part."""
    return set(re.findall(r'"#/(components/[^"]+)"', json.dumps(value)))


def cut_openapi(whole: Json) -> Json:
    """The operations that the stand-in serves, with everything they refer to."""
    served = {(endpoint.method.lower(), shape(endpoint.path)) for endpoint in ENDPOINTS}
    paths: Json = {}
    for path, item in whole["paths"].items():
        operations = {m: bare(op) for m, op in item.items() if (m, shape(path)) in served}
        if operations:
            paths[path] = operations
    cut: Json = {
        "openapi": whole["openapi"],
        "info": {"title": "GitHub REST API, cut", "version": whole["info"]["version"]},
        "paths": paths,
        "components": {},
    }
    todo, done = references(paths), set[str]()
    while todo:
        name = todo.pop()
        done.add(name)
        _, kind, key = name.split("/")
        part = bare(whole["components"][kind][key])
        cut["components"].setdefault(kind, {})[key] = part
        todo |= references(part) - done
    return cut


def _plain(node: DefinitionNode) -> str:
    """A definition without its descriptions and directives."""
    changes: Json = {"description": None, "directives": ()}
    if isinstance(node, (ast.ObjectTypeDefinitionNode, ast.InterfaceTypeDefinitionNode)):
        fields = [
            replace(
                f,
                description=None,
                directives=(),
                arguments=tuple(replace(a, description=None, directives=()) for a in f.arguments or ()),
            )
            for f in node.fields or ()
        ]
        changes["fields"] = tuple(fields)
    elif isinstance(node, ast.InputObjectTypeDefinitionNode):
        changes["fields"] = tuple(replace(f, description=None, directives=()) for f in node.fields or ())
    elif isinstance(node, ast.EnumTypeDefinitionNode):
        changes["values"] = tuple(replace(v, description=None, directives=()) for v in node.values or ())
    return print_ast(replace(node, **changes))


def cut_schema(whole: str) -> str:
    """The full published definitions of the types of which the stand-in has a part."""
    mine = {
        d.name.value
        for d in parse(SCHEMA_PATH.read_text()).definitions
        if isinstance(d, ast.TypeDefinitionNode)
    }
    kept = [
        d for d in parse(whole).definitions if isinstance(d, ast.TypeDefinitionNode) and d.name.value in mine
    ]
    return "\n\n".join(_plain(d) for d in kept) + "\n"


def webhook_examples(package: Path) -> Json:
    """Event name to its example payloads."""
    rows: list[Json] = json.loads((package / "api.github.com" / "index.json").read_text())
    return {row["name"]: row["examples"] for row in rows}


def _write(name: str, value: Json) -> None:
    (DATA / name).write_text(json.dumps(value, separators=(",", ":"), sort_keys=True) + "\n")


def main(folder: Path) -> None:
    """Update all three files."""
    DATA.mkdir(parents=True, exist_ok=True)
    openapi = folder / "openapi" / "generated" / "api.github.com.json"
    _write("openapi.json", cut_openapi(json.loads(openapi.read_text())))
    (DATA / "schema.graphql").write_text(
        cut_schema((folder / "graphql-schema" / "schema.graphql").read_text())
    )
    _write("webhooks-examples.json", webhook_examples(folder / "webhooks-examples"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
