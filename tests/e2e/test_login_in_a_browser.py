"""A login as a person sees it: the demo as it starts by itself, and a real browser."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.chromium import chromium
from tests.support.demo import PROJECT, DemoProcess

SCREENSHOTS = PROJECT / ".local" / "screenshots"
AN_ERROR_PAGE = "Failed to load resource: the server responded with a status of 400 (Bad Request)"
CALLBACK_OF_SIGNET = re.compile(r"/connections/con_[a-z2-7]+/callback\?")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoProcess]:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with DemoProcess(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window with cookies of its own; what a page says on its console fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, color_scheme="light")
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert [text for text in complaints if text != AN_ERROR_PAGE] == []


def test_a_person_logs_in_and_sees_that_no_client_secret_took_part(
    demo: DemoProcess, page: Page
) -> None:
    page.goto(demo.app)
    show(page, "1-start")
    page.get_by_role("link", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.url.startswith(demo.provider)
    show(page, "2-provider")
    page.get_by_label("User name").fill("grace")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Grace Hopper")
    assert page.url == f"{demo.app}/"
    person = page.locator(".hello dl")
    expect(person).to_contain_text("grace@acme.example (verified by Acme)")
    expect(person).to_contain_text("acme")
    expect(page.locator("#secrets")).to_have_text("0")
    expect(page.locator(".checks .yes")).to_have_count(13)
    expect(page.locator(".checks .no")).to_have_count(0)
    show_all(page, "3-result")


def test_the_keys_that_signed_are_those_in_the_published_documents(
    demo: DemoProcess, page: Page
) -> None:
    log_in(demo, page, "ada")

    for step, token, published_by in (
        ("signet-to-acme", "upstream", f"{demo.issuer}/connections/"),
        ("app-to-signet", "downstream", f"{demo.app}/"),
        ("identity", "id-token", f"{demo.issuer}/.well-known/"),
    ):
        address = page.locator(f"#{step} .checks a").get_attribute("href")
        assert address is not None
        assert address.startswith(published_by)
        published = page.request.get(address).json()
        kid = shown(page, f"{token}-header")["kid"]
        assert kid in {key["kid"] for key in published["keys"]}
        expect(page.locator(f"#{step} .checks .yes").first).to_contain_text(kid)
    upstream, downstream = shown(page, "upstream-claims"), shown(page, "downstream-claims")
    assert upstream["aud"] == demo.provider
    assert 0 < upstream["exp"] - upstream["iat"] <= 60
    assert downstream["aud"] == demo.issuer
    assert 0 < downstream["exp"] - downstream["iat"] <= 300
    claims = shown(page, "id-token-claims")
    assert (claims["iss"], claims["connection"]) == (demo.issuer, "acme")


def test_no_whole_token_is_on_the_page(demo: DemoProcess, page: Page) -> None:
    log_in(demo, page, "ada")

    assert re.findall(r"eyJ[\w-]+\.[\w-]+", page.content()) == []


def test_two_tabs_log_in_side_by_side(demo: DemoProcess, page: Page) -> None:
    other = page.context.new_page()
    for tab in (page, other):
        tab.goto(demo.app)
        tab.get_by_role("link", name="Log in", exact=True).click()
        expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()
    logins = [c for c in page.context.cookies() if "login" in str(c.get("name"))]
    assert len(logins) == 2

    for tab, login, name in ((page, "ada", "Ada Lovelace"), (other, "alan", "Alan Turing")):
        tab.get_by_label("User name").fill(login)
        tab.get_by_role("button", name="Sign in").click()
        expect(tab.get_by_role("heading", level=1)).to_have_text(f"Hello, {name}")


def test_cancelling_at_the_provider_leads_to_the_error_page_of_the_app(
    demo: DemoProcess, page: Page
) -> None:
    page.goto(f"{demo.app}/login")
    page.get_by_role("button", name="Cancel").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("You were not signed in")
    expect(page.locator("main")).to_contain_text("access_denied")
    assert page.url.startswith(f"{demo.app}/callback?")
    show(page, "4-cancelled")
    page.get_by_role("link", name="Try again").click()
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Ada Lovelace")


def test_a_callback_that_is_replayed_shows_a_page_of_signet_with_a_number(
    demo: DemoProcess, page: Page
) -> None:
    with page.expect_request(CALLBACK_OF_SIGNET) as callback:
        log_in(demo, page, "ada")

    page.goto(callback.value.url)

    expect(page.get_by_role("heading", level=1)).to_have_text("Sign-in did not complete")
    expect(page.locator("main")).to_contain_text("already used")
    assert re.search(r"this number to the support: [\w=+/-]{8,}", page.inner_text("main"))
    show(page, "5-replayed")


def test_a_code_that_is_replayed_shows_the_error_page_of_the_app(
    demo: DemoProcess, page: Page
) -> None:
    with page.expect_request(re.compile(re.escape(demo.app) + r"/callback\?")) as callback:
        log_in(demo, page, "ada")

    page.goto(callback.value.url)

    expect(page.get_by_role("heading", level=1)).to_have_text("This sign-in is not known here")


def test_what_an_error_says_is_text_on_the_page_and_never_markup(
    demo: DemoProcess, page: Page
) -> None:
    with page.expect_request(re.compile(r"/authorize\?")) as request:
        page.goto(f"{demo.app}/login")
    state = re.search(r"[?&]state=([\w-]+)", request.value.url)
    assert state is not None
    markup = "%3Cimg%20src=x%20id=planted%3E"

    page.goto(
        f"{demo.app}/callback?error=access_denied&error_description={markup}"
        f"&state={state[1]}&iss={demo.issuer}"
    )

    expect(page.locator("main")).to_contain_text("<img src=x id=planted>")
    expect(page.locator("#planted")).to_have_count(0)


def test_logging_out_forgets_the_session_of_the_app(demo: DemoProcess, page: Page) -> None:
    log_in(demo, page, "alan")

    page.get_by_role("button", name="Log out").click()

    expect(page.get_by_role("link", name="Log in", exact=True)).to_be_visible()
    assert page.goto(demo.app) is not None
    expect(page.get_by_role("link", name="Log in", exact=True)).to_be_visible()


def log_in(demo: DemoProcess, page: Page, login: str) -> None:
    page.goto(f"{demo.app}/login")
    page.get_by_label("User name").fill(login)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Hello, ")


def shown(page: Page, element: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(page.inner_text(f"#{element}"))
    return document


def show(page: Page, name: str) -> Path:
    """Save what a person sees, to be looked at; return where."""
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=path, full_page=True)
    return path


def show_all(page: Page, name: str) -> None:
    """Save a page in both colour schemes and on a telephone; it never scrolls sideways."""
    show(page, f"{name}-light")
    page.emulate_media(color_scheme="dark")
    show(page, f"{name}-dark")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 390, "height": 844})
    show(page, f"{name}-narrow")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
