"""What Quorum says about itself: its documentation, made from the code it documents, and a repository's own figures."""

from collections.abc import Sequence

from app.gather import configuration_schema
from app.publish.replies import COMMANDS
from app.store.model_calls import ModelStats

ABOUT = """\
Quorum is a self-hosted GitHub App. Claude reviews the code, GPT scans for security, Gemini documents the change. A finding of
one vendor is put before another vendor's model and reaches the pull request only when it holds there (`quorum`). Built-in
analysers run beside them. Each review is one GitHub review (COMMENT; Quorum never approves), one summary comment edited in
place, and three check runs: quorum/review, quorum/security, quorum/docs. A push is reviewed by what it changed. Conclusions:
no finding success; findings neutral; with `gate` a finding at or above it failure; not reviewed neutral, with a gate failure.
If a vendor is out, the next one answers, and the summary says so. Every call is recorded with tokens and cost; budgets limit
them. Nothing of a pull request is executed; secrets are redacted before a model sees code; diffs and prompts are not stored.
Commands need write access. A finding dismissed three times in nearly equal form is not shown again; /config lists these."""


def documentation() -> str:
    """The whole of it, as plain text."""
    commands = "\n".join(f"{command}: {meaning}" for command, meaning in COMMANDS)
    properties = configuration_schema()["properties"]
    keys = "\n".join(f"{key}: {about.get('description', '')}" for key, about in properties.items())
    return f"{ABOUT}\n\nCommands:\n{commands}\n\n.github/quorum.yml, read from the base branch:\n{keys}"


def figures(rows: Sequence[ModelStats]) -> str:
    """A line a model."""
    if not rows:
        return "No model was called for this repository in the last 30 days."
    return "\n".join(
        f"{row.provider}:{row.model}: {row.calls} calls, {row.succeeded} answered, {row.cache_hits} from the cache, "
        f"{row.input_tokens} tokens in, {row.output_tokens} out, {row.cost_usd:.4f} USD"
        f"{f' and {row.unpriced_calls} calls of unknown price' if row.unpriced_calls else ''}"
        for row in rows
    )
