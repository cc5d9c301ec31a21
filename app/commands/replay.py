"""`quorum replay`: queues a stored delivery again, as if it had just arrived. A running worker picks it up."""

import sys
from pathlib import Path

from app.clock import SystemClock
from app.engine.queue import JobQueue
from app.settings import load_settings
from app.store.database import Database


def replay(delivery_id: str) -> int:
    """Queue the delivery again; the exit code is 2 if there is no such delivery."""
    settings = load_settings(env_file=Path(".env"))
    database = Database(settings.database_url)
    queue = JobQueue(
        database, executor_id="replay", clock=SystemClock()
    )  # it runs no job, so it needs no lease
    try:
        replayed = queue.replay(delivery_id)
    finally:
        queue.close()
        database.close()
    if not replayed:
        sys.stderr.write(f"quorum: there is no delivery {delivery_id} in this database.\n")
        return 2
    sys.stdout.write(f"Delivery {delivery_id} is queued again.\n")
    return 0
