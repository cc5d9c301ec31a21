"""Renders a fix as a patch that `git apply` takes. Pure.

A comment does not keep everything: not `\\r`, bytes that are not UTF-8, invisible characters, or long runs of backticks. Such
files are rendered in git's binary form, which is plain ASCII: https://git-scm.com/docs/git-apply and `base85.c`, `diff.c` of git.
"""

import base64
import difflib
import hashlib
import zlib
from collections.abc import Iterator, Sequence

from app.domain.fix import FixedFile
from app.publish.blocks import fence_keeps

_CONTEXT_LINES = 3
_LINE_BYTES = 52  # of one line of a binary patch
_BINARY_END = (
    "# End of the binary form\n"  # git needs the blank line before, and a fence drops blank lines at its end
)
_NO_NEWLINE = "\\ No newline at end of file"


def render_patch(files: Sequence[FixedFile], *, plain_text_only: bool = False) -> str:
    """Render all files; `plain_text_only` also shows files as text that a comment cannot keep, for people to read."""
    return "".join(
        "".join(_text_patch(file) if plain_text_only or is_plain(file) else _binary_patch(file))
        for file in files
    )


def is_plain(file: FixedFile) -> bool:
    """Whether people can copy the file's text patch from a page without a change."""
    try:
        ((file.before or b"") + b"\n" + file.after).decode("utf-8")
    except UnicodeDecodeError:
        return False
    patch = "".join(_text_patch(file))
    return fence_keeps(patch) and all(each.isprintable() or each in "\n\t" for each in patch)


def _text_patch(file: FixedFile) -> Iterator[str]:
    before, after = _lines(file.before or b""), _lines(file.after)
    old, new = _quoted(f"a/{file.path}"), _quoted(f"b/{file.path}")
    yield f"diff --git {old} {new}\n"
    if file.before is None:
        yield "new file mode 100644\n"
        old = "/dev/null"
    yield f"--- {old}\n+++ {new}\n"
    for line in list(difflib.unified_diff(before, after, n=_CONTEXT_LINES, lineterm="\n"))[2:]:
        yield line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}\n"


def _lines(content: bytes) -> list[str]:
    """Lines as git counts them: only `\\n` ends one."""
    text = content.decode("utf-8", "replace")
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1].removesuffix("\n")
    return lines if lines[-1] else lines[:-1]


def _binary_patch(file: FixedFile) -> Iterator[str]:
    before = file.before or b""
    old, new = _quoted(f"a/{file.path}"), _quoted(f"b/{file.path}")
    yield f"diff --git {old} {new}\n"
    if file.before is None:
        yield "new file mode 100644\n"
    yield f"index {'0' * 40 if file.before is None else blob_id(before)}..{blob_id(file.after)}\n"
    yield "GIT binary patch\n"
    for content in (file.after, before):
        yield f"literal {len(content)}\n"
        packed = zlib.compress(content)
        for start in range(0, len(packed), _LINE_BYTES):
            piece = packed[start : start + _LINE_BYTES]
            yield f"{_length_mark(len(piece))}{_base85(piece)}\n"
        yield "\n"
    yield _BINARY_END


def blob_id(content: bytes) -> str:
    """Return git's name for this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324 - git's own


def _length_mark(length: int) -> str:
    return chr(ord("A") + length - 1) if length <= 26 else chr(ord("a") + length - 27)


def _base85(piece: bytes) -> str:
    """Git's base 85 has Python's alphabet and no short last group."""
    return base64.b85encode(piece, pad=True).decode()


def _quoted(name: str) -> str:
    """The name as git reads it: in double quotes with octal escapes, unless it is plain."""
    if name.isascii() and name.isprintable() and not set(name) & set('"\\ `~'):
        return name
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\`~' else f"\\{byte:03o}"
        for byte in name.encode("utf-8", "surrogateescape")
    )
    return f'"{escaped}"'
