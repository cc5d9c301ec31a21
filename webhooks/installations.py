"""What changes of an installation or of a repository's name ask for: to be taken note of. Pure."""

from app.domain.job import Delivery, InstallationJob, Job
from webhooks import payloads
from webhooks.rules import Body, Context, Ignored, Rules

INSTALLATION_ACTIONS = frozenset({"created", "deleted", "suspend", "unsuspend", "new_permissions_accepted"})


def decide_repository(body: Body, context: Context) -> Job | Ignored:
    """A repository has another name or owner; what is kept of it moves along."""
    event = payloads.RepositoryChangedEvent.model_validate(body)
    previous = _previous_name(event, context.repository)
    if previous is None:
        return Ignored(reason=f"repository.{event.action} changes nothing here")
    return InstallationJob(
        installation_id=context.installation_id,
        account=context.repository.partition("/")[0],
        change=event.action,
        guid=context.delivery.guid,
        repositories=(context.repository,),
        previous_repository=previous,
    )


def _previous_name(event: payloads.RepositoryChangedEvent, repository: str) -> str | None:
    """What a renamed or transferred repository was called before."""
    owner, _, name = repository.partition("/")
    if event.action == "renamed" and event.changes.repository:
        return f"{owner}/{event.changes.repository.name.from_}"
    if event.action == "transferred" and event.changes.owner:
        former = event.changes.owner.from_.user or event.changes.owner.from_.organization
        return f"{former.login}/{name}" if former else None
    return None


def decide_installation(delivery: Delivery, body: Body, rules: Rules) -> Job | Ignored:
    """The App was installed, suspended, removed, or is granted something else."""
    event = payloads.InstallationEvent.model_validate(body)
    if event.action not in INSTALLATION_ACTIONS:
        return Ignored(reason=f"installation.{event.action} changes nothing here")
    return _installation_job(event.installation, event.action, delivery, rules)


def decide_repositories(delivery: Delivery, body: Body, rules: Rules) -> Job | Ignored:
    """Repositories came to an installation, or left it."""
    event = payloads.InstallationRepositoriesEvent.model_validate(body)
    changed = event.repositories_added if event.action == "added" else event.repositories_removed
    names = tuple(repository.full_name for repository in changed)
    return _installation_job(event.installation, event.action, delivery, rules, repositories=names)


def _installation_job(
    installation: payloads.Installation,
    change: str,
    delivery: Delivery,
    rules: Rules,
    *,
    repositories: tuple[str, ...] = (),
) -> Job | Ignored:
    account = installation.account.login
    if not rules.serves(account):
        return Ignored(reason=f"{account} is not among QUORUM_ALLOWED_OWNERS")
    return InstallationJob(
        installation_id=installation.id,
        account=account,
        change=change,
        guid=delivery.guid,
        permissions=installation.permissions,
        repositories=repositories,
    )
