"""The two look-ups by secret find nothing of the caller's before PostgreSQL's own."""

from service.migrations.plain import execute

revision = "0018"
down_revision = "0017"

# With an empty path a temporary type of the caller's, such as `interval`, is found before PostgreSQL's, and its checks
# would run as the owner; temporary things are only found last when the path names them last.
UP = """
alter function kring.session_municipality(bytea) set search_path = pg_catalog, pg_temp;
alter function kring.link_municipality(bytea) set search_path = pg_catalog, pg_temp;
"""

DOWN = """
alter function kring.session_municipality(bytea) set search_path = '';
alter function kring.link_municipality(bytea) set search_path = '';
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
