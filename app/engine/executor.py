"""A name for this process that no living one has and that it gets again after a restart. Nothing else."""

import fcntl
import socket
from pathlib import Path
from typing import IO

from app.errors import StoreUnavailable

MOST = 64


class ExecutorId:
    """`host-0`, `host-1`, …: the first that no other process of this data directory holds.

    The operating system frees the lock when the process ends, however it ends; the successor then takes the same
    name, and with it the work that was left. Containers get a new host name: there the lease decides (`engine`).
    """

    def __init__(self, data_dir: Path) -> None:
        directory = data_dir / "executors"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(MOST):
            lock = (directory / f"{number}.lock").open("w", encoding="utf-8")
            if _try_lock(lock):
                self._lock = lock
                self.value = f"{socket.gethostname()}-{number}"
                return
            lock.close()
        raise StoreUnavailable(f"{MOST} processes use {data_dir} already.")

    def release(self) -> None:
        """Let another process have the name."""
        self._lock.close()


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
