"""Which heavy libraries a cold start loads: each is tens of milliseconds of a user's wait."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FUNCTIONS = Path(__file__).parents[2] / "functions"
# A deployment waits for `initialize` and an administrator for `manage`, and no user; nobody waits
# for what events run.
NO_USERS = {"initialize", "manage", "reap_keys", "rotate_keys", "send_logout"}
NAMES = sorted({path.parent.name for path in FUNCTIONS.glob("*/app.py")} - NO_USERS)
HEAVY = frozenset({"aws_lambda_powertools", "boto3", "botocore", "cryptography", "jwt", "urllib3"})
# A client is made, and AWS is not asked anything.
DATABASE = "from signet import wiring; wiring._database()._client"
PRINT = "import json, sys; print(json.dumps([*sys.modules]))"


@pytest.mark.parametrize("name", NAMES)
def test_no_function_loads_a_heavy_library_before_it_is_called(name: str) -> None:
    path = FUNCTIONS / name / "app.py"

    assert loaded(f"import runpy; runpy.run_path({str(path)!r})") & HEAVY == set()


def test_the_published_keys_need_neither_a_jwt_library_nor_cryptography() -> None:
    composed = f"{DATABASE}; wiring.publish_jwks()"

    assert loaded(composed) & HEAVY == {"botocore", "urllib3"}


def test_no_use_case_needs_boto3_or_a_logger_before_there_is_something_to_log() -> None:
    composed = (
        f"{DATABASE}; wiring._kms()._client; "
        "wiring.start_login(); wiring.finish_login(); "
        "wiring.push_request(); wiring.token_request(None); wiring.read_userinfo(); "
        "wiring.token_request('refresh_token'); wiring.revoke_token(); wiring.introspect_token(); "
        "wiring.logout(); wiring.provider_logout()"
    )

    assert loaded(composed) & HEAVY == {"botocore", "cryptography", "jwt", "urllib3"}


def loaded(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has after some code."""
    environment = {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nobody",
        "SIGNET_ISSUER": "https://login.example",
    }
    done = subprocess.run(  # noqa: S603  (our own code)
        [sys.executable, "-c", f"{code}\n{PRINT}"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout)}
