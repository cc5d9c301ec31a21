"""The events that Quorum handles, and the decision for each delivery: a job, or nothing and why. Pure."""

from collections.abc import Callable, Mapping

from app.domain.job import Delivery, InstallationJob, Job
from webhooks import payloads
from webhooks.triggers import (
    CHANGED_ACTIONS,
    REVIEWED_ACTIONS,
    Body,
    Context,
    Ignored,
    Rules,
    decide_check_run,
    decide_check_suite,
    decide_issue_comment,
    decide_merge_group,
    decide_pull_request,
    decide_review_comment,
)

UNREACHABLE_ACTIONS = frozenset({"deleted", "archived"})
INSTALLATION_ACTIONS = frozenset({"created", "deleted", "suspend", "unsuspend", "new_permissions_accepted"})


def decide(delivery: Delivery, body: Body, rules: Rules) -> Job | Ignored:
    """Decide which job a delivery asks for.

    Raises:
        pydantic.ValidationError: the body does not have the shape of the event.
    """
    if delivery.event == "ping":
        return Ignored(reason="ping")
    if decide_account := _INSTALLATION_EVENTS.get(delivery.event):
        return decide_account(delivery, body, rules)
    decide_event = _REPOSITORY_EVENTS.get(delivery.event)
    if decide_event is None:
        return Ignored(reason=f"Quorum does not use the event {delivery.event}")
    event = payloads.RepositoryEventPayload.model_validate(body)
    owner = event.repository.full_name.partition("/")[0]
    if event.installation is None:
        return Ignored(reason="the delivery names no installation of the App")
    if not rules.serves(owner):
        return Ignored(reason=f"{owner} is not in QUORUM_ALLOWED_OWNERS")
    context = Context(
        delivery=delivery,
        rules=rules,
        installation_id=event.installation.id,
        repository=event.repository.full_name,
    )
    return decide_event(body, context)


def may_ask(event: str, action: str | None) -> bool:
    """Whether deliveries with this event and action can ask for a job. The others need not be read."""
    actions = _ASKING_ACTIONS.get(event, frozenset())
    return actions is None or action in actions


def decide_repository(body: Body, context: Context) -> Job | Ignored:
    """A repository was renamed or transferred, and what Quorum stores about it moves along; or it is gone or read-only."""
    event = payloads.RepositoryChangedEventPayload.model_validate(body)
    previous = _previous_name(event, context.repository)
    is_unreachable = event.action in UNREACHABLE_ACTIONS
    if previous is None and not is_unreachable:
        return Ignored(reason=f"Quorum does not use repository.{event.action}")
    return InstallationJob(
        installation_id=context.installation_id,
        account=context.repository.partition("/")[0],
        change="removed" if is_unreachable else event.action,
        guid=context.delivery.guid,
        repositories=(context.repository,),
        previous_repository=previous,
    )


def _previous_name(event: payloads.RepositoryChangedEventPayload, repository: str) -> str | None:
    owner, _, name = repository.partition("/")
    if event.action == "renamed" and event.changes.repository:
        return f"{owner}/{event.changes.repository.name.from_}"
    if event.action == "transferred" and event.changes.owner:
        former = event.changes.owner.from_.user or event.changes.owner.from_.organization
        return f"{former.login}/{name}" if former else None
    return None


def decide_installation(delivery: Delivery, body: Body, rules: Rules) -> Job | Ignored:
    """The App was installed, suspended, or removed, or got other permissions."""
    event = payloads.InstallationEventPayload.model_validate(body)
    if event.action not in INSTALLATION_ACTIONS:
        return Ignored(reason=f"Quorum does not use installation.{event.action}")
    return _installation_job(event.installation, event.action, delivery, rules)


def decide_repositories(delivery: Delivery, body: Body, rules: Rules) -> Job | Ignored:
    """Repositories were added to an installation or removed from it."""
    event = payloads.InstallationRepositoriesEventPayload.model_validate(body)
    changed = event.repositories_added if event.action == "added" else event.repositories_removed
    names = tuple(repository.full_name for repository in changed)
    return _installation_job(event.installation, event.action, delivery, rules, repositories=names)


def _installation_job(
    installation: payloads.InstallationPayload,
    change: str,
    delivery: Delivery,
    rules: Rules,
    *,
    repositories: tuple[str, ...] = (),
) -> Job | Ignored:
    account = installation.account.login
    if not rules.serves(account):
        return Ignored(reason=f"{account} is not in QUORUM_ALLOWED_OWNERS")
    return InstallationJob(
        installation_id=installation.id,
        account=account,
        change=change,
        guid=delivery.guid,
        permissions=installation.permissions,
        repositories=repositories,
    )


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
_ASKING_ACTIONS: Mapping[str, frozenset[str] | None] = {  # None: every action
    "pull_request": REVIEWED_ACTIONS | CHANGED_ACTIONS | {"closed", "edited"},
    "issue_comment": frozenset({"created"}),
    "pull_request_review_comment": frozenset({"created"}),
    "check_run": frozenset({"rerequested", "requested_action"}),
    "check_suite": frozenset({"rerequested"}),
    "merge_group": frozenset({"checks_requested"}),
    "repository": frozenset({"renamed", "transferred", *UNREACHABLE_ACTIONS}),
    "installation": INSTALLATION_ACTIONS,
    "installation_repositories": None,
}
