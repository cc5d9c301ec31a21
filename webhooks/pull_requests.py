"""What a delivery about a pull request asks for: a review of its head, or that its findings are closed. Pure."""

from app.domain.finding import Stage
from app.domain.job import ClosedJob, Job, ReviewJob, review_id
from app.domain.review import ReviewRequest
from webhooks import payloads
from webhooks.rules import Body, Context, Ignored

REVIEWED_ACTIONS = frozenset({"opened", "reopened", "ready_for_review", "synchronize"})


def decide_pull_request(body: Body, context: Context) -> Job | Ignored:
    """A new head or base is reviewed; a closed pull request ends what waits for it."""
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
        return review_job(context, pull.number, head_sha=pull.head.sha, trigger=f"base:{pull.base.ref}")
    if event.action in REVIEWED_ACTIONS:
        return review_job(
            context, pull.number, head_sha=pull.head.sha, trigger=event.action, before_sha=event.before
        )
    return Ignored(reason=f"pull_request.{event.action} changes nothing that is reviewed")


def review_job(
    context: Context,
    number: int,
    *,
    head_sha: str,
    trigger: str,
    before_sha: str | None = None,
    stages: tuple[Stage, ...] = tuple(Stage),
    commanded: bool = False,
) -> ReviewJob:
    """The review of a head; `trigger` tells it from other reviews of the same head."""
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
