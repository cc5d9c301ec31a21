import threading


class Jobs:
    """Runs one job at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.finished = 0

    def run(self, job):
        """Run the job when no other one runs, and return its result; its errors reach the caller."""
        self._lock.acquire()
        result = job()
        self.finished += 1
        self._lock.release()
        return result
