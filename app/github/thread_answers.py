"""Answers review threads: all replies and resolutions of a push in one request. Says nothing of its own.

Resolving wants `contents: write`, which owners need not grant; then the comments are folded away as resolved.
https://docs.github.com/en/graphql/reference/mutations#resolvereviewthread
"""

import logging
import time
from collections.abc import Sequence
from typing import Any

from app.domain.publication import ThreadAnswer, ThreadsDone
from app.errors import GitHubForbidden
from app.github import documents
from app.github.client import RepositoryClient

ANSWERS_A_MUTATION = 40
REFUSAL_HOLDS_S = 3_600.0

_log = logging.getLogger(__name__)


async def answer_threads(client: RepositoryClient, answers: Sequence[ThreadAnswer]) -> ThreadsDone:
    """Replies to the threads and resolves the settled ones, or folds their comments."""
    resolved = folded = 0
    for start in range(0, len(answers), ANSWERS_A_MUTATION):
        done = await _answer(client, answers[start : start + ANSWERS_A_MUTATION])
        resolved, folded = resolved + done.resolved, folded + done.folded
    return ThreadsDone(resolved=resolved, folded=folded)


async def _answer(client: RepositoryClient, answers: Sequence[ThreadAnswer]) -> ThreadsDone:
    settled = [answer for answer in answers if answer.settled]
    may_resolve = bool(settled) and time.monotonic() >= client.resolving_refused_until_s
    if may_resolve:
        try:
            resolved = await _mutate(client.resolving(), answers, resolve=settled, fold=())
        except GitHubForbidden as error:
            _log.info("Threads stay open: %s", error)
            client.resolving_refused_until_s = time.monotonic() + REFUSAL_HOLDS_S
        else:
            left = () if resolved else settled
            return ThreadsDone(resolved=resolved, folded=await _mutate(client, (), resolve=(), fold=left))
    return ThreadsDone(folded=await _mutate(client, answers, resolve=(), fold=settled))


async def _mutate(
    client: RepositoryClient,
    answers: Sequence[ThreadAnswer],
    *,
    resolve: Sequence[ThreadAnswer],
    fold: Sequence[ThreadAnswer],
) -> int:
    """One request, each part on its own; the number of threads resolved or comments folded."""
    replies = [answer for answer in answers if answer.body is not None]
    if not (replies or resolve or fold):
        return 0
    variables: dict[str, Any] = {}
    for index, answer in enumerate(replies):
        variables |= {f"t{index}": answer.thread_node_id, f"b{index}": answer.body}
    variables |= {f"n{index}": answer.thread_node_id for index, answer in enumerate(resolve)}
    variables |= {f"m{index}": answer.comment_node_id for index, answer in enumerate(fold)}
    document = documents.answer_threads(len(replies), len(resolve), len(fold))
    data, errors = await client.graphql_partly(document, variables, to="answer threads")
    for error in errors:
        _log.info("GitHub refused a part: %s", error.message)
    return sum(answer is not None for name, answer in data.items() if name[0] in "nm")
