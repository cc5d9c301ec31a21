"""Recognize lock files: by their name, and by every line that a change shows having the shape of the format. Pure.

A line of code has no such shape, so a lock file with code is an ordinary file, which models review.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath

from app.domain.diff import FileDiff, LineKind
from app.redaction.engine import compiled  # linear on any input

_STRING = r'"(?:[^"\\\n]|\\.)*"'
_RAW = r"'[^'\n]*'"
_WORD = r"[\w@/.:+~^<>=|*!&%#-]+"
_JSON = rf"(?:[{{}}\[\],: \t]|{_STRING}|-?\d[\d.eE+-]*|true|false|null)*"
_TOML = (
    rf"(?:#.*|\[\[?[\w.\"' -]+\]\]?"
    rf"|(?:[ \t,{{}}\[\]]|[\w.\"-]+[ \t]*=[ \t]*|{_STRING}|{_RAW}|[+-]?\d[\w.:+-]*|true|false)*)"
)
# `(peer@1.2.3)` follows the names of pnpm.
_PLAIN = rf"(?:{_STRING}|{_RAW}|{_WORD}(?:\(@?[\w./+-]+@\d+\.\d+[^\s'\"`]*\))?)"
_FLOW = rf"[{{\[](?:[,: \t]|{_PLAIN})*[}}\]]"
_YAML = (
    rf"(?:#.*|---|[ ]+deprecated: .*|[ ]*(?:(?:- |\? )+|(?:- )*{_PLAIN}:(?:[ ]+|$))(?:{_FLOW}|{_PLAIN}:?(?: {_PLAIN})*|[>|]-?)?"
    rf"|[A-Z ]+:|[ ]*- {_PLAIN} \([\w .<>=~^,-]*\):?)"  # CocoaPods
)
_YARN = rf"(?:#.*|(?:{_STRING}|{_WORD})(?:, (?:{_STRING}|{_WORD}))*:|[ ][ ]+(?:{_STRING}|{_WORD}):?(?: (?:{_STRING}|{_WORD}(?: {_WORD})*))?)"
_GEMFILE = (
    r"(?:[A-Z][A-Z ]+|[ ]+(?:remote|revision|branch|ref|tag|glob|specs|submodules):(?: [^\s()'\"]+)?"
    r"|[ ]+[\w.-]+!?(?: \([\w ,.<>=~!-]+\))?!?(?: sha256=[0-9a-f]{64})?|[ ]+(?:ruby )?[\w.-]+)"
)
_MIX = r"(?:%\{|\}|[ ]+\"[^\"#\n]+\": (?:[{}\[\], \t]|\"[^\"#\n]*\"|:\w+|\w+: |\d+|true|false|nil)*)"
_TERRAFORM = (
    r"(?:#.*|provider \"[\w./-]+\" \{|\}|[ ]+(?:version|constraints)[ ]+= \"[^\"$%\n]*\""
    r"|[ ]+hashes = \[|[ ]+\"(?:h1|zh):[A-Za-z0-9+/=]+\",|[ ]+\])"
)
_SHAPES = {
    "bun.lock": _JSON,
    "cargo.lock": _TOML,
    "composer.lock": _JSON,
    "conda-lock.yml": _YAML,
    "deno.lock": _JSON,
    "flake.lock": _JSON,
    "gemfile.lock": _GEMFILE,
    "go.sum": r"[\w./~!+-]+ v[\w.+-]+(?:/go\.mod)? h1:[A-Za-z0-9+/]+=*",
    "go.work.sum": r"[\w./~!+-]+ v[\w.+-]+(?:/go\.mod)? h1:[A-Za-z0-9+/]+=*",
    "gradle.lockfile": r"(?:#.*|empty=[\w,.-]*|[\w.-]+:[\w.-]+:[\w.+-]+=[\w,.-]+)",
    "mix.lock": _MIX,
    "module.bazel.lock": _JSON,
    "npm-shrinkwrap.json": _JSON,
    "package-lock.json": _JSON,
    "package.resolved": _JSON,
    "packages.lock.json": _JSON,
    "pdm.lock": _TOML,
    "pipfile.lock": _JSON,
    "pixi.lock": _YAML,
    "pnpm-lock.yaml": _YAML,
    "podfile.lock": _YAML,
    "poetry.lock": _TOML,
    "pubspec.lock": _YAML,
    "uv.lock": _TOML,
    "yarn.lock": _YARN,
    ".terraform.lock.hcl": _TERRAFORM,
}


def has_lock_file_name(path: str) -> bool:
    """Whether a package manager names its lock file so."""
    return _name(path) in _SHAPES


def is_lock_file(file: FileDiff) -> bool:
    """Whether this is a package manager's lock file: its name says so, and so does every line that it has now."""
    shape = _SHAPES.get(_name(file.path))
    return shape is not None and all(_has_shape(shape, lines) for lines in _shown(file))


def _name(path: str) -> str:
    return PurePosixPath(path).name.lower()


def _shown(file: FileDiff) -> Iterator[list[str]]:
    for hunk in file.hunks:
        yield [line.text for line in hunk.lines if line.kind is not LineKind.REMOVED]


def _has_shape(shape: str, lines: list[str]) -> bool:
    text = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    return compiled(rf"(?m)\A(?:(?:{shape})?[ ]*\r?\n)*\z").search(text) is not None
