"""A full or read-only disk is named, not only SQLite's "disk I/O error"."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from app.errors import StoreUnavailable
from app.store.database import Database
from app.store.unavailable import disk_problem, mapped_errors

NO_ROOM = Path("/proc")  # a file system on which nothing can be stored


def test_a_writable_directory_has_no_problem(tmp_path: Path) -> None:
    assert disk_problem(tmp_path) is None


def test_a_directory_without_room_and_a_missing_one_are_named(tmp_path: Path) -> None:
    assert disk_problem(NO_ROOM) in ("/proc is read-only", "the disk of /proc is full")
    assert disk_problem(tmp_path / "gone") == f"{tmp_path}/gone cannot be read (No such file or directory)"


def test_an_error_of_the_database_says_that_the_disk_is_the_reason() -> None:
    with pytest.raises(StoreUnavailable, match=r"unavailable: (the disk of )?/proc is (full|read-only)\.$"):
        raise_in(NO_ROOM)


def test_an_error_of_the_database_keeps_its_words_if_the_disk_is_fine(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="unavailable: disk I/O error"):
        raise_in(tmp_path)


def raise_in(directory: Path) -> None:
    with mapped_errors(directory):
        raise OperationalError("SELECT 1", None, sqlite3.OperationalError("disk I/O error"))


def test_a_fast_database_on_a_good_disk_has_no_problem(database: Database) -> None:
    assert database.problem() is None
