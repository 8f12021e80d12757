"""Runs a whole SQL script in a revision: asyncpg's prepared statements take one statement, a script has many."""

from alembic import op


def execute(script: str) -> None:
    """Run `script` inside the revision's transaction."""
    bind = op.get_bind()
    bind.exec_driver_sql("select 1")  # SQLAlchemy opens the transaction with its first statement
    bind.connection.dbapi_connection.run_async(lambda connection: connection.execute(script))  # type: ignore[union-attr]
