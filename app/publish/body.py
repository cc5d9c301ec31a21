"""Puts blocks together to a body that GitHub takes: within its limit, cut between blocks, marker last. Never cuts a block."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.publish.markdown import Redact

# GitHub counts characters for comments (65,536) and bytes for check runs (65,535): bytes hold both.
MAX_BODY_BYTES = 64_000


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a body. `name` is what a reader is told where it did not fit."""

    name: str
    markdown: str


def compose(
    blocks: Iterable[Block],
    *,
    redact: Redact,
    elsewhere: str,
    marker: str = "",
    limit_bytes: int = MAX_BODY_BYTES,
) -> str:
    """The blocks that fit, in order, with an empty line between, what was left out and `elsewhere`, and the marker.

    `elsewhere` ends the sentence that says what did not fit: where a reader finds it.
    """
    offered = [Block(block.name, redact(block.markdown)) for block in blocks if block.markdown.strip()]
    room = limit_bytes - _size(marker) - _NOTICE_BYTES
    kept, dropped = _fit(offered, room)
    notice = [_left_out(dropped, elsewhere)] if dropped else []
    return "\n\n".join([*(block.markdown for block in kept), *notice, *([marker] if marker else [])])


_NOTICE_BYTES = 700


def _fit(blocks: Sequence[Block], room: int) -> tuple[list[Block], list[Block]]:
    kept: list[Block] = []
    dropped: list[Block] = []
    for block in blocks:
        size = _size(block.markdown) + 2
        if size <= room:
            kept.append(block)
            room -= size
        else:
            dropped.append(block)
    return kept, dropped


def _left_out(dropped: Sequence[Block], elsewhere: str) -> str:
    names = list(dict.fromkeys(block.name for block in dropped))
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"_Left out, because it does not fit here: {shown[:400]}. {elsewhere}_"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
