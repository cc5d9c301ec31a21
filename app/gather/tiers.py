"""The tier of a change: how deep its review is, by its size and its paths. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from app.domain.diff import FileDiff

TRIVIAL_MAX_FILES = 20

_RISKY = re.compile(
    r"(?:^|[/_.-])(?:auth(?:n|z|enticat\w*|ori[sz]\w*)?|login|oauth\w*|sso|saml|jwt|sessions?|passwords?|credentials?|secrets?|crypto\w*|permissions?"
    r"|acl|rbac|polic(?:y|ies)|security|payments?|billing|checkout|invoices?|wallets?|migrations?|middleware)(?:[/_.-]|$)"
    r"|^\.github/(?:workflows|actions)/|(?:^|/)(?:Dockerfile|Jenkinsfile|\.gitlab-ci\.yml)|\.(?:tf|sql)$",
    re.IGNORECASE,
)
_PROSE = frozenset({".md", ".rst", ".txt", ".adoc"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TierThresholds:
    """The operator's `QUORUM_TRIVIAL_MAX_LINES`, `QUORUM_LITE_MAX_LINES` and `QUORUM_FULL_MIN_FILES`.

    Risk tiers follow https://blog.cloudflare.com/ai-code-review
    """

    trivial_max_lines: int = 10
    lite_max_lines: int = 100
    full_min_files: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFacts:
    """The facts that determine the tier."""

    files: int
    changed_lines: int
    risky_paths: tuple[str, ...]
    prose_only: bool


def measure_change(files: Sequence[FileDiff]) -> ChangeFacts:
    """Measure the reviewed files."""
    return ChangeFacts(
        files=len(files),
        changed_lines=sum(file.added + file.removed for file in files),
        risky_paths=tuple(file.path for file in files if _RISKY.search(file.path)),
        prose_only=bool(files) and all(PurePosixPath(file.path).suffix.lower() in _PROSE for file in files),
    )


def tier_of(facts: ChangeFacts, thresholds: TierThresholds) -> str:
    """Return `trivial`, `lite` or `full`: how large and risky the change is."""
    if facts.risky_paths or facts.files >= thresholds.full_min_files:
        return "full"
    if facts.files <= TRIVIAL_MAX_FILES and (
        facts.changed_lines <= thresholds.trivial_max_lines or facts.prose_only
    ):
        return "trivial"
    return "lite" if facts.changed_lines <= thresholds.lite_max_lines else "full"
