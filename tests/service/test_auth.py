"""Who is asking: sessions that end by themselves, links that cannot be forged, forms that come from our own pages."""

import asyncpg
import pytest
from fastapi import Request
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from service import auth
from service.db import transaction
from service.domain import Role, Staff
from service.errors import ForgedForm, LinkUnknown, NotAllowed
from service.invitations import hash_token
from service.queries import municipalities
from service.resources import Resources
from tests import factories

Owner = asyncpg.Connection


def _request(cookies: dict[str, str], *, headers: dict[str, str] | None = None, body: bytes = b"") -> Request:
    sent = {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} | (headers or {})

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(
        {
            "type": "http",
            "method": "POST",
            "path": "/",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        },
        receive,
    )


async def _staff(kring: Resources, key: str) -> Staff | None:
    return await auth.maybe_staff(_request({auth.session_cookie(kring): key}), kring)


# --- sessions -------------------------------------------------------------------------------------------------------


async def test_a_session_is_of_who_signed_in(kring: Resources, caseworker: Staff) -> None:
    assert await _staff(kring, await auth.start_session(kring, caseworker, None)) == caseworker


async def test_a_key_that_nobody_got_opens_nothing(kring: Resources, caseworker: Staff) -> None:
    await auth.start_session(kring, caseworker, None)
    assert [await _staff(kring, key) for key in ("", "guess")] == [None, None]


async def test_only_the_hash_of_the_key_is_kept(kring: Resources, caseworker: Staff, owner: Owner) -> None:
    key = await auth.start_session(kring, caseworker, None)
    row = await owner.fetchval("select s::text from kring.staff_session s")
    assert [shown for shown in (key, key.encode().hex()) if shown in row] == []


@pytest.mark.parametrize(
    ("seen", "created", "lives"),
    [
        ("29 minutes", "29 minutes", True),
        ("31 minutes", "31 minutes", False),
        ("1 minute", "11 hours 59 minutes", True),
        ("1 minute", "12 hours 1 minute", False),
    ],
)
async def test_a_session_ends_after_half_an_hour_of_silence_and_after_twelve_hours(
    kring: Resources, caseworker: Staff, owner: Owner, seen: str, created: str, lives: bool
) -> None:
    key = await auth.start_session(kring, caseworker, None)
    await owner.execute(
        """
        update kring.staff_session
        set seen_at = seen_at - $1::text::interval, created_at = created_at - $2::text::interval
        """,
        seen, created,
    )  # fmt: skip
    assert (await _staff(kring, key) is not None) == lives


async def test_a_page_keeps_the_session_alive(kring: Resources, caseworker: Staff, owner: Owner) -> None:
    key = await auth.start_session(kring, caseworker, None)
    kept = []
    for _ in range(3):
        await owner.execute("update kring.staff_session set seen_at = seen_at - interval '20 minutes'")
        kept.append(await _staff(kring, key) is not None)
    assert kept == [True] * 3


async def test_signing_out_ends_the_session(kring: Resources, caseworker: Staff) -> None:
    key = await auth.start_session(kring, caseworker, None)
    await auth.end_session(kring, key)
    assert await _staff(kring, key) is None


async def test_signing_in_again_ends_the_old_session(
    kring: Resources, caseworker: Staff, other_caseworker: Staff
) -> None:
    """Also when the second sign-in is at another municipality."""
    first = await auth.start_session(kring, caseworker, None)
    second = await auth.start_session(kring, other_caseworker, first)
    assert (await _staff(kring, first), await _staff(kring, second)) == (None, other_caseworker)


async def test_a_role_that_was_taken_away_is_gone_at_the_next_page(kring: Resources, coordinator: Staff) -> None:
    key = await auth.start_session(kring, coordinator, None)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await municipalities.put_staff(
            conn, coordinator.municipality, subject=Role.COORDINATOR, name=coordinator.name, roles=[Role.MANAGER]
        )
    found = await _staff(kring, key)
    assert found is not None
    assert found.roles == {Role.MANAGER}


async def test_roles_do_not_imply_each_other(caseworker: Staff, coordinator: Staff, manager: Staff) -> None:
    async def admitted(*roles: Role) -> list[bool]:
        answers = []
        for staff in (caseworker, coordinator, manager):
            try:
                await auth.RoleNeeded(*roles)(staff)
                answers.append(True)
            except NotAllowed:
                answers.append(False)
        return answers

    assert [await admitted(role) for role in (Role.CASEWORKER, Role.COORDINATOR, Role.MANAGER)] == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]


def test_the_cookie_of_a_real_service_is_bound_to_its_host(kring_over_https: Resources) -> None:
    cookies = [auth.session_cookie(kring_over_https), auth.link_cookie(kring_over_https)]
    assert cookies == ["__Host-kring", "__Host-kring-link"]


@pytest.fixture
def kring_over_https(kring: Resources) -> Resources:
    settings = kring.settings.model_copy(update={"demo": False, "base_url": "https://kring.voorbeeld.test"})
    return Resources(settings, kring.pool, kring.queue, kring.vault)


# --- the short session of a link ------------------------------------------------------------------------------------


async def _holder(kring: Resources, cookie: str) -> object:
    return (await auth.link_holder(_request({auth.link_cookie(kring): cookie}), kring)).subject_id


async def test_a_link_is_exchanged_for_a_session(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator)
    token = await factories.link(kring, coordinator, invited.invitations[0])
    assert await _holder(kring, auth.link_session(kring, hash_token(token))) == invited.invitations[0]


async def test_a_link_session_that_was_changed_or_forged_opens_nothing(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator)
    token = await factories.link(kring, coordinator, invited.invitations[0])
    good = auth.link_session(kring, hash_token(token))
    signed_elsewhere = URLSafeTimedSerializer("another secret, long enough as well", salt="link-session")
    signed_for_a_form = URLSafeTimedSerializer(kring.settings.secret.get_secret_value(), salt="form")
    for cookie in (
        "",
        "onzin",
        hash_token(token).hex(),
        ("A" if good[0] != "A" else "B") + good[1:],
        signed_elsewhere.dumps(hash_token(token).hex()),
        signed_for_a_form.dumps(hash_token(token).hex()),
    ):
        with pytest.raises(LinkUnknown):
            await _holder(kring, cookie)


class _HalfAnHourAgo(TimestampSigner):
    def get_timestamp(self) -> int:
        return super().get_timestamp() - auth.LINK_SESSION_SECONDS - 1


async def test_a_link_session_ends_after_half_an_hour(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator)
    token = await factories.link(kring, coordinator, invited.invitations[0])
    secret = kring.settings.secret.get_secret_value()
    signer = URLSafeTimedSerializer(secret, salt="link-session", signer=_HalfAnHourAgo)
    with pytest.raises(LinkUnknown):
        await _holder(kring, signer.dumps(hash_token(token).hex()))


async def test_a_link_session_ends_with_its_link(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    invited = await factories.approved(kring, coordinator)
    token = await factories.link(kring, coordinator, invited.invitations[0])
    cookie = auth.link_session(kring, hash_token(token))
    await owner.execute("update kring.link set revoked_at = now()")
    with pytest.raises(LinkUnknown):
        await _holder(kring, cookie)


# --- forms ----------------------------------------------------------------------------------------------------------


async def _sent(kring: Resources, shown_to: dict[str, str], sent_by: dict[str, str], **headers: str) -> None:
    token = auth.form_token(_request(shown_to), kring)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    names["content-type"] = "application/x-www-form-urlencoded"
    await auth.check_form(_request(sent_by, headers=names, body=f"csrf={token}".encode()), kring)


async def test_a_form_is_taken_from_the_session_it_was_shown_in(kring: Resources) -> None:
    await _sent(kring, {"kring": "mine"}, {"kring": "mine"}, sec_fetch_site="same-origin")


async def test_a_form_from_another_session_is_refused(kring: Resources) -> None:
    for sent_by in ({"kring": "yours"}, {}, {"kring": "mine", "kring-link": "x"}):
        with pytest.raises(ForgedForm):
            await _sent(kring, {"kring": "mine"}, sent_by)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_form_from_another_site_is_refused(kring: Resources, site: str) -> None:
    with pytest.raises(ForgedForm):
        await _sent(kring, {"kring": "mine"}, {"kring": "mine"}, sec_fetch_site=site)


async def test_a_form_without_its_token_is_refused(kring: Resources) -> None:
    with pytest.raises(ForgedForm):
        await auth.check_form(_request({"kring": "mine"}), kring)
