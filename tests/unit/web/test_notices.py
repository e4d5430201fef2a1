"""What operators read in the log of what no request failed for."""

import json
import subprocess
import sys

SCRIPT = """
from signet.web.log import LogNotices
LogNotices().warn("metadata_held", connection_id="con_a", reason="changed: jwks_uri")
"""


def test_a_notice_is_one_structured_line() -> None:
    # In a process of its own: the logger takes standard output as it finds it, once.
    written = subprocess.run(  # noqa: S603  (our own code)
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    line = json.loads(written)
    assert (line["level"], line["message"]) == ("WARNING", "notice")
    assert line["code"] == "metadata_held"
    assert line["connection_id"] == "con_a"
    assert line["reason"] == "changed: jwks_uri"
