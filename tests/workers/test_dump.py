"""A dump of the database, Redis, and every log, searched for somebody whose details went all the way through Kring.

The web process and the worker are real processes; the details come in through the form and the API, are refused, are
sent, fail to be sent, are looked at by their owner and downloaded. Then everything that was written anywhere is
searched, in every encoding that a careless line of code could have used.
"""

import base64
import re
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import asyncpg
import httpx
import pytest
import redis

from service.auth import session_cookie, start_session
from service.commands.demo import wait_until_it_listens
from service.demo.api_token import public_keys, write_token
from service.demo.children import child
from service.domain import NeedId, ResidentId, Staff
from service.embedded import EmbeddedServers, _postgres_program
from service.processes import free_port
from service.resources import Resources
from service.settings import Settings
from tests import factories
from tests.app import CSRF
from tests.database import refused
from tests.factories import Submitted
from tests.service.api.test_needs import URL, body
from tests.service.web.test_needs import NEW, filled_in
from tests.workers.conftest import MailServer, eventually, outbox_states

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
SENT, REFUSED, LATER, API, OVER = (
    f"{name}@herkenbaarsma.test" for name in "anneliesje bertus corrie dirkje eefje".split()
)
MOBILE = "06 19283746"
POST = "Mevrouw A. Herkenbaarsma\r\nKwikstaartdreef 4711\r\n9876 ZX Verzonnenveen"
# Parts that are found in whatever way the whole is written
PLANTED = ("herkenbaarsma", "anneliesje", "19283746", "kwikstaartdreef", "9876 ZX", "9876ZX", "verzonnenveen")


# --- searching ------------------------------------------------------------------------------------------------------


def written(word: str) -> Iterator[bytes]:
    """The ways a word can stand in a file: as it is, in hexadecimal, in base64 at any offset, in a URL, in UTF-16."""
    for variant in {word, word.lower(), word.upper(), word.capitalize()}:
        for raw in (variant.encode(), variant.encode("utf-16-le")):
            yield raw
            yield raw.hex().encode()
            yield raw.hex().upper().encode()
            for offset, start in enumerate((0, 2, 3)):
                whole = base64.b64encode(bytes(offset) + raw)[start : (offset + len(raw)) * 8 // 6]
                yield whole
                yield whole.replace(b"+", b"-").replace(b"/", b"_")
        yield quote(variant, safe="").encode()


FORMS = {word: set(written(word)) for word in PLANTED}


def found(content: bytes) -> list[str]:
    return [word for word, forms in FORMS.items() if any(form in content for form in forms)]


@pytest.mark.parametrize(
    "line",
    [
        b"to=Anneliesje",
        b"ANNELIESJE",
        b'"\\\\x616e6e656c6965736a65"',
        b"616E6E656C6965736A65",
        base64.b64encode(b"anneliesje@herkenbaarsma.test"),
        base64.b64encode(b".anneliesje@herkenbaarsma.test"),
        base64.urlsafe_b64encode(b"..anneliesje@herkenbaarsma.test"),
        "anneliesje".encode("utf-16"),
        b"?wie=anneliesje%40herkenbaarsma.test",
        b"postcode=9876%20ZX",
    ],
)
def test_the_search_finds_every_way_of_writing(line: bytes) -> None:
    assert found(b"x" * 7 + line + b"y" * 7) != []


def dump(settings: Settings) -> bytes:
    """All of the database, as an administrator's backup would have it."""
    assert settings.migrate_url is not None
    command = [str(_postgres_program("pg_dump")), "--dbname", settings.migrate_url.get_secret_value()]
    return subprocess.run(command, check=True, capture_output=True).stdout


def values_of(client: redis.Redis, name: str) -> str:
    """Whatever stands under a name. Not `dump`, which compresses."""
    match client.type(name):
        case b"string":
            return repr(client.get(name))
        case b"list":
            return repr(client.lrange(name, 0, -1))
        case b"set":
            return repr(client.smembers(name))
        case b"zset":
            return repr(client.zrange(name, 0, -1, withscores=True))
        case b"hash":
            return repr(client.hgetall(name))
        case b"stream":
            return repr(client.xrange(name))
        case other:
            raise AssertionError(f"{other!r} is not searched")


def held_by_redis(settings: Settings) -> bytes:
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        return "\n".join(f"{name!r} {values_of(client, name.decode())}" for name in client.scan_iter()).encode()


def files_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


# --- planting -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Everything:
    """What was written anywhere, by where."""

    dump: bytes
    redis: bytes
    redis_file: bytes  # every command Redis ever got, of what is gone by now too
    web: bytes
    worker: bytes
    postgres: bytes


@dataclass(frozen=True, slots=True)
class Town:
    """Kring as it runs, and those who plant."""

    kring: Resources
    settings: Settings
    folder: Path
    coordinator: Staff
    owner: Owner
    mail: MailServer


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    port = free_port()
    changed = {
        "port": port,
        "base_url": f"http://127.0.0.1:{port}",
        "api_issuer": "https://inloggen.waterdam.example",
        "api_keys_file": public_keys(tmp_path),
        "log_level": "debug",
    }
    return settings.model_copy(update=changed)


async def submit_through_the_page(client: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    token = CSRF.search((await client.get(NEW)).text)
    assert token is not None
    consents = ["matching", "invitation", "follow_up"]
    data = filled_in(consents=consents, submission_key=str(uuid.uuid4()), contact_email=None) | changes
    kept = {name: value for name, value in data.items() if value is not None}
    return await client.post(NEW, data={**kept, "csrf": token[1]})


async def plant(town: Town, token: str) -> None:
    """Six people in, each in another way; and all that is refused on the way."""
    async with httpx.AsyncClient(base_url=town.settings.base_url, timeout=60) as client:
        client.cookies.set(session_cookie(town.kring), await start_session(town.kring, town.coordinator, None))
        good = [
            await submit_through_the_page(client, channel=channel, **{f"contact_{channel}": value})
            for channel, value in (
                ("email", SENT), ("email", REFUSED), ("email", LATER), ("mobile", MOBILE), ("post", POST)
            )
        ]  # fmt: skip
        assert [answer.status_code for answer in good] == [303] * 5
        wrong = [
            await submit_through_the_page(client, channel="email", contact_email=f"{SENT} of {REFUSED}"),
            await submit_through_the_page(client, channel="mobile", contact_mobile=f"+99{MOBILE}"),
            await submit_through_the_page(client, channel="post", contact_post="Kwikstaartdreef 4711"),
            await submit_through_the_page(client, text=f"Mail Anneliesje op {SENT} of bel {MOBILE} over lotgenoten."),
            await client.get(f"/hulpvragen/{SENT}?naam=herkenbaarsma"),
            await client.get(f"/u/{SENT}"),
        ]
        assert [answer.is_client_error for answer in wrong] == [True] * 6
        await town.owner.execute("alter table vault.contact rename to away")
        crashed = await submit_through_the_page(client, channel="post", contact_post=POST)
        await town.owner.execute("alter table vault.away rename to contact")
        assert (crashed.status_code, found(crashed.content)) == (500, [])
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=town.settings.base_url, headers=headers, timeout=60) as program:
        contact = {"kanaal": "email", "waarde": API}
        sent = await program.post(URL, json=body(leeftijdsgroep="40_64", contact=contact))
        assert sent.status_code == 201, sent.text
        wrong = [
            await program.post(URL, json=body(contact={"kanaal": "mobile", "waarde": POST})),
            await program.post(URL, json=body(contact={"kanaal": "email", "waarde": [API]})),
            await program.post(URL, content=f'{{"contact": "{API}', headers={"content-type": "application/json"}),
        ]
        assert [answer.status_code for answer in wrong] == [400] * 3
    statement = "insert into vault.contact values (gen_random_uuid(), $1, 'email', $2, $3, '\\x00')"
    here = town.coordinator.municipality
    assert await refused(town.kring, here, statement, here, SENT, POST.encode()) == "contact_nonce_check"


async def send(town: Town) -> str:
    """Invite all six, through a mail server that repeats addresses in what it says; the link of the one it takes."""
    rows = await town.owner.fetch("select reference, id, resident_id from kring.need order by created_at")
    people = tuple(Submitted(row["reference"], NeedId(row["id"]), ResidentId(row["resident_id"])) for row in rows)
    assert len(people) == 6
    town.mail.mails.refusals |= {
        REFUSED: f"550 5.1.1 <{REFUSED}> {POST.replace(chr(13) + chr(10), ' ')} does not live here",
        LATER: f"451 4.2.2 <{LATER}> is full",
    }
    await factories.approved(town.kring, town.coordinator, people=people)

    async def dealt_with() -> bool:
        counts = await outbox_states(town.owner)
        later = await town.owner.fetchval("select count(*) from kring.outbox where state = 'due' and attempts > 0")
        return (counts.get("sent"), counts.get("failed"), counts.get("manual"), later) == (2, 1, 2, 1)

    with child(town.settings, town.folder, "worker"):
        await eventually(dealt_with)
    (mail,) = (mail for mail in town.mail.mails.taken if SENT in str(mail["To"]))
    link = re.search(rf"{town.settings.base_url}/u/\S+", mail.get_body(("plain",)).get_content())  # type: ignore[union-attr]
    assert link is not None
    return link[0]


async def look(settings: Settings, link: str) -> None:
    """As the resident: open the link, see what is held, download it, and say yes."""
    async with httpx.AsyncClient(base_url=settings.base_url, follow_redirects=True, timeout=60) as client:
        shown = await client.get(link)
        token = CSRF.search(shown.text)
        assert token is not None
        downloaded = await client.get("/mijn-gegevens/bestand")
        assert SENT in downloaded.text, "the one place that shows it"
        answered = await client.post("/uitnodiging", data={"choice": "accepted", "csrf": token[1]})
        assert answered.is_success


@pytest.fixture
async def everything(
    kring: Resources, settings: Settings, coordinator: Staff, owner: Owner, mail_server: MailServer,
    shared_servers: EmbeddedServers, tmp_path: Path,
) -> Everything:  # fmt: skip
    town = Town(kring, settings, tmp_path, coordinator, owner, mail_server)
    token = write_token(tmp_path, settings, municipality="waterdam", subject="coordinator").read_text()
    with child(settings, tmp_path, "serve") as web:
        wait_until_it_listens(settings.port, web)
        await plant(town, token)
        await look(settings, await send(town))
    return Everything(
        dump=dump(settings),
        redis=held_by_redis(settings),
        redis_file=files_in(shared_servers.redis.data),
        web=(tmp_path / "serve.log").read_bytes(),
        worker=(tmp_path / "worker.log").read_bytes(),
        postgres=shared_servers.postgres.log.read_bytes(),
    )


# --- finding nothing ------------------------------------------------------------------------------------------------


async def test_nothing_that_is_written_anywhere_says_who_it_is(
    everything: Everything, settings: Settings, owner: Owner
) -> None:
    where = {name: getattr(everything, name) for name in Everything.__slots__}
    assert {name: found(content) for name, content in where.items()} == {name: [] for name in where}
    # Each of them was really there, and would have shown it: what may stand in it does.
    resident = str(await owner.fetchval("select resident_id from vault.contact limit 1")).encode()
    outbox = str(await owner.fetchval("select id from kring.outbox where state = 'failed'")).encode()
    assert (resident in everything.dump, outbox in everything.worker) == (True, True)
    assert b"contact_nonce_check" in everything.postgres
    assert b"arq:" in everything.redis + everything.redis_file
    assert b'"event": "crashed"' in everything.web
    await owner.execute(f"create table kring.leak as select '{SENT}'::bytea as sealed")
    assert found(dump(settings)) == ["herkenbaarsma", "anneliesje"]
