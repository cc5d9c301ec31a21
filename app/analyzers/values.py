"""What a single tool says, before the tools' words become findings. Values only; the room's door is `domain.analysis`."""

from dataclasses import dataclass

from app.domain.finding import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """What one tool says of some lines of one file, before it is known whether the change brought it."""

    path: str
    start_line: int
    end_line: int
    rule_id: str
    severity: Severity
    title: str
    explanation: str
    tool: str
    suggestion: str | None = None  # replaces the lines verbatim
