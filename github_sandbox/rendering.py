"""Renders accounts, repositories, Apps, commits and files as GitHub's REST API does.

The shapes are those of GitHub's OpenAPI description; tests/contracts checks every response against it.
"""

import base64

from github_sandbox.diffs import FileChange
from github_sandbox.model import RepositoryState
from github_sandbox.registration import AppRegistration
from github_sandbox.state import Account, Installation, Json, Urls, node_id, timestamp


def render_account(urls: Urls, account: Account) -> Json:
    """Render `simple-user`."""
    me = f"{urls.api}/users/{account.login}"
    links = {
        f"{name}_url": f"{me}/{name}"
        for name in ("followers", "subscriptions", "organizations", "repos", "received_events")
    }
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("U", account.id),
        "avatar_url": f"{urls.html}/avatars/{account.id}",
        "gravatar_id": "",
        "url": me,
        "html_url": f"{urls.html}/{account.login.removesuffix('[bot]')}",
        "type": account.type,
        "site_admin": False,
        **links,
        "following_url": f"{me}/following{{/other_user}}",
        "gists_url": f"{me}/gists{{/gist_id}}",
        "starred_url": f"{me}/starred{{/owner}}{{/repo}}",
        "events_url": f"{me}/events{{/privacy}}",
    }


def render_organization(urls: Urls, account: Account) -> Json:
    """Render `organization-simple`, as in events."""
    me = f"{urls.api}/orgs/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("O", account.id),
        "url": me,
        **{f"{name}_url": f"{me}/{name}" for name in ("repos", "events", "hooks", "issues")},
        "members_url": f"{me}/members{{/member}}",
        "public_members_url": f"{me}/public_members{{/member}}",
        "avatar_url": f"{urls.html}/avatars/{account.id}",
        "description": "",
    }


def render_public_user(urls: Urls, account: Account, *, since: float) -> Json:
    """Render `public-user`: an account as shown to itself."""
    unsaid = ("name", "company", "blog", "location", "email", "hireable", "bio")
    return {
        **render_account(urls, account),
        **dict.fromkeys(unsaid),
        **dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0),
        "created_at": timestamp(since),
        "updated_at": timestamp(since),
    }


_TEMPLATES = {
    "archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}", "commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}", "contributors_url": "/contributors", "deployments_url": "/deployments",
    "downloads_url": "/downloads", "events_url": "/events", "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}", "git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks", "issue_comment_url": "/issues/comments{/number}", "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}",
    "languages_url": "/languages", "merges_url": "/merges", "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}", "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}", "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers", "subscription_url": "/subscription", "tags_url": "/tags", "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}", "url": "",
}  # fmt: skip


def render_repository(repo: RepositoryState) -> Json:
    """Render `repository`, which also fits the smaller shapes."""
    urls = repo.hub.urls
    made = timestamp(repo.created_at)
    host = urls.html.split("://", 1)[1]
    counts = ("forks", "forks_count", "open_issues", "open_issues_count", "stargazers_count", "watchers")
    more = ("watchers_count", "size")
    return {
        "id": repo.id,
        "node_id": node_id("R", repo.id),
        "name": repo.name,
        "full_name": repo.full_name,
        "private": repo.private,
        "visibility": "private" if repo.private else "public",
        "owner": render_account(urls, repo.owner),
        "html_url": repo.html_url,
        "description": None,
        "fork": repo.is_fork,
        **{key: repo.url + tail for key, tail in _TEMPLATES.items()},
        **dict.fromkeys((*counts, *more), 0),
        "clone_url": f"{repo.html_url}.git",
        "git_url": f"git://{host}/{repo.full_name}.git",
        "ssh_url": f"git@{host}:{repo.full_name}.git",
        "svn_url": repo.html_url,
        "default_branch": repo.default_branch,
        "homepage": None,
        "language": None,
        "license": None,
        "mirror_url": None,
        "archived": repo.archived,
        "disabled": False,
        **dict.fromkeys(("has_issues", "has_projects", "has_wiki", "has_downloads"), True),
        "has_pages": False,
        "has_discussions": False,
        **dict.fromkeys(("is_template", "web_commit_signoff_required"), False),
        "allow_forking": True,
        "topics": [],
        "custom_properties": {},
        "created_at": made,
        "updated_at": made,
        "pushed_at": made,
    }


def render_full_repository(repo: RepositoryState) -> Json:
    """Render `full-repository`: a single repository has two more counts."""
    return {**render_repository(repo), "network_count": 0, "subscribers_count": 0}


def render_app(urls: Urls, app: AppRegistration) -> Json:
    """Render `integration`."""
    return {
        "id": app.id,
        "slug": app.slug,
        "node_id": node_id("A", app.id),
        "client_id": app.client_id,
        "owner": render_account(urls, app.owner),
        "name": app.name,
        "description": "",
        "external_url": app.external_url,
        "html_url": f"{urls.html}/apps/{app.slug}",
        "created_at": timestamp(app.created_at),
        "updated_at": timestamp(app.created_at),
        "permissions": dict(app.permissions),
        "events": list(app.events),
    }


def render_installation(urls: Urls, app: AppRegistration, installation: Installation) -> Json:
    """Render `installation`."""
    me = f"{urls.api}/app/installations/{installation.id}"
    suspended = installation.suspended_at
    return {
        "id": installation.id,
        "client_id": app.client_id,
        "account": render_account(urls, installation.account),
        "access_tokens_url": f"{me}/access_tokens",
        "repositories_url": f"{urls.api}/installation/repositories",
        "html_url": f"{urls.html}/settings/installations/{installation.id}",
        "app_id": app.id,
        "app_slug": app.slug,
        "target_id": installation.account.id,
        "target_type": installation.account.type,
        "permissions": dict(installation.permissions),
        "events": list(installation.events),
        "created_at": timestamp(installation.created_at),
        "updated_at": timestamp(installation.created_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "repository_selection": "all" if installation.repositories is None else "selected",
        "suspended_by": None if suspended is None else render_account(urls, installation.account),
        "suspended_at": None if suspended is None else timestamp(suspended),
    }


def render_commit(repo: RepositoryState, sha: str) -> Json:
    """Render `commit`, without its files."""
    commit = repo.git.commit_of(sha)
    signature = {"name": commit.author, "email": commit.email, "date": timestamp(commit.at)}
    author = render_account(repo.hub.urls, repo.hub.account(commit.author))
    return {
        "url": f"{repo.url}/commits/{sha}",
        "sha": sha,
        "node_id": f"C_{sha}",
        "html_url": f"{repo.html_url}/commit/{sha}",
        "comments_url": f"{repo.url}/commits/{sha}/comments",
        "commit": {
            "url": f"{repo.url}/git/commits/{sha}",
            "author": signature,
            "committer": signature,
            "message": commit.message,
            "comment_count": 0,
            "tree": {"sha": commit.tree, "url": f"{repo.url}/git/trees/{commit.tree}"},
            "verification": render_verification(repo, sha),
        },
        "author": author,
        "committer": author,
        "parents": [{"sha": p, "url": f"{repo.url}/commits/{p}"} for p in commit.parents],
    }


def render_verification(repo: RepositoryState, sha: str) -> Json:
    """Render `verification`: GitHub signs what an App commits through the API, and nobody else's commits here."""
    commit = repo.git.commit_of(sha)
    is_signed = sha in repo.git.signed
    return {
        "verified": is_signed,
        "reason": "valid" if is_signed else "unsigned",
        "signature": "-----BEGIN PGP SIGNATURE-----" if is_signed else None,
        "payload": f"tree {commit.tree}" if is_signed else None,
        "verified_at": timestamp(commit.at) if is_signed else None,
    }


def render_file_change(repo: RepositoryState, head: str, change: FileChange) -> Json:
    """Render `diff-entry`: GitHub leaves out `patch` where there is none; it is never null."""
    entry: Json = {
        "sha": change.sha,
        "filename": change.filename,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": f"{repo.html_url}/blob/{head}/{change.filename}",
        "raw_url": f"{repo.html_url}/raw/{head}/{change.filename}",
        "contents_url": f"{repo.url}/contents/{change.filename}?ref={head}",
    }
    if change.patch is not None:
        entry["patch"] = change.patch
    if change.previous_filename is not None:
        entry["previous_filename"] = change.previous_filename
    return entry


def render_content(repo: RepositoryState, path: str, ref: str, data: bytes, sha: str) -> Json:
    """Render `content-file`; from 1 MB it has no content (https://docs.github.com/en/rest/repos/contents)."""
    url = f"{repo.url}/contents/{path}?ref={ref}"
    html, blob = f"{repo.html_url}/blob/{ref}/{path}", f"{repo.url}/git/blobs/{sha}"
    large = len(data) > 1_000_000
    return {
        "type": "file",
        "encoding": "none" if large else "base64",
        "content": "" if large else base64.encodebytes(data).decode(),
        "size": len(data),
        "name": path.rsplit("/", 1)[-1],
        "path": path,
        "sha": sha,
        "url": url,
        "git_url": blob,
        "html_url": html,
        "download_url": f"{repo.html_url}/raw/{ref}/{path}",
        "_links": {"self": url, "git": blob, "html": html},
    }
