"""Escapes plain text for Markdown, so that it is shown as it stands. Never leaves a `<` or a `|` behind."""

import re

from app.publish.characters import show_invisible

_SPECIAL = re.compile(r"[\\`*\[\]~]")
_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # inside a word it starts no emphasis
_ENTITY = re.compile(r"&(?=#?\w+;)")
_LINE_START = re.compile(r"^(#{1,6}(?=\s|$)|[>+=-]|\d{1,9}(?=[.)](?:\s|$)))")


def escape_text(text: str, *, at_line_start: bool) -> str:
    """Text between code spans and emphasis, on one line."""
    escaped = _SPECIAL.sub(r"\\\g<0>", text)
    escaped = _UNDERSCORE.sub(r"\\_", escaped)
    escaped = _ENTITY.sub("&amp;", escaped).replace("<", "&lt;").replace("|", "&#124;")
    return _escape_line_start(escaped.lstrip()) if at_line_start else escaped


def escape_html(text: str) -> str:
    """A stranger's word inside Quorum's own HTML (`<sub>`, `<summary>`): shown as it stands, and nothing live."""
    return show_invisible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _escape_line_start(text: str) -> str:
    found = _LINE_START.match(text)
    if not found:
        return text
    if found[0].isdigit():
        return f"{found[0]}\\{text[found.end() :]}"
    return f"\\{text}"
