"""Decides how many vendors search a change for defects, and which of its files the further ones read."""

from dataclasses import dataclass

from app.domain.configuration import Profile
from app.gather import Gathered
from app.pipeline.inputs import PipelineOptions, Services

# Several vendors read each line of a change up to this size; about 10,000 tokens.
MAX_LINES_OF_SEVERAL = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FinderPlan:
    """How many vendors search; the further ones only `paths`, or everything if that is None."""

    finders: int
    paths: frozenset[str] | None = None


def plan_finders(options: PipelineOptions, gathered: Gathered, services: Services) -> FinderPlan:
    """Return the number that the caller, the repository or the operator set, in this order; else choose by tier.

    In a large change, a further vendor that was not asked for reads only the files whose paths concern security.
    """
    configured = gathered.configuration.origins.get("finders", "default") != "default"
    wanted = options.finders or (gathered.config.finders if configured else services.finders)
    if wanted != "auto":
        return FinderPlan(finders=wanted)
    if gathered.config.profile is Profile.THOROUGH:
        return FinderPlan(finders=3)
    if gathered.tier != "full":
        return FinderPlan(finders=1)
    facts = gathered.facts
    is_large = facts.changed_lines > MAX_LINES_OF_SEVERAL
    return FinderPlan(finders=2, paths=frozenset(facts.risky_paths) if is_large else None)
