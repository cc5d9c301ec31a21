"""What a repository's team asked Quorum to remember with `/remember`. Values only."""

from dataclasses import dataclass
from datetime import datetime

MAX_REMEMBERED = 30  # of one repository
MAX_REMEMBERED_CHARACTERS = 300  # of one instruction


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """One instruction in plain words, already redacted; `author` is the login of the person who gave it."""

    id: str
    text: str
    author: str
    created_at: datetime
