"""How a unified diff writes the names of files: C-quoted, with prefixes, two on one line. Text in, text out.

https://git-scm.com/docs/git-config#Documentation/git-config.txt-corequotePath
"""

import re

NO_FILE = "/dev/null"

_ESCAPE = re.compile(rb'\\([abtnvfr"\\]|[0-3][0-7]{2})')
_ESCAPED = dict(zip(b'abtnvfr"\\', b'\a\b\t\n\v\f\r"\\', strict=True))
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_PREFIXES = ("a/", "b/", "c/", "i/", "o/", "w/", "1/", "2/")  # all that diff.mnemonicPrefix knows


def parse_name(text: str) -> str:
    """One name as it stands at the end of a header line: quoted, or followed by a tab and a time, or bare."""
    text = text.removesuffix("\r")
    if quoted := _QUOTED.match(text):
        return _unquote(quoted[0])
    return text.partition("\t")[0]


def parse_pair(text: str, separator: str = " ") -> tuple[str, str] | None:
    """The two names of `diff --git OLD NEW`; None where bare names differ in length: spaces may belong to them.

    Bare names of equal length, which all unmoved files have, part in the middle.
    """
    text = text.removesuffix("\r")
    if quoted := _QUOTED.match(text):
        old, rest = quoted[0], text[quoted.end() :]
        return (
            (_unquote(old), parse_name(rest.removeprefix(separator))) if rest.startswith(separator) else None
        )
    if text.endswith('"'):  # a bare name holds no quotation mark
        old, _, new = text.partition(separator + '"')
        return old, parse_name('"' + new)
    middle = (len(text) - len(separator)) // 2
    old, new = text[:middle], text[middle + len(separator) :]
    return (old, new) if text == old + separator + new and len(old) == len(new) else None


def common_name(old: str, new: str) -> str | None:
    """The name that both sides have behind their prefixes, if it is one; equal sides have no prefix."""
    if old == new:
        return old or None
    old_rest, new_rest = old.partition("/")[2], new.partition("/")[2]
    return old_rest if old_rest and old_rest == new_rest else None


def without_prefix(name: str) -> str:
    """The name behind a prefix that git is known to write."""
    return name[2:] if name.startswith(_PREFIXES) and len(name) > 2 else name


def _unquote(quoted: str) -> str:
    raw = quoted[1:-1].encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(_unescape, raw).decode("utf-8", "surrogateescape")


def _unescape(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return bytes([_ESCAPED[code[0]] if len(code) == 1 else int(code, 8)])
