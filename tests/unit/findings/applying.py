"""GitHub's rule for applying a suggestion, written from its documentation and public reports, independent of the product.

The content of the comment's first `suggestion` block replaces the commented lines. The block is read as CommonMark: the closing
fence uses the opening character and is at least as long. An empty block deletes the lines. Lines end with LF or, where the
commenter's browser or the file had it so, with CRLF: a suggestion must be right either way.
https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests/incorporating-feedback-in-your-pull-request
"""

from html.parser import HTMLParser
from typing import Any, cast

# GitHub's own Markdown parser, which has no types.
import cmarkgfm  # pyright: ignore[reportMissingTypeStubs]

_CMARK = cast("Any", cmarkgfm)


class _FirstSuggestion(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text: str | None = None
        self._is_inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "pre" and self.text is None and ("lang", "suggestion") in attrs:
            self.text, self._is_inside = "", True

    def handle_endtag(self, tag: str) -> None:
        self._is_inside = self._is_inside and tag != "pre"

    def handle_data(self, data: str) -> None:
        if self._is_inside:
            self.text = (self.text or "") + data


def content_of(comment: str) -> str | None:
    """The content of the first `suggestion` block of a comment; None if there is none."""
    parser = _FirstSuggestion()
    parser.feed(_CMARK.github_flavored_markdown_to_html(comment))
    parser.close()
    return parser.text


def apply(file: str, *, start_line: int, end_line: int, content: str, newline: str = "\n") -> str:
    """The file after somebody has pressed the button; `content` ends with a newline unless it is empty."""
    lines = file.splitlines(keepends=True) if "\r" not in file.replace("\r\n", "") else file.split("\n")
    head, tail = lines[: start_line - 1], lines[end_line:]
    middle = content.replace("\n", newline)
    if not tail and not file.endswith("\n"):
        middle = middle.removesuffix(newline)
    return "".join([*head, middle, *tail])
