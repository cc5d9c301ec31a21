"""Keeps the errors that the program logs, so that a test fails on one that it does not expect. Not a test."""

import logging
from typing import Self


class ErrorLog(logging.Handler):
    """Keeps logged errors while it is entered; a test that expects one takes it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(
            f"{record.name}: {record.getMessage()} {record.exc_info and record.exc_info[1]!r}"
        )

    def take(self, text: str) -> str:
        """Remove and return the oldest message that contains the text."""
        found = next(message for message in self.messages if text in message)
        self.messages.remove(found)
        return found

    def __enter__(self) -> Self:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)
