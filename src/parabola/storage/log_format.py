"""How a batch of commits is written into one row of the log: MessagePack, with a checksum beside it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import msgspec

from parabola.errors import StorageFailure
from parabola.storage.records import Commit

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(
    list[tuple[int, tuple[tuple[int, str, bytes | None], ...], tuple[tuple[int, bytes, str | None], ...]]]
)


def encode_batch(commits: Sequence[Commit]) -> tuple[bytes, int]:
    """The stored form of `commits`, and its checksum."""
    data = _encoder.encode(commits)
    return data, zlib.crc32(data)


def decode_batch(data: bytes, checksum: int) -> list[Commit]:
    """What `encode_batch` was given. Raises `StorageFailure` if the bytes are not what was written."""
    if zlib.crc32(data) != checksum:
        raise StorageFailure(
            "A row of the log (log.sqlite) does not match its checksum: the medium changed what was written. "
            "Restore the data folder from a backup, and check the disk."
        )
    return [Commit(ts, documents, index_entries) for ts, documents, index_entries in _decoder.decode(data)]
