"""What a delivery about check runs asks for: buttons, re-runs, and the merge queue that waits for them. Pure."""

import re

from app.domain.finding import Stage
from app.domain.job import CheckActionJob, CheckSuiteJob, Job, MergeGroupJob
from webhooks import payloads
from webhooks.pull_requests import review_job
from webhooks.rules import Body, Context, Ignored, Rules

STAGE_OF_CHECK = {f"quorum/{stage.value}": stage for stage in Stage}
_EXTERNAL_ID = re.compile(r"([^#@]+)#([1-9][0-9]{0,8})@([0-9a-f]{40,64})", re.ASCII)


def decide_check_run(body: Body, context: Context) -> Job | Ignored:
    """One check run is asked for again, or one of its buttons was pressed; only the App's own count."""
    event = payloads.CheckRunEvent.model_validate(body)
    if event.action not in ("rerequested", "requested_action"):
        return Ignored(reason=f"check_run.{event.action} asks for nothing")
    run = event.check_run
    stage = STAGE_OF_CHECK.get(run.name)
    named = _EXTERNAL_ID.fullmatch(run.external_id or "")
    if stage is None or named is None or named[3] != run.head_sha or not _is_own(run, context.rules):
        return Ignored(reason="the check run is not one of the App's")
    number = int(named[2])
    if event.action == "rerequested":
        return review_job(
            context,
            number,
            head_sha=run.head_sha,
            trigger=f"check_run:{run.id}",
            stages=(stage,),
            commanded=True,
        )
    return CheckActionJob(
        installation_id=context.installation_id,
        ref=context.pull_request(number),
        check_run_id=run.id,
        stage=stage,
        head_sha=run.head_sha,
        identifier=event.requested_action.identifier if event.requested_action else "",
        sender=event.sender.login,
        guid=context.delivery.guid,
    )


def _is_own(run: payloads.CheckRun, rules: Rules) -> bool:
    """By the App that made it: the repository in its external id may have had another name since."""
    return run.app is None or rules.app_id is None or run.app.id == rules.app_id


def decide_check_suite(body: Body, context: Context) -> Job | Ignored:
    """Everything is asked for again, for every pull request with this head."""
    event = payloads.CheckSuiteEvent.model_validate(body)
    if event.action != "rerequested":
        return Ignored(reason=f"check_suite.{event.action} asks for nothing")
    return CheckSuiteJob(
        installation_id=context.installation_id,
        repository=context.repository,
        check_suite_id=event.check_suite.id,
        head_sha=event.check_suite.head_sha,
        pull_requests=tuple(pull.number for pull in event.check_suite.pull_requests),
        guid=context.delivery.guid,
    )


def decide_merge_group(body: Body, context: Context) -> Job | Ignored:
    """The queue waits for checks on a merge of several pull requests."""
    event = payloads.MergeGroupEvent.model_validate(body)
    if event.action != "checks_requested":
        return Ignored(reason=f"merge_group.{event.action} asks for nothing")
    return MergeGroupJob(
        installation_id=context.installation_id,
        repository=context.repository,
        head_sha=event.merge_group.head_sha,
        base_ref=event.merge_group.base_ref,
        head_ref=event.merge_group.head_ref,
    )
