"""Large Transitions in pieces."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from parabola.sync.chunks import split_transition


def test_a_text_that_fits_stays_whole() -> None:
    assert split_transition(b"x" * 10, piece_bytes_max=10) == [b"x" * 10]


@given(text=st.text(min_size=1, max_size=200), size=st.integers(4, 50))
def test_the_pieces_join_to_the_text_and_are_numbered(text: str, size: int) -> None:
    encoded = text.encode("utf-8", "replace")
    messages = split_transition(encoded, piece_bytes_max=size)
    if len(encoded) <= size:
        assert messages == [encoded]
        return
    pieces = [orjson.loads(message) for message in messages]
    assert "".join(piece["chunk"] for piece in pieces).encode() == encoded
    assert all(len(piece["chunk"].encode()) <= size for piece in pieces)
    assert [piece["partNumber"] for piece in pieces] == list(range(len(pieces)))
    assert {piece["totalParts"] for piece in pieces} == {len(pieces)}
    assert {piece["transitionId"] for piece in pieces} == {str(len(encoded))}
