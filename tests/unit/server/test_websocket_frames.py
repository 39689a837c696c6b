"""RFC 6455: what is read, what is refused, what is written."""

from __future__ import annotations

import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame
from websockets.frames import Opcode as TheirOpcode
from websockets.protocol import CLIENT, Protocol
from websockets.streams import StreamReader

from parabola.server import websocket_frames
from parabola.server.websocket_frames import (
    FRAGMENT_BYTES_MAX,
    FrameError,
    FrameReader,
    Opcode,
    Received,
    accept_key,
    read_close,
    write_close,
    write_control,
    write_text,
)

LIMIT = 1000


def frame(opcode: int, payload: bytes, *, fin: bool = True, mask: bytes | None = b"\x01\x02\x03\x04") -> bytes:
    """A frame as clients send it."""
    first = (0x80 if fin else 0) | opcode
    flag = 0x80 if mask is not None else 0
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, flag | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, flag | 126, size)
    else:
        head = struct.pack("!BBQ", first, flag | 127, size)
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


@given(
    payloads=st.lists(st.binary(max_size=300).map(lambda b: b.hex().encode()), min_size=1, max_size=5),
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=10),
)
def test_messages_are_the_same_however_their_bytes_arrive(payloads: list[bytes], cuts: list[int]) -> None:
    data = b"".join(frame(1, payload) for payload in payloads)
    reader = FrameReader(LIMIT)
    received: list[Received] = []
    at = turn = 0
    while at < len(data):
        step = cuts[turn % len(cuts)]
        received += reader.feed(data[at : at + step])
        at += step
        turn += 1
    assert received == [Received(Opcode.TEXT, payload) for payload in payloads]
    assert reader.buffered_bytes == 0


def test_fragments_are_joined_and_control_frames_may_come_between() -> None:
    reader = FrameReader(LIMIT)
    data = frame(1, b"ab", fin=False) + frame(9, b"ping") + frame(0, b"cd", fin=False) + frame(0, b"ef")
    assert reader.feed(data) == [Received(Opcode.PING, b"ping"), Received(Opcode.TEXT, b"abcdef")]


def test_fragments_of_nothing_take_no_memory() -> None:
    reader = FrameReader(LIMIT)
    nothing = frame(0, b"", fin=False) * 10_000
    reader.feed(frame(1, b"a", fin=False))
    tracemalloc.start()
    try:
        for _ in range(20):
            assert reader.feed(nothing) == []
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 10_000
    assert reader.feed(frame(0, b"b")) == [Received(Opcode.TEXT, b"ab")]


def test_a_character_may_be_split_over_fragments() -> None:
    reader = FrameReader(LIMIT)
    text = "ü".encode()
    assert reader.feed(frame(1, text[:1], fin=False) + frame(0, text[1:])) == [Received(Opcode.TEXT, text)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(1, b"x", mask=None), 1002),
        (frame(3, b""), 1002),
        (frame(11, b""), 1002),
        (bytes([0x81 | 0x40]) + frame(1, b"x")[1:], 1002),
        (frame(9, b"x" * 126), 1002),
        (frame(9, b"x", fin=False), 1002),
        (frame(0, b"x"), 1002),
        (frame(1, b"x", fin=False) + frame(1, b"y"), 1002),
        (frame(1, b"\xff\xfe"), 1007),
        (frame(1, "ü".encode()[:1]), 1007),
        (frame(1, b"x" * (LIMIT + 1)), 1009),
        (frame(1, b"x" * 600, fin=False) + frame(0, b"x" * 600), 1009),
        (b"\x81" + bytes([0x80 | 127]) + (2**40).to_bytes(8, "big"), 1009),
    ],
)
def test_each_breach_has_its_close_code(data: bytes, code: int) -> None:
    reader = FrameReader(LIMIT)
    with pytest.raises(FrameError) as failure:
        reader.feed(data + b"\x00" * 20)
    assert failure.value.close_code == code


def test_a_frame_that_will_be_too_long_is_refused_before_it_has_arrived() -> None:
    reader = FrameReader(10**9)
    with pytest.raises(FrameError) as failure:
        reader.feed(b"\x81" + bytes([0x80 | 127]) + (16 * 1024 * 1024 + 1).to_bytes(8, "big"))
    assert failure.value.close_code == 1009


def test_a_close_has_a_code_and_a_reason_or_nothing() -> None:
    assert read_close(b"") == (None, "")
    assert read_close(b"\x03\xe8bye") == (1000, "bye")
    for bad in (b"\x03", b"\x03\xed", b"\x00\x01", b"\x13\x88"):
        with pytest.raises(FrameError):
            read_close(bad)
    with pytest.raises(FrameError) as failure:
        read_close(b"\x03\xe8\xff")
    assert failure.value.close_code == 1007


def test_a_close_is_written_with_at_most_123_bytes_of_reason() -> None:
    assert write_close(None, "ignored") == b"\x88\x00"
    assert write_close(1011, "InternalServerError") == b"\x88\x15\x03\xf3InternalServerError"
    long = write_close(1000, "ü" * 100)
    assert len(long) == 2 + 2 + 122


def test_both_ways_to_remove_a_mask_agree() -> None:
    for size in range(40):
        data = bytes(range(size))
        by_integer = websocket_frames._mask_by_integer(data, b"\x01\xfe\x03\x80")  # pyright: ignore[reportPrivateUsage]
        assert by_integer == websocket_frames.apply_mask(data, b"\x01\xfe\x03\x80")


@settings(max_examples=20, deadline=None)
@given(size=st.sampled_from([0, 1, 125, 126, 65535, 65536, 70000]))
def test_what_is_written_is_read_by_another_implementation(size: int) -> None:
    stream = StreamReader()
    stream.feed_data(write_text(b"x" * size))
    parsing = Frame.parse(stream.read_exact, mask=False)
    with pytest.raises(StopIteration) as done:
        next(parsing)
    assert done.value.value == Frame(TheirOpcode.TEXT, b"x" * size)


def test_a_large_text_leaves_in_frames_that_every_client_accepts() -> None:
    client = Protocol(CLIENT, max_size=None)
    client.receive_data(write_text(b"x" * (2 * FRAGMENT_BYTES_MAX + 5)))
    frames = client.events_received()
    assert [len(one.data) for one in frames] == [FRAGMENT_BYTES_MAX, FRAGMENT_BYTES_MAX, 5]
    assert [one.opcode for one in frames] == [TheirOpcode.TEXT, TheirOpcode.CONT, TheirOpcode.CONT]
    assert [one.fin for one in frames] == [False, False, True]


def test_the_accept_key_is_that_of_the_rfc() -> None:
    assert accept_key(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_control_frames_are_two_bytes_and_their_payload() -> None:
    assert write_control(Opcode.PING) == b"\x89\x00"
    assert write_control(Opcode.PONG, b"ab") == b"\x8a\x02ab"
