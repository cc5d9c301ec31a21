"""What is off where an installation's owner has not granted a permission. Says it; switches nothing."""

from collections.abc import Mapping

OFF = {
    "checks": "check runs",
    "pull_requests": "the review and its comments on lines",
    "issues": "the summary comment, and answers in the conversation",
}


def name_off(lacking: Mapping[str, str]) -> str:
    """What is off, each with the permission that it needs; `lacking` is name → level."""
    return "; ".join(
        f"{OFF[name]} (needs `{name}: {level}`)" for name, level in lacking.items() if name in OFF
    )


def render_lacking(lacking: Mapping[str, str]) -> str:
    """One sentence; empty where nothing is off."""
    off = name_off(lacking)
    return f"Off here, because the App's installation does not grant it: {off}." if off else ""
