"""Real libraries as applications: what docs/libraries.md says of each is what it does.

The page's table is what the tests are made of, so that no cell of it is without its test.
"""

import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import authlib
import pytest
from tests.support.browser import query_of
from tests.support.library_app import PROGRAMS
from tests.support.library_scene import (
    NAME,
    OFFLINE,
    SCOPE,
    TABLE,
    WORKS,
    is_about_ada,
    libraries,
    scene_of,
)
from tests.support.stack import PROJECT
from tests.support.stage import Stage
from tests.support.travelled import Travelled

ABSENT = "not in it"


@pytest.fixture(scope="module")
def connected(stage: Stage) -> Stage:
    stage.connect([NAME])
    return stage


def test_the_page_names_every_library_with_the_version_that_was_tested() -> None:
    locked = json.loads((PROJECT / "package-lock.json").read_text("utf-8"))["packages"]
    requirements = (PROJECT / "requirements-dev.txt").read_text("utf-8")
    versions = {name: row["version"] for name, row in TABLE.items()}
    assert versions == {
        "Authlib": re.findall(r"^authlib==(\S+)", requirements, re.MULTILINE)[0],
        **{
            name: locked[f"node_modules/{name}"]["version"]
            for name in ("openid-client", "oauth4webapi", "@auth/core")
        },
    }
    assert versions.keys() == PROGRAMS.keys()
    cells = {cell for row in TABLE.values() for name, cell in row.items() if name != "version"}
    assert cells <= WORKS | {ABSENT}


@pytest.mark.parametrize("library", libraries("code flow"))
def test_a_person_signs_in_by_the_code_flow(
    connected: Stage, travelled: Travelled, library: str
) -> None:
    with scene_of(connected, travelled, library, "code flow") as scene:
        result = scene.sign_in().result
        is_about_ada(result, scene)
        assert result["claims"]["connection"] == NAME
        assert result["tokenType"] == "bearer"


@pytest.mark.parametrize("library", libraries("PAR"))
def test_a_request_is_pushed(connected: Stage, travelled: Travelled, library: str) -> None:
    pushing = {"require_pushed_authorization_requests": True}
    with scene_of(connected, travelled, library, "par", **pushing) as scene:
        browser = connected.browser()
        address = scene.begin(browser, ("par",))
        assert query_of(address).keys() == {"client_id", "request_uri"}
        back = scene.at_the_provider(browser, address)
        is_about_ada(scene.finish(browser, back).result, scene)


@pytest.mark.parametrize("nonces", [False, True], ids=["without nonces", "with nonces"])
@pytest.mark.parametrize("library", libraries("DPoP"))
def test_a_key_is_proved_at_every_step(
    connected: Stage, travelled: Travelled, library: str, *, nonces: bool
) -> None:
    proving = {"dpop_bound_access_tokens": True, "dpop_nonce_required": nonces}
    what = f"dpop {nonces}"
    with scene_of(connected, travelled, library, what, **proving, **OFFLINE) as scene:
        scene.app.tell(prove="ES256")
        person = scene.sign_in(("par",), scope=SCOPE)
        for result in (person.result, scene.refresh(person), scene.refresh(person)):
            is_about_ada(result, scene)
            assert result["tokenType"] == "dpop"


@pytest.mark.parametrize("library", libraries("refresh"))
def test_tokens_are_refreshed_and_refreshed_again(
    connected: Stage, travelled: Travelled, library: str
) -> None:
    with scene_of(connected, travelled, library, "refresh", **OFFLINE) as scene:
        person = scene.sign_in(scope=SCOPE)
        for _ in range(2):
            result = scene.refresh(person)
            is_about_ada(result, scene)
            assert result["claims"]["sub"] == person.result["claims"]["sub"]


@pytest.mark.parametrize("library", libraries("logout"))
def test_a_person_signs_out_and_comes_back_to_the_application(
    connected: Stage, travelled: Travelled, library: str
) -> None:
    with scene_of(connected, travelled, library, "logout", **OFFLINE) as scene:
        person = scene.sign_in(scope=SCOPE)
        browser = person.browser
        silent = browser.open(scene.begin(browser, prompt="none"))
        assert "code" in query_of(scene.came_back(silent))
        scene.signs_out(person)
        silent = browser.open(scene.begin(browser, prompt="none"))
        assert query_of(scene.came_back(silent))["error"] == "login_required"
        assert "error" in scene.app.tell(refresh=person.login)


@pytest.mark.parametrize("library", libraries("its key rotates"))
def test_an_application_rotates_its_key_under_running_logins(
    connected: Stage, travelled: Travelled, library: str
) -> None:
    with scene_of(connected, travelled, library, "rotates", published=True, **OFFLINE) as scene:
        signed_in = scene.sign_in(scope=SCOPE)
        running = [connected.browser() for _ in range(2)]
        addresses = [scene.begin(browser, scope=SCOPE) for browser in running]
        scene.app.tell(rotate="app-key-2")  # two keys are published, the new one signs
        back = scene.at_the_provider(running[0], addresses[0])
        is_about_ada(scene.finish(running[0], back).result, scene)
        is_about_ada(scene.refresh(signed_in), scene)
        scene.app.tell(drop="app-key-1")
        back = scene.at_the_provider(running[1], addresses[1])
        last = scene.finish(running[1], back)
        is_about_ada(last.result, scene)
        is_about_ada(scene.refresh(signed_in), scene)
        is_about_ada(scene.refresh(last), scene)
        assert scene.app.tell(fetches=True)["count"] == 2


@pytest.mark.parametrize("audience", ["issuer", "token_endpoint_compat"])
def test_auth_js_without_its_hook_names_two_audiences_and_is_refused(
    connected: Stage, travelled: Travelled, audience: str
) -> None:
    with scene_of(
        connected,
        travelled,
        "@auth/core",
        f"hookless {audience}",
        options={"hook": False},
        assertion_audience=audience,
    ) as scene:
        browser = connected.browser()
        back = scene.at_the_provider(browser, scene.begin(browser))
        login = parse_qs(urlsplit(back).query)["state"][0]
        assert scene.app.tell(finish=back, login=login)["error"] == "invalid_client"


SOURCES = {
    "Authlib": (Path(authlib.__file__).parent, "*.py"),
    "@auth/core": (PROJECT / "node_modules" / "@auth" / "core", "*.js"),
}
WORDS = {"PAR": "pushed_authorization_request_endpoint", "DPoP": "DPoP:|dpop_jkt|dpop\\+jwt"}


@pytest.mark.parametrize(
    ("library", "column"),
    [(library, name) for library, row in TABLE.items() for name in row if row[name] == ABSENT],
)
def test_what_is_not_in_a_library_is_nowhere_in_its_code(library: str, column: str) -> None:
    folder, pattern = SOURCES[library]
    files = list(folder.rglob(pattern))
    assert files
    spoken = [file for file in files if re.search(WORDS[column], file.read_text("utf-8"))]
    assert spoken == []
