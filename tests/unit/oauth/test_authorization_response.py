"""A provider's answer: its state has our form, its error never leaves as free text."""

import pytest

from signet.errors import Rejected
from signet.oauth.authorization_response import (
    ProviderError,
    read_authorization_response,
    read_state,
)

STATE = "AZaz09-_" + "x" * 35


def test_a_state_of_our_form_is_read() -> None:
    assert read_state({"state": STATE}) == STATE


@pytest.mark.parametrize(
    "state", ["", STATE[:-1], STATE + "x", STATE + "\n", STATE[:-1] + "=", "é" * 43]
)
def test_a_state_of_another_form_is_not_looked_up(state: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_state({"state": state})
    assert refused.value.code == "invalid_state"


def test_a_missing_state_is_not_looked_up() -> None:
    with pytest.raises(Rejected):
        read_state({})


@pytest.mark.parametrize(
    ("error", "read"),
    [
        ("access_denied", "access_denied"),
        ("e" * 64, "e" * 64),
        ("e" * 65, "unknown_error"),
        ("<script>", "unknown_error"),
        ("access_denied\r\nx: y", "unknown_error"),
        ("ACCESS_DENIED", "unknown_error"),
    ],
)
def test_an_error_is_a_bare_code(error: str, read: str) -> None:
    answer = read_authorization_response({"error": error}, issuer="i", iss_required=False)
    assert answer == ProviderError(error=read)
