"""SQLite or PostgreSQL: tables, queries, migrations."""
