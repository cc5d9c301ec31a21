"""How DBOS is set up; every value answers a pitfall that was measured (docs/decisions/). No logic."""

import logging

from dbos import DBOSConfig, DBOSPortableJSONSerializer

NAME = "quorum"
QUEUE = "jobs"
WORKFLOW = "job"
SIGNS = "signs"  # a queue of its own: what is shown at once waits for no job
SIGN = "sign"
MOST_SIGNS = 4  # of one process at a time
VERSION = "1"  # constant: work that another version left would never be picked up
WORKERS = 32  # jobs of one process at a time: nearly all of their time they wait for models
SHARE = 8  # jobs of one installation at a time, over all processes: as many as it may ask GitHub at once
# Unbounded, 600 workflows left 2,000 threads; with 16 no review is faster, and each takes half a MiB.
MAX_THREADS = 8
POLLING_S = 0.1
# A job that takes its process down with it before a step of it ends is given up after as many lives.
MOST_LIVES = 50
SUSPECT_LIVES = 2  # after as many it runs beside no other such job: who dies with a guilty one is not guilty
MOST_SIGN_LIVES = 5
SERIALIZER = DBOSPortableJSONSerializer()  # the default is pickle


def engine_config(*, database_url: str, executor_id: str) -> DBOSConfig:
    """The configuration of a process that runs jobs."""
    return {
        "name": NAME,
        "system_database_url": database_url,
        "application_version": VERSION,
        "executor_id": executor_id,
        "max_executor_threads": MAX_THREADS,
        "serializer": SERIALIZER,
        "run_migrations": False,  # done before, also by processes that run nothing
        "use_listen_notify": False,  # nothing waits for a notification
        "notification_listener_polling_interval_sec": 0.2,  # stopping waits for that thread
        "sys_db_pool_size": MAX_THREADS,
        "db_engine_kwargs": {"hide_parameters": True},  # an error's text holds no value of a row
        "log_level": "WARNING",
    }


def quiet_logger() -> None:
    """Let DBOS log through the root logger, from warnings on: with a handler of its own it would write past it."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.setLevel(logging.WARNING)
