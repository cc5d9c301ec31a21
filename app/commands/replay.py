"""`quorum replay`: queues a stored delivery again, as if it had just arrived. A running worker picks it up."""

import sys
from pathlib import Path

from app.clock import SystemClock, utc_now
from app.engine.queue import JobQueue
from app.settings import Settings, load_settings
from app.store.database import Database, parse_database_url
from app.store.processes import count_live_workers
from app.store.read_only import is_missing


def replay(delivery_id: str) -> int:
    """Queue the delivery again; the exit code is 2 if there is no such delivery."""
    settings = load_settings(env_file=Path(".env"))
    if is_missing(parse_database_url(settings.database_url)):
        sys.stderr.write(
            f"quorum: there is no database yet at {settings.database_url}, so no delivery either.\n"
        )
        return 2
    database = Database(settings.database_url)
    queue = JobQueue(
        database, executor_id="replay", clock=SystemClock()
    )  # it runs no job, so it needs no lease
    try:
        replayed = queue.replay(delivery_id)
        workers = count_live_workers(database, now=utc_now())
    finally:
        queue.close()
        database.close()
    if not replayed:
        sys.stderr.write(f"quorum: there is no delivery {delivery_id} in this database.\n")
        return 2
    sys.stdout.write(f"Delivery {delivery_id} is queued again. {_who_runs_it(workers, settings)}\n")
    return 0


def _who_runs_it(workers: int, settings: Settings) -> str:
    if settings.quorum_paused:
        return "QUORUM_PAUSED is set, so no job runs until it is unset."
    if workers:
        return "A worker is running and takes it up within seconds."
    return "No worker is running on this database: start `quorum serve`."
