"""The settings of a repository's `.github/quorum.yml` and their defaults. `app/gather/configuration.py` reads the file.

Every field has a default and no key is required; the names come from the contract.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from app.domain.finding import Severity, Stage
from app.domain.model_call import Provider


class Pipeline(StrEnum):
    """Run the stages in parallel, or in sequence with the earlier findings passed to docs."""

    PARALLEL = "parallel"
    SEQUENTIAL = "sequential"


class Routing(StrEnum):
    """How to order the candidate models."""

    FIXED = "fixed"
    LEARNED = "learned"


class Publish(StrEnum):
    """What to publish on the pull request; `shadow` writes check runs and the dashboard only."""

    FULL = "full"
    SUMMARY = "summary"
    SHADOW = "shadow"


class Fixes(StrEnum):
    """What `/fix` does with a fix that another vendor's model confirmed."""

    OFF = "off"
    SUGGEST = "suggest"  # shows a patch
    COMMIT = "commit"  # commits it to the pull request's branch
    PULL_REQUEST = "pull_request"  # opens a pull request into that branch


class Profile(StrEnum):
    """How much to report."""

    QUIET = "quiet"
    NORMAL = "normal"
    THOROUGH = "thorough"


class Gate(StrEnum):
    """The lowest severity that fails the check run."""

    OFF = "off"
    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"


Finders = Literal["auto", 1, 2, 3]
"""How many vendors search the same change for defects; `auto`: by tier and profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathInstruction:
    """Instructions for files that match a glob."""

    path: str
    instructions: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Settings of files that match one of the globs `paths`; None: a less specific override or the file's own key applies."""

    paths: tuple[str, ...]
    profile: Profile | None = None
    min_severity: Severity | None = None
    stages: tuple[Stage, ...] | None = None
    instructions: str | None = None
    gate: Gate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Upper limits in USD; a repository can only lower the operator's. None: the operator's limit applies."""

    review_usd: float | None = None
    pull_request_day_usd: float | None = None
    repository_month_usd: float | None = None


NAMED_SERVERS = "servers"  # in `providers`: all servers in the operator's file
PROVIDER_NAMES = frozenset(
    {*map(str, Provider), NAMED_SERVERS}
)  # in `providers`, besides the servers' own names


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryConfig:
    """The effective configuration of one repository."""

    enabled: bool = True
    stages: tuple[Stage, ...] = tuple(Stage)
    providers: tuple[str, ...] = ("claude", "gpt", "gemini", "local", NAMED_SERVERS)  # see `permits`
    pipeline: Pipeline = Pipeline.PARALLEL
    routing: Routing = Routing.FIXED
    quorum: int = 2
    finders: Finders = "auto"
    publish: Publish = Publish.FULL
    profile: Profile = Profile.NORMAL
    gate: Gate = Gate.OFF
    min_severity: Severity = Severity.INFO
    max_inline: int | None = None  # None: the profile decides
    language: str = "en"
    tone: str = ""
    ignore_paths: tuple[str, ...] = ()
    path_instructions: tuple[PathInstruction, ...] = ()
    overrides: tuple[Override, ...] = ()
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
    guideline_characters: int = 4_000  # of one guideline; of all of them up to three times as many
    docs_format: str = "markdown"
    fixes: Fixes = Fixes.SUGGEST
    budget: Budget = Budget()

    def permits(self, provider: Provider) -> bool:
        """Whether a provider may see the code: `claude` permits the vendor's own API, not Claude on another server."""
        is_named = "@" in provider and provider.server != Provider.LOCAL
        return provider.server in self.providers or (is_named and NAMED_SERVERS in self.providers)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationProblem:
    """A mistake in a configuration file; never stops a review. `key` is None if the file cannot be read."""

    path: str  # for the annotation on the file
    line: int
    key: str | None
    message: str  # what is wrong, what Quorum used instead, the closest valid name
