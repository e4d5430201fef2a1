"""JSON of one reading: what `json.loads` takes and we do not."""

import pytest

from signet.errors import Rejected
from signet.jose import strict_json

REFUSED = {
    "NaN": b"[NaN]",
    "NaN as a member": b'{"exp":NaN}',
    "Infinity": b"Infinity",
    "minus Infinity": b"-Infinity",
    "1e999": b"1e999",
    "-1e999": b"-1e999",
    "a fraction of 65 characters": b"0." + b"1" * 63,
    "an integer of 33 digits": b"1" * 33,
    "an integer of 5,000 digits": b"1" * 5_000,
    "a byte order mark": b'\xef\xbb\xbf{"a":1}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "UTF-32": '{"a":1}'.encode("utf-32-le"),
    "Latin-1": b'{"a":"\xe9"}',
    "a lone surrogate as bytes": b'"\xed\xa0\x80"',
    "an escaped lone surrogate as a value": rb'{"a":"\ud800"}',
    "an escaped lone surrogate as a name": rb'{"\udfff":1}',
    "an escaped lone surrogate in a list": rb'{"a":[["\ud800"]]}',
    "an escaped lone surrogate alone": rb'"\ud800"',
    "an escaped lone surrogate in a list alone": rb'[["\ud800"]]',
    "the halves in the wrong order": rb'"\udd1e\ud834"',
    "a name twice": b'{"a":1,"a":1}',
    "a name twice, once escaped": rb'{"iss":1,"\u0069ss":2}',
    "a name twice at depth": b'{"a":[{"b":{"c":1,"c":2}}]}',
    "a name twice, the empty one": b'{"":1,"":2}',
    "17 levels": b"[" * 17 + b"]" * 17,
    "17 levels of objects": b'{"a":' * 17 + b"1" + b"}" * 17,
    "100,000 levels": b"[" * 100_000,
    "brackets after an escaped quote": b'["\\"",' + b"[" * 16 + b"]" * 17,
    "nothing": b"",
    "only spaces": b"  ",
    "two values": b"{} {}",
    "a comma too many": b"[1,]",
    "single quotes": b"{'a':1}",
    "a comment": b"{}//",
    "a control character in a text": b'"\x00"',
    "a number with a leading zero": b"01",
    "more bytes than the limit": b'"' + b"x" * strict_json.MAX_BYTES + b'"',
}

ACCEPTED = {
    "16 levels": (b"[" * 16 + b"]" * 16, None),
    "brackets in a text": (b'"' + b"[" * 40 + b'"', "[" * 40),
    "brackets after a backslash": (b'["\\\\",[]]', ["\\", []]),
    "a quote in a text": (rb'"\"[{"', '"[{'),
    "an integer of 32 digits": (b"1" * 32, int("1" * 32)),
    "a fraction": (b"1.5e3", 1_500.0),
    "a surrogate pair": (rb'"\ud834\udd1e"', "𝄞"),
    "text": ('{"é":[true,false,null]}', {"é": [True, False, None]}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_json_of_two_readings_is_refused(case: str) -> None:
    with pytest.raises(Rejected) as refused:
        strict_json.loads(REFUSED[case])
    assert refused.value.code == "invalid_json"


@pytest.mark.parametrize("case", ACCEPTED)
def test_json_of_one_reading_is_read(case: str) -> None:
    text, expected = ACCEPTED[case]
    value = strict_json.loads(text)
    assert expected is None or value == expected


def test_a_text_with_a_lone_surrogate_in_it_is_refused_before_it_is_read() -> None:
    with pytest.raises(Rejected):
        strict_json.loads('{"a":"\ud800"}')


@pytest.mark.parametrize("text", [b"[]", b"1", b'"{}"', b"null", b"true"])
def test_an_object_is_an_object(text: bytes) -> None:
    with pytest.raises(Rejected):
        strict_json.loads_object(text)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"bytes"])
def test_what_json_cannot_say_is_not_written(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        strict_json.dumps(value)
