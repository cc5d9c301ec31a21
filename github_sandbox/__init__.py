"""The stand-in GitHub: strict, stateful, backed by real git repositories.

`quorum demo` runs the production path against it, and it is the GitHub of the tests. It refuses what GitHub refuses;
each rule has a test that names the page it comes from. Never reaches the network.
"""

from github_sandbox.diffs import DiffLimits
from github_sandbox.errors import ApiError
from github_sandbox.git import Entry
from github_sandbox.limits import Accident, RateLimits
from github_sandbox.repository import Pull, Repository
from github_sandbox.sandbox import GitHubSandbox
from github_sandbox.state import Anchor, Delivery, Posted, RequestRecord, Urls

__all__ = [
    "Accident",
    "Anchor",
    "ApiError",
    "Delivery",
    "DiffLimits",
    "Entry",
    "GitHubSandbox",
    "Posted",
    "Pull",
    "RateLimits",
    "Repository",
    "RequestRecord",
    "Urls",
]
