"""Rank the names on the added lines by how useful it is to look them up. Pure; uses the texts of the changed files only.

Most useful are names that the project defines and the change depends on: first calls of names imported from the same
package, then calls and constructors of other names, then methods of values, then types and constants that are only
mentioned. Not worth a search: local variables, parameters, builtins and names from the standard library.
"""

import builtins
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import PurePosixPath

from app.domain.diff import FileDiff
from app.gather.definitions import MIN_NAME, Texts
from app.syntax import MAX_LINE_CHARACTERS, Definition, identifiers, language_of

MAX_IMPORT_LINES = 400  # imports come earlier, unless the file is generated


class ImportOrigin(IntEnum):
    """Where an imported name comes from, as far as the import shows; smaller is nearer."""

    NEAR = 0  # the same package, a relative path
    UNKNOWN = 1  # no import: the same package or namespace, or a builtin
    FAR = 2  # another package, maybe of the same project
    STANDARD = 3  # the language's own library


class Use(IntEnum):
    """How an added line uses a name, most significant first."""

    CALLED = 0  # or constructed
    METHOD = 1  # of a value of unknown type
    MENTIONED = 2  # a type, a constant, a function passed as an argument


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedName:
    """A name on the added lines of `path`; `module` is where it, or the part before its dot, is imported from."""

    name: str
    path: str
    use: Use
    origin: ImportOrigin
    module: str | None = None
    owner: str | None = None  # `Cart` of `Cart.total(…)`


@dataclass(frozen=True, slots=True)
class _Import:
    module: str
    origin: ImportOrigin


_COMMON = frozenset(
    """
    append apply assert assertEqual assign catch charAt clear clone close collect commit concat contains copy count
    create debug decode default describe each emit encode endsWith endswith entries equals error every exec execute
    exists expect extend fetch fetchall fetchone fill filter find first flush forEach format from fromkeys getattr
    group groupby hasOwnProperty hashCode includes index indexOf info insert invoke isEmpty items iter join keys last
    len length list lock lower main make match next open panic parse pluck pop prepare print printf println push query
    raise range read reduce reject remove repeat replace require reset resolve reverse rollback round save select send
    setdefault shift size slice some sort sorted split splice sprintf start startsWith startswith status stop strip
    strlen substring then then_some throw toArray toList toLowerCase toString toUpperCase trim typeof unlock unshift
    unwrap update upper values wait warn warning where wraps write yield Array Boolean Date Error Exception Integer List
    Long Lock Math Number Object Optional Option Promise RegExp Result Some String Unlock Vec Void dataclass derive
    """.split()  # noqa: SIM905 - a long list reads better as text
) | frozenset(dir(builtins))

_STANDARD = {
    "go": re.compile(r"^[^./]+(?:/[^.]*)?$"),
    "java": re.compile(r"^(?:javax?|jakarta|kotlinx?|scala|android)\b"),
    "csharp": re.compile(r"^(?:System|Microsoft)\b"),
    "rust": re.compile(r"^(?:std|core|alloc)\b"),
    "script": re.compile(r"^node:"),
}
_SCRIPT = frozenset({"javascript", "typescript", "tsx"})
_JAVA_LIKE = frozenset({"java", "kotlin", "scala"})

_IMPORTS = {
    "python": re.compile(
        r"^\s*(?:from\s+(?P<module>[.\w]+)\s+import\s+\(?(?P<names>[^#\n)]*)|import\s+(?P<alone>[\w., ]+))"
    ),
    "script": re.compile(
        r"""^\s*(?:import\s+(?:type\s+)?|export\s+|(?:const|let|var)\s+)(?P<names>[\w*${},][\w*${}, \n]*?)"""
        r"""(?:from\s*|=\s*(?:await\s+import|require)\()["'](?P<module>[^"']+)["']"""
    ),
    "go": re.compile(r'^\s*(?:import\s+)?(?P<names>[\w.]+\s+)?"(?P<module>[\w./~-]+)"\s*$'),
    "java": re.compile(r"^\s*import\s+(?:static\s+)?(?P<alone>[\w.]+);?\s*$"),
    "csharp": re.compile(r"^\s*using\s+(?:static\s+)?(?P<alone>[\w.]+);"),
    "rust": re.compile(r"^\s*(?:pub\s+)?use\s+(?P<module>[\w:]+?)(?:::\{(?P<names>[^}]*)\}?)?;?\s*$"),
    "php": re.compile(r"^\s*use\s+(?:function\s+)?(?P<alone>[\w\\]+)(?:\s+as\s+\w+)?;"),
}
_NAMESPACE = re.compile(r"^\s*(?:namespace|package|module)\b[^({]*$")
_DOTS = frozenset({".", "?.", "&.", "->", "::"})
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_TYPE_OR_CONSTANT = re.compile(r"^[A-Z](?:[A-Z0-9_]+|[A-Z0-9]*[a-z][A-Za-z0-9]*)$")
_ASSIGNED = re.compile(
    r"(?:^|[\s(,])(?:let |const |var |val |mut |for )?([a-z_$][\w$]*)\s*(?::=|(?::[^=(]+)?=(?![=>~]))"
)
_OPENS_IMPORT = re.compile(r"\s*(?:(?:pub\s+)?use|from|import\s+(?!\()|export|const)\b[^=]*[({]\s*$")


def mentioned_names(files: Sequence[FileDiff], texts: Texts) -> dict[str, list[str]]:
    """Return the names on the added lines of each file, in order of appearance."""
    return {
        file.path: identifiers(file.path, texts.heads.get(file.path, ""), _readable(file)) for file in files
    }


def used_names(
    files: Sequence[FileDiff], texts: Texts, mentioned: Mapping[str, Sequence[str]]
) -> list[UsedName]:
    """Return the names worth looking up, most useful first, without duplicates."""
    found: dict[str, UsedName] = {}
    for file in files:
        for used in _names_of(file, texts, mentioned[file.path]):
            known = found.get(used.name)
            if known is None or _rank(used) < _rank(known):
                found[used.name] = used
    return sorted(found.values(), key=_rank)


def _rank(used: UsedName) -> tuple[int, int]:
    """Rank near imports first, then calls, methods and mentions; within each of these, far imports come last."""
    if used.origin is ImportOrigin.NEAR:
        return 0, used.use
    return 1 + used.use, used.origin


def _names_of(file: FileDiff, texts: Texts, mentioned: Sequence[str]) -> Iterator[UsedName]:
    head, added = texts.heads.get(file.path, ""), _readable(file)
    imports = imports_of(file.path, head)
    pattern = _IMPORTS.get(_kind(file.path))
    lines = [line for line in added.values() if not _is_import(line, pattern)]
    occurrences = _occurrences("\n".join(lines))
    bound = _bound(texts.defined.get(file.path, ()), added)
    for name in mentioned:
        if len(name) < MIN_NAME or name in bound or (name in _COMMON and name not in imports):
            continue
        occurrence = occurrences.get(name.rstrip("?!"))
        used = _used(name, file.path, occurrence, imports) if occurrence else None
        if used and used.origin is not ImportOrigin.STANDARD:
            yield used


def _readable(file: FileDiff) -> dict[int, str]:
    return {number: line for number, line in file.added_lines().items() if len(line) <= MAX_LINE_CHARACTERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Occurrence:
    """How a name is used: what is before its dot, and whether it is called or constructed."""

    owner: str | None
    called: bool


def _occurrences(text: str) -> dict[str, _Occurrence]:
    """Find the most significant use of each word; one pass, because the text can be very long."""
    found: dict[str, _Occurrence] = {}
    before, end = "", 0
    for match in _WORD.finditer(text):
        word, between = match[0], text[end : match.start()].strip()
        after = text[match.end() : match.end() + 4]
        called = (
            (before == "new" and not between)
            or after.lstrip().startswith("(")
            or after.startswith(("{", "?", ".new"))
            or (after.startswith("!") and not after.startswith("!="))
        )
        owner = before if between in _DOTS else None
        if word not in found or (called and not found[word].called):
            found[word] = _Occurrence(owner=owner, called=called)
        before, end = word, match.end()
    return found


def _used(name: str, path: str, occurrence: _Occurrence, imports: Mapping[str, _Import]) -> UsedName | None:
    """Classify a name; None if it is only mentioned and not a type, constant or import."""
    owner, called = occurrence.owner, occurrence.called
    imported = imports.get(name) or (imports.get(owner) if owner else None)
    use = Use.CALLED if called else Use.MENTIONED
    if imported is None and owner and called:
        use = _of_value(owner)
    elif imported is None and not called and not _TYPE_OR_CONSTANT.match(name):
        return None
    return UsedName(
        name=name,
        path=path,
        use=use,
        origin=imported.origin if imported else ImportOrigin.UNKNOWN,
        module=imported.module if imported else None,
        owner=owner,
    )


def _of_value(owner: str) -> Use:
    """Classify a call on `owner`: `Cart.total()` and `this.total()` show the class; `x.total()` does not."""
    return Use.CALLED if owner[:1].isupper() or owner in ("self", "this", "super", "cls") else Use.METHOD


def _bound(defined: Sequence[Definition], added: Mapping[int, str]) -> set[str]:
    """Return parameters of the functions around the added lines, and names that the added lines assign."""
    enclosing = (
        each
        for each in defined
        if each.callable and any(line in added for line in range(each.start_line, each.end_line + 1))
    )
    names = {
        name
        for each in enclosing
        for name in _WORD.findall(each.signature.partition("(")[2])
        if not name[:1].isupper()
    }
    return names.union(*(_ASSIGNED.findall(line) for line in added.values()))


def imports_of(path: str, head: str) -> dict[str, _Import]:
    """Map each name that a file imports to where it comes from."""
    language = _kind(path)
    pattern = _IMPORTS.get(language)
    if pattern is None:
        return {}
    found: dict[str, _Import] = {}
    for line in _import_lines(head):
        if match := pattern.match(line):
            for name, module in _names_and_module(match.groupdict(default=""), language):
                found[name] = _Import(module, _origin(module, path, language))
    return found


def _import_lines(head: str) -> Iterator[str]:
    """Yield lines; join a line that opens a bracket with the following lines up to the closing one."""
    held = ""
    for line in head.split("\n", MAX_IMPORT_LINES)[:MAX_IMPORT_LINES]:
        if held:
            held += " " + line.strip()
            if ")" in line or "}" in line:
                yield held
                held = ""
        elif _OPENS_IMPORT.match(line):
            held = line.rstrip()
        else:
            yield line


def _names_and_module(match: Mapping[str, str], language: str) -> Iterator[tuple[str, str]]:
    if alone := match.get("alone"):
        for module in (part.strip().partition(" as ")[0] for part in alone.split(",")):
            yield re.split(r"[.\\]", module)[-1 if language != "python" else 0], module
        return
    module = match.get("module", "")
    names = _WORD.findall(match.get("names", ""))
    if language == "go" or (language == "rust" and not names):
        names = names or [re.split(r"::|/", module)[-1]]
    yield from ((name, module) for name in names if name not in ("as", "type", "default"))


def _origin(module: str, path: str, language: str) -> ImportOrigin:
    if module.startswith((".", "@/", "~/", "crate", "self::", "super::")):
        return ImportOrigin.NEAR
    first = re.split(r"[./:\\]", module)[0]
    if language == "python" and first in sys.stdlib_module_names:
        return ImportOrigin.STANDARD
    standard = _STANDARD.get(language)
    if standard and standard.search(module):
        return ImportOrigin.STANDARD
    folders = {part.lower() for part in PurePosixPath(path).parts[:-1]}
    parts = [part.lower() for part in re.split(r"[./:\\]+", module)]
    return ImportOrigin.NEAR if folders & set(parts) else ImportOrigin.FAR


def _is_import(line: str, pattern: re.Pattern[str] | None) -> bool:
    """Whether the line only says where names come from."""
    return bool(_NAMESPACE.match(line) or (pattern and pattern.match(line)))


def _kind(path: str) -> str:
    language = language_of(path) or ""
    return "script" if language in _SCRIPT else "java" if language in _JAVA_LIKE else language


def same_language(one: str, other: str) -> bool:
    """Whether code in these two files can call each other by name, such as TypeScript and JavaScript."""
    return _kind(one) != "" and _kind(one) == _kind(other)
