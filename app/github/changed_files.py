"""The changed files of a pull request and the commits of a merge group. Reads only.

After about 20,000 lines of patches, a response of the files API continues with rows without changes and patch, unmarked
(https://github.com/orgs/community/discussions/213491), which could hide code from a reviewer. Such rows are requested
again in smaller pages, which have the patches."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

from app.domain.diff import FileDiff, FileStatus
from app.domain.patch import parse_file_patch
from app.domain.pull_request import PullRequestRef
from app.github.client import RepositoryClient

if TYPE_CHECKING:
    from githubkit_schemas.v2026_03_10.types import (  # pyright: ignore[reportMissingTypeStubs]
        DiffEntryTypeForResponse,
    )

MAX_LISTED_FILES = 3_000  # https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
PAGE_SIZE = 100
SMALLER_PAGE = {PAGE_SIZE: 10, 10: 1}
FULL_PAGE_LINES = 10_000  # half of the size where holes start
NO_PATCH = "GitHub provides no patch for it"

_EMPTY_BLOBS = ("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """One row of the files API. `commit` is the head that GitHub listed; None for a removed file."""

    path: str
    previous_path: str | None
    status: str
    blob_sha: str | None
    additions: int
    deletions: int
    patch: str | None
    commit: str | None

    @property
    def may_be_a_hole(self) -> bool:
        """Whether the row has no patch: a binary, a pure rename, or a hole."""
        return self.patch is None and self.additions + self.deletions == 0 and not self.is_empty

    @property
    def is_empty(self) -> bool:
        """Whether the file is empty."""
        return self.blob_sha in _EMPTY_BLOBS


async def fetch_page(
    client: RepositoryClient, ref: PullRequestRef, *, page: int, per_page: int = PAGE_SIZE
) -> list[ListedFile]:
    """Fetch one page of rows; request rows again if a full page may have dropped their patches."""
    request = client.rest.pulls.async_list_files(
        client.owner, client.repo, ref.number, per_page=per_page, page=page
    )
    rows = [_listed(row) for row in await client.fetch(request, to=f"list the files of {ref}")]
    smaller = SMALLER_PAGE.get(per_page)
    if smaller is None or sum(row.patch.count("\n") for row in rows if row.patch) < FULL_PAGE_LINES:
        return rows
    holes = {index // smaller for index, row in enumerate(rows) if row.may_be_a_hole}
    first = (page - 1) * (per_page // smaller) + 1
    for part in sorted(holes):
        again = await fetch_page(client, ref, page=first + part, per_page=smaller)
        rows[part * smaller : part * smaller + len(again)] = again
    return rows


async def fetch_further_pages(
    client: RepositoryClient, ref: PullRequestRef, *, changed_files: int
) -> list[ListedFile]:
    """Fetch the rows after the first page, up to GitHub's maximum number of listed files."""
    pages = -(-min(changed_files, MAX_LISTED_FILES) // PAGE_SIZE)
    answers = await asyncio.gather(*(fetch_page(client, ref, page=page) for page in range(2, pages + 1)))
    return [row for answer in answers for row in answer]


def commits_of(rows: Sequence[ListedFile]) -> set[str]:
    """Return the head commits of the rows: more than one if a push came in between."""
    return {row.commit for row in rows if row.commit}


def parse_listed(row: ListedFile) -> FileDiff:
    """Parse the file; sets `error` if GitHub withholds the patch or sends an inconsistent one."""
    file = parse_file_patch(
        path=row.path, previous_path=row.previous_path, status=row.status, patch=row.patch
    )
    if file.error or row.status == "unchanged":
        return file
    if (file.added, file.removed) != (row.additions, row.deletions):
        return replace(file, hunks=(), error=NO_PATCH)
    if row.may_be_a_hole and file.status in (FileStatus.ADDED, FileStatus.MODIFIED, FileStatus.REMOVED):
        return replace(file, binary=True)
    return file


def _listed(row: "DiffEntryTypeForResponse") -> ListedFile:
    commit = parse_qs(urlsplit(row["contents_url"]).query).get("ref", [None])[0]
    return ListedFile(
        path=row["filename"],
        previous_path=row.get("previous_filename"),
        status=row["status"],
        blob_sha=row["sha"],
        additions=row["additions"],
        deletions=row["deletions"],
        patch=row.get("patch"),
        commit=None if row["status"] == FileStatus.REMOVED else commit,
    )


PER_PAGE = 100
MAX_PAGES = 5  # a merge queue merges at most 100 pull requests at a time


async def fetch_merge_group_commits(
    client: RepositoryClient, *, base_ref: str, head_sha: str
) -> list[str] | None:
    """Fetch the commits of `head_sha` that the branch does not have; None if there are too many.

    https://docs.github.com/en/rest/commits/commits#compare-two-commits
    """
    compared = f"{quote(base_ref.removeprefix('refs/heads/'), safe='/')}...{head_sha}"
    found: list[str] = []
    for page in range(1, MAX_PAGES + 1):
        request = client.rest.repos.async_compare_commits(
            client.owner, client.repo, compared, per_page=PER_PAGE, page=page
        )
        data = await client.fetch(request, to="read the commits of a merge group")
        found += [commit["sha"] for commit in data["commits"]]
        if len(found) >= data["total_commits"]:
            return found
    return None
