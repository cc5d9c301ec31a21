"""Renders pull requests, their comments and reviews as GitHub's REST API and its webhooks do."""

from github_sandbox.model import PullState, RepositoryState
from github_sandbox.rendering import render_account, render_app, render_repository
from github_sandbox.state import (
    IssueComment,
    Json,
    Reaction,
    Review,
    ReviewComment,
    node_id,
    timestamp,
)


def _links(pull: PullState) -> Json:
    url, issue = pull.url, f"{pull.repository.url}/issues/{pull.number}"
    links = {
        "self": url,
        "html": pull.html_url,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{pull.repository.url}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": f"{pull.repository.url}/statuses/{pull.head_sha}",
    }
    return {name: {"href": href} for name, href in links.items()}


def _end(repo: RepositoryState | None, ref: str, sha: str, owner: str, pull: PullState) -> Json:
    urls = pull.repository.hub.urls
    return {
        "label": f"{owner}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": render_account(urls, pull.repository.hub.account(owner)),
        "repo": None if repo is None else render_repository(repo),
    }


def render_label(pull: PullState, name: str) -> Json:
    """Render `label`."""
    number = pull.repository.label_ids.setdefault(name, len(pull.repository.label_ids) + 1)
    return {
        "id": number,
        "node_id": node_id("LA", number),
        "url": f"{pull.repository.url}/labels/{name}",
        "name": name,
        "description": "",
        "color": "ededed",
        "default": False,
    }


def render_pull(pull: PullState) -> Json:
    """Render `pull-request-simple`: a row of a list."""
    repo, urls = pull.repository, pull.repository.hub.urls
    ended = None if pull.closed_at is None else timestamp(pull.closed_at)
    links = _links(pull)
    return {
        "id": pull.id,
        "node_id": pull.node_id,
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "draft": pull.draft,
        "title": pull.title,
        "body": pull.body or None,
        "user": render_account(urls, pull.author),
        "url": pull.url,
        "html_url": pull.html_url,
        "diff_url": f"{pull.html_url}.diff",
        "patch_url": f"{pull.html_url}.patch",
        "issue_url": links["issue"]["href"],
        "commits_url": links["commits"]["href"],
        "comments_url": links["comments"]["href"],
        "review_comments_url": links["review_comments"]["href"],
        "review_comment_url": links["review_comment"]["href"],
        "statuses_url": links["statuses"]["href"],
        "_links": links,
        "labels": [render_label(pull, name) for name in pull.labels],
        "head": _end(pull.head_repository, pull.head_ref, pull.head_sha, pull.head_owner, pull),
        "base": _end(repo, pull.base_ref, pull.base_sha, repo.owner.login, pull),
        "author_association": repo.association(pull.author.login),
        "created_at": timestamp(pull.created_at),
        "updated_at": timestamp(pull.updated_at),
        "closed_at": ended,
        "merged_at": ended if pull.merged else None,
        "merge_commit_sha": pull.merge_commit_sha,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "milestone": None,
        "auto_merge": None,
        "active_lock_reason": None,
    }


def render_pull_full(pull: PullState) -> Json:
    """Render `pull-request`: a single one, and in webhooks."""
    changes = pull.changes()
    return {
        **render_pull(pull),
        "merged": pull.merged,
        "mergeable": None if pull.merged else True,
        "rebaseable": None,
        "mergeable_state": "clean",
        "merged_by": None,
        "comments": len(pull.issue_comments),
        "review_comments": sum(len(thread.comments) for thread in pull.threads),
        "maintainer_can_modify": False,
        "commits": len(pull.commits()),
        "additions": sum(change.additions for change in changes),
        "deletions": sum(change.deletions for change in changes),
        "changed_files": len(changes),
    }


def render_reactions(url: str, reactions: list[Reaction]) -> Json:
    """Render `reaction-rollup`."""
    kinds = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
    counts = {kind: sum(r.content == kind for r in reactions) for kind in kinds}
    return {"url": f"{url}/reactions", "total_count": len(reactions), **counts}


def render_reaction(pull: PullState, reaction: Reaction) -> Json:
    """Render `reaction`."""
    return {
        "id": reaction.id,
        "node_id": node_id("REA", reaction.id),
        "user": render_account(pull.repository.hub.urls, reaction.user),
        "content": reaction.content,
        "created_at": timestamp(reaction.created_at),
    }


def render_issue_comment(pull: PullState, comment: IssueComment) -> Json:
    """Render `issue-comment`."""
    repo = pull.repository
    url = f"{repo.url}/issues/comments/{comment.id}"
    return {
        "id": comment.id,
        "node_id": comment.node_id,
        "url": url,
        "html_url": f"{pull.html_url}#issuecomment-{comment.id}",
        "issue_url": f"{repo.url}/issues/{pull.number}",
        "user": render_account(repo.hub.urls, comment.user),
        "body": comment.body,
        "author_association": repo.association(comment.user.login),
        "created_at": timestamp(comment.created_at),
        "updated_at": timestamp(comment.updated_at),
        "performed_via_github_app": _via_app(repo, comment.user.login),
        "reactions": render_reactions(url, comment.reactions),
    }


def _via_app(repo: RepositoryState, login: str) -> Json | None:
    app = repo.hub.app
    return render_app(repo.hub.urls, app) if login == app.bot_login else None


def render_issue(pull: PullState) -> Json:
    """Render the `issue` of an `issue_comment` event; `pull_request` marks it as a pull request."""
    repo = pull.repository
    url = f"{repo.url}/issues/{pull.number}"
    row = render_pull(pull)
    kept = (
        "id",
        "node_id",
        "number",
        "title",
        "body",
        "user",
        "labels",
        "state",
        "locked",
        "draft",
        "html_url",
    )
    dated = (
        "created_at",
        "updated_at",
        "closed_at",
        "author_association",
        "assignee",
        "assignees",
        "milestone",
    )
    return {
        **{key: row[key] for key in (*kept, *dated, "active_lock_reason")},
        "url": url,
        "repository_url": repo.url,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline",
        "comments": len(pull.issue_comments),
        "reactions": render_reactions(url, []),
        "performed_via_github_app": None,
        "state_reason": None,
        "pull_request": {
            "url": pull.url,
            "html_url": pull.html_url,
            "diff_url": f"{pull.html_url}.diff",
            "patch_url": f"{pull.html_url}.patch",
            "merged_at": row["merged_at"],
        },
    }


def render_review(pull: PullState, review: Review) -> Json:
    """Render `pull-request-review`."""
    html = f"{pull.html_url}#pullrequestreview-{review.id}"
    return {
        "id": review.id,
        "node_id": review.node_id,
        "user": render_account(pull.repository.hub.urls, review.user),
        "body": review.body,
        "state": review.state,
        "html_url": html,
        "pull_request_url": pull.url,
        "_links": {"html": {"href": html}, "pull_request": {"href": pull.url}},
        "submitted_at": timestamp(review.submitted_at),
        "commit_id": review.commit_id,
        "author_association": pull.repository.association(review.user.login),
    }


def render_review_comment(pull: PullState, comment: ReviewComment) -> Json:
    """Render `pull-request-review-comment`; `line` is null once the comment is outdated."""
    repo = pull.repository
    url = f"{repo.url}/pulls/comments/{comment.id}"
    html = f"{pull.html_url}#discussion_r{comment.id}"
    anchor, original = comment.anchor, comment.original
    rendered: Json = {
        "url": url,
        "pull_request_review_id": comment.review_id,
        "id": comment.id,
        "node_id": comment.node_id,
        "diff_hunk": comment.diff_hunk,
        "path": anchor.path,
        "commit_id": comment.commit_id,
        "original_commit_id": comment.original_commit_id,
        "user": render_account(repo.hub.urls, comment.user),
        "body": comment.body,
        "created_at": timestamp(comment.created_at),
        "updated_at": timestamp(comment.updated_at),
        "html_url": html,
        "pull_request_url": pull.url,
        "author_association": repo.association(comment.user.login),
        "_links": {"self": {"href": url}, "html": {"href": html}, "pull_request": {"href": pull.url}},
        "reactions": render_reactions(url, comment.reactions),
        "subject_type": anchor.subject_type,
        "original_position": 1,
        "position": 1 if anchor.line is not None or anchor.subject_type == "file" else None,
    }
    if anchor.subject_type == "line":
        rendered |= {
            "line": anchor.line,
            "original_line": original.line,
            "side": original.side,
            "start_line": anchor.start_line,
            "original_start_line": original.start_line,
            "start_side": original.start_side,
        }
    if comment.in_reply_to_id is not None:
        rendered["in_reply_to_id"] = comment.in_reply_to_id
    return rendered
