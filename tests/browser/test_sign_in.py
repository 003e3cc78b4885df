"""Signing in by the one-time link that the server prints."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Faults, Site

pytestmark = pytest.mark.browser


def test_a_link_works_once_and_its_token_stays_nowhere(site: Site, stranger: Page, faults: Faults) -> None:
    link = site.running.application.sign_in_link(site.url)
    token = link.partition("token=")[2]
    site.sign_in(stranger, link)
    assert token not in stranger.url
    assert (
        stranger.evaluate("() => document.referrer + JSON.stringify({ ...localStorage, ...sessionStorage })").find(
            token
        )
        < 0
    )
    # Scripts cannot read the session.
    assert stranger.evaluate("() => document.cookie") == ""
    (cookie,) = stranger.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    # Nor is the token in the history.
    stranger.go_back()
    stranger.go_forward()
    expect(stranger.get_by_role("grid", name="Incidents")).to_be_visible()
    assert token not in stranger.url

    faults.expect(r"answer 401: .*/session$")
    with site.context(faults) as context:
        second = context.new_page()
        second.goto(link)
        expect(second.get_by_text("Signing in did not work")).to_be_visible()
        expect(second.get_by_text(re.compile(r"used|works once", re.I)).first).to_be_visible()
        assert token not in second.url
        expect(second.get_by_label("Sign-in code")).to_be_enabled()


def test_a_page_asks_for_a_sign_in_and_comes_back(site: Site, stranger: Page, faults: Faults) -> None:
    faults.expect(r"answer 401: GET .*/session$")
    stranger.goto(site.path("analytics"))
    stranger.wait_for_url(re.compile(r"/signin\?next="))
    stranger.get_by_label("Sign-in code").fill(site.running.application.sign_in_link(site.url))
    stranger.keyboard.press("Enter")
    stranger.wait_for_url(site.path("analytics"))
    expect(stranger.get_by_role("heading", name="Analytics")).to_be_visible()


def test_signing_out_ends_the_session(site: Site, page: Page, faults: Faults) -> None:
    faults.expect(r"answer 401: GET ")
    page.get_by_role("button", name=re.compile("^Signed in as")).click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.goto(site.path("incidents"))
    page.wait_for_url(re.compile(r"/signin\?next="))
