"""Changing drafts in a real browser: with and without JavaScript, by keyboard, and on the smallest phone."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import DESK, Kring, People
from tests.e2e.test_the_whole_way import assert_accessible, find_groups, fits

pytestmark = pytest.mark.browser
SMALLEST = {"width": 320, "height": 640}


def looked_at(page: Page, state: str) -> None:
    """Nothing that axe finds, and no scrolling sideways on a phone of 320 px."""
    page.set_viewport_size(SMALLEST)  # type: ignore[arg-type]
    assert fits(page), state
    assert_accessible(page)
    page.set_viewport_size(DESK)  # type: ignore[arg-type]


def effect_by_keyboard(page: Page) -> None:
    """The effect appears when the button has focus; Enter goes to it, and back returns to where one was."""
    button = page.get_by_role("button", name=re.compile("^Weghalen")).first
    button.focus()
    expect(page.locator("#effect")).to_contain_text("in plaats van")
    looked_at(page, "an effect below its button")
    page.keyboard.press("Enter")
    expect(page.locator("#effect")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Doen")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#effect")).to_have_count(0)
    expect(button).to_be_focused()
    page.wait_for_timeout(1_000)  # the focus that returned asks for nothing
    expect(page.locator("#effect")).to_have_count(0)


def test_a_draft_is_changed_and_put_back(kring: Kring, people: People, browser: Browser) -> None:
    bilal = people.staff("Bilal")
    find_groups(bilal)
    page = bilal.page
    page.goto("/voorstellen")
    looked_at(page, "the list")
    draft = page.locator("tbody th a").first.get_attribute("href")
    assert draft
    page.goto(draft)
    looked_at(page, "a draft")
    effect_by_keyboard(page)

    plain = browser.new_context(
        java_script_enabled=False, base_url=kring.url, storage_state=page.context.storage_state()
    ).new_page()
    plain.goto(draft)
    before = plain.get_by_role("heading", name=re.compile("^De mensen")).inner_text()
    plain.get_by_role("button", name=re.compile("^Weghalen")).first.click()
    page.goto(plain.url)
    looked_at(page, "the effect of a drop")
    plain.get_by_role("button", name="Doen").click()
    expect(plain.get_by_role("heading", name=before)).to_have_count(0)
    page.goto(draft)
    looked_at(page, "a changed draft")
    bilal.picture("voorstel-veranderd")
    plain.get_by_role("button", name="Bekijk wat er dan verandert", exact=True).click()
    page.goto(plain.url)
    looked_at(page, "the effect of a merge")
    bilal.picture("voorstel-samenvoegen")
    plain.goto(draft)
    where = plain.locator("details:has(form[action$=verplaatsen])").first
    where.locator("summary").click()
    if where.locator("select").count():
        where.locator("select").select_option("")
    where.locator("button").click()
    page.goto(plain.url)
    looked_at(page, "the other groups")
    bilal.picture("voorstel-andere-groepen")
    plain.goto(draft)
    plain.get_by_role("button", name="Ongedaan maken").click()
    expect(plain.get_by_role("heading", name=before)).to_be_visible()
    plain.context.close()
