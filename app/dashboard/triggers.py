"""Why a review ran, in plain words: GitHub's event, or the command and who gave it."""

from collections.abc import Mapping
from typing import Any, cast

_EVENTS = {
    "synchronize": "push",
    "ready_for_review": "ready for review",
    "check_suite": "all checks re-run",
    "check_run": "a check re-run",
    "base": "new base branch",
    "changed": "no longer excluded",
}


def plain_trigger(trigger: str, request: Mapping[str, Any] | None = None) -> str:
    """Describe a trigger; `request` is the stored job of its delivery, if it is still there."""
    kind, _, rest = trigger.partition(":")
    if kind in ("comment", "check_action", "refresh"):
        return _asked(kind, rest, request or {})
    return _EVENTS.get(kind, kind.replace("_", " ") if rest or kind in _PLAIN else trigger)


_PLAIN = ("opened", "reopened")


def _asked(kind: str, rest: str, request: Mapping[str, Any]) -> str:
    if kind == "refresh" and rest.startswith("dashboard"):
        return "a decision on the dashboard"
    person = request.get("author") or request.get("sender")
    by = f" by {person}" if isinstance(person, str) else ""
    command = request.get("command")
    if isinstance(command, Mapping):
        named = cast("Mapping[str, Any]", command)
        words = [str(each) for each in named.get("words") or ()]
        return " ".join([f"/{named.get('name')}", *words]) + by
    return {"comment": "a comment", "check_action": "a button of a check run"}.get(kind, "an update") + by
