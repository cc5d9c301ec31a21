"""What GitHub publishes about GitHub Enterprise Server, cut to the requests that the code sends or the stand-in serves.

Update the data by hand, with a schema that is older than `FIRST_VERSION`, and folders of unpacked `@octokit/openapi` packages, the newest
last; older packages have older versions: `python -m tests.contracts.enterprise SCHEMA FOLDER…` (FOLDER/generated/ghes-3.14.json …).
"""

import ast
import inspect
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from githubkit import GitHub

from github_sandbox.asgi import ENDPOINTS
from github_sandbox.graphql_api import SCHEMA_PATH
from tests.contracts.graphql import definitions, members
from tests.contracts.vendoring import DATA, shape

Json = dict[str, Any]
FIRST_VERSION = (3, 14)
_FILE = DATA / "enterprise-server.json"
_DEPTH = 5  # no request nests deeper


@cache
def enterprise_servers() -> Json:
    """The vendored data: `operations`, each with its known names by versions, the webhook `events` of each version, and `types` of GraphQL."""
    return json.loads(_FILE.read_text(encoding="utf-8"))


def request_errors(method: str, path: str, request: httpx.Request) -> Iterator[str]:
    """What a request to the operation `path` contains that some version does not know."""
    for known in enterprise_servers()["operations"].get(f"{method} {shape(path)}", ()):
        sent = {f"query parameter {name}" for name in request.url.params} - {
            f"query parameter {name}" for name in known["query"]
        }
        body: Json = json.loads(request.content) if request.content else {}
        sent |= {f"field {name}" for name in _names_of(body)} - {f"field {name}" for name in known["body"]}
        yield from (f"{known['versions']} of Enterprise Server: unknown {name}" for name in sorted(sent))


def calls() -> set[str]:
    """Every REST operation that the code calls: from its source, and from githubkit's."""
    github = GitHub()
    found: set[str] = set()
    for path in (Path(__file__).parents[2] / "app" / "github").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr.startswith("async_"):
                group = ast.unparse(node.value).rpartition(".")[2].removeprefix("_")
                source = inspect.getsource(getattr(getattr(github.rest, group), node.attr))
                verb, url = (
                    re.search(r'request\(\s*"(\w+)"', source),
                    re.search(r'url = f?"(/[^"]*)"', source),
                )
                assert verb
                assert url
                found.add(f"{verb[1]} {shape(url[1])}")
    return found


def _names_of(value: Any, prefix: str = "") -> set[str]:
    """Every key of a body, with the keys above it; items of arrays have no name of their own."""
    if isinstance(value, list):
        return {name for item in value for name in _names_of(item, prefix)}  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, dict):
        return set()
    rows: Json = value  # pyright: ignore[reportUnknownVariableType] - an object of JSON
    below = {name for key, item in rows.items() for name in _names_of(item, f"{prefix}{key}.")}
    return below | {prefix + key for key in rows}


def _resolve(whole: Json, node: Json) -> Json:
    while "$ref" in node:
        target: Any = whole
        for name in node["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        node = target
    return node


def _described(whole: Json, schema: Json, prefix: str = "", depth: int = 0) -> set[str]:
    """Every name that a schema describes, in the form of `_names_of`."""
    if depth > _DEPTH:
        return set()
    node = _resolve(whole, schema)
    names: set[str] = set()
    for key, item in node.get("properties", {}).items():
        names |= {prefix + key} | _described(whole, item, f"{prefix}{key}.", depth + 1)
    variants = [item for key in ("oneOf", "anyOf", "allOf") for item in node.get(key, ())]
    for variant in [*variants, *([node["items"]] if "items" in node else [])]:
        names |= _described(whole, variant, prefix, depth + 1)
    return names


def _known(whole: Json, operation: Json) -> Json:
    parameters = [_resolve(whole, each) for each in operation.get("parameters", ())]
    content = _resolve(whole, operation.get("requestBody", {})).get("content", {})
    bodies = [_described(whole, each.get("schema", {})) for each in content.values()]
    return {
        "query": sorted(each["name"] for each in parameters if each["in"] == "query"),
        "body": sorted(set[str]().union(*bodies)),
    }


def cut(descriptions: dict[str, Json]) -> Json:
    """Cut descriptions by version; versions that know the same names share a row."""
    served = {f"{endpoint.method} {shape(endpoint.path)}" for endpoint in ENDPOINTS} | calls()
    operations: dict[str, list[Json]] = {}
    events: dict[str, list[str]] = {}
    for version, whole in descriptions.items():
        for path, item in whole["paths"].items():
            for method, operation in item.items():
                name = f"{method.upper()} {shape(path)}"
                if name in served:
                    _add(operations.setdefault(name, []), version, _known(whole, operation))
        hooks: Json = whole.get("webhooks") or whole["x-webhooks"]
        events[version] = sorted({each["post"]["x-github"]["subcategory"] for each in hooks.values()})
    return {"operations": operations, "events": events}


def _add(rows: list[Json], version: str, known: Json) -> None:
    for row in rows:
        if {"query": row["query"], "body": row["body"]} == known:
            row["versions"] += f", {version}"
            return
    rows.append({"versions": version, **known})


def cut_types(schema: str) -> Json:
    """Cut a schema to the types and members of the stand-in's; GitHub publishes none for each version in a package."""
    known = {name: members(node) for name, node in definitions(schema).items()}
    mine = {
        name: members(node) for name, node in definitions(SCHEMA_PATH.read_text(encoding="utf-8")).items()
    }
    return {
        name: {member: known[name][member] for member in fields if member in known[name]}
        for name, fields in mine.items()
        if name in known
    }


def main(schema: Path, folders: list[Path]) -> None:
    """Update the file."""
    found: dict[tuple[int, ...], Path] = {}
    for path in (path for folder in folders for path in sorted((folder / "generated").glob("ghes-*.json"))):
        if version := re.fullmatch(r"ghes-(\d+)\.(\d+)\.json", path.name):
            found[int(version[1]), int(version[2])] = path
    descriptions = {
        ".".join(map(str, version)): json.loads(path.read_text(encoding="utf-8"))
        for version, path in sorted(found.items())
        if version >= FIRST_VERSION
    }
    data = cut(descriptions) | {"types": cut_types(schema.read_text(encoding="utf-8"))}
    _FILE.write_text(json.dumps(data, separators=(",", ":"), sort_keys=True) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
