"""What operators read in the log of what no request failed for."""

import json
import subprocess
import sys

SCRIPT = """
from signet.web.log import LogNotices
LogNotices().warn("metadata_held", connection_id="con_a", reason="changed: jwks_uri")
"""

REQUEST = """
from signet.errors import Misconfigured
from signet.web.log import log_request
from signet.web.request import Request
event = {{
    "rawPath": "/", "headers": {{}}, "pathParameters": {{"connection_id": {connection!r}}},
    "requestContext": {{"http": {{"method": "GET"}}, "requestId": "one"}},
}}
problem = Misconfigured("provider_refused_client", "Shown.", private="KMS: ThrottlingException")
log_request("callback", Request.from_event(event), status=500, problem=problem)
"""


def written_by(script: str) -> dict[str, str]:
    # In a process of its own: the logger takes standard output as it finds it, once.
    written = subprocess.run(  # noqa: S603  (our own code)
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    line: dict[str, str] = json.loads(written)
    return line


def test_a_failed_request_is_a_line_whose_members_an_alarm_counts() -> None:
    connection = "con_" + "a" * 26
    line = written_by(REQUEST.format(connection=connection))
    assert line["code"] == "provider_refused_client"
    assert line["reason"] == "KMS: ThrottlingException"
    assert line["connection_id"] == connection


def test_a_path_that_names_no_connection_is_no_part_of_the_line() -> None:
    assert "connection_id" not in written_by(REQUEST.format(connection="con_ <made up>"))


def test_a_notice_is_one_structured_line() -> None:
    line = written_by(SCRIPT)
    assert (line["level"], line["message"]) == ("WARNING", "notice")
    assert line["code"] == "metadata_held"
    assert line["connection_id"] == "con_a"
    assert line["reason"] == "changed: jwks_uri"
