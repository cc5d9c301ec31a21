"""What is kept: tables, migrations and queries, one short transaction each. Knows no GitHub and no model."""

from app.sqlite import ensure_sqlite

ensure_sqlite()
