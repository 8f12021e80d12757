"""Signing in with the municipality's own provider."""

from service.migrations.plain import execute

revision = "0015"
down_revision = "0014"

UP = """
-- Between leaving for the provider and coming back. A row and not a cookie, because a row can be used once: coming back
-- deletes it. Without the key in the visitor's own cookie it is of no use, nor are nonce and verifier without the code
-- that the provider gives.
create table kring.sign_in (
    state_hash bytea primary key check (length(state_hash) = 32),
    municipality_id uuid not null references kring.municipality on delete cascade,
    browser_hash bytea not null check (length(browser_hash) = 32),
    nonce text not null,
    code_verifier text not null,
    onward text not null check (onward ~ '^/' and length(onward) <= 300),  -- the page that was asked for
    created_at timestamptz not null default now()
);
select kring.protect('kring.sign_in', 'select, insert, delete');

-- The provider's own id of the session, so that it can end it (OpenID Connect Back-Channel Logout).
alter table kring.staff_session add column provider_session text check (length(provider_session) <= 255);

-- Whose last role was taken away stays known by what was done, and can do nothing any more.
alter table kring.staff drop constraint staff_roles_check;
alter table kring.staff add constraint staff_roles_check
    check (roles <@ array['caseworker', 'coordinator', 'manager']);
"""

DOWN = """
-- not valid: who has no role now has none before this revision either
alter table kring.staff drop constraint staff_roles_check;
alter table kring.staff add constraint staff_roles_check
    check (roles <@ array['caseworker', 'coordinator', 'manager'] and cardinality(roles) > 0) not valid;
alter table kring.staff_session drop column provider_session;
drop table kring.sign_in;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
