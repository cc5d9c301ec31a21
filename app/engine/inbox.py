"""Takes deliveries: row and workflow are committed together, so that what was acknowledged will be done. Runs nothing.

A job that somebody waits for may show a sign that it was taken: a second, small workflow, which waits for no job.

Of one installation at most `share` jobs are with the engine at a time, over all processes; the others wait as rows, the
oldest first, and cost no worker anything. So a storm in one installation leaves the others their turn. Of one pull request's
pushes at most one waits: the next one takes its turn.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TypeGuard

from dbos import DBOS, DBOSClient, EnqueueOptions

from app.domain.job import Accepted, Delivery, Duplicate, Job, ReviewJob
from app.engine.intake import Answer, Order
from app.engine.settings import MOST_SIGNS, NAME, POLLING_S, QUEUE, SERIALIZER, SIGN, SIGNS, VERSION, WORKFLOW
from app.store import reviews
from app.store.database import Database, Session, mapped_errors, serialize
from app.store.deliveries import (
    DeliveryState,
    count_started,
    find_earlier,
    find_waiting,
    load_waiting_installations,
    mark_finished,
    new_delivery,
    parse_job,
    supersede_waiting,
)
from app.store.job_tables import DeliveryRow
from app.store.processes import require_lease

PUSH = "synchronize"
PUSHED_AGAIN = "a newer push waits"


class Inbox:
    """The queue's near end. All methods wait for the database: call them in a thread."""

    def __init__(
        self,
        database: Database,
        *,
        executor_id: str,
        workers: int,
        share: int,
        debounce_s: float,
        clock: Callable[[], datetime],
        acknowledged: Collection[type[Job]] = (),
        second_s: float = 1.0,
    ) -> None:
        self._database = database
        self._executor_id = executor_id
        self._acknowledged = acknowledged
        self._second_s = second_s  # how long a second of a job's wait takes
        self._share = share
        self._debounce_s = debounce_s
        self._clock = clock
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
            SIGNS,
            worker_concurrency=MOST_SIGNS,
            polling_interval_sec=POLLING_S,
            on_conflict="always_update",
        )

    def accept(self, orders: Sequence[Order]) -> list[Answer]:
        """Store deliveries with their jobs in one transaction; one that failed before is taken again.

        Raises:
            StoreUnavailable: they could not be stored, and nothing of them is.
        """
        names = [f"delivery:{delivery.guid}" for delivery, _ in orders]
        names += [f"job:{job.key}" for _, job in orders]
        names += [_share_name(job.installation_id) for _, job in orders]
        with self._database.write() as session:
            serialize(session, *names)
            return [self._accept(session, delivery, job) for delivery, job in orders]

    def _accept(self, session: Session, delivery: Delivery, job: Job) -> Answer:
        row, same = find_earlier(session, delivery.guid, job)
        if row and row.state != DeliveryState.FAILED:
            return Duplicate(guid=delivery.guid, of=delivery.guid)
        row = row or new_delivery(delivery, job)
        if same:
            row.state, row.reason = DeliveryState.DUPLICATE, f"asks the same as {same.guid}"
        else:
            if _is_push(job):
                row.waits_since = self._take_turns(session, job)
            self._queue(session, row, job, delay_s=self._delay_s(job))
            self._show_sign(session, row, job)
        session.add(row)  # last, so that it is written once
        session.flush()  # the next one of the transaction must see it
        return Duplicate(guid=delivery.guid, of=same.guid) if same else Accepted(guid=delivery.guid)

    def _take_turns(self, session: Session, push: ReviewJob) -> datetime | None:
        """Pushes that wait are superseded: this one will see the newest head. Since when the first of them has waited.

        One that was put back may have begun check runs, and ends them itself.
        """
        return supersede_waiting(
            session, push.request.ref, trigger=PUSH, at=self._clock(), reason=PUSHED_AGAIN
        )

    def put_back(self, guid: str, *, workflow_id: str, delay_s: float) -> bool:
        """Queue a delivery again from its beginning; whether it was this workflow's to put back."""
        with self._database.write() as session:
            require_lease(session, self._executor_id)
            row = session.get(DeliveryRow, guid)
            if row is None or row.workflow_id != workflow_id:
                return False
            serialize(session, _share_name(row.installation_id))
            self._queue(session, row, parse_job(row.request), delay_s=delay_s)
            self._admit(session, row.installation_id)
        return True

    def finish(self, row: DeliveryRow, state: DeliveryState, *, reason: str | None = None) -> None:
        """The job has ended; the next one of its installation takes its place."""
        with self._database.write() as session:
            require_lease(session, self._executor_id)
            serialize(session, _share_name(row.installation_id))
            mark_finished(session, row.guid, state, at=self._clock(), reason=reason)
            self._admit(session, row.installation_id)

    def admit_waiting(self) -> None:
        """Start what waits for no reason: its place was given back by a process that died right then."""
        for installation_id in load_waiting_installations(self._database):
            with self._database.write() as session:
                serialize(session, _share_name(installation_id))
                self._admit(session, installation_id)

    def replay(self, guid: str) -> bool:
        """Queue a delivery again because somebody asked for it; False where there is no such delivery."""
        with self._database.write() as session:
            row = session.get(DeliveryRow, guid)
            if row is None:
                return False
            serialize(session, _share_name(row.installation_id))
            self._queue(session, row, parse_job(row.request), delay_s=0.0)
        return True

    def count_steps(self, workflow_id: str) -> int:
        """How many steps of a job have ended, in all its lives.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        with mapped_errors():
            return len(self._client.list_workflow_steps(workflow_id, load_output=False))

    def close(self) -> None:
        """Close the connections."""
        self._client.destroy()

    def _queue(self, session: Session, row: DeliveryRow, job: Job, *, delay_s: float) -> None:
        begun = count_started(session, row.installation_id, except_guid=row.guid)
        row.attempts += 1
        row.state, row.reason, row.finished_at, row.workflow_id = DeliveryState.QUEUED, None, None, None
        row.lives = row.steps = 0
        if isinstance(job, ReviewJob):
            reviews.add_queued_review(session, job.request, delivery=row.guid, at=self._clock())
        if begun < self._share:
            self._begin(session, row, job, delay_s=delay_s)

    def _admit(self, session: Session, installation_id: int | None) -> None:
        """Begin what waits, as far as the installation's share goes."""
        session.flush()
        room = self._share - count_started(session, installation_id)
        for row in find_waiting(session, installation_id, limit=room) if room > 0 else ():
            self._begin(session, row, parse_job(row.request), delay_s=0.0)

    def _begin(self, session: Session, row: DeliveryRow, job: Job, *, delay_s: float) -> None:
        row.workflow_id = workflow_id(row.guid, attempt=row.attempts, at=self._clock())
        options: EnqueueOptions = {
            "workflow_name": WORKFLOW,
            "queue_name": QUEUE,
            "workflow_id": row.workflow_id,
            "queue_partition_key": job.partition,
            "app_version": VERSION,
        }
        if delay_s > 0:
            options["delay_seconds"] = delay_s * self._second_s
        self._client.enqueue_in_transaction(session, options, row.guid)

    def _show_sign(self, session: Session, row: DeliveryRow, job: Job) -> None:
        if type(job) not in self._acknowledged:
            return
        options: EnqueueOptions = {
            "workflow_name": SIGN,
            "queue_name": SIGNS,
            "workflow_id": f"{workflow_id(row.guid, attempt=row.attempts, at=self._clock())}:{SIGN}",
            "app_version": VERSION,
        }
        self._client.enqueue_in_transaction(session, options, row.guid)

    def _delay_s(self, job: Job) -> float:
        return self._debounce_s if _is_push(job) else 0.0


def _is_push(job: Job) -> TypeGuard[ReviewJob]:
    return isinstance(job, ReviewJob) and job.request.trigger == PUSH


def workflow_id(guid: str, *, attempt: int, at: datetime) -> str:
    """DBOS stamps to the second on SQLite and breaks ties by the workflow's id: so the id begins with the moment."""
    return f"{int(at.timestamp() * 1_000_000):017d}:{guid}#{attempt}"


def guid_of(workflow: str) -> str:
    """The delivery of a workflow."""
    return workflow.partition(":")[2].partition("#")[0]


def _share_name(installation_id: int | None) -> str:
    return f"share:{installation_id}"
