"""Moving people between drafts as a coordinator does it: first the effect, then the button, and the way back."""

import re

import httpx
import pytest

from models.need import Meeting
from service import consents
from service.db import Connection, transaction
from service.domain import ProposalId, Staff
from service.resources import Resources
from tests import factories
from tests.app import CSRF, App

LIVE = "select count(*) from kring.proposal_member where live and proposal_id = $1"


@pytest.fixture
async def browser(app: App, coordinator: Staff) -> httpx.AsyncClient:
    return await app.signed_in(coordinator)


@pytest.fixture
async def drafts(kring: Resources, coordinator: Staff) -> tuple[factories.Seated, factories.Seated]:
    """Two drafts of one run: six people, and five who live elsewhere."""
    return await two(kring, coordinator)


async def two(
    kring: Resources, coordinator: Staff, sizes: tuple[int, int] = (6, 5), **changes: object
) -> tuple[factories.Seated, factories.Seated]:
    groups = [
        await factories.some_people(kring, coordinator, sizes[0]),
        await factories.some_people(kring, coordinator, sizes[1], area_code="BU02", **changes),
    ]
    run = await factories.store_plan(kring, coordinator, factories.plan_of(*groups))
    seated = []
    for group in groups:
        async with transaction(kring.pool, coordinator.municipality) as conn:
            found = await conn.fetchval(
                "select m.proposal_id from kring.proposal_member m join kring.proposal p on p.id = m.proposal_id "
                "where m.need_id = $1 and p.run_id = $2",
                group[0].need, run,
            )  # fmt: skip
        seated.append(factories.Seated(ProposalId(found), group))
    return seated[0], seated[1]


def path(seated: factories.Seated) -> str:
    return f"/voorstellen/{seated.proposal}"


async def do(browser: httpx.AsyncClient, shown: httpx.Response, **changed: str) -> httpx.Response:
    """Press the button of an effect, with what stands in its form."""
    form = shown.text.partition('id="effect"')[2]
    action = re.search(r'method="post" action="([^"]+)"', form)
    assert action, f"no button: {shown.status_code}"
    fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))
    return await browser.post(action[1], data=fields | changed)


async def dropping(browser: httpx.AsyncClient, seated: factories.Seated, at: int = 0) -> httpx.Response:
    return await browser.get(f"{path(seated)}/weghalen", params={"nummer": seated.people[at].reference})


async def moving(browser: httpx.AsyncClient, here: factories.Seated, there: factories.Seated) -> httpx.Response:
    said = {"nummer": here.people[0].reference, "naar": str(there.proposal)}
    return await browser.get(f"{path(here)}/verplaatsen", params=said)


async def undo(app: App, browser: httpx.AsyncClient, page: str) -> httpx.Response:
    shown = (await browser.get(page)).text
    change = re.search(r'name="verandering" value="([^"]+)"', shown)
    assert change, "nothing to undo"
    return await app.submit(browser, page, {"verandering": change[1]}, to=f"{page}/ongedaan-maken")


async def test_looking_at_an_effect_changes_nothing(
    browser: httpx.AsyncClient, drafts: tuple[factories.Seated, factories.Seated], owner: Connection
) -> None:
    here, there = drafts
    for _ in range(2):
        assert (await dropping(browser, here)).status_code == 200
        assert (await moving(browser, here, there)).status_code == 200
        assert (await browser.get(f"{path(here)}/samenvoegen", params={"met": str(there.proposal)})).status_code == 200
    assert await owner.fetchval("select count(*) from kring.proposal_change") == 0
    assert await owner.fetchval("select count(*) from kring.proposal where edited_at is not null") == 0


async def test_a_drop_shows_its_effect_and_is_made_and_undone(
    app: App, browser: httpx.AsyncClient, drafts: tuple[factories.Seated, factories.Seated], owner: Connection
) -> None:
    here, _ = drafts
    shown = await dropping(browser, here)
    assert "5 mensen in plaats van 6." in shown.text
    assert "5 van de 5 kunnen op dinsdagavond." in shown.text
    assert (await do(browser, shown)).status_code == 303
    assert await owner.fetchval(LIVE, here.proposal) == 5
    page = (await browser.get(path(here))).text
    assert f"haalde {here.people[0].reference} uit deze groep." in page
    assert f'aria-label="Terugzetten {here.people[0].reference}"' in page
    assert (await undo(app, browser, path(here))).status_code == 303
    assert await owner.fetchval(LIVE, here.proposal) == 6
    assert "Ongedaan maken" not in (await browser.get(path(here))).text


async def test_who_was_dropped_is_put_back(
    app: App, browser: httpx.AsyncClient, drafts: tuple[factories.Seated, factories.Seated], owner: Connection
) -> None:
    here, _ = drafts
    await do(browser, await dropping(browser, here))
    back = {"nummer": here.people[0].reference}
    assert (await app.submit(browser, path(here), back, to=f"{path(here)}/terugzetten")).status_code == 303
    assert await owner.fetchval(LIVE, here.proposal) == 6


async def test_the_part_of_a_page_is_the_effect_and_nothing_else(
    browser: httpx.AsyncClient, drafts: tuple[factories.Seated, factories.Seated]
) -> None:
    here, _ = drafts
    said = {"nummer": here.people[0].reference}
    whole = (await browser.get(f"{path(here)}/weghalen", params=said)).text
    part = (await browser.get(f"{path(here)}/weghalen", params=said | {"deel": "effect"})).text
    assert "<html" not in part
    assert CSRF.sub("", part).strip() in CSRF.sub("", whole)


async def test_a_move_shows_what_happens_to_both_groups(
    app: App, browser: httpx.AsyncClient, drafts: tuple[factories.Seated, factories.Seated], owner: Connection
) -> None:
    here, there = drafts
    shown = await moving(browser, here, there)
    assert "6 mensen in plaats van 5." in shown.text
    assert "5 mensen in plaats van 6." in shown.text
    assert (await do(browser, shown)).status_code == 303
    assert (await owner.fetchval(LIVE, here.proposal), await owner.fetchval(LIVE, there.proposal)) == (5, 6)
    assert "zit nu in" in (await browser.get(path(here))).text
    assert "hierheen" in (await browser.get(path(there))).text
    assert (await undo(app, browser, path(there))).status_code == 303
    assert (await owner.fetchval(LIVE, here.proposal), await owner.fetchval(LIVE, there.proposal)) == (6, 5)
    assert here.people[0].reference not in (await browser.get(path(there))).text, "who was never there is not listed"


async def test_groups_that_fit_are_offered_beside_a_candidate(
    browser: httpx.AsyncClient, drafts: tuple[factories.Seated, factories.Seated]
) -> None:
    here, there = drafts
    assert f'<option value="{there.proposal}">' in (await browser.get(path(here))).text


async def test_a_move_that_cannot_be_says_why_and_has_no_button(
    app: App, browser: httpx.AsyncClient, kring: Resources, coordinator: Staff, owner: Connection
) -> None:
    here, there = await two(kring, coordinator, languages=("tr",))
    shown = await moving(browser, here, there)
    assert "Er is geen taal die iedereen spreekt." in shown.text
    assert ">Doen<" not in shown.text
    where = await browser.get(f"{path(here)}/verplaatsen", params={"nummer": here.people[0].reference})
    assert "Er is nu geen andere groep waar deze persoon past." in where.text
    said = {"nummer": here.people[0].reference, "naar": str(there.proposal), "seen": "x"}
    assert (await app.submit(browser, path(here), said, to=f"{path(here)}/verplaatsen")).status_code == 409
    assert await owner.fetchval(LIVE, here.proposal) == 6


async def test_what_a_colleague_changed_after_the_effect_was_shown_is_not_overwritten(
    browser: httpx.AsyncClient, drafts: tuple[factories.Seated, factories.Seated], owner: Connection
) -> None:
    here, there = drafts
    shown = await moving(browser, here, there)
    await do(browser, await dropping(browser, here, at=1))
    answer = await do(browser, shown)
    assert answer.status_code == 409
    assert f'href="{path(here)}"' in answer.text, "no way back to what changed"
    assert await owner.fetchval(LIVE, there.proposal) == 5


async def test_two_drafts_are_merged_and_parted_again(
    app: App, browser: httpx.AsyncClient, drafts: tuple[factories.Seated, factories.Seated], owner: Connection
) -> None:
    here, there = drafts
    shown = await browser.get(f"{path(here)}/samenvoegen", params={"met": str(there.proposal)})
    assert "11 mensen in plaats van 6." in shown.text
    assert (await do(browser, shown)).status_code == 303
    assert await owner.fetchval(LIVE, here.proposal) == 11
    old = await browser.get(path(there))
    assert (old.status_code, old.headers["location"]) == (303, path(here))
    assert (await undo(app, browser, path(here))).status_code == 303
    assert (await browser.get(path(there))).status_code == 200
    assert await owner.fetchval(LIVE, there.proposal) == 5


async def test_merging_too_many_is_refused_before_and_after_the_button(
    app: App, browser: httpx.AsyncClient, kring: Resources, coordinator: Staff
) -> None:
    here, there = await two(kring, coordinator, (7, 6))
    shown = await browser.get(f"{path(here)}/samenvoegen", params={"met": str(there.proposal)})
    assert "De groep is te groot: 13 mensen. Er mogen er 12 in." in shown.text
    assert ">Doen<" not in shown.text


async def test_who_left_meanwhile_is_not_undone_and_the_page_says_so(
    app: App, browser: httpx.AsyncClient, kring: Resources, coordinator: Staff
) -> None:
    here, _ = await two(kring, coordinator)
    await do(browser, await dropping(browser, here))
    shown = (await browser.get(path(here))).text
    change = re.search(r'name="verandering" value="([^"]+)"', shown)
    assert change
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await consents.withdraw_everything(conn, coordinator.municipality, here.people[0].resident, "link")
    answer = await app.submit(browser, path(here), {"verandering": change[1]}, to=f"{path(here)}/ongedaan-maken")
    assert answer.status_code == 409
    assert "doet niet meer mee met Kring" in answer.text
    page = (await browser.get(path(here))).text
    assert "Dit is niet meer ongedaan te maken." in page
    assert here.people[0].reference not in page


async def test_a_group_below_its_least_says_that_it_cannot_be_approved(
    browser: httpx.AsyncClient, drafts: tuple[factories.Seated, factories.Seated]
) -> None:
    _, there = drafts
    shown = await dropping(browser, there)
    assert "Goedkeuren kan pas vanaf 5 mensen." in shown.text
    await do(browser, shown)
    page = (await browser.get(path(there))).text
    assert "Goedkeuren kan niet. Een kring begint bij 5 mensen. Dat zijn er nu 4." in page
    assert "Goedkeuren en uitnodigen" not in page


@pytest.mark.parametrize("action", ["weghalen", "verplaatsen", "samenvoegen"])
@pytest.mark.parametrize("typed", ["", "geen nummer", "2222-2222"])
async def test_nonsense_in_an_address_is_not_found(
    browser: httpx.AsyncClient, drafts: tuple[factories.Seated, factories.Seated], action: str, typed: str
) -> None:
    here, _ = drafts
    answer = await browser.get(f"{path(here)}/{action}", params={"nummer": typed, "naar": typed, "met": typed})
    assert answer.status_code == 404


async def test_the_page_counts_who_can_come_when_and_how_far_each_area_is(
    app: App, browser: httpx.AsyncClient, drafts: tuple[factories.Seated, factories.Seated]
) -> None:
    here, there = drafts
    await do(browser, await moving(browser, here, there))
    page = (await browser.get(path(there))).text
    assert "Deze groep kiest dinsdagavond: 6 van de 6 kunnen dan." in page
    spread = page.partition("Mensen per wijk, en de afstand tot het midden</caption>")[2]
    assert spread.index("Havenkwartier") < spread.index("Binnenstad"), "the nearest area comes first"
    assert spread.index("Binnenstad") < spread.index("verste weg")


async def test_where_people_live_does_not_matter_online(
    browser: httpx.AsyncClient, kring: Resources, coordinator: Staff
) -> None:
    here, _ = await two(kring, coordinator, meeting=Meeting.ONLINE)
    online = await factories.draft(
        kring, coordinator, people=await factories.some_people(kring, coordinator, 5, meeting=Meeting.ONLINE)
    )
    assert "Waar iemand woont, maakt dan niet uit." in (await browser.get(path(online))).text
    assert here.proposal != online.proposal


async def test_no_id_of_a_resident_or_a_need_is_in_any_page_of_a_change(
    browser: httpx.AsyncClient, drafts: tuple[factories.Seated, factories.Seated]
) -> None:
    here, there = drafts
    await do(browser, await moving(browser, here, there))
    pages = [await browser.get(path(here)), await browser.get(path(there)), await dropping(browser, here, at=1)]
    pages += [await browser.get(f"{path(here)}/verplaatsen", params={"nummer": here.people[1].reference})]
    text = "".join(page.text for page in pages)
    people = (*here.people, *there.people)
    assert not [one for one in people if str(one.resident) in text or str(one.need) in text]


# --- what is new ----------------------------------------------------------------------------------------------------


async def test_after_one_run_there_is_nothing_to_compare_with(
    browser: httpx.AsyncClient, drafts: tuple[factories.Seated, factories.Seated]
) -> None:
    page = (await browser.get("/voorstellen")).text
    assert "2 voorstellen wachten op u." in page
    assert "Sinds" not in page


async def test_a_draft_is_new_changed_the_same_or_being_worked_on(
    browser: httpx.AsyncClient, kring: Resources, coordinator: Staff
) -> None:
    same, changed, gone, worked = [await factories.some_people(kring, coordinator, 6) for _ in range(4)]
    await factories.store_plan(kring, coordinator, factories.plan_of(same, changed, gone, worked))
    async with transaction(kring.pool, coordinator.municipality) as conn:
        kept = await conn.fetchval("select proposal_id from kring.proposal_member where need_id = $1", worked[0].need)
    await factories.plan_meeting(kring, coordinator, kept)
    new = await factories.some_people(kring, coordinator, 5)
    again = (*changed[:4], *new[:1])
    await factories.store_plan(kring, coordinator, factories.plan_of(same, again, new[1:] + gone[:1]))
    page = (await browser.get("/voorstellen")).text
    rows = re.findall(r'<tr><th scope="row".*?</tr>', page, re.S)
    told = [re.sub(r"<[^>]+>|\s+", " ", re.findall(r"<td>(.*?)</td>", row, re.S)[0]).strip() for row in rows]
    assert told == ["Nieuw", "Veranderd: 1 erbij, 2 eruit", "Hetzelfde", "U of een collega werkt hieraan"]
    assert "4 voorstellen wachten op u. Sinds de vorige keer zoeken: 1 nieuw, 1 veranderd." in page


async def test_who_waits_long_is_counted_in_the_list(
    browser: httpx.AsyncClient, kring: Resources, coordinator: Staff, owner: Connection
) -> None:
    seated = await factories.draft(kring, coordinator)
    await owner.execute(
        "update kring.need set waiting_since = now() - interval '91 days' where id = any($1)",
        [one.need for one in seated.people[:2]],
    )
    page = (await browser.get("/voorstellen")).text
    assert "2 mensen wachten al langer dan 90 dagen." in page
    assert "2 wachten langer dan 90 dagen" in page


async def test_rejected_drafts_fold_away_with_their_reason(
    app: App, browser: httpx.AsyncClient, drafts: tuple[factories.Seated, factories.Seated]
) -> None:
    here, _ = drafts
    await app.submit(browser, path(here), {"reason": "Te verschillend."}, to=f"{path(here)}/afwijzing")
    folded = (await browser.get("/voorstellen")).text.partition("<details")[2]
    assert "1 voorstel dat is afgewezen" in folded
    assert "Te verschillend." in folded
