"""The values of options, and the examples at the end of each help."""

from enum import StrEnum


def examples(*lines: str) -> str:
    """The end of a command's help."""
    return "\n".join(["Examples:", *(f"$ {line}" for line in lines)])


class ReportFormat(StrEnum):
    """How a report is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    SARIF = "sarif"


class TableFormat(StrEnum):
    """How a table is printed."""

    TEXT = "text"
    JSON = "json"


class Role(StrEnum):
    """Which part of the App a process runs."""

    WEB = "web"
    WORKER = "worker"
    ALL = "all"


class FailOn(StrEnum):
    """The lowest severity for which `quorum review` exits with 1."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NEVER = "never"
