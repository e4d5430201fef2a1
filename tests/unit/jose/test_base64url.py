"""Base64url has one form [RFC 7515 2]."""

import pytest

from signet.errors import Rejected
from signet.jose import base64url


@pytest.mark.parametrize(
    ("data", "text"),
    # RFC 4648 10, without padding, and the two characters that make it "url".
    [(b"", ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"\xfb\xff", "-_8")],
)
def test_bytes_have_one_text(data: bytes, text: str) -> None:
    assert base64url.encode(data) == text
    assert base64url.decode(text) == data


@pytest.mark.parametrize(
    "text",
    [
        "Zg==", "Zg=", "Zm8=", "=", "Zh", "Zm9", "Z", "ZZZZZ", "-/8", "+_8", "Zm 8", "Zm8\n",
        "\nZm8", "Zm8\x00", "Zmé", "Zm9v.", "\uff3a\uff47",
    ],
)  # fmt: skip
def test_every_other_text_is_refused(text: str) -> None:
    with pytest.raises(Rejected) as refused:
        base64url.decode(text)
    assert refused.value.code == "invalid_base64url"
