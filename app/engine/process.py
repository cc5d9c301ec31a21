"""This process among the others: its name, its lease, and the jobs of processes that died."""

import asyncio
import fcntl
import logging
import os
import secrets
import socket
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Literal

from dbos import DBOS, WorkflowStatus

from app.clock import Clock
from app.engine.worker import Worker
from app.errors import StoreUnavailable
from app.store.database import Database
from app.store.processes import Leases, end_lease, renew_lease

logger = logging.getLogger(__name__)

MAX_PROCESSES = 64
# A workflow that DBOS has dequeued takes a moment to start, and one whose job has ended takes a moment to be recorded.
STRANDED_RENEWALS = 3

Role = Literal["web", "worker", "all"]


class ExecutorId:
    """The name of this process: the first of `host-3fa2c1d0-0`, `…-1`, … that no process with this data directory holds.

    The middle part is random and fixed for each directory, so two directories on one host never share a name.

    However the process ends, the operating system frees the lock. The next process gets the same name, and with it the
    unfinished jobs. A new container has a new host name, so its predecessor's lease must expire first.
    """

    def __init__(self, data_dir: Path) -> None:
        directory = data_dir / "executors"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock, number = _lock_first(directory)
        self.value = f"{socket.gethostname()}-{_directory_name(directory)}-{number}"

    def release(self) -> None:
        """Let another process take the name."""
        os.close(self._lock)


def _directory_name(directory: Path) -> str:
    """Return the directory's random name. The first process creates it, with a hard link because that is atomic."""
    name = directory / "name"
    if not name.exists():
        draft = directory / f"name.{os.getpid()}"
        draft.write_text(secrets.token_hex(4))
        with suppress(FileExistsError):
            name.hardlink_to(draft)
        draft.unlink()
    return name.read_text()


def _lock_first(directory: Path) -> tuple[int, int]:
    """Acquire the first free lock; returns its file descriptor and number."""
    for number in range(MAX_PROCESSES):
        lock = os.open(directory / f"{number}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            return lock, number
    raise StoreUnavailable(f"{MAX_PROCESSES} processes already use {directory.parent}.")


class Lease:
    """The lease of a process that runs jobs. While it is renewed, no other process takes over the jobs."""

    def __init__(
        self, database: Database, worker: Worker, *, executor_id: str, role: Role, ttl_s: float, clock: Clock
    ) -> None:
        self._database = database
        self._worker = worker
        self._executor_id = executor_id
        self._role: Role = role
        self._ttl = timedelta(seconds=ttl_s)
        self._clock = clock
        self._is_held = False
        self._idle_renewals: dict[str, int] = {}  # by workflow
        self.live_processes = 1

    async def renew(self) -> None:
        """Renew the lease, and take over the jobs of processes whose lease has expired."""
        found = await self._renew(held=self._is_held)
        if found.lost:
            found = await self._acquire_again()
        self._is_held = True
        self.live_processes = len(found.living)
        pending = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
        orphaned = found.dead | {row.executor_id for row in pending if row.executor_id} - found.living
        if orphaned:
            logger.warning("taking over the jobs of %s", ", ".join(sorted(orphaned)))
            await asyncio.to_thread(DBOS._recover_pending_workflows, sorted(orphaned))  # pyright: ignore[reportPrivateUsage]
        await self._resume_stranded(pending)

    async def _resume_stranded(self, pending: Sequence[WorkflowStatus]) -> None:
        """Resume the workflows of this process that nothing runs: DBOS could not store how they ended, as on a full disk.

        Left alone, such a workflow holds up all later jobs of its pull request.
        """
        queues = {
            row.workflow_id: row.queue_name
            for row in pending
            if row.executor_id == self._executor_id and row.workflow_id not in self._worker.running
        }
        self._idle_renewals = {each: self._idle_renewals.get(each, 0) + 1 for each in queues}
        for workflow_id, queue_name in queues.items():
            if self._idle_renewals[workflow_id] == STRANDED_RENEWALS:
                logger.warning("resuming %s, whose end was not stored", workflow_id)
                await DBOS.resume_workflow_async(workflow_id, queue_name=queue_name)

    async def end(self) -> None:
        """Give up the lease, so that other processes need not wait until it expires."""
        await asyncio.to_thread(end_lease, self._database, self._executor_id)

    async def _renew(self, *, held: bool) -> Leases:
        return await asyncio.to_thread(
            renew_lease,
            self._database,
            self._executor_id,
            role=self._role,
            now=self._clock.now(),
            ttl=self._ttl,
            held=held,
        )

    async def _acquire_again(self) -> Leases:
        """Acquire the lease again after a pause: abandon the running jobs, and resume those that nobody took over."""
        logger.warning(
            "the lease expired while this process was paused, and others may have taken over its jobs"
        )
        abandoned = await self._worker.abandon()
        found = await self._renew(held=False)
        own = await DBOS.list_workflows_async(
            status="PENDING", executor_id=self._executor_id, load_input=False, load_output=False
        )
        for row in own:
            if row.workflow_id in abandoned:
                await DBOS.resume_workflow_async(row.workflow_id, queue_name=row.queue_name)
        return found
