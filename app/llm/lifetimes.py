"""When models are shut down, as the vendors have announced it: for `quorum doctor`. Never decides who is asked.

https://platform.claude.com/docs/en/about-claude/model-deprecations
https://platform.openai.com/docs/deprecations
https://ai.google.dev/gemini-api/docs/deprecations
"""

import re
from datetime import date

# As of 2026-11-22. A name stands for itself and its dated forms, not for longer names.
SHUT_DOWN_ON = {
    "claude-sonnet-4-5": date(2026, 11, 30),
    "gemini-2.5-pro": date(2026, 12, 1),
    "gemini-2.5-flash": date(2026, 12, 1),
    "gpt-5": date(2026, 12, 11),
    "gpt-5-mini": date(2026, 12, 11),
    "gpt-5-nano": date(2026, 12, 11),
    "o3": date(2026, 12, 11),
    "gpt-4.1": date(2027, 1, 14),
    "gpt-4.1-mini": date(2027, 1, 14),
    "gpt-4.1-nano": date(2027, 1, 14),
    "gpt-4o": date(2027, 1, 14),
    "gpt-4o-mini": date(2027, 1, 14),
    "gpt-5.1": date(2027, 4, 1),
    "gpt-5.4-nano": date(2027, 4, 1),
}

_DATED = re.compile(r"[-@](\d{8}|\d{4}-\d{2}-\d{2}|latest)$")


def shut_down_on(model: str) -> date | None:
    """The day from which a model no longer answers under its name; None where nothing is announced."""
    return SHUT_DOWN_ON.get(_DATED.sub("", model))
