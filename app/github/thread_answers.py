"""Answers review threads: all replies and resolutions of a push in one request. Says nothing of its own.

Resolving wants `contents: write`, which owners need not grant; then the comments are folded away as resolved.
https://docs.github.com/en/graphql/reference/mutations#resolvereviewthread
"""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app.domain.publication import CommentEdit, ThreadAnswer, ThreadsDone
from app.errors import GitHubForbidden
from app.github import documents
from app.github.client import RepositoryClient

ANSWERS_A_MUTATION = 40
REFUSAL_HOLDS_S = 3_600.0

_log = logging.getLogger(__name__)


async def answer_threads(
    client: RepositoryClient, answers: Sequence[ThreadAnswer], *, edit: CommentEdit | None = None
) -> ThreadsDone:
    """Replies to the threads and resolves the settled ones, or folds their comments; `edit` goes with the last of them."""
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
    settled = [answer for answer in answers if answer.settled]
    may_resolve = bool(settled) and time.monotonic() >= client.resolving_refused_until_s
    if may_resolve:
        try:
            done = await _mutate(client.resolving(), answers, resolve=settled, edit=edit)
        except GitHubForbidden as error:
            _log.info("Threads stay open: %s", error)
            client.resolving_refused_until_s = time.monotonic() + REFUSAL_HOLDS_S
        else:
            left = () if done.resolved else settled
            return replace(done, folded=(await _mutate(client, (), fold=left)).folded)
    return await _mutate(client, answers, fold=settled, edit=edit)


async def _mutate(
    client: RepositoryClient,
    answers: Sequence[ThreadAnswer],
    *,
    resolve: Sequence[ThreadAnswer] = (),
    fold: Sequence[ThreadAnswer] = (),
    edit: CommentEdit | None = None,
) -> ThreadsDone:
    """One request, each part on its own."""
    replies = [answer for answer in answers if answer.body is not None]
    if not (replies or resolve or fold or edit):
        return ThreadsDone()
    variables: dict[str, Any] = {}
    for index, answer in enumerate(replies):
        variables |= {f"t{index}": answer.thread_node_id, f"b{index}": answer.body}
    variables |= {f"n{index}": answer.thread_node_id for index, answer in enumerate(resolve)}
    variables |= {f"m{index}": answer.comment_node_id for index, answer in enumerate(fold)}
    variables |= {"c0": edit.node_id, "d0": edit.body} if edit else {}
    document = documents.answer_threads(len(replies), len(resolve), len(fold), edits=edit is not None)
    data, errors = await client.graphql_partly(document, variables, to="answer threads")
    for error in errors:
        _log.info("GitHub refused a part: %s", error.message)
    done = Counter(name[0] for name, answer in data.items() if answer is not None)
    return ThreadsDone(resolved=done["n"], folded=done["m"], edited=bool(done["e"]))
