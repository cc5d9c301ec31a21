"""Decides what a delivery asks for: a job, or nothing and why. Pure; who may command is asked later, by the worker."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.domain.finding import Stage
from app.domain.job import (
    CheckActionJob,
    CheckSuiteJob,
    ClosedJob,
    CommentJob,
    Delivery,
    InstallationJob,
    Job,
    MergeGroupJob,
    ReviewJob,
    review_id,
)
from app.domain.publication import CommentKind
from app.domain.pull_request import PullRequestRef
from app.domain.review import ReviewRequest
from webhooks import payloads
from webhooks.commands import is_mentioned, parse_command

LONGEST_BODY = 20_000  # characters of a comment that are looked at and kept
REVIEWED_ACTIONS = frozenset({"opened", "reopened", "ready_for_review", "synchronize"})
INSTALLATION_ACTIONS = frozenset({"created", "deleted", "suspend", "unsuspend", "new_permissions_accepted"})
STAGE_OF_CHECK = {f"quorum/{stage.value}": stage for stage in Stage}
_EXTERNAL_ID = re.compile(r"([^#@]+)#([1-9][0-9]{0,8})@([0-9a-f]{40,64})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Nothing is done, and why; the answer to GitHub says it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the operator says about whom to serve. `redact` is applied to what people wrote before it is kept."""

    redact: Callable[[str], str]
    app_slug: str = "quorum"
    app_id: int | None = None  # None: whose a check run is, is not asked
    allowed_owners: frozenset[str] = frozenset()  # empty: everybody
    allowed_bots: frozenset[int] = frozenset()  # ids of accounts

    def serves(self, owner: str) -> bool:
        """Whether an account's installations are served."""
        return not self.allowed_owners or owner.lower() in {name.lower() for name in self.allowed_owners}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where a delivery about a repository comes from."""

    delivery: Delivery
    rules: Rules
    installation_id: int
    repository: str

    def pull_request(self, number: int) -> PullRequestRef:
        """A pull request of the repository."""
        owner, _, repo = self.repository.partition("/")
        return PullRequestRef(owner=owner, repo=repo, number=number)


Body = Mapping[str, Any]


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
    if decide_installation := _INSTALLATION_EVENTS.get(delivery.event):
        return decide_installation(delivery, body, rules)
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


def _decide_pull_request(body: Body, context: Context) -> Job | Ignored:
    event = payloads.PullRequestEvent.model_validate(body)
    pull = event.pull_request
    if event.action == "closed":
        return ClosedJob(
            installation_id=context.installation_id,
            ref=context.pull_request(pull.number),
            head_sha=pull.head.sha,
            merged=bool(pull.merged),
            guid=context.delivery.guid,
        )
    if pull.state != "open":
        return Ignored(reason="the pull request is closed")
    if event.action == "edited" and event.changes.base is not None:
        return _review(context, pull.number, head_sha=pull.head.sha, trigger=f"base:{pull.base.ref}")
    if event.action in REVIEWED_ACTIONS:
        return _review(
            context, pull.number, head_sha=pull.head.sha, trigger=event.action, before_sha=event.before
        )
    return Ignored(reason=f"pull_request.{event.action} changes nothing that is reviewed")


def _review(
    context: Context,
    number: int,
    *,
    head_sha: str,
    trigger: str,
    before_sha: str | None = None,
    stages: tuple[Stage, ...] = tuple(Stage),
    commanded: bool = False,
) -> ReviewJob:
    ref = context.pull_request(number)
    request = ReviewRequest(
        review_id=review_id(ref, head_sha=head_sha, trigger=trigger, before_sha=before_sha),
        ref=ref,
        installation_id=context.installation_id,
        trigger=trigger,
        head_sha=head_sha,
        stages=stages,
        commanded=commanded,
    )
    return ReviewJob(request=request, before_sha=before_sha)


def _decide_issue_comment(body: Body, context: Context) -> Job | Ignored:
    event = payloads.IssueCommentEvent.model_validate(body)
    if event.issue.pull_request is None:
        return Ignored(reason="the comment is on an issue")
    return _decide_comment(
        event.action, event.comment, context, kind="issue_comment", number=event.issue.number
    )


def _decide_review_comment(body: Body, context: Context) -> Job | Ignored:
    event = payloads.ReviewCommentEvent.model_validate(body)
    return _decide_comment(
        event.action,
        event.comment,
        context,
        kind="review_comment",
        number=event.pull_request.number,
        head_sha=event.pull_request.head.sha,
    )


def _decide_comment(
    action: str,
    comment: payloads.Comment,
    context: Context,
    *,
    kind: CommentKind,
    number: int,
    head_sha: str | None = None,
) -> Job | Ignored:
    refusal = _refuse_comment(action, comment, context.rules)
    body = comment.body[:LONGEST_BODY]
    command = parse_command(body)
    if refusal or comment.user is None:
        return Ignored(reason=refusal or "the author's account is gone")
    if command is None and not is_mentioned(body, slug=context.rules.app_slug):
        return Ignored(reason="the comment neither holds a command nor mentions the App")
    redact = context.rules.redact
    return CommentJob(
        installation_id=context.installation_id,
        ref=context.pull_request(number),
        comment_kind=kind,
        comment_id=comment.id,
        author=comment.user.login,
        author_id=comment.user.id,
        body=redact(body),
        command=replace(command, text=redact(command.text)) if command else None,
        thread_comment_id=comment.in_reply_to_id,
        head_sha=head_sha,
        guid=context.delivery.guid,
    )


def _refuse_comment(action: str, comment: payloads.Comment, rules: Rules) -> str | None:
    if action != "created":
        return f"a comment that was {action} asks for nothing"
    if comment.user and comment.user.login.lower() == f"{rules.app_slug}[bot]".lower():
        return "the comment is the App's own"
    if comment.user and comment.user.type != "User" and comment.user.id not in rules.allowed_bots:
        return "the comment is a bot's"
    return None


def _decide_check_run(body: Body, context: Context) -> Job | Ignored:
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
        return _review(
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


def _decide_check_suite(body: Body, context: Context) -> Job | Ignored:
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


def _decide_merge_group(body: Body, context: Context) -> Job | Ignored:
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


def _decide_repository(body: Body, context: Context) -> Job | Ignored:
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


def _decide_installation(delivery: Delivery, body: Body, rules: Rules) -> Job | Ignored:
    event = payloads.InstallationEvent.model_validate(body)
    if event.action not in INSTALLATION_ACTIONS:
        return Ignored(reason=f"installation.{event.action} changes nothing here")
    return _installation_job(event.installation, event.action, delivery, rules)


def _decide_repositories(delivery: Delivery, body: Body, rules: Rules) -> Job | Ignored:
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


_INSTALLATION_EVENTS: Mapping[str, Callable[[Delivery, Body, Rules], Job | Ignored]] = {
    "installation": _decide_installation,
    "installation_repositories": _decide_repositories,
}
_REPOSITORY_EVENTS: Mapping[str, Callable[[Body, Context], Job | Ignored]] = {
    "pull_request": _decide_pull_request,
    "issue_comment": _decide_issue_comment,
    "pull_request_review_comment": _decide_review_comment,
    "check_run": _decide_check_run,
    "check_suite": _decide_check_suite,
    "merge_group": _decide_merge_group,
    "repository": _decide_repository,
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
