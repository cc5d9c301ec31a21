"""A stand-in for GitHub: strict, stateful, and backed by real git repositories. See README.md.

It never uses the network. It rejects what GitHub rejects; each rule has a test that names the page it comes from.
"""

from github_sandbox.diffs import DiffLimits
from github_sandbox.errors import ApiError
from github_sandbox.git import Entry
from github_sandbox.limits import Fault, RateLimits
from github_sandbox.repository import Pull, Repository
from github_sandbox.sandbox import GitHubSandbox
from github_sandbox.state import Anchor, Delivery, Posted, RequestRecord, Urls

__all__ = [
    "Anchor",
    "ApiError",
    "Delivery",
    "DiffLimits",
    "Entry",
    "Fault",
    "GitHubSandbox",
    "Posted",
    "Pull",
    "RateLimits",
    "Repository",
    "RequestRecord",
    "Urls",
]
