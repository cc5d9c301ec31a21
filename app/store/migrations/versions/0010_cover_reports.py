"""Let indexes hold all that the reports read"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Bring the tables from the step before to this one."""
    op.drop_index("ix_findings_created_at", "findings")
    op.create_index(
        "ix_findings_created_at",
        "findings",
        ["created_at", "rule_id", "shown", "installation_id", "repository"],
    )
    op.drop_index("ix_findings_outcomes", "findings")
    op.create_index(
        "ix_findings_outcomes",
        "findings",
        [
            "installation_id",
            "repository",
            "pull_request",
            "fingerprint",
            "outcome",
            "created_at",
            "shown",
            "reactions_up",
            "reactions_down",
            sa.text("CAST(found_by AS TEXT)"),
            sa.text("CAST(confirmed_by AS TEXT)"),
            "decided_at",
            "owners",
        ],
    )
    op.drop_index("ix_model_calls_started_at", "model_calls")
    op.create_index(
        "ix_model_calls_started_at",
        "model_calls",
        ["started_at", "provider", "model", "outcome", "installation_id", "repository", "cost_usd"],
    )
