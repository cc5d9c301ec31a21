"""Which names on the added lines are worth looking up, most useful first. Pure: reads the changed files' texts alone.

Useful is what the project defines and the change relies on: what it imports from next door and calls, then what it
calls or constructs without saying from where, then methods of values, then types and constants it only mentions. Not
worth a search: locals, parameters, builtins, what comes from a standard library.
"""

import builtins
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import PurePosixPath

from app.domain.diff import FileDiff
from app.gather.texts import MIN_NAME, Texts
from app.syntax import MAX_LINE_CHARACTERS, Definition, identifiers, language_of

MAX_IMPORT_LINES = 400  # of a file: below stand no imports, or it is generated


class Origin(IntEnum):
    """Where an imported name comes from, as far as its import tells; the smaller the nearer."""

    NEAR = 0  # the same package, a relative path
    UNSAID = 1  # no import: the same package or namespace, or a builtin
    FAR = 2  # another package: may be of the project, may be not
    STANDARD = 3  # the language's own library


class Use(IntEnum):
    """How an added line uses a name, the most telling first."""

    CALLED = 0  # or constructed
    METHOD = 1  # of a value whose type the line does not tell
    MENTIONED = 2  # a type, a constant, a function handed over


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedName:
    """A name on the added lines of `path`; `module` is what it, or what stands before its dot, was imported from."""

    name: str
    path: str
    use: Use
    origin: Origin
    module: str | None = None
    owner: str | None = None  # `Cart` of `Cart.total(…)`


@dataclass(frozen=True, slots=True)
class _Import:
    module: str
    origin: Origin


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
        r"""^\s*(?:import\s+(?:type\s+)?|export\s+|(?:const|let|var)\s+)(?P<names>[\w*${}, \n]+?)"""
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
_TYPE_OR_CONSTANT = re.compile(r"^(?:[A-Z][A-Z0-9_]+|[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*)$")
_ASSIGNED = re.compile(
    r"(?:^|[\s(,])(?:let |const |var |val |mut |for )?([a-z_$][\w$]*)\s*(?::=|(?::[^=(]+)?=(?![=>~]))"
)
_OPENS_IMPORT = re.compile(r"\s*(?:(?:pub\s+)?use|from|import\s+(?!\()|export|const)\b[^=]*[({]\s*$")


def used_names(files: Sequence[FileDiff], texts: Texts) -> list[UsedName]:
    """The names worth looking up, most useful first, each once."""
    found: dict[str, UsedName] = {}
    for file in files:
        for used in _names_of(file, texts):
            known = found.get(used.name)
            if known is None or _rank(used) < _rank(known):
                found[used.name] = used
    return sorted(found.values(), key=_rank)


def _rank(used: UsedName) -> tuple[int, int]:
    """Near imports first however they are used; then calls before methods before mentions, far ones last of each."""
    if used.origin is Origin.NEAR:
        return 0, used.use
    return 1 + used.use, used.origin


def _names_of(file: FileDiff, texts: Texts) -> Iterator[UsedName]:
    head, added = texts.heads.get(file.path, ""), _readable(file)
    imports = imports_of(file.path, head)
    lines = [line for line in added.values() if not _is_import(file.path, line)]
    occurrences = _occurrences("\n".join(lines))
    bound = _bound(texts.defined.get(file.path, ()), added)
    for name in identifiers(file.path, head, added):
        if len(name) < MIN_NAME or name in bound or (name in _COMMON and name not in imports):
            continue
        occurrence = occurrences.get(name.rstrip("?!"))
        used = _used(name, file.path, occurrence, imports) if occurrence else None
        if used and used.origin is not Origin.STANDARD:
            yield used


def _readable(file: FileDiff) -> dict[int, str]:
    return {number: line for number, line in file.added_lines().items() if len(line) <= MAX_LINE_CHARACTERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Occurrence:
    """How a name stands in the text: what is before its dot, and whether it is called or constructed."""

    owner: str | None
    called: bool


def _occurrences(text: str) -> dict[str, _Occurrence]:
    """Every word of the text as it is used most tellingly; one pass, because the text is of any length."""
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
    """The name with its use; None for what is merely mentioned and no type, constant or import."""
    owner, called = occurrence.owner, occurrence.called
    come = imports.get(name) or (imports.get(owner) if owner else None)
    use = Use.CALLED if called else Use.MENTIONED
    if come is None and owner and called:
        use = _of_value(owner)
    elif come is None and not called and not _TYPE_OR_CONSTANT.match(name):
        return None
    return UsedName(
        name=name,
        path=path,
        use=use,
        origin=come.origin if come else Origin.UNSAID,
        module=come.module if come else None,
        owner=owner,
    )


def _of_value(owner: str) -> Use:
    """`Cart.total()` names its class, `this.total()` its own; `x.total()` tells nothing."""
    return Use.CALLED if owner[:1].isupper() or owner in ("self", "this", "super", "cls") else Use.METHOD


def _bound(defined: Sequence[Definition], added: Mapping[int, str]) -> set[str]:
    """Parameters of the functions round the added lines, and what the added lines themselves assign."""
    round_them = (
        one
        for one in defined
        if one.callable and any(one.start_line <= line <= one.end_line for line in added)
    )
    names = {
        name
        for one in round_them
        for name in _WORD.findall(one.signature.partition("(")[2])
        if not name[:1].isupper()
    }
    return names.union(*(_ASSIGNED.findall(line) for line in added.values()))


def imports_of(path: str, head: str) -> dict[str, _Import]:
    """Name → where it was imported from, of a file's import lines."""
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
    """Lines; one that opens a bracket is joined with what follows until it closes (Go's block holds a line for each)."""
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


def _origin(module: str, path: str, language: str) -> Origin:
    if module.startswith((".", "@/", "~/", "crate", "self::", "super::")):
        return Origin.NEAR
    first = re.split(r"[./:\\]", module)[0]
    if language == "python" and first in sys.stdlib_module_names:
        return Origin.STANDARD
    standard = _STANDARD.get(language)
    if standard and standard.search(module):
        return Origin.STANDARD
    folders = {part.lower() for part in PurePosixPath(path).parts[:-1]}
    parts = [part.lower() for part in re.split(r"[./:\\]+", module)]
    return Origin.NEAR if folders & set(parts) else Origin.FAR


def _is_import(path: str, line: str) -> bool:
    """Whether the line only says where names come from."""
    pattern = _IMPORTS.get(_kind(path))
    return bool(_NAMESPACE.match(line) or (pattern and pattern.match(line)))


def _kind(path: str) -> str:
    language = language_of(path) or ""
    return "script" if language in _SCRIPT else "java" if language in _JAVA_LIKE else language


def same_language(one: str, other: str) -> bool:
    """Whether code of these two files can call each other by name: TypeScript and JavaScript can."""
    return _kind(one) != "" and _kind(one) == _kind(other)


def members_in_question(files: Sequence[FileDiff], texts: Texts) -> set[str]:
    """Every name on the added lines: what of a class is worth showing."""
    return {
        name
        for file in files
        for name in identifiers(file.path, texts.heads.get(file.path, ""), _readable(file))
    }
