import pytest
from hypothesis import given
from hypothesis import strategies as st

from signet.errors import Rejected, SignetError
from signet.oauth.parameters import encode, parse


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("", {}),
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=", {}),
        ("a", {}),
        ("a=b=c", {"a": "b=c"}),
        ("a=b+c%20d", {"a": "b c d"}),
        ("a=%C3%A9", {"a": "é"}),
        ("&&a=1&", {"a": "1"}),
        ("a=1;b=2", {"a": "1;b=2"}),
    ],
)
def test_parameters_are_read_as_they_stand(raw: str, expected: dict[str, str]) -> None:
    assert parse(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "a=1&a=2",
        "a=1&a=1",
        "a=&a=1",
        "a=1&%61=2",
        "a=%",
        "a=%zz",
        "a=%C3",
        "a=%ED%A0%80",
        "a=\ud800",
        "a=%00",
        "a=x%0d%0aLocation:%20evil",
        "a=" + "x" * 16_385,
        "x" * 32_769,
        "&".join(f"p{n}=" + "x" * 11_000 for n in range(3)),
        "&".join(f"p{n}=1" for n in range(65)),
    ],
)
def test_what_has_two_readings_is_refused(raw: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse(raw)
    assert refused.value.code == "invalid_request"


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_our_own_error(raw: str) -> None:
    try:
        parse(raw)
    except SignetError:
        return


@given(
    st.dictionaries(
        st.text("abcdefgh_", min_size=1, max_size=8),
        st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=40),
        max_size=8,
    )
)
def test_what_was_written_is_read_back(parameters: dict[str, str]) -> None:
    assert parse(encode(parameters)) == parameters
