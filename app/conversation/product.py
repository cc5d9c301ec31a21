"""Quorum's documentation, generated from the code, and a repository's figures, for questions about Quorum."""

from collections.abc import Sequence

from app.gather import configuration_schema
from app.publish.replies import COMMANDS
from app.store.model_calls import ModelStats

ABOUT = """\
Quorum is a self-hosted GitHub App. Claude reviews the code, GPT scans for security, Gemini documents the change. Another
vendor's model checks each finding, and only confirmed findings become comments (`quorum`). Built-in analyzers run as well.
Each review is one GitHub review (COMMENT; Quorum never approves), one summary comment edited in place, and three check runs:
quorum/review, quorum/security, quorum/docs. After a push, only the changes are reviewed. Conclusions: success without
findings; neutral with findings; failure with a finding at or above the `gate`; if not reviewed, neutral, or failure with a
gate. If a vendor is unavailable, the next one answers, and the summary says so. Every call is recorded with tokens and cost;
budgets limit them. Code of a pull request is never executed; secrets are redacted before a model sees code; diffs and prompts
are not stored. Commands need write access. A finding that was dismissed three times in similar form is not shown again;
/config lists the learned rules."""


def documentation() -> str:
    """The whole documentation as plain text."""
    commands = "\n".join(f"{command}: {description}" for command, description in COMMANDS)
    properties = configuration_schema()["properties"]
    keys = "\n".join(f"{key}: {about.get('description', '')}" for key, about in properties.items())
    return f"{ABOUT}\n\nCommands:\n{commands}\n\n.github/quorum.yml, read from the base branch:\n{keys}"


def figures(rows: Sequence[ModelStats]) -> str:
    """One line per model."""
    if not rows:
        return "No model was called for this repository in the last 30 days."
    return "\n".join(
        f"{row.provider}:{row.model}: {row.calls} calls, {row.succeeded} answered, {row.cache_hits} from the cache, "
        f"{row.input_tokens} tokens in, {row.output_tokens} out, {row.cost_usd:.4f} USD"
        f"{f' and {row.unpriced_calls} calls of unknown price' if row.unpriced_calls else ''}"
        for row in rows
    )
