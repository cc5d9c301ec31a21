"""What was said before, for the model: the newest in full, the oldest folded into a count. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.pull_request import Thread
from app.prompting.prompts import fence

MOST_TURNS = 8
MAX_TURN_CHARACTERS = 1_200


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One thing that somebody said."""

    author: str
    text: str


def turns_of(thread: Thread) -> list[Turn]:
    """The replies of a finding's thread, oldest first."""
    return [Turn(author=reply.author, text=reply.body) for reply in thread.replies]


def render_history(turns: Sequence[Turn], secret: bytes) -> str:
    """A fenced text, oldest first; empty where nothing was said."""
    if not turns:
        return ""
    folded = len(turns) - MOST_TURNS
    rows = [f"… {folded} earlier turns are left out"] if folded > 0 else []
    rows += [
        json.dumps({"author": turn.author, "said": turn.text[:MAX_TURN_CHARACTERS]}, ensure_ascii=False)
        for turn in turns[-MOST_TURNS:]
    ]
    return f"Said before, oldest first:\n{fence('history', chr(10).join(rows), secret)}"
