from __future__ import annotations

import base64

import pytest

from parabola.database.cursors import Cursor, CursorCodec, InvalidCursor, UnreadableCursor, fingerprint

CODEC = CursorCodec(b"secret")
MARK = fingerprint(b"a query")


@pytest.mark.parametrize("key", [None, b"", b"\x00\xff", b"k" * 500])
def test_a_cursor_comes_back(key: bytes | None) -> None:
    assert CODEC.decode(CODEC.encode(Cursor(key, MARK))) == Cursor(key, MARK)


def test_the_text_shows_nothing_of_the_key() -> None:
    text = CODEC.encode(Cursor(b"someone@example.com", MARK))
    assert b"someone" not in base64.urlsafe_b64decode(text + "==")


def test_every_changed_character_is_noticed() -> None:
    text = CODEC.encode(Cursor(b"key", MARK))
    for position in range(len(text) - 1):
        changed = text[:position] + ("A" if text[position] != "A" else "B") + text[position + 1 :]
        with pytest.raises(UnreadableCursor):
            CODEC.decode(changed)


def test_another_secret_cannot_read_it() -> None:
    with pytest.raises(UnreadableCursor):
        CursorCodec(b"other").decode(CODEC.encode(Cursor(None, MARK)))


def test_it_is_bound_to_its_query() -> None:
    text = CODEC.encode(Cursor(b"key", MARK))
    assert CODEC.decode_for(text, MARK).key == b"key"
    with pytest.raises(InvalidCursor):
        CODEC.decode_for(text, fingerprint(b"another query"))
