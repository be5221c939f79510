"""The frame in a real browser: keyboard, palette, themes, languages, small screens, errors that say what to do."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from accounts.services import create_sign_in_link
from departments.services import set_member

PageOf = Callable[..., Any]


def test_a_one_time_link_signs_in(page_of: PageOf, people: SimpleNamespace) -> None:
    page = page_of()
    page.goto(f"/sign-in/link/{create_sign_in_link(person=people.alice)}/")
    page.get_by_role("button", name="Sign in as alice").click()
    page.get_by_role("heading", name="Good to see you, Alice").wait_for()


def test_the_palette_finds_by_keyboard(page_of: PageOf, departments: SimpleNamespace, people: SimpleNamespace) -> None:
    from datasets.models import Dataset

    Dataset.objects.create(department=departments.credit_risk, name="Loans 2025", created_by=people.alice)
    page = page_of("alice")
    page.goto("/settings/tokens/")
    page.keyboard.press("Control+k")
    page.get_by_role("option", name="Upload a data set").wait_for()
    page.keyboard.type("loans")
    hit = page.get_by_role("option", name="Loans 2025")
    hit.wait_for()
    page.wait_for_function("document.querySelector('[role=option][aria-selected=true]')")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "/datasets/" in page.url


def test_keys_go_and_can_be_switched_off(page_of: PageOf) -> None:
    page = page_of("alice")
    page.goto("/settings/tokens/")
    page.keyboard.press("?")
    page.get_by_role("heading", name="Keyboard").wait_for()
    page.keyboard.press("Escape")
    page.wait_for_function("!document.querySelector('dialog[open]') && document.activeElement === document.body")
    with page.expect_navigation():
        page.keyboard.type("gh")
    page.goto("/settings/tokens/")
    page.keyboard.press("?")
    page.get_by_label("Single-key shortcuts are on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.type("gh?")
    page.wait_for_timeout(300)
    assert page.url.endswith("/settings/tokens/") and not page.locator("dialog[open]").count()


def test_the_first_tab_skips_to_the_content(page_of: PageOf) -> None:
    page = page_of("alice")
    page.goto("/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_theme_follows_the_choice_and_the_system(page_of: PageOf, system: str) -> None:
    page = page_of("alice", color_scheme=system)
    page.goto("/")
    theme = lambda: page.evaluate("document.documentElement.dataset.bsTheme")  # noqa: E731
    assert theme() == system
    page.get_by_label("Account of Alice").click()
    page.get_by_role("button", name="Dark").click()
    assert theme() == "dark"
    page.reload(wait_until="commit")
    page.wait_for_selector("body", state="attached")
    assert theme() == "dark"
    page.get_by_label("Account of Alice").click()
    page.get_by_role("button", name="System").click()
    assert theme() == system


def test_the_language_changes_on_the_spot(page_of: PageOf) -> None:
    page = page_of("alice")
    page.goto("/settings/tokens/")
    page.get_by_label("Account of Alice").click()
    page.get_by_role("button", name="简体中文").click()
    page.wait_for_selector("html[lang=zh-hans]")
    assert page.url.endswith("/settings/tokens/")
    page.locator("summary .avatar-mark").click()
    page.get_by_role("button", name="English").click()
    page.wait_for_selector("html[lang=en]")


def test_the_rail_opens_and_closes_on_a_small_screen(page_of: PageOf) -> None:
    page = page_of("alice", width=360, height=740)
    page.goto("/")
    rail = page.get_by_role("navigation", name="Main")
    assert not rail.is_visible()
    page.get_by_role("button", name="Open the navigation").click()
    page.get_by_role("link", name="Jobs").wait_for()
    page.keyboard.press("Escape")
    page.wait_for_function("getComputedStyle(document.getElementById('rail')).visibility === 'hidden'")
    assert not rail.is_visible()


@pytest.mark.parametrize("path", ["/", "/settings/tokens/", "/departments/credit-risk/", "/settings/password/"])
def test_nothing_is_wider_than_a_small_screen(page_of: PageOf, path: str) -> None:
    page = page_of("mona", width=360, height=740)
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_switcher_changes_the_department(
    page_of: PageOf, people: SimpleNamespace, departments: SimpleNamespace
) -> None:
    set_member(department=departments.clinic, person=people.alice, role="viewer")
    page = page_of("alice")
    page.goto("/")
    page.get_by_label("Department: Clinic. Switch").click()
    page.get_by_role("button", name="Credit Risk").click()
    page.get_by_label("Department: Credit Risk. Switch").wait_for()


def test_a_token_is_made_copied_and_revoked(page_of: PageOf) -> None:
    page = page_of("emil", permissions=["clipboard-read", "clipboard-write"])
    page.goto("/settings/tokens/")
    page.get_by_label("Name").fill("nightly scoring")
    page.get_by_role("button", name="Make the token").click()
    page.locator(".secret").get_by_role("button", name="Copy").click()
    page.get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("atr_")
    page.get_by_role("tab", name="Python").click()
    page.get_by_text("import httpx").wait_for()
    page.get_by_role("button", name="Revoke nightly scoring").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    page.get_by_text("is revoked").wait_for()


def test_a_destructive_act_asks_for_the_name(page_of: PageOf) -> None:
    page = page_of("erin")
    page.goto("/admin/people/")
    page.get_by_label("Actions for Bob").click()
    page.get_by_role("button", name="Close the account…").click()
    dialog = page.get_by_role("dialog")
    verb = dialog.get_by_role("button", name="Close the account")
    assert verb.is_disabled()
    dialog.get_by_role("textbox").fill("bo")
    assert verb.is_disabled()
    dialog.get_by_role("textbox").fill("bob")
    verb.click()
    page.get_by_text("The account of Bob is closed").wait_for()


def test_a_refused_request_says_what_to_do(page_of: PageOf) -> None:
    page = page_of("alice")
    page.goto("/")
    page.evaluate("htmx.ajax('GET', '/api/v1/nothing/here/', {target: '#content'}).catch(() => null)")
    page.get_by_text("There is nothing here, or nothing that you may see.").wait_for()
    page.route("**/search/**", lambda route: route.abort())
    page.evaluate("htmx.ajax('GET', '/search/', {target: '#palette-results'}).catch(() => null)")
    page.get_by_text("Check the connection and try again").wait_for()
