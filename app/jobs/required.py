"""Completes the checks that a branch requires on a pull request that is excluded from review.

Without that, GitHub would wait for them forever. A check that nothing requires is not created.
"""

from app.domain.configuration import Gate
from app.domain.finding import Stage
from app.domain.publication import Conclusion, RequiredChecks
from app.errors import Excluded, Unrequested
from app.jobs.check_runs import CheckRuns
from app.jobs.head import HeadState
from app.publish.checks import excluded_check
from app.publish.notes import render_unread_rules
from app.publish.wording import check_name


async def complete_required(exclusion: Excluded, head: HeadState, *, runs: CheckRuns) -> str:
    """Complete the required checks; returns the reason for the review's record.

    A head whose review is finished keeps its check runs: an exclusion must not replace a failed check with a neutral one.

    Raises:
        any of `TRANSIENT`: call this again later.
    """
    if head.memory.reviewed_sha == head.sha:
        return str(exclusion)
    config, pull_request = head.configuration.config, head.pull_request
    required = await runs.environment.github.required_checks(
        runs.installation_id, runs.ref.repository, pull_request.base_ref
    )
    updates = [
        excluded_check(
            stage,
            exclusion=str(exclusion),
            may_command=config.enabled,
            conclusion=_conclusion(exclusion, head.rules.gate(stage)),
            refusal=required.refusal,
        )
        for stage in _stages(head, required)
    ]
    if updates:
        await runs.create(updates, head_sha=head.sha)
    return f"{exclusion}. {render_unread_rules(required.refusal)}" if required.refusal else str(exclusion)


def _stages(head: HeadState, required: RequiredChecks) -> list[Stage]:
    """Return the stages whose checks the rules require; with a gate, also those that the configuration enables."""
    rules = head.rules
    gated = [stage for stage in rules.stages if rules.gate(stage) is not Gate.OFF]
    return [stage for stage in Stage if stage in gated or check_name(stage) in required.names]


def _conclusion(exclusion: Excluded, gate: Gate) -> Conclusion:
    """Return neutral, except for a push that a gate does not let through without the review that it still can get."""
    is_gated = isinstance(exclusion, Unrequested) and gate is not Gate.OFF
    return Conclusion.FAILURE if is_gated else Conclusion.NEUTRAL
