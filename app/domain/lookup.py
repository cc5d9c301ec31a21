"""What a model may ask to see of the code at the head, and what it looked at. Values only, no I/O."""

from dataclasses import dataclass
from enum import StrEnum

MAX_LOOKUP_CHARACTERS = 300  # of a name or a path; a longer one is not looked up


class LookupKind(StrEnum):
    """What a look-up asks for."""

    DEFINITION = "definition"
    REFERENCES = "references"
    FILE = "file"
    SEARCH = "search"
    HISTORY = "history"


class Unavailable(StrEnum):
    """Why a look-up is not answered."""

    INCOMPLETE = "the look-up does not say what to look for"
    TOO_LONG = "the name or the path is too long"
    OUTSIDE = "the path is outside the repository"
    NO_TREE = "only the change can be read here"
    NOT_FOUND = "nothing was found"
    NO_FILE = "there is no such file"
    FOLDER = "the path is a folder"
    SUBMODULE = "the path is in a submodule"
    LINK = "the path is a symbolic link"
    LFS = "the file is in Git LFS"
    BINARY = "the file is not text"
    TOO_LARGE = "the file is too large, or the repository does not have its content"
    PATTERN = (
        "the search is literal, and the text is not in the repository; it looks like a regular expression"
    )
    NO_HISTORY = "the history cannot be read here"
    TOO_SLOW = "the search took too long"
    FAILED = "the repository could not be read"
    ROUND_FULL = "the answers before it filled this round"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLookup:
    """One look-up of a model; all its parts are untrusted."""

    kind: LookupKind
    name: str | None = None
    path: str | None = None
    start_line: int | None = None
    end_line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """What a model looked at, for the report; `by` is `provider:model`. Without lines, nothing was shown."""

    by: str
    kind: LookupKind
    path: str | None = None
    start_line: int | None = None
    end_line: int | None = None
    name: str | None = None
    unavailable: Unavailable | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupRounds:
    """How often a model may look things up before it answers; 0 turns look-ups off."""

    finder: int = 1
    verifier: int = 2
