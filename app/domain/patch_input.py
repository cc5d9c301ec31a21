"""Turn the bytes of a patch, as people pass it, into lines: from an e-mail, with colors, in another encoding. Pure."""

import email
import re
from email.message import Message

_COLOR = re.compile(r"\x1b\[[0-9;:]*[mK]")
_COLORED_START = re.compile(r"^(?:\x1b\[[0-9;:]*[mK])+(?:diff --|--- |\+\+\+ |@@ )", re.MULTILINE)
_ENCODED_MAIL = re.compile(
    rb"^content-transfer-encoding:[ \t]*(?:quoted-printable|base64)", re.IGNORECASE | re.MULTILINE
)
_MAIL_START = re.compile(rb"^(?=From \S+ )", re.MULTILINE)
_ARCHIVES = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)


def read_lines(data: bytes) -> list[str]:
    """Return the lines of a patch. Raises `ValueError`, with a sentence for people, if its bytes are no text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError("The diff is UTF-16 text; write it with `git diff --output=FILE` instead of `>`.")
    for magic, name in _ARCHIVES:
        if data.startswith(magic):
            raise ValueError(f"This is {name} data; decompress the patch first.")
    text = _decoded_mail(data.removeprefix(b"\xef\xbb\xbf")).decode("utf-8", "surrogateescape")
    if _COLORED_START.search(text):
        text = _COLOR.sub("", text)
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def _decoded_mail(data: bytes) -> bytes:
    """Undo the transfer encoding of e-mails; mail programs encode long lines and letters that are not ASCII."""
    if not _ENCODED_MAIL.search(data[: _first_hunk(data)]):
        return data
    mails = [part for part in _MAIL_START.split(data) if part.strip()]
    return b"\n".join(map(_bodies, mails))


def _first_hunk(data: bytes) -> int:
    at = data.find(b"\n@@ -")
    return len(data) if at < 0 else at


def _bodies(mail: bytes) -> bytes:
    parts: list[Message] = list(email.message_from_bytes(mail).walk())
    bodies = (part.get_payload(decode=True) for part in parts if not part.is_multipart())
    return b"\n".join(body for body in bodies if isinstance(body, bytes))


def likely(data: bytes) -> str:
    """Name what was passed instead of a diff."""
    start = data.lstrip()[:200].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "an HTML page"
    return "JSON" if start.startswith((b"{", b"[")) else "other text"
