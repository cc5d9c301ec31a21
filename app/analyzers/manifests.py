"""Reads package names and versions from manifests and lock files. Text in, values out; nothing is resolved or run.

https://packaging.python.org/en/latest/specifications/ · https://docs.npmjs.com/cli/configuring-npm/package-lock-json ·
https://go.dev/ref/mod#go-mod-file
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

Named = Iterator[tuple[str, str | None]]

_PIP_LINE_END = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")  # pip reads `str.splitlines`
_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(?:={2,3}\s*([\w.!+*-]+))?")
_MAVEN = re.compile(
    r"<dependency>\s*<groupId>([^<]+)</groupId>\s*<artifactId>([^<]+)</artifactId>(?:\s*<version>([^<]+)</version>)?"
)
_GEM_LOCK = re.compile(r"^ {4}([A-Za-z0-9_.-]+) \(([^)]+)\)$", re.MULTILINE)
_YARN = re.compile(r'^"?((?:@[^/@"\s]+/)?[^@"\s,]+)@[^\n]*:\n\s+version:?\s+"?([^"\n]+)"?', re.MULTILINE)
_PNPM = re.compile(r"^ {2}['\"]?/?((?:@[\w.-]+/)?[\w.-]+)@([\w.+-]+)(?:\([^)]*\))*['\"]?:$", re.MULTILINE)
_EXACT = re.compile(r"[=v]?(\d[\w.+-]*)")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One kind of file: its name, the ecosystem of its packages, and its reader."""

    name: re.Pattern[str]
    ecosystem: str  # GitHub's names: pip, npm, go, maven, rubygems, rust, composer
    parse: Callable[[str], Named]


def manifest_of(path: str) -> Manifest | None:
    """The kind of the file with this name."""
    base = path.rpartition("/")[2]
    return next((one for one in MANIFESTS if one.name.fullmatch(base)), None)


def _requirements(text: str) -> Named:
    for line in _PIP_LINE_END.split(text):
        plain = line.split("#", 1)[0].strip()
        if plain and not plain.startswith("-") and (match := _REQUIREMENT.match(plain)):
            yield match.group(1), match.group(2)


def _pyproject(text: str) -> Named:
    document = tomllib.loads(text)
    project = document.get("project", {})
    groups = [project.get("dependencies", []), *project.get("optional-dependencies", {}).values()]
    groups += [group for group in document.get("dependency-groups", {}).values()]
    for line in (line for group in groups for line in group if isinstance(line, str)):
        yield from _requirements(line)
    poetry = document.get("tool", {}).get("poetry", {})
    yield from _versions(
        {name: value for name, value in poetry.get("dependencies", {}).items() if name != "python"}
    )


def _package_json(text: str) -> Named:
    document = json.loads(text)
    for key in ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies"):
        yield from _versions(document.get(key, {}))


def _package_lock(text: str) -> Named:
    for place, entry in json.loads(text).get("packages", {}).items():
        if "node_modules/" in place:
            yield place.rpartition("node_modules/")[2], entry.get("version")


def _toml_lock(text: str) -> Named:
    for package in tomllib.loads(text).get("package", []):
        yield package["name"], package.get("version")


def _cargo(text: str) -> Named:
    document = tomllib.loads(text)
    for key in ("dependencies", "dev-dependencies", "build-dependencies"):
        yield from _versions(document.get(key, {}))


def _pipfile_lock(text: str) -> Named:
    document = json.loads(text)
    for key in ("default", "develop"):
        yield from _versions(document.get(key, {}))


def _composer_lock(text: str) -> Named:
    for package in json.loads(text).get("packages", []):
        yield package["name"], package.get("version")


def _go_mod(text: str) -> Named:
    """The lines `require example.com/module v1.2.3` and the lines of a `require` block."""
    for line in text.split("\n"):
        words = line.split()
        module, version, *_ = [*(words[1:] if words[:1] == ["require"] else words), "", ""]
        if version.startswith("v") and "." in module.partition("/")[0] and "/" in module:
            yield module, version


def _maven(text: str) -> Named:
    for group, artifact, version in _MAVEN.findall(text):
        yield (
            f"{group.strip()}:{artifact.strip()}",
            version.strip() if version and "$" not in version else None,
        )


def _matches(pattern: re.Pattern[str]) -> Callable[[str], Named]:
    def parse(text: str) -> Named:
        return ((name, version) for name, version in pattern.findall(text))

    return parse


def _versions(entries: Mapping[str, Any]) -> Named:
    """A version only if it is exact; a range does not say what gets installed."""
    for name, value in entries.items():
        version: Any = cast("dict[str, Any]", value).get("version", "") if isinstance(value, dict) else value
        match = _EXACT.fullmatch(str(version).removeprefix("=="))
        yield name, match.group(1) if match else None


MANIFESTS = (
    Manifest(re.compile(r"(?:requirements|constraints)[\w.-]*\.(?:txt|in)"), "pip", _requirements),
    Manifest(re.compile(r"pyproject\.toml"), "pip", _pyproject),
    Manifest(re.compile(r"(?:poetry|uv|pdm)\.lock"), "pip", _toml_lock),
    Manifest(re.compile(r"Pipfile\.lock"), "pip", _pipfile_lock),
    Manifest(re.compile(r"package\.json"), "npm", _package_json),
    Manifest(re.compile(r"package-lock\.json|npm-shrinkwrap\.json"), "npm", _package_lock),
    Manifest(re.compile(r"yarn\.lock"), "npm", _matches(_YARN)),
    Manifest(re.compile(r"pnpm-lock\.yaml"), "npm", _matches(_PNPM)),
    Manifest(re.compile(r"go\.mod"), "go", _go_mod),
    Manifest(re.compile(r"pom\.xml"), "maven", _maven),
    Manifest(re.compile(r"Gemfile\.lock"), "rubygems", _matches(_GEM_LOCK)),
    Manifest(re.compile(r"Cargo\.toml"), "rust", _cargo),
    Manifest(re.compile(r"Cargo\.lock"), "rust", _toml_lock),
    Manifest(re.compile(r"composer\.lock"), "composer", _composer_lock),
)
