"""What a repository's `.github/quorum.yml` can say, with its defaults. Reading it is `app/gather/configuration.py`.

Every field has a default and no key is required; the names are the contract's.
"""

from dataclasses import dataclass
from enum import StrEnum

from app.domain.finding import Severity, Stage
from app.domain.model_call import Provider


class Pipeline(StrEnum):
    """Stages at once, or one after the other with the earlier findings handed to docs."""

    PARALLEL = "parallel"
    SEQUENTIAL = "sequential"


class Routing(StrEnum):
    """How the order of the candidates is chosen."""

    FIXED = "fixed"
    LEARNED = "learned"


class Publish(StrEnum):
    """What reaches the pull request; shadow: check runs and dashboard only."""

    FULL = "full"
    SUMMARY = "summary"
    SHADOW = "shadow"


class Profile(StrEnum):
    """How much is said."""

    QUIET = "quiet"
    NORMAL = "normal"
    THOROUGH = "thorough"


class Gate(StrEnum):
    """From which severity on a finding makes the check fail."""

    OFF = "off"
    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"


@dataclass(frozen=True, slots=True, kw_only=True)
class PathInstruction:
    """What to mind in files that match a glob."""

    path: str
    instructions: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Upper limits in USD; a repository may only lower the operator's. None: the operator's limit holds."""

    review_usd: float | None = None
    pull_request_day_usd: float | None = None
    repository_month_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryConfig:
    """The effective configuration of one repository."""

    enabled: bool = True
    stages: tuple[Stage, ...] = tuple(Stage)
    providers: tuple[Provider, ...] = (Provider.CLAUDE, Provider.GPT, Provider.GEMINI, Provider.LOCAL)
    pipeline: Pipeline = Pipeline.PARALLEL
    routing: Routing = Routing.FIXED
    quorum: int = 2
    publish: Publish = Publish.FULL
    profile: Profile = Profile.NORMAL
    gate: Gate = Gate.OFF
    min_severity: Severity = Severity.INFO
    max_inline: int | None = None  # None: what the profile says
    language: str = "en"
    tone: str = ""
    ignore_paths: tuple[str, ...] = ()
    path_instructions: tuple[PathInstruction, ...] = ()
    ignore_authors: tuple[str, ...] = ()
    ignore_labels: tuple[str, ...] = ()
    ignore_branches: tuple[str, ...] = ()
    ignore_titles: tuple[str, ...] = ()
    drafts: bool = False
    review_on_push: bool = True
    guidelines: tuple[str, ...] = (
        "AGENTS.md",
        "CLAUDE.md",
        "REVIEW.md",
        "CONTRIBUTING.md",
        ".github/copilot-instructions.md",
    )
    docs_format: str = "markdown"
    budget: Budget = Budget()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationProblem:
    """What is wrong in a configuration file; never stops a review. `key` is None where the file is not readable."""

    path: str  # the file's name, as an annotation on it needs it
    line: int
    key: str | None
    message: str  # one sentence: what is wrong, what was done instead, the closest right name
