import threading
import time
from collections.abc import Callable
from typing import Any

TTL_S = 600
MAX_ENTRIES = 500


class ReportCache:
    """Keeps rendered reports for a while; safe for threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[tuple[int, int], tuple[float, Any]] = {}

    def get_or_render(self, year: int, month: int, render: Callable[[], Any]) -> Any:
        key = (year, month)
        with self._lock:
            entry = self._entries.get(key)
        if entry and entry[0] > self._clock():
            return entry[1]
        value = render()
        with self._lock:
            if len(self._entries) >= MAX_ENTRIES:
                self._entries.clear()
            self._entries[key] = (self._clock() + TTL_S, value)
        return value
