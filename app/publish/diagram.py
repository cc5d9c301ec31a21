"""The walkthrough's Mermaid diagram, drawn by code from typed edges: no word of a model becomes Mermaid syntax."""

import re
from collections.abc import Sequence

from app.domain.finding import ComponentEdge
from app.publish.characters import strip_invisible
from app.publish.markdown import Redact

MIN_COMPONENTS = 3
_MAX_EDGES = 40
_MAX_LABEL_CHARACTERS = 60


def render_diagram(edges: Sequence[ComponentEdge], *, redact: Redact) -> str:
    """A fenced `mermaid` flow chart; nothing below three components, or above what a reader can take in."""
    nodes = list(dict.fromkeys(name for edge in edges for name in (edge.source, edge.target)))
    if len(nodes) < MIN_COMPONENTS or len(edges) > _MAX_EDGES:
        return ""
    names = {name: f"n{index}" for index, name in enumerate(nodes)}
    lines = [f'  {identifier}["{_label(name, redact=redact)}"]' for name, identifier in names.items()]
    lines += [
        f'  {names[edge.source]} -->|"{_label(edge.label, redact=redact)}"| {names[edge.target]}'
        if edge.label.strip()
        else f"  {names[edge.source]} --> {names[edge.target]}"
        for edge in edges
    ]
    return "\n".join(["```mermaid", "flowchart LR", *lines, "```"])


def _label(text: str, *, redact: Redact) -> str:
    """Letters, digits and harmless signs as they are, all else as Mermaid's entity codes (`#34;`).

    https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters
    """
    line = " ".join(redact(strip_invisible(text)).split())
    short = line if len(line) <= _MAX_LABEL_CHARACTERS else line[: _MAX_LABEL_CHARACTERS - 1] + "…"
    return re.sub(r"[^\w .,…/-]", lambda found: f"#{ord(found[0])};", short) or "#63;"
