"""The migration: twice, at once, on a database that is down, and with a role that may do too much."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest
from pydantic import SecretStr

from service.embedded import EmbeddedServers
from service.errors import SettingsError
from service.migrate import add_municipality, migrate, plain_url
from service.settings import Settings
from tests.conftest import database_url, settings_for


@pytest.fixture
async def bare(shared_servers: EmbeddedServers) -> AsyncIterator[Settings]:
    """Settings of a database with nothing in it, and of a login role that does not exist yet."""
    database, role = f"bare_{uuid.uuid4().hex}", f"role_{uuid.uuid4().hex}"
    admin = await asyncpg.connect(shared_servers.postgres.url)
    await admin.execute(f"create database {database}")
    yield settings_for(shared_servers, database).model_copy(
        update={"database_url": SecretStr(database_url(shared_servers, database, f"{role}:g%40heim%27s"))}
    )
    await admin.execute(f"drop database {database} with (force)")
    await admin.close()


async def _migrate(settings: Settings) -> None:
    await asyncio.to_thread(migrate, settings)


async def _as_application(settings: Settings, statement: str) -> object:
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def _role(settings: Settings) -> str:
    return settings.database_url.get_secret_value().partition("://")[2].partition(":")[0]


async def test_the_application_can_sign_in_after_the_first_migration(bare: Settings) -> None:
    await _migrate(bare)
    assert await _as_application(bare, "select count(*) from kring.municipality") == 0


async def test_migrating_again_changes_nothing(bare: Settings) -> None:
    await _migrate(bare)
    await _migrate(bare)
    assert await _as_application(bare, "select count(*) from kring.municipality") == 0


async def test_two_migrations_at_once_take_turns(bare: Settings) -> None:
    assert await asyncio.gather(_migrate(bare), _migrate(bare)) == [None, None]


async def test_a_changed_password_works_after_the_next_migration(bare: Settings) -> None:
    await _migrate(bare)
    changed = bare.database_url.get_secret_value().replace("g%40heim%27s", "nieuw")
    later = bare.model_copy(update={"database_url": SecretStr(changed)})
    await _migrate(later)
    assert await _as_application(later, "select 1") == 1


@pytest.mark.parametrize("power", ["superuser", "bypassrls", "createrole", "createdb"])
async def test_a_role_that_may_do_too_much_is_refused(bare: Settings, owner_of_bare: str, power: str) -> None:
    await _migrate(bare)
    connection = await asyncpg.connect(owner_of_bare)
    await connection.execute(f"alter role {_role(bare)} {power}")
    await connection.close()
    with pytest.raises(SettingsError, match="too much"):
        await _migrate(bare)


async def test_a_role_that_owns_a_table_is_refused(bare: Settings, owner_of_bare: str) -> None:
    await _migrate(bare)
    connection = await asyncpg.connect(owner_of_bare)
    await connection.execute(f"alter table kring.need owner to {_role(bare)}")
    await connection.close()
    with pytest.raises(SettingsError, match="too much"):
        await _migrate(bare)


@pytest.fixture
def owner_of_bare(bare: Settings) -> str:
    assert bare.migrate_url is not None
    return bare.migrate_url.get_secret_value()


async def test_the_owner_and_the_application_are_two_roles(bare: Settings) -> None:
    with pytest.raises(SettingsError, match="its own"):
        await _migrate(bare.model_copy(update={"database_url": bare.migrate_url}))


async def test_migrating_needs_the_owners_url(bare: Settings) -> None:
    with pytest.raises(SettingsError, match="KRING_MIGRATE_URL"):
        await _migrate(bare.model_copy(update={"migrate_url": None}))


async def test_a_database_that_is_down_is_one_clear_line(bare: Settings) -> None:
    down = bare.model_copy(update={"migrate_url": SecretStr("postgresql://postgres:geheim@127.0.0.1:1/kring")})
    with pytest.raises(SettingsError) as error:
        await _migrate(down)
    said = str(error.value)
    assert ("127.0.0.1:1" in said, "geheim" in said, "\n" in said) == (True, False, False)


async def test_a_wrong_password_is_one_clear_line(bare: Settings, owner_of_bare: str) -> None:
    user = owner_of_bare.partition("//")[2].partition("@")[0]
    wrong = bare.model_copy(update={"migrate_url": SecretStr(owner_of_bare.replace(user, "postgres:verkeerd"))})
    with pytest.raises(SettingsError, match="KRING_MIGRATE_URL") as error:
        await _migrate(wrong)
    assert "verkeerd" not in str(error.value)


async def test_a_municipality_is_added_once(bare: Settings, owner_of_bare: str) -> None:
    await _migrate(bare)
    first = await add_municipality(owner_of_bare, "elzermeer", "Elzermeer")
    again = await add_municipality(owner_of_bare, "elzermeer", "Elzermeer aan Zee")
    assert (first, await _as_application(bare, "select string_agg(name, ',') from kring.municipality")) == (
        again,
        "Elzermeer aan Zee",
    )


async def test_a_slug_is_short_and_simple(bare: Settings, owner_of_bare: str) -> None:
    await _migrate(bare)
    with pytest.raises(SettingsError, match="slug"):
        await add_municipality(owner_of_bare, "Elzer meer", "Elzermeer")


async def test_a_migration_can_be_undone_and_done_again(bare: Settings, owner_of_bare: str) -> None:
    from alembic import command
    from alembic.config import Config

    from service.migrate import MIGRATIONS

    await _migrate(bare)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = owner_of_bare
    await asyncio.to_thread(command.downgrade, config, "base")
    await _migrate(bare)
    assert await _as_application(bare, "select count(*) from kring.municipality") == 0


def test_the_name_of_a_python_driver_is_left_out_of_a_url() -> None:
    urls = ["postgresql+asyncpg://u:p+q@h/db", "postgresql://u:p@h/db"]
    assert [plain_url(url) for url in urls] == ["postgresql://u:p+q@h/db", "postgresql://u:p@h/db"]
