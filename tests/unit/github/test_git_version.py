"""git must be recent enough to ignore what a repository says about programs."""

import pytest

from app.commands.doctor_checks import CheckResult, check_git
from app.github.git_version import MIN_VERSION, parse_version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("git version 2.39.5", (2, 39)),
        ("git version 2.39.5 (Apple Git-154)", (2, 39)),
        ("git version 2.47.1.windows.1", (2, 47)),
        ("nonsense", (0, 0)),
    ],
)
def test_versions_are_parsed(text: str, version: tuple[int, int]) -> None:
    assert parse_version(text) == version


def test_doctor_fails_for_a_git_that_ignores_the_settings() -> None:
    assert check_git((2, 30)).result is CheckResult.FAILURE
    assert check_git(MIN_VERSION).result is CheckResult.OK
