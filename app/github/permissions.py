"""Which permissions Quorum asks for, for what, and what it does with fewer. Pure: asks GitHub nothing."""

from collections.abc import Mapping

Permissions = Mapping[str, str]
"""The name of a permission → `read` or `write`."""

# What a review needs, and nothing else: https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps
REVIEW_PERMISSIONS: Permissions = {
    "metadata": "read",
    "contents": "read",
    "pull_requests": "write",
    "issues": "write",
    "checks": "write",
}
FILE_PERMISSIONS: Permissions = {"metadata": "read", "contents": "read"}
READ_PERMISSIONS: Permissions = {"metadata": "read", "contents": "read", "pull_requests": "read"}
_LEVELS = ("", "read", "write", "admin")
# resolveReviewThread wants this one; it is asked for when a thread is resolved, and may not be granted.
RESOLVE_PERMISSIONS: Permissions = {
    "metadata": "read",
    "contents": "write",
    "pull_requests": "write",
    "issues": "write",  # the summary is edited in the same request
}


def lacking_permissions(wanted: Permissions, granted: Permissions) -> dict[str, str]:
    """Those wanted permissions that were not granted, or not as far; name → wanted level."""
    return {
        name: level
        for name, level in wanted.items()
        if _LEVELS.index(granted.get(name, "")) < _LEVELS.index(level)
    }


def possible_permissions(wanted: Permissions, granted: Permissions) -> tuple[Permissions, Permissions]:
    """What of the wanted is granted, and what is lacking; nothing of either where too little is left to read by."""
    lacking = lacking_permissions(wanted, granted)
    if not lacking or lacking_permissions(READ_PERMISSIONS, granted):
        return {}, {}
    possible = {
        name: granted[name] if name in lacking else wanted[name] for name in wanted if name in granted
    }
    return possible, lacking
