"""Webhook payloads, in the shape of the examples of https://docs.github.com/en/webhooks/webhook-events-and-payloads.

These functions only render; `RepositoryState.emit` and `Hook` decide who receives the event.
"""

from collections.abc import Sequence

from github_sandbox.checks import render_check_run, render_check_suite
from github_sandbox.model import HubState, PullState, RepositoryState
from github_sandbox.registration import render_hook_config
from github_sandbox.rendering import (
    render_account,
    render_commit,
    render_installation,
    render_organization,
    render_repository,
)
from github_sandbox.rendering_pulls import (
    render_issue,
    render_issue_comment,
    render_label,
    render_pull,
    render_pull_full,
    render_review,
    render_review_comment,
)
from github_sandbox.state import (
    Account,
    CheckRun,
    CheckSuite,
    Installation,
    IssueComment,
    Json,
    Review,
    ReviewComment,
    ReviewThread,
    node_id,
    timestamp,
)


def in_repository(repo: RepositoryState, sender: Account, **extra: object) -> Json:
    """Render a payload with the keys that every event of a repository has."""
    payload: Json = {
        **extra,
        "repository": render_repository(repo),
        "sender": render_account(repo.hub.urls, sender),
    }
    if repo.owner.type == "Organization":
        payload["organization"] = render_organization(repo.hub.urls, repo.owner)
    return payload


def pull_request(pull: PullState, sender: Account, action: str, **more: object) -> Json:
    """Render `pull_request`: with `before` and `after` for synchronize, `changes` for edited, `label` for labeled."""
    if "label" in more:
        more["label"] = render_label(pull, str(more["label"]))
    return in_repository(
        pull.repository,
        sender,
        action=action,
        number=pull.number,
        pull_request=render_pull_full(pull),
        **more,
    )


def issue_comment(
    pull: PullState, sender: Account, comment: IssueComment, action: str, **more: object
) -> Json:
    """Render `issue_comment`."""
    return in_repository(
        pull.repository,
        sender,
        action=action,
        issue=render_issue(pull),
        comment=render_issue_comment(pull, comment),
        **more,
    )


def pull_request_review(pull: PullState, sender: Account, review: Review, action: str) -> Json:
    """Render `pull_request_review`; only here is the state in lower case."""
    rendered = render_review(pull, review)
    return in_repository(
        pull.repository,
        sender,
        action=action,
        review={**rendered, "state": review.state.lower(), "body": review.body or None},
        pull_request=render_pull(pull),
    )


def pull_request_review_comment(
    pull: PullState, sender: Account, comment: ReviewComment, action: str, **more: object
) -> Json:
    """Render `pull_request_review_comment`."""
    return in_repository(
        pull.repository,
        sender,
        action=action,
        comment=render_review_comment(pull, comment),
        pull_request=render_pull(pull),
        **more,
    )


def pull_request_review_thread(pull: PullState, sender: Account, thread: ReviewThread, action: str) -> Json:
    """Render `pull_request_review_thread`."""
    comments = [render_review_comment(pull, comment) for comment in thread.comments]
    return in_repository(
        pull.repository,
        sender,
        action=action,
        thread={"node_id": thread.node_id, "comments": comments},
        pull_request=render_pull(pull),
    )


def check_run(repo: RepositoryState, sender: Account, run: CheckRun, action: str, **more: object) -> Json:
    """Render `check_run`; `requested_action` names the button."""
    suite = render_check_suite(repo, run.suite)
    kept = (
        "id",
        "node_id",
        "head_branch",
        "head_sha",
        "status",
        "conclusion",
        "url",
        "before",
        "after",
        "app",
    )
    small = {key: suite[key] for key in (*kept, "pull_requests", "created_at", "updated_at")}
    return in_repository(
        repo, sender, action=action, check_run={**render_check_run(repo, run), "check_suite": small}, **more
    )


def check_suite(repo: RepositoryState, sender: Account, suite: CheckSuite, action: str) -> Json:
    """Render `check_suite`."""
    return in_repository(repo, sender, action=action, check_suite=render_check_suite(repo, suite))


def push(repo: RepositoryState, sender: Account, *, ref: str, before: str, after: str, forced: bool) -> Json:
    """Render `push`."""
    head = render_commit(repo, after)
    return in_repository(
        repo,
        sender,
        ref=ref,
        before=before,
        after=after,
        created=set(before) == {"0"},
        deleted=False,
        forced=forced,
        base_ref=None,
        compare=f"{repo.html_url}/compare/{before[:12]}...{after[:12]}",
        commits=[],
        head_commit={"id": after, "message": head["commit"]["message"], "author": head["commit"]["author"]},
        pusher={"name": sender.login, "email": f"{sender.login}@users.noreply.github.com"},
    )


def renamed(repo: RepositoryState, before: str) -> Json:
    """Render `repository`, action renamed."""
    changes = {"repository": {"name": {"from": before}}}
    return in_repository(repo, repo.owner, action="renamed", changes=changes)


def deleted(repo: RepositoryState) -> Json:
    """Render `repository`, action deleted."""
    return in_repository(repo, repo.owner, action="deleted")


def archived(repo: RepositoryState) -> Json:
    """Render `repository`, action archived."""
    return in_repository(repo, repo.owner, action="archived")


def transferred(repo: RepositoryState, before: Account) -> Json:
    """Render `repository`, action transferred; `changes` names a user or an organization."""
    kind = "organization" if before.type == "Organization" else "user"
    changes = {"owner": {"from": {kind: render_account(repo.hub.urls, before)}}}
    return in_repository(repo, repo.owner, action="transferred", changes=changes)


def merge_group(
    repo: RepositoryState, sender: Account, *, action: str, head_sha: str, head_ref: str, base_sha: str
) -> Json:
    """Render `merge_group`."""
    commit = render_commit(repo, head_sha)["commit"]
    return in_repository(
        repo,
        sender,
        action=action,
        merge_group={
            "head_sha": head_sha,
            "head_ref": head_ref,
            "base_sha": base_sha,
            "base_ref": f"refs/heads/{repo.default_branch}",
            "head_commit": {
                "id": head_sha,
                "tree_id": commit["tree"]["sha"],
                "message": commit["message"],
                "timestamp": commit["author"]["date"],
                "author": commit["author"],
                "committer": commit["committer"],
            },
        },
    )


def _small_repositories(hub: HubState, names: Sequence[str]) -> list[Json]:
    repos = [hub.repositories[name] for name in names]
    return [
        {
            "id": repo.id,
            "node_id": node_id("R", repo.id),
            "name": repo.name,
            "full_name": repo.full_name,
            "private": repo.private,
        }
        for repo in repos
    ]


def installation(hub: HubState, installed: Installation, action: str) -> Json:
    """Render `installation`."""
    names = [name for name in hub.repositories if installed.covers(name)]
    return {
        "action": action,
        "installation": render_installation(hub.urls, hub.app, installed),
        "repositories": _small_repositories(hub, names),
        "requester": None,
        "sender": render_account(hub.urls, installed.account),
    }


def installation_repositories(
    hub: HubState, installed: Installation, action: str, names: Sequence[str]
) -> Json:
    """Render `installation_repositories`."""
    rows = _small_repositories(hub, names)
    return {
        "action": action,
        "installation": render_installation(hub.urls, hub.app, installed),
        "repository_selection": "all" if installed.repositories is None else "selected",
        "repositories_added": rows if action == "added" else [],
        "repositories_removed": rows if action == "removed" else [],
        "requester": None,
        "sender": render_account(hub.urls, installed.account),
    }


def ping(hub: HubState) -> Json:
    """Render `ping` of an App's hook."""
    app = hub.app
    return {
        "zen": "Non-blocking is better than blocking.",
        "hook_id": app.hook_id,
        "hook": {
            "type": "App",
            "id": app.hook_id,
            "url": f"{hub.urls.api}/app/hook",
            "name": "web",
            "active": True,
            "events": list(app.events),
            "config": render_hook_config(app.webhook_url, app.webhook_secret),
            "app_id": app.id,
            "created_at": timestamp(app.created_at),
            "updated_at": timestamp(app.created_at),
        },
        "sender": render_account(hub.urls, app.owner),
    }
