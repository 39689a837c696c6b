from __future__ import annotations

import pytest

from parabola.errors import StorageFailure
from parabola.storage.log_format import decode_batch, encode_batch
from parabola.storage.records import Commit, DocumentWrite, IndexWrite

COMMITS = [
    Commit(1, (DocumentWrite(1, "a", b"{}"), DocumentWrite(1, "b", None)), (IndexWrite(5, b"\x00\xff", "a"),)),
    Commit(2**62, (), (IndexWrite(5, b"", None),)),
]


def test_a_batch_comes_back_as_it_was() -> None:
    assert decode_batch(*encode_batch(COMMITS)) == COMMITS


def test_a_batch_with_any_changed_byte_is_refused() -> None:
    data, checksum = encode_batch(COMMITS)
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x10
        with pytest.raises(StorageFailure, match=r"does not match its checksum.*Restore the data folder from a backup"):
            decode_batch(bytes(changed), checksum)
