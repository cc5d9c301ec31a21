"""Markdown of comments as HTML that is safe to show: rendered, then sanitized.

Suggestions are marked as such. Diagrams are their source, which the page draws.
"""

from collections.abc import Sequence
from html import escape

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

_CLASSES = {"figure": {"class"}, "code": {"class"}, "a": {"href", "id"}}
_CAPTIONS = {"suggestion": "Suggested change", "mermaid": "Diagram"}


def _render_fence(renderer: object, tokens: Sequence[Token], index: int, options: object, env: object) -> str:
    del renderer, options, env
    token = tokens[index]
    language = token.info.split()[0] if token.info.split() else ""
    code = f"<pre><code>{escape(token.content)}</code></pre>"
    caption = _CAPTIONS.get(language)
    return (
        f'<figure class="{language}"><figcaption>{caption}</figcaption>{code}</figure>' if caption else code
    )


_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_MARKDOWN.add_render_rule("fence", _render_fence)


def render_markdown(text: str) -> str:
    """Return sanitized HTML."""
    return nh3.clean(
        _MARKDOWN.render(text),
        tags=nh3.ALLOWED_TAGS | {"figure", "figcaption"},
        attributes={**nh3.ALLOWED_ATTRIBUTES, **_CLASSES},
        link_rel="noopener noreferrer",
    )


def suggestion_in(text: str) -> str | None:
    """The replacement that a comment suggests; None if there is none."""
    tokens = _MARKDOWN.parse(text)
    fences = (token for token in tokens if token.type == "fence" and token.info.strip() == "suggestion")
    found = next(fences, None)
    return found.content if found else None
