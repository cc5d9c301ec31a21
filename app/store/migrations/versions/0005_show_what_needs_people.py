"""Show titles and authors of reviews, mute rules for paths, and list findings quickly"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"


def upgrade() -> None:
    """Bring the tables from the step before to this one."""
    for name in ("title", "author", "branch"):
        op.add_column("reviews", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("learned_rules", sa.Column("path", sa.Text(), nullable=True))
    op.add_column("learned_rules", sa.Column("created_by", sa.String(), nullable=True))
    op.create_index(
        "ix_findings_newest", "findings", ["repository", "pull_request", "fingerprint", "created_at", "id"]
    )
    op.create_index(
        "ix_findings_list",
        "findings",
        [
            "severity",
            "created_at",
            "id",
            "outcome",
            "installation_id",
            "repository",
            "pull_request",
            "fingerprint",
            "rule_id",
            sa.text("substr(path, 1, 200)"),
            sa.text("substr(title, 1, 120)"),
            sa.text("CAST(found_by AS TEXT)"),
        ],
    )
