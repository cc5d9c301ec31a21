"""Endpoints of pull requests, their files, commits and reviews, and the comments in the diff.

https://docs.github.com/en/rest/pulls
"""

from starlette.responses import Response

from github_sandbox import reviews
from github_sandbox.call import Call, Endpoint, answer, page_of, paged
from github_sandbox.diffs import cut_to_response
from github_sandbox.errors import ApiError, invalid, invalid_field, not_found, with_strings
from github_sandbox.rendering import render_commit, render_file_change
from github_sandbox.rendering_pulls import (
    render_pull,
    render_pull_full,
    render_review,
    render_review_comment,
)
from github_sandbox.repository import Pull
from github_sandbox.rest_code import diff_response
from github_sandbox.state import Anchor, Json, Review, ReviewComment

_FILE_KEYS = ("body", "commit_id", "path", "subject_type")
_LINE_KEYS = (*_FILE_KEYS, "side", "line", "start_line", "start_side", "in_reply_to", "position")


async def list_pulls(call: Call) -> Response:
    """List pull requests by state, newest first."""
    state = call.query.get("state", "open")
    head, base = call.query.get("head", "").rpartition(":")[2], call.query.get("base", "")
    rows = [
        p
        for p in call.repository.pulls.values()
        if state in ("all", p.state) and head in ("", p.head_ref) and base in ("", p.base_ref)
    ]
    return paged(call, [render_pull(p) for p in reversed(rows)])


async def get_pull(call: Call) -> Response:
    """Get a pull request, as JSON or as a diff."""
    pull = call.pull
    if "diff" in call.accept:
        base = pull.repository.git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
        return diff_response(call, base, pull.head_sha)
    return answer(render_pull_full(pull))


async def list_files(call: Call) -> Response:
    """List changed files, at most 3,000; rows beyond the limit of a response show zeros."""
    limits = call.hub.limits
    rows, headers = page_of(call, call.pull.changes()[: limits.listed_files])
    shown = cut_to_response(rows, limits)
    head = call.pull.head_sha
    return answer([render_file_change(call.repository, head, change) for change in shown], headers=headers)


async def list_commits(call: Call) -> Response:
    """List the commits of a pull request, at most 250."""
    shas = call.pull.commits()[: call.hub.limits.compare_commits]
    return paged(call, [render_commit(call.repository, sha) for sha in shas])


async def list_reviews(call: Call) -> Response:
    """List reviews, oldest first."""
    return paged(call, [render_review(call.pull, review) for review in call.pull.reviews])


def _review(call: Call) -> Review:
    review_id = call.number("review_id")
    for review in call.pull.reviews:
        if review.id == review_id:
            return review
    raise not_found()


async def get_review(call: Call) -> Response:
    """Get a review."""
    return answer(render_review(call.pull, _review(call)))


async def update_review(call: Call) -> Response:
    """Update the text of a review."""
    review = _review(call)
    _own(call, review)
    review.body = reviews.check_body(call.body.get("body"), "PullRequestReview")
    return answer(render_review(call.pull, review))


def _own(call: Call, item: Review | ReviewComment) -> None:
    if item.user is not call.account:
        raise ApiError(403, "Resource not accessible by integration")


async def create_review(call: Call) -> Response:
    """Submit a review: status 200, not 201; all or nothing.

    Without `event` it stays pending, visible only to its author.
    """
    reviews.check_review_keys(call.body)
    try:
        return _submit(call)
    except ApiError as error:
        raise with_strings(error) from error


def _submit(call: Call) -> Response:
    rows: list[Json] = call.body.get("comments") or []
    comments = [reviews.parse_review_comment(row) for row in rows]
    event = call.body.get("event")
    pull = call.pull
    if event is None:
        return _create_pending(call, pull)
    review = pull.review(
        call.account,
        call.body.get("body") or "",
        comments,
        event=event,
        commit_id=call.body.get("commit_id"),
    )
    return answer(render_review(pull, review))


def _create_pending(call: Call, pull: Pull) -> Response:
    """Create a pending review: one per user and pull request."""
    mine = [r for r in pull.reviews if r.state == "PENDING" and r.user is call.account]
    if mine:
        raise invalid(
            "User can only have one pending review per pull request", message="Unprocessable Entity"
        )
    review = pull.add_review(
        call.account,
        call.body.get("body") or "",
        state="PENDING",
        commit=call.body.get("commit_id") or pull.head_sha,
    )
    rendered = render_review(pull, review)
    del rendered["submitted_at"]
    return answer(rendered)


async def list_comments_of_review(call: Call) -> Response:
    """List the comments of a review."""
    review = _review(call)
    mine = [c for c in call.pull.review_comments() if c.review_id == review.id]
    return paged(call, [render_review_comment(call.pull, comment) for comment in mine])


async def list_review_comments(call: Call) -> Response:
    """List all comments in the diff."""
    return paged(call, [render_review_comment(call.pull, c) for c in call.pull.review_comments()])


async def create_review_comment(call: Call) -> Response:
    """Create one comment on a line or on a file. For a file the `line` key must be absent, not null."""
    body = call.body
    is_file = body.get("subject_type") == "file"
    extra = [key for key in body if key not in (_FILE_KEYS if is_file else _LINE_KEYS)]
    if extra:
        raise ApiError(422, f'Invalid request.\n\n"{extra[0]}" is not a permitted key.')
    if body.get("subject_type") not in (None, "file", "line"):
        raise invalid_field("PullRequestReviewComment", "subject_type")
    if not body.get("commit_id"):
        raise invalid_field("PullRequestReviewComment", "commit_id", code="missing_field")
    if is_file:
        anchor = Anchor(path=str(body.get("path")), subject_type="file")
    else:
        anchor, _ = reviews.parse_review_comment(body)
    comment = call.pull.review_comment(
        call.account, anchor, body.get("body") or "", commit_id=body["commit_id"]
    )
    return answer(render_review_comment(call.pull, comment), 201)


async def reply(call: Call) -> Response:
    """Reply to the first comment of a thread."""
    comment_id = call.number("comment_id")
    for comment in call.pull.review_comments():
        if comment.id == comment_id:
            made = call.pull.reply(call.account, comment, call.body.get("body") or "")
            return answer(render_review_comment(call.pull, made), 201)
    raise not_found()


_P = "/repos/{owner}/{repo}/pulls"
_N = f"{_P}/{{number:int}}"
_REVIEW = f"{_N}/reviews/{{review_id:int}}"
ENDPOINTS = (
    Endpoint("GET", _P, list_pulls, "pull_requests:read"),
    Endpoint("GET", _N, get_pull, "pull_requests:read"),
    Endpoint("GET", f"{_N}/files", list_files, "pull_requests:read"),
    Endpoint("GET", f"{_N}/commits", list_commits, "pull_requests:read"),
    Endpoint("GET", f"{_N}/reviews", list_reviews, "pull_requests:read"),
    Endpoint("POST", f"{_N}/reviews", create_review, "pull_requests:write", creates_content=True),
    Endpoint("GET", _REVIEW, get_review, "pull_requests:read"),
    Endpoint("PUT", _REVIEW, update_review, "pull_requests:write"),
    Endpoint("GET", f"{_REVIEW}/comments", list_comments_of_review, "pull_requests:read"),
    Endpoint("GET", f"{_N}/comments", list_review_comments, "pull_requests:read"),
    Endpoint("POST", f"{_N}/comments", create_review_comment, "pull_requests:write", creates_content=True),
    Endpoint(
        "POST",
        f"{_N}/comments/{{comment_id:int}}/replies",
        reply,
        "pull_requests:write",
        creates_content=True,
    ),
)
