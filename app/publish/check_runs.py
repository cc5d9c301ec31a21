"""Starts, finds, and completes the check runs of the stages, each at most once. `checks.py` renders their text."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TypeVar, cast

from app.domain.finding import Stage
from app.domain.publication import WriteLedger, Writer
from app.domain.pull_request import PullRequestRef
from app.publish.checks import CheckUpdate, starting_check
from app.publish.wording import check_name

T = TypeVar("T")


async def all_of(writes: Iterable[Awaitable[T]]) -> list[T]:
    """Run writes concurrently; raises the first error after all have finished."""
    results = await asyncio.gather(*writes, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return cast("list[T]", results)


async def start_check(
    stage: Stage,
    *,
    ref: PullRequestRef,
    head_sha: str,
    writer: Writer,
    ledger: WriteLedger,
    details_url: str | None = None,
) -> int:
    """Create a stage's check run, in progress; returns GitHub's id."""
    starting = starting_check(stage)
    return await ledger.write_once(
        f"start:{stage}",
        find=partial(find_check, stage, ref=ref, head_sha=head_sha, writer=writer),
        write=partial(
            writer.create_check_run,
            head_sha=head_sha,
            name=check_name(stage),
            external_id=_external_id(ref, head_sha),
            title=starting.title,
            summary=starting.summary,
            details_url=details_url,
        ),
    )


async def start_checks(
    stages: Sequence[Stage],
    *,
    ref: PullRequestRef,
    head_sha: str,
    writer: Writer,
    ledger: WriteLedger,
    details_url: str | None = None,
) -> dict[Stage, int]:
    """Create the stages' check runs concurrently; returns GitHub's ids."""
    ids = await all_of(
        start_check(stage, ref=ref, head_sha=head_sha, writer=writer, ledger=ledger, details_url=details_url)
        for stage in stages
    )
    return dict(zip(stages, ids, strict=True))


async def find_check(stage: Stage, *, ref: PullRequestRef, head_sha: str, writer: Writer) -> int | None:
    """GitHub's id of a stage's newest check run on this head that is in progress."""
    return await writer.find_check_run(
        head_sha=head_sha, name=check_name(stage), external_id=_external_id(ref, head_sha)
    )


def _external_id(ref: PullRequestRef, head_sha: str) -> str:
    return f"{ref}@{head_sha}"


async def complete_checks(
    checks: Sequence[CheckUpdate],
    *,
    check_run_ids: Mapping[Stage, int],
    writer: Writer,
    ledger: WriteLedger,
    completed: Mapping[Stage, CheckUpdate] = MappingProxyType({}),
) -> None:
    """Complete the existing check runs concurrently, each once.

    GitHub appends annotations, so a retry sends only those that the check run does not have yet.

    Args:
        completed: what check runs that were completed early say; one that says the same is not written again.
    """

    async def complete(check: CheckUpdate) -> int:
        async def write(*, resume: bool = False) -> int:
            check_run_id = check_run_ids[check.stage]
            if completed.get(check.stage) != check:
                await _update_check(check, check_run_id, writer=writer, resume=resume)
            return check_run_id

        return await ledger.write_once(f"check:{check.stage}", find=partial(write, resume=True), write=write)

    await all_of(complete(check) for check in checks if check.stage in check_run_ids)


async def show_early(check: CheckUpdate, check_run_id: int, *, writer: Writer, ledger: WriteLedger) -> None:
    """Say in a check run what its stage has answered, at most once, because a repetition could replace the result.

    For the ledger, the check run remains open, even if this completes it: how the review ends decides what it says.
    """

    async def find() -> int:
        return check_run_id

    async def write() -> int:
        await _update_check(check, check_run_id, writer=writer)
        return check_run_id

    await ledger.write_once(f"early:{check.stage}", find=find, write=write)


async def _update_check(
    check: CheckUpdate, check_run_id: int, *, writer: Writer, resume: bool = False
) -> None:
    await writer.update_check_run(
        check_run_id,
        title=check.title,
        summary=check.summary,
        text=check.text,
        conclusion=check.conclusion,
        annotations=check.annotations,
        actions=check.actions,
        resume=resume,
    )
