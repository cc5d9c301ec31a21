"""Record who owns the path of a finding, for reports by team"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Bring the tables from the step before to this one."""
    op.add_column("findings", sa.Column("owners", sa.Text(), nullable=True))
