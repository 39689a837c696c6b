"""Large Transitions in pieces, for the clients that can put them together (wire 1.11)."""

from __future__ import annotations

from typing import Final

from parabola.sync.client_version import ClientVersion
from parabola.sync.codec import text_json

CHUNK_BYTES_MAX: Final = 5_000_000
_FIRST_NPM_WITH_CHUNKS: Final = (1, 28, 0)


def understands_chunks(client: ClientVersion) -> bool:
    """Only npm clients from 1.28.0 on; a chunk is fatal to every other client."""
    return client.name == "npm" and client.number is not None and client.number >= _FIRST_NPM_WITH_CHUNKS


def split_transition(text: bytes, *, piece_bytes_max: int = CHUNK_BYTES_MAX) -> list[bytes]:
    """The messages that carry the Transition `text`: itself if it fits one piece, else TransitionChunks in order.

    Pieces are cut between characters. They must be sent back to back: any other message in between makes the
    client throw away what it has.
    """
    if len(text) <= piece_bytes_max:
        return [text]
    pieces: list[bytes] = []
    start = 0
    while start < len(text):
        end = min(start + piece_bytes_max, len(text))
        while end < len(text) and text[end] & 0xC0 == 0x80:  # in the middle of a character
            end -= 1
        pieces.append(text[start:end])
        start = end
    return [
        b'{"type":"TransitionChunk","chunk":%b,"partNumber":%d,"totalParts":%d,"transitionId":"%d"}'
        % (text_json(piece.decode("utf-8")), number, len(pieces), len(text))
        for number, piece in enumerate(pieces)
    ]


def in_chunks(texts: list[bytes]) -> list[bytes]:
    """Large Transitions in pieces; other messages stay whole, however large."""
    pieces: list[bytes] = []
    for text in texts:
        pieces.extend(split_transition(text) if text.startswith(b'{"type":"Transition"') else (text,))
    return pieces
