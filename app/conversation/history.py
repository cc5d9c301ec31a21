"""Renders the earlier conversation for the model: the newest turns, and a count of the older ones. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.pull_request import Thread
from app.prompting.prompts import fence

MAX_TURNS = 8
MAX_TURN_CHARACTERS = 1_200


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of a conversation."""

    author: str
    text: str


def turns_of(thread: Thread) -> list[Turn]:
    """The replies of a finding's thread, oldest first."""
    return [Turn(author=reply.author, text=reply.body) for reply in thread.replies]


def render_history(turns: Sequence[Turn], secret: bytes) -> str:
    """The turns as fenced text, oldest first; empty if there are none."""
    if not turns:
        return ""
    omitted = len(turns) - MAX_TURNS
    rows = [f"… {omitted} earlier turns are left out"] if omitted > 0 else []
    rows += [
        json.dumps({"author": turn.author, "said": turn.text[:MAX_TURN_CHARACTERS]}, ensure_ascii=False)
        for turn in turns[-MAX_TURNS:]
    ]
    return f"Said before, oldest first:\n{fence('history', chr(10).join(rows), secret)}"
