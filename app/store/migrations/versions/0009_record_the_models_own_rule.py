"""Record a model's own word for a rule that the vocabulary lacks"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Bring the tables from the step before to this one."""
    op.add_column("findings", sa.Column("own_rule", sa.Text(), nullable=True))
