"""What a comment asks for: a command, or an answer where the App is mentioned. Pure.

Who wrote it is judged only as far as the delivery says; whether they may command is asked by the worker.
"""

from dataclasses import replace

from app.domain.job import CommentJob, Job
from app.domain.publication import CommentKind
from webhooks import payloads
from webhooks.commands import is_mentioned, parse_command
from webhooks.rules import Body, Context, Ignored, Rules

LONGEST_BODY = 20_000  # characters of a comment that are looked at and kept


def decide_issue_comment(body: Body, context: Context) -> Job | Ignored:
    """A comment in the conversation of a pull request."""
    event = payloads.IssueCommentEvent.model_validate(body)
    if event.issue.pull_request is None:
        return Ignored(reason="the comment is on an issue")
    return _decide_comment(
        event.action, event.comment, context, kind="issue_comment", number=event.issue.number
    )


def decide_review_comment(body: Body, context: Context) -> Job | Ignored:
    """A comment in a thread on a line or a file."""
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
