"""Commits of GitHub repositories as git objects on this machine: fetched shallow and bare, never checked out.

One cache for all repositories, apart by installation; one directory a repository. Serves what the API serves badly:
many files, a search of the tree, patches that GitHub keeps back.
"""

import asyncio
import base64
import fcntl
import hashlib
import logging
import shutil
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from app.domain.source import Match
from app.errors import GitHubNotFound, GitHubUnavailable
from app.github.failures import Clock
from app.github.git_process import DIFF_FLAGS, Git, GitFailed

BLOB_LIMIT = "200k"  # larger files stay at GitHub
MAX_BLOB_BYTES = 2 * 1024 * 1024
MAX_CACHE_BYTES = 5 * 1024 * 1024 * 1024
MAX_PACK_BLOCKS = 2 * 1024 * 1024  # of 512 bytes: 1 GiB
EVICTED_AFTER_S = 3_600.0

_log = logging.getLogger(__name__)
