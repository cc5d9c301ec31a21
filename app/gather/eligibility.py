"""Whether a pull request is reviewed at all, by its repository's configuration. Pure; the answer is a reason."""

from app.domain.configuration import RepositoryConfig
from app.domain.pull_request import PullRequest
from app.gather.globs import Globs

PUSH = "synchronize"


def reason_to_leave_out(
    pull_request: PullRequest, config: RepositoryConfig, *, trigger: str, commanded: bool
) -> str | None:
    """Why this pull request is not reviewed now; None: it is.

    A command of somebody with write access overrules everything but `enabled: false`.
    """
    if not config.enabled:
        return "the configuration says `enabled: false`"
    if commanded:
        return None
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
