"""The version of git on this machine. Older versions ignore the settings that keep a repository from starting programs."""

import re

from app.github.git_process import Git

MIN_VERSION = (
    2,
    31,
)  # the first that reads GIT_CONFIG_COUNT: https://git-scm.com/docs/git-config#ENVIRONMENT


async def git_version(git: Git) -> tuple[int, int]:
    """Ask git for its major and minor version. Raises `GitFailed` if it cannot start."""
    return parse_version((await git.run("version")).decode("ascii", "replace"))


def parse_version(text: str) -> tuple[int, int]:
    """Parse `git version 2.39.5 (Apple Git-154)`; (0, 0) if it is no version."""
    found = re.search(r"(\d{1,4})\.(\d{1,4})", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def name_of(version: tuple[int, int]) -> str:
    """`2.31`."""
    return f"{version[0]}.{version[1]}"
