"""What a merge group holds: the commits that its base branch does not have yet. Reads only.

https://docs.github.com/en/rest/commits/commits#compare-two-commits
"""

from urllib.parse import quote

from app.github.client import RepositoryClient

PER_PAGE = 100
MOST_PAGES = 5  # a queue merges at most 100 pull requests at once


async def fetch_commits(client: RepositoryClient, *, base_ref: str, head_sha: str) -> list[str] | None:
    """The commits of `head_sha` that the branch does not have; None: there are more than is worth reading."""
    compared = f"{quote(base_ref.removeprefix('refs/heads/'), safe='/')}...{head_sha}"
    found: list[str] = []
    for page in range(1, MOST_PAGES + 1):
        asked = client.rest.repos.async_compare_commits(
            client.owner, client.repo, compared, per_page=PER_PAGE, page=page
        )
        said = await client.fetch(asked, to="read the commits of a merge group")
        found += [commit["sha"] for commit in said["commits"]]
        if len(found) >= said["total_commits"]:
            return found
    return None
