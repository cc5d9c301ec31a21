"""Decides what a delivery asks for: a job, or nothing and why. Pure; who may command is asked later, by the worker.

Which events there are stands here; what each asks for stands in the module of its subject.
"""

from collections.abc import Callable, Mapping

from app.domain.job import Delivery, Job
from webhooks import payloads
from webhooks.checks import decide_check_run, decide_check_suite, decide_merge_group
from webhooks.comments import decide_issue_comment, decide_review_comment
from webhooks.installations import (
    INSTALLATION_ACTIONS,
    decide_installation,
    decide_repositories,
    decide_repository,
)
from webhooks.pull_requests import REVIEWED_ACTIONS, decide_pull_request
from webhooks.rules import Body, Context, Ignored, Rules

_INSTALLATION_EVENTS: Mapping[str, Callable[[Delivery, Body, Rules], Job | Ignored]] = {
    "installation": decide_installation,
    "installation_repositories": decide_repositories,
}
_REPOSITORY_EVENTS: Mapping[str, Callable[[Body, Context], Job | Ignored]] = {
    "pull_request": decide_pull_request,
    "issue_comment": decide_issue_comment,
    "pull_request_review_comment": decide_review_comment,
    "check_run": decide_check_run,
    "check_suite": decide_check_suite,
    "merge_group": decide_merge_group,
    "repository": decide_repository,
}
_ASKING: Mapping[str, frozenset[str] | None] = {  # None: every action
    "pull_request": REVIEWED_ACTIONS | {"closed", "edited"},
    "issue_comment": frozenset({"created"}),
    "pull_request_review_comment": frozenset({"created"}),
    "check_run": frozenset({"rerequested", "requested_action"}),
    "check_suite": frozenset({"rerequested"}),
    "merge_group": frozenset({"checks_requested"}),
    "repository": frozenset({"renamed", "transferred"}),
    "installation": INSTALLATION_ACTIONS,
    "installation_repositories": None,
}


def may_ask(event: str, action: str | None) -> bool:
    """Whether deliveries of this event and action can ask for anything: others need not be read to be left out."""
    actions = _ASKING.get(event, frozenset())
    return actions is None or action in actions


def decide(delivery: Delivery, body: Body, rules: Rules) -> Job | Ignored:
    """The job of a delivery.

    Raises:
        pydantic.ValidationError: the body does not have the shape that the event has.
    """
    if delivery.event == "ping":
        return Ignored(reason="ping")
    if decide_account := _INSTALLATION_EVENTS.get(delivery.event):
        return decide_account(delivery, body, rules)
    decide_event = _REPOSITORY_EVENTS.get(delivery.event)
    if decide_event is None:
        return Ignored(reason=f"event {delivery.event} is not needed")
    event = payloads.RepositoryEvent.model_validate(body)
    owner = event.repository.full_name.partition("/")[0]
    if event.installation is None:
        return Ignored(reason="no installation: this is not a delivery of the App")
    if not rules.serves(owner):
        return Ignored(reason=f"{owner} is not among QUORUM_ALLOWED_OWNERS")
    context = Context(
        delivery=delivery,
        rules=rules,
        installation_id=event.installation.id,
        repository=event.repository.full_name,
    )
    return decide_event(body, context)
