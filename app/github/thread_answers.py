"""Answers review threads: all replies and resolutions of a push in one request. Says nothing of its own.

Resolving wants `contents: write`, which owners need not grant; then the comments are folded away as resolved.
https://docs.github.com/en/graphql/reference/mutations#resolvereviewthread
"""

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.domain.publication import CommentEdit, ThreadAnswer, ThreadsDone
from app.errors import GitHubForbidden
from app.github import documents
from app.github.client import RepositoryClient
from app.github.documents import ThreadChange

ANSWERS_A_MUTATION = 40
REFUSAL_HOLDS_S = 3_600.0

_log = logging.getLogger(__name__)


async def answer_threads(
    client: RepositoryClient, answers: Sequence[ThreadAnswer], *, edit: CommentEdit | None = None
) -> ThreadsDone:
    """Replies to the threads, resolves the settled ones or folds their comments, and opens the others again.

    `edit` goes with the last of them.
    """
    resolved = folded = 0
    edited = False
    for start in range(0, len(answers), ANSWERS_A_MUTATION):
        is_last = start + ANSWERS_A_MUTATION >= len(answers)
        done = await _answer(
            client, answers[start : start + ANSWERS_A_MUTATION], edit=edit if is_last else None
        )
        resolved, folded, edited = resolved + done.resolved, folded + done.folded, done.edited
    return ThreadsDone(resolved=resolved, folded=folded, edited=edited)


async def _answer(
    client: RepositoryClient, answers: Sequence[ThreadAnswer], *, edit: CommentEdit | None
) -> ThreadsDone:
    threads = [answer.thread_node_id for answer in answers if answer.settled]
    comments = [answer.comment_node_id for answer in answers if answer.settled]
    returned = [answer for answer in answers if not answer.settled]
    resolved = [answer.thread_node_id for answer in returned if answer.is_resolved]
    unfold = {ThreadChange.UNFOLD: [each.comment_node_id for each in returned if not each.is_resolved]}
    may_resolve = (threads or resolved) and time.monotonic() >= client.resolving_refused_until_s
    if may_resolve:
        changes = {ThreadChange.RESOLVE: threads, ThreadChange.UNRESOLVE: resolved} | unfold
        try:
            done = await _mutate(client.resolving(), answers, changes, edit=edit)
        except GitHubForbidden as error:
            _log.info("Threads stay as they are: %s", error)
            client.resolving_refused_until_s = time.monotonic() + REFUSAL_HOLDS_S
        else:
            left = [] if done.resolved else comments
            return replace(done, folded=(await _mutate(client, (), {ThreadChange.FOLD: left})).folded)
    return await _mutate(client, answers, {ThreadChange.FOLD: comments} | unfold, edit=edit)


async def _mutate(
    client: RepositoryClient,
    answers: Sequence[ThreadAnswer],
    changes: Mapping[ThreadChange, Sequence[str]],
    *,
    edit: CommentEdit | None = None,
) -> ThreadsDone:
    """One request, each part on its own."""
    replies = [answer for answer in answers if answer.body is not None]
    if not (replies or edit or any(changes.values())):
        return ThreadsDone()
    variables: dict[str, Any] = {}
    for index, answer in enumerate(replies):
        variables |= {f"t{index}": answer.thread_node_id, f"b{index}": answer.body}
    for change, node_ids in changes.items():
        variables |= {f"{change}{index}": node_id for index, node_id in enumerate(node_ids)}
    variables |= {"c0": edit.node_id, "d0": edit.body} if edit else {}
    counts = {change: len(node_ids) for change, node_ids in changes.items()}
    document = documents.answer_threads(len(replies), counts, edits=edit is not None)
    data, errors = await client.graphql_partly(document, variables, to="answer threads")
    for error in errors:
        _log.info("GitHub refused a part: %s", error.message)
    done = Counter(name.rstrip("0123456789") for name, answer in data.items() if answer is not None)
    return ThreadsDone(
        resolved=done[ThreadChange.RESOLVE], folded=done[ThreadChange.FOLD], edited=bool(done["edit"])
    )
