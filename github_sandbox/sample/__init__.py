"""The sample pull request of `quorum demo` and `python -m github_sandbox`: a small payments service, and a change with real defects.

`base/` and `head/` are data: nothing imports or runs them. `head/` contains only what differs. `recorded/` holds what readers
answered to the requests about the change, and the hashes of the prompts that they saw.
"""

from pathlib import Path

from github_sandbox.recorded import Recording
from github_sandbox.repository import Pull, Repository
from github_sandbox.sandbox import Hub

_HERE = Path(__file__).parent
REPOSITORY = "acme/payments"
TITLE = "Search, refund and export charges"
BODY = """\
Merchants asked for three things:

- search their charges by reference,
- refund a charge from the dashboard,
- export a month as CSV.

Statements are paged now, as some merchants have thousands of charges.
"""


def _files(folder: str) -> dict[str, bytes]:
    root = _HERE / folder
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def load_recording() -> Recording:
    """Read the recorded answers to the requests about the sample's change."""
    return Recording.load(_HERE / "recorded")


def build_sample(sandbox: Hub) -> Pull:
    """Create the sample repository and open its pull request; its webhook waits in `sandbox.hook.queue`."""
    return open_sample_pull(build_sample_repository(sandbox))


def build_sample_repository(sandbox: Hub, *, install: bool = True) -> Repository:
    """Create the repository before the change; the App is installed on its owner unless `install` is False."""
    repository = sandbox.create_repository(REPOSITORY, {**_files("base")}, install=install)
    repository.set_role("alice", "write")
    repository.set_role("bob", "admin")
    return repository


def open_sample_pull(repository: Repository) -> Pull:
    """Open the pull request as Alice."""
    return repository.open_pull(
        {**_files("head")},
        title=TITLE,
        body=BODY,
        author="alice",
        branch="search-refund-export",
        message=TITLE,
    )
