"""The page that posts an answer to an application, in a real browser: by itself, and by hand."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, expect
from tests.support.chromium import chromium

from signet.broker.front_channel import Redirection
from signet.web.response import redirect

ANSWER = {"code": "c", "state": '"><script>document.title="taken"</script>', "iss": "https://x"}


@dataclass
class Sides:
    """Signet's page at one origin, and the application's at another; what the application got."""

    received: list[dict[str, str]] = field(default_factory=list)
    signet: str = ""
    app: str = ""

    def page(self) -> dict[str, Any]:
        return redirect(Redirection(url=f"{self.app}/cb", form=ANSWER), secure=False).event()


@pytest.fixture
def sides() -> Iterator[Sides]:
    sides = Sides()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/authorize":
                page = sides.page()
                headers = {k: v for k, v in page["headers"].items() if not k.startswith("strict")}
                self._answer(page["statusCode"], headers, page["body"])
            else:
                self._answer(200, {"content-type": "text/html"}, "<h1>Welcome</h1>")

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            sides.received.append(dict(parse_qsl(self.rfile.read(length).decode())))
            self._answer(303, {"location": f"{sides.signet}/elsewhere"}, "")

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, status: int, headers: dict[str, str], body: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
    sides.signet, sides.app = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield sides
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def test_the_page_posts_itself_and_the_application_leads_on(sides: Sides, browser: Browser) -> None:
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{sides.signet}/authorize")
    expect(page.get_by_role("heading")).to_have_text("Welcome")
    assert sides.received == [ANSWER]
    assert [text for text in complaints if "favicon" not in text and "404" not in text] == []
    page.close()


def test_without_scripts_a_button_posts_it(sides: Sides, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{sides.signet}/authorize")
    assert sides.received == []
    expect(page).to_have_title("Signing in")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading")).to_have_text("Welcome")
    assert sides.received == [ANSWER]
    context.close()
