"""The stand-in GitHub: strict, stateful, backed by real git repositories.

`quorum demo` runs the production path against it, and it is the GitHub of the tests. It refuses what GitHub refuses;
each rule has a test that names the page it comes from. Never reaches the network.
"""

from app.sandbox.diffs import DiffLimits
from app.sandbox.errors import ApiError
from app.sandbox.git import Entry
from app.sandbox.hub import GitHubSandbox
from app.sandbox.limits import Accident, RateLimits
from app.sandbox.pull import Pull
from app.sandbox.rendering import Urls
from app.sandbox.repository import Repository
from app.sandbox.state import Anchor, Delivery, Posted, RequestRecord

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
