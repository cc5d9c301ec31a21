"""Whether a pull request is reviewed at all, and how much of it, by its repository's configuration. Pure; no is a reason."""

import re
from pathlib import PurePosixPath

from app.domain.configuration import RepositoryConfig
from app.domain.pull_request import PullRequest
from app.gather.globs import Globs
from app.gather.selection import is_lock_file

PUSH = "synchronize"
DISABLED = "the configuration says `enabled: false`"
DEPENDENCY_BOTS = frozenset({"dependabot", "dependabot-preview", "renovate", "renovate-bot"})
NOT_A_DEPENDENCY = "not a manifest or lock file of this dependency update"

_MANIFEST = re.compile(
    r"package\.json|pyproject\.toml|setup\.(?:py|cfg)|pipfile|.*requirements.*\.(?:txt|in)|cargo\.toml|go\.(?:mod|work)"
    r"|gemfile|.*\.gemspec|composer\.json|pom\.xml|build\.gradle(?:\.kts)?|.*\.versions\.toml|.*\.(?:cs|fs|vb)proj"
    r"|packages\.config|directory\.packages\.props|mix\.exs|pubspec\.yaml|podfile|package\.swift|.*\.tf"
    r"|(?:.*\.)?dockerfile(?:\..*)?|(?:docker-)?compose.*\.ya?ml|\.pre-commit-config\.yaml|deno\.jsonc?"
)
_MANIFEST_PATH = re.compile(
    r"\.github/(?:workflows/[^/]+|actions/.+)\.ya?ml|(?:.*/)?requirements/[^/]+\.(?:txt|in)"
)


def reason_to_leave_out(
    pull_request: PullRequest,
    config: RepositoryConfig,
    *,
    trigger: str,
    commanded: bool,
    paused_by: str | None = None,
) -> str | None:
    """Why this pull request is not reviewed now; None: it is.

    A command of somebody with write access overrules everything but `enabled: false`.
    """
    if not config.enabled:
        return DISABLED
    if commanded:
        return None
    if paused_by is not None and trigger == PUSH:
        return f"{paused_by} has paused it"
    if pull_request.draft and not config.drafts:
        return "it is a draft"
    if trigger == PUSH and not config.review_on_push:
        return "the configuration says `review_on_push: false`"
    return _ignored(pull_request, config)


def _ignored(pull_request: PullRequest, config: RepositoryConfig) -> str | None:
    authors = {author.lower() for author in config.ignore_authors}
    if pull_request.author.lower() in authors:
        return "its author is in `ignore_authors`"
    labels = {label.lower() for label in config.ignore_labels}
    if labels & {label.lower() for label in pull_request.labels}:
        return "one of its labels is in `ignore_labels`"
    if Globs(config.ignore_branches).matches(pull_request.head_ref):
        return "its branch matches `ignore_branches`"
    title = pull_request.title.lower()
    if any(words.lower() in title for words in config.ignore_titles):
        return "its title has words of `ignore_titles`"
    return None


def is_dependency_update(pull_request: PullRequest) -> bool:
    """Whether one of the well-known bots opened it; a person of that name is no bot."""
    name = pull_request.author.lower().removesuffix("[bot]")
    return pull_request.author_is_bot and name in DEPENDENCY_BOTS


def is_dependency_file(path: str) -> bool:
    """Whether a file says which dependencies there are, or pins them."""
    name = PurePosixPath(path).name.lower()
    return (
        is_lock_file(path) or bool(_MANIFEST.fullmatch(name)) or bool(_MANIFEST_PATH.fullmatch(path.lower()))
    )
