"""The queue of jobs in the database: which jobs wait, which DBOS may run, and in what order. Runs nothing itself.

The row of a delivery and its DBOS workflow are committed in one transaction, so every acknowledged delivery is processed.
DBOS holds at most `per_installation` jobs of one installation, across all processes. The others wait as rows, oldest
first, and occupy no worker, so a burst in one installation does not delay the others.

The values for DBOS are measured: docs/decisions/0001-durable-engine.md.
"""

import logging
from collections.abc import Collection
from datetime import datetime
from typing import TypeGuard

from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer, EnqueueOptions

from app.clock import Clock
from app.domain.job import Job, ReviewJob
from app.engine.delays import id_time
from app.store import reviews
from app.store.changes import announce_job
from app.store.database import Database, Session, serialize
from app.store.deliveries import (
    DeliveryState,
    count_started,
    find_waiting,
    load_waiting_installations,
    mark_finished,
    parse_job,
)
from app.store.job_tables import DeliveryRow
from app.store.processes import require_lease
from app.store.pushes import FOLLOWS
from app.store.unavailable import mapped_errors

WORKERS = 32  # jobs of one process at a time; they spend nearly all of their time waiting for models
PER_INSTALLATION = (
    8  # concurrent jobs across all processes: as many as an installation may have requests to GitHub
)

NAME = "quorum"
VERSION = "1"  # never change it: DBOS does not pick up the work of another version
QUEUE = "jobs"
WORKFLOW = "job"
# Databases contain the next two names: renaming them would strand the work that is queued under them.
ACKNOWLEDGEMENT_QUEUE = "signs"  # a queue of its own: an acknowledgement does not wait for jobs
ACKNOWLEDGEMENT_WORKFLOW = "sign"
MAX_ACKNOWLEDGEMENTS = 4  # of one process at a time
# Without a limit, 600 workflows left 2,000 threads behind. With 16, no review is faster, and each thread takes 0.5 MiB.
MAX_THREADS = 8
POLLING_S = 0.1
PUSH = "synchronize"
SERIALIZER = DBOSPortableJSONSerializer()  # the default is pickle


def engine_config(*, database_url: str, executor_id: str) -> DBOSConfig:
    """Build DBOS's configuration for a process that runs jobs."""
    return {
        "name": NAME,
        "system_database_url": database_url,
        "application_version": VERSION,
        "executor_id": executor_id,
        "max_executor_threads": MAX_THREADS,
        "serializer": SERIALIZER,
        "run_migrations": False,  # `JobQueue` ran them, also in processes that run no jobs
        "use_listen_notify": False,  # no job waits for a notification
        "notification_listener_polling_interval_sec": 0.2,  # stopping waits for this thread
        "scheduler_polling_interval_sec": 3_600.0,  # there are no schedules
        "sys_db_pool_size": MAX_THREADS,
        "db_engine_kwargs": {"hide_parameters": True},  # keeps values of rows out of error texts
        "log_level": "WARNING",
    }


def quiet_logger() -> None:
    """Let DBOS log warnings through the root logger; with a handler of its own it would bypass the root logger."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.setLevel(logging.WARNING)


class JobQueue:
    """The queue of jobs. All methods wait for the database, so call them in a thread."""

    def __init__(
        self,
        database: Database,
        *,
        executor_id: str,
        clock: Clock,
        workers: int = WORKERS,
        per_installation: int = PER_INSTALLATION,
        acknowledged: Collection[type[Job]] = (),
        debounce_s: float = 0.0,
        delay_s_per_s: float = 1.0,
    ) -> None:
        self._database = database
        self._executor_id = executor_id
        self._clock = clock
        self._per_installation = per_installation
        self._acknowledged = acknowledged
        self._debounce_s = debounce_s
        self._delay_s_per_s = delay_s_per_s
        DBOS.migrate(database.url)
        self._client = DBOSClient(
            system_database_url=database.url,
            serializer=SERIALIZER,
            application_name=NAME,
            retry_connection_errors=False,
        )
        self._client.register_queue(
            QUEUE,
            partition_concurrency=1,  # one job of a pull request at a time
            worker_concurrency=workers,
            polling_interval_sec=POLLING_S,
            on_conflict="always_update",
        )
        self._client.register_queue(
            ACKNOWLEDGEMENT_QUEUE,
            worker_concurrency=MAX_ACKNOWLEDGEMENTS,
            polling_interval_sec=POLLING_S,
            on_conflict="always_update",
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.destroy()

    def enqueue(
        self, session: Session, row: DeliveryRow, job: Job, *, delay_s: float = 0.0, follows: bool = False
    ) -> None:
        """Queue the job, in the caller's transaction; DBOS gets it once its installation is below the limit.

        If it `follows` a push, it gets no workflow now: the workflow of that push starts it (`start_followers`).
        """
        row.attempts += 1
        row.state, row.reason, row.finished_at, row.workflow_id = DeliveryState.QUEUED, None, None, None
        row.lives = row.steps = 0
        if isinstance(job, ReviewJob):
            reviews.add_queued_review(session, job.request, delivery=row.guid, at=self._clock.now())
        if follows:
            row.reason = FOLLOWS
        elif count_started(session, row.installation_id, except_guid=row.guid) < self._per_installation:
            is_new_push = is_push(job) and row.attempts == 1
            self._start(session, row, job, delay_s=self._debounce_s if is_new_push else delay_s)

    def enqueue_acknowledgement(self, session: Session, row: DeliveryRow, job: Job) -> None:
        """Queue a second, small workflow if someone waits for the job: it tells them that the job was accepted."""
        if type(job) not in self._acknowledged:
            return
        options: EnqueueOptions = {
            "workflow_name": ACKNOWLEDGEMENT_WORKFLOW,
            "queue_name": ACKNOWLEDGEMENT_QUEUE,
            "workflow_id": f"{self._workflow_id(row)}:{ACKNOWLEDGEMENT_WORKFLOW}",
            "app_version": VERSION,
        }
        self._client.enqueue_in_transaction(session, options, row.guid)
        announce_job(session, delay_s=0.0)

    def put_back(self, guid: str, *, workflow_id: str, delay_s: float, reason: str) -> None:
        """Queue a job again from its beginning, unless another workflow runs it by now. People see the reason."""
        with self._database.write() as session:
            require_lease(session, self._executor_id)
            row = session.get(DeliveryRow, guid)
            if row is None or row.workflow_id != workflow_id:
                return
            serialize(session, installation_lock(row.installation_id))
            self.enqueue(session, row, parse_job(row.request), delay_s=delay_s)
            self._start_waiting(session, row.installation_id)
            row.reason = reason

    def finish(self, row: DeliveryRow, state: DeliveryState, *, reason: str | None = None) -> None:
        """Record how the job ended; the next job of its installation takes its place."""
        with self._database.write() as session:
            require_lease(session, self._executor_id)
            serialize(session, installation_lock(row.installation_id))
            mark_finished(session, row.guid, state, at=self._clock.now(), reason=reason)
            self._start_waiting(session, row.installation_id)

    def start_waiting(self) -> None:
        """Start jobs that still wait although their installation is below the limit, because a process died."""
        for installation_id in load_waiting_installations(self._database):
            with self._database.write() as session:
                serialize(session, installation_lock(installation_id))
                self._start_waiting(session, installation_id)

    def start_followers(self, row: DeliveryRow) -> None:
        """Start what waited for this push's workflow, which has nothing to do because a later push superseded it."""
        if is_push(parse_job(row.request)):
            with self._database.write() as session:
                serialize(session, installation_lock(row.installation_id))
                self._start_waiting(session, row.installation_id)

    def replay(self, guid: str) -> bool:
        """Queue a delivery again, as a person requested; False if there is no such delivery."""
        with self._database.write() as session:
            row = session.get(DeliveryRow, guid)
            if row is None:
                return False
            serialize(session, installation_lock(row.installation_id))
            self.enqueue(session, row, parse_job(row.request))
        return True

    def count_steps(self, workflow_id: str) -> int:
        """Count the finished steps of a workflow, over all of its restarts.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        with mapped_errors():
            return len(self._client.list_workflow_steps(workflow_id, load_output=False))

    def _start_waiting(self, session: Session, installation_id: int | None) -> None:
        session.flush()
        free = self._per_installation - count_started(session, installation_id)
        for row in find_waiting(session, installation_id, limit=free) if free > 0 else ():
            job = parse_job(row.request)
            self._start(session, row, job, delay_s=self._debounce_left_s(row, job))

    def _debounce_left_s(self, row: DeliveryRow, job: Job) -> float:
        """Return how long a push still waits for the next push."""
        if not is_push(job) or row.attempts > 1:
            return 0.0
        waited_s = (self._clock.now() - row.received_at).total_seconds()
        return min(max(self._debounce_s - waited_s, 0.0), self._debounce_s)

    def _start(self, session: Session, row: DeliveryRow, job: Job, *, delay_s: float) -> None:
        row.workflow_id, row.reason = self._workflow_id(row), None
        options: EnqueueOptions = {
            "workflow_name": WORKFLOW,
            "queue_name": QUEUE,
            "workflow_id": row.workflow_id,
            "queue_partition_key": job.partition,
            "app_version": VERSION,
        }
        if delay_s > 0:
            options["delay_seconds"] = delay_s * self._delay_s_per_s
        self._client.enqueue_in_transaction(session, options, row.guid)
        announce_job(session, delay_s=options.get("delay_seconds", 0.0))

    def _workflow_id(self, row: DeliveryRow) -> str:
        return _new_workflow_id(row.guid, attempt=row.attempts, at=self._clock.now())


def _new_workflow_id(guid: str, *, attempt: int, at: datetime) -> str:
    """Start the id with the time: on SQLite, DBOS keeps times in seconds and orders equal ones by the workflow's id."""
    return f"{id_time(at)}:{guid}#{attempt}"


def is_push(job: Job) -> TypeGuard[ReviewJob]:
    """Whether the job is the review of a push to an open pull request."""
    return isinstance(job, ReviewJob) and job.request.trigger == PUSH


def guid_of(workflow_id: str) -> str:
    """Return the guid of a workflow's delivery."""
    return workflow_id.partition(":")[2].partition("#")[0]


def installation_lock(installation_id: int | None) -> str:
    """Return the name of the lock that serializes changes to an installation's jobs."""
    return f"share:{installation_id}"
