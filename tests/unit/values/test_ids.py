"""Document ids: wire 3.7, with its vectors in both directions."""

from __future__ import annotations

import random

import pytest

from parabola.values.ids import IdSeries, InvalidId, decode_id, encode_id, new_internal_id, table_number_of

VECTORS = [
    (1, "00000000000000000000000000000000", "0400000000000000000000000000248"),
    (1, "000102030405060708090a0b0c0d0e0f", "040020g30g2gc1r81450p30d1r7qke8"),
    (30, "deadbeef0000000001020304cafebabe", "3vfavfqf00000001081g9jqyqaza060"),
    (127, "00112233445566778899aabbccddeeff", "fw0128hk8hapcxw8k6nbqk6xxvzqf5r"),
    (128, "00112233445566778899aabbccddeeff", "g00g04926d25askqh2ctneycvqqfyy9s"),
    (10001, "000102030405060708090a0b0c0d0e0f", "j57000820c20a1g7104gm2rc1m70ynr8"),
    (10001, "ffffffffffffffffffffffffffffffff", "j57fzzzzzzzzzzzzzzzzzzzzzzzzzkyr"),
    (4294967295, "f0efeeedecebeae9e8e7e6e5e4e3e2e1", "zzzzzzrfy3qyxvfcxfnekt77wvjy9rz2w69rj"),
]


@pytest.mark.parametrize(("table_number", "internal", "text"), VECTORS)
def test_item_19_ids_match_the_vectors_in_both_directions(table_number: int, internal: str, text: str) -> None:
    assert encode_id(table_number, bytes.fromhex(internal)) == text
    assert decode_id(text) == (table_number, bytes.fromhex(internal))
    assert table_number_of(text) == table_number


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Unable to decode ID: Invalid ID length 0"),
        ("j57000820c20a1g7104gm2rc1m70yn", "Unable to decode ID: Invalid ID length 30"),
        ("j" * 38, "Unable to decode ID: Invalid ID length 38"),
        ("J57000820c20a1g7104gm2rc1m70ynr8", "Unable to decode ID: ID wasn't valid base32"),
        ("j57000820c20a1g7104gm2rc1m70ynru", "Unable to decode ID: ID wasn't valid base32"),
        ("j5_000820c20a1g7104gm2rc1m70ynr8", "Unable to decode ID: ID wasn't valid base32"),
        (" 57000820c20a1g7104gm2rc1m70ynr8", "Unable to decode ID: ID wasn't valid base32"),
        ("é57000820c20a1g7104gm2rc1m70ynr8", "Unable to decode ID: ID wasn't valid base32"),
        # The padding bits of 31 characters must be zero.
        ("0400000000000000000000000000249", "Unable to decode ID: ID wasn't valid base32"),
        # 33 characters cannot come from whole bytes.
        ("j57000820c20a1g7104gm2rc1m70ynr80", "Unable to decode ID: ID wasn't valid base32"),
        # Table number 0, and a VInt longer than it need be (81 00 for 1).
        ("0000000000000000000000000000000", "Unable to decode ID: Invalid table number"),
        ("g4000000000000000000000000000000", "Unable to decode ID: Invalid table number"),
        ("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzg", "Unable to decode ID: Invalid table number"),
        # A table number that needs fewer bytes than there are.
        ("04000000000000000000000000000000", "Unable to decode ID: Invalid ID length 32"),
    ],
)
def test_item_19_what_is_no_id_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(InvalidId) as refusal:
        decode_id(text)
    assert str(refusal.value) == message
    assert table_number_of(text) is None


def test_a_wrong_checksum_is_reported_as_a_wrong_version() -> None:
    with pytest.raises(InvalidId, match=r"^Unable to decode ID: Invalid ID version \d+ \(expected 0\)$"):
        decode_id("j57000820c20a1g7104gm2rc1m70ynr9")


@pytest.mark.parametrize("value", [None, 5, 1.0, b"j57000820c20a1g7104gm2rc1m70ynr8", ["x"]])
def test_only_strings_have_a_table_number(value: object) -> None:
    assert table_number_of(value) is None


def test_a_new_internal_id_ends_in_the_day() -> None:
    assert new_internal_id(bytes(range(14)), 20_454) == bytes(range(14)) + (20_454).to_bytes(2, "big")
    with pytest.raises(ValueError, match="14 random bytes"):
        new_internal_id(b"short", 0)


@pytest.mark.parametrize("table_number", [0, -1, 2**32])
def test_a_table_number_out_of_range_cannot_be_encoded(table_number: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        encode_id(table_number, bytes(16))


def test_an_internal_id_has_sixteen_bytes() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        encode_id(1, bytes(15))


def test_a_series_gives_the_ids_that_encoding_each_would() -> None:
    chance = random.Random(7)
    for _ in range(2000):
        number, first = chance.randint(1, 127), chance.randbytes(11)
        series = IdSeries(number, first)
        for high in (0, 2**32 - 1, chance.getrandbits(32)):
            low = chance.getrandbits(8)
            assert series.text(high, low) == encode_id(number, first + high.to_bytes(4, "big") + bytes((low,)))


@pytest.mark.parametrize(("number", "first"), [(0, bytes(11)), (128, bytes(11)), (4, bytes(10)), (4, bytes(12))])
def test_a_series_of_another_length_or_of_a_large_table_number_is_refused(number: int, first: bytes) -> None:
    with pytest.raises(ValueError, match="A series"):
        IdSeries(number, first)
