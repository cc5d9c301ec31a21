"""Endpoints of the conversation, of single comments in the diff, and of reactions.

https://docs.github.com/en/rest/issues/comments and https://docs.github.com/en/rest/reactions
"""

from collections.abc import Sequence

from starlette.responses import Response

from github_sandbox.call import Call, Endpoint, answer, paged
from github_sandbox.conversation import Comment
from github_sandbox.errors import ApiError, not_found
from github_sandbox.rendering_pulls import (
    render_issue,
    render_issue_comment,
    render_reaction,
    render_review_comment,
)
from github_sandbox.repository import Pull
from github_sandbox.state import IssueComment, Json, Reaction, ReviewComment


def _found(call: Call, kind: type[Comment]) -> tuple[Pull, Comment]:
    comment_id = call.number("comment_id")
    for pull in call.repository.pulls.values():
        pool: Sequence[Comment] = pull.issue_comments if kind is IssueComment else pull.review_comments()
        for comment in pool:
            if comment.id == comment_id:
                return pull, comment
    raise not_found()


def _rendered(pull: Pull, comment: Comment) -> Json:
    if isinstance(comment, IssueComment):
        return render_issue_comment(pull, comment)
    return render_review_comment(pull, comment)


async def get_issue(call: Call) -> Response:
    """Get a pull request as an issue."""
    return answer(render_issue(call.pull))


async def list_issue_comments(call: Call) -> Response:
    """List the conversation, oldest first."""
    return paged(call, [render_issue_comment(call.pull, c) for c in call.pull.issue_comments])


async def create_issue_comment(call: Call) -> Response:
    """Comment in the conversation."""
    comment = call.pull.comment(call.account, call.body.get("body") or "")
    return answer(render_issue_comment(call.pull, comment), 201)


def _changes(kind: type[Comment]) -> tuple[Endpoint, ...]:
    """Build the endpoints that get, update and delete one kind of comment."""

    async def get_comment(call: Call) -> Response:
        return answer(_rendered(*_found(call, kind)))

    async def update_comment(call: Call) -> Response:
        pull, comment = _found(call, kind)
        if comment.user is not call.account:
            raise ApiError(403, "Resource not accessible by integration")
        pull.edit_comment(call.account, comment, call.body.get("body") or "")
        return answer(_rendered(pull, comment))

    async def delete_comment(call: Call) -> Response:
        pull, comment = _found(call, kind)
        pull.delete_comment(call.account, comment)
        return Response(status_code=204)

    async def list_reactions(call: Call) -> Response:
        pull, comment = _found(call, kind)
        return _list_reactions(call, pull, comment.reactions)

    async def create_reaction(call: Call) -> Response:
        pull, comment = _found(call, kind)
        return _react(call, pull, comment)

    area = "issues" if kind is IssueComment else "pulls"
    needs = "issues" if kind is IssueComment else "pull_requests"
    path = f"/repos/{{owner}}/{{repo}}/{area}/comments/{{comment_id:int}}"
    return (
        Endpoint("GET", path, get_comment, f"{needs}:read"),
        Endpoint("PATCH", path, update_comment, f"{needs}:write"),
        Endpoint("DELETE", path, delete_comment, f"{needs}:write"),
        Endpoint("GET", f"{path}/reactions", list_reactions, f"{needs}:read"),
        Endpoint("POST", f"{path}/reactions", create_reaction, f"{needs}:write"),
    )


def _list_reactions(call: Call, pull: Pull, reactions: list[Reaction]) -> Response:
    content = call.query.get("content")
    return paged(call, [render_reaction(pull, r) for r in reactions if content in (None, r.content)])


def _react(call: Call, pull: Pull, target: Comment | Pull) -> Response:
    """Respond with 201 for a new reaction, 200 for an existing one."""
    reaction, is_new = pull.react(call.account, target, str(call.body.get("content")))
    return answer(render_reaction(pull, reaction), 201 if is_new else 200)


async def list_issue_reactions(call: Call) -> Response:
    """List reactions to the pull request itself."""
    return _list_reactions(call, call.pull, call.pull.reactions)


async def create_issue_reaction(call: Call) -> Response:
    """React to the pull request itself."""
    return _react(call, call.pull, call.pull)


_I = "/repos/{owner}/{repo}/issues/{number:int}"
ENDPOINTS = (
    Endpoint("GET", _I, get_issue, "issues:read"),
    Endpoint("GET", f"{_I}/comments", list_issue_comments, "issues:read"),
    Endpoint("POST", f"{_I}/comments", create_issue_comment, "issues:write", creates_content=True),
    Endpoint("GET", f"{_I}/reactions", list_issue_reactions, "issues:read"),
    Endpoint("POST", f"{_I}/reactions", create_issue_reaction, "issues:write"),
    *_changes(IssueComment),
    *_changes(ReviewComment),
)
