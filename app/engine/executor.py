"""A name for this process that no living one has and that it gets again after a restart. Nothing else."""

import fcntl
import os
import secrets
import socket
from contextlib import suppress
from pathlib import Path

from app.errors import StoreUnavailable

MOST = 64


class ExecutorId:
    """`host-3fa2c1d0-0`, `…-1`, …: the first that no other process of this data directory holds.

    The middle is made once for the directory, so that two directories on one host never share a name.

    The operating system frees the lock when the process ends, however it ends; the successor then takes the same
    name, and with it the work that was left. Containers get a new host name: there the lease decides (`engine`).
    """

    def __init__(self, data_dir: Path) -> None:
        directory = data_dir / "executors"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock, number = _lock_first(directory)
        self.value = f"{socket.gethostname()}-{_directory_name(directory)}-{number}"

    def release(self) -> None:
        """Let another process have the name."""
        os.close(self._lock)


def _directory_name(directory: Path) -> str:
    """Made by whoever comes first; a link appears with its content or not at all."""
    name = directory / "name"
    if not name.exists():
        draft = directory / f"name.{os.getpid()}"
        draft.write_text(secrets.token_hex(4))
        with suppress(FileExistsError):
            name.hardlink_to(draft)
        draft.unlink()
    return name.read_text()


def _lock_first(directory: Path) -> tuple[int, int]:
    """(file descriptor, number) of the first lock that is free."""
    for number in range(MOST):
        lock = os.open(directory / f"{number}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            return lock, number
    raise StoreUnavailable(f"{MOST} processes use {directory.parent} already.")
