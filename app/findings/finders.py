"""Reads who found and confirmed a finding: `provider:model` in `found_by` and `confirmed_by`. Pure."""

from app.domain.finding import Finding
from app.domain.model_call import Provider, vendors_of

PATTERNS = frozenset(
    f"{Provider.ANALYZERS}:{tool}" for tool in ("patterns", "ruff", "oxlint", "shellcheck", "hadolint")
)


def is_by_analyzers(finding: Finding) -> bool:
    """Whether only analyzers found it."""
    return bool(finding.found_by) and not vendors_of(finding.found_by)


def is_by_patterns(finding: Finding) -> bool:
    """Whether only pattern rules found it, which a model that reads the code can judge better.

    Facts are not patterns: the shape of a secret, an advisory, a workflow's permissions, a hidden character.
    """
    return bool(finding.found_by) and set(finding.found_by) <= PATTERNS


def backers(finding: Finding) -> tuple[Provider, ...]:
    """The vendors that found or confirmed it."""
    return vendors_of((*finding.found_by, *finding.confirmed_by))
