"""Strategies for what others send: the right names with wrong values, so that checks are reached.

`near(document)` is the main one: a good document of which some members are left out, replaced or
added, so that a parser gets past its first line.
"""

from collections.abc import Mapping

from hypothesis import strategies as st

TEXT = st.one_of(
    st.text(max_size=40),
    st.sampled_from([
        "", " ", "0", "null", "\x00", "\r\n", "é", "A" * 43, "https://", "https://[",
        "https://idp.example", "JWT", "none", "RS256", "ES256", "S256", "openid", "code", "=",
        "../..", "\u202e", "x" * 3_000,
    ]),
)  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, -1, 1, 1_800_000_000, 2**31, 2**53, 10**31]),
    st.floats(allow_nan=False, allow_infinity=False),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXT)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
"""Whatever strict JSON can hold."""


def near(
    document: Mapping[str, object], values: st.SearchStrategy[object] = VALUES
) -> st.SearchStrategy[dict[str, object]]:
    """Draw documents like this one, with up to three members changed, removed or added."""
    names = st.one_of(st.sampled_from(sorted(document)), TEXT)
    changes = st.dictionaries(names, st.one_of(st.just(...), values), max_size=3)
    return changes.map(
        lambda found: {
            name: value for name, value in {**document, **found}.items() if value is not ...
        }
    )


def near_texts(document: Mapping[str, str]) -> st.SearchStrategy[dict[str, str]]:
    """Draw parameters like these."""
    return near(document, TEXT).map(
        lambda found: {name: str(value) for name, value in found.items()}
    )
