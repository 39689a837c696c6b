"""The stored form of documents."""

from __future__ import annotations

from typing import Any

import pytest

from parabola.errors import StorageFailure
from parabola.values.documents import decode_document, encode_document
from parabola.values.kinds import Int64
from parabola.values.model import normalize_document

PLAIN: dict[str, Any] = {"_id": "x", "n": 1, "f": 1.0, "s": "é", "none": None, "list": [True, {"a": "$5"}]}


@pytest.mark.parametrize("plain", [None, True, False])
def test_a_plain_document_keeps_its_ints_and_floats(plain: bool | None) -> None:
    again = decode_document(encode_document(PLAIN, plain=plain))
    assert again == PLAIN
    assert type(again["n"]) is int
    assert type(again["f"]) is float


def test_a_document_that_json_can_say_is_stored_as_json() -> None:
    assert encode_document({"b": 1, "a": [None]}) == b'{"a":[null],"b":1}'


@pytest.mark.parametrize("special", [Int64(2**62), b"\x00\xff", float("inf"), -0.0])
def test_a_document_with_something_special_is_marked(special: Any) -> None:
    document = {"a": [special], "null": None}
    normalized = normalize_document(document)
    for data in (encode_document(document), encode_document(normalized.document, plain=normalized.plain)):
        assert data[:1] != b"{"
        again = decode_document(data)["a"][0]
        assert type(again) is type(special)
        assert repr(again) == repr(special)


def test_each_decoding_is_a_fresh_document() -> None:
    data = encode_document({"a": [1]})
    first = decode_document(data)
    first["a"].append(2)
    assert decode_document(data) == {"a": [1]}


@pytest.mark.parametrize("damaged", [b"", b"{", b"\xff\xfe", b"\x01{", b'\x01{"a": {"$integer": "!"}}', b'{"a": \xff}'])
def test_stored_bytes_that_are_no_document_are_a_failure_of_the_store(damaged: bytes) -> None:
    with pytest.raises(StorageFailure, match="A stored document is damaged"):
        decode_document(damaged)
