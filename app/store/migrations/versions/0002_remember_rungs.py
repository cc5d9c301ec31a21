"""Remember which way of requesting JSON each model takes, and when the first token of an answer arrived"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Bring the tables from the step before to this one."""
    op.create_table(
        "rungs",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("schema_digest", sa.String(), nullable=False),
        sa.Column("access", sa.String(), nullable=False),
        sa.Column("rung", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", "model", "schema_digest", "access"),
    )
    op.add_column("model_calls", sa.Column("first_token_ms", sa.Integer(), nullable=True))
