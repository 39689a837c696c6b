"""RFC 6455 frames: bytes to messages, and texts to bytes. No I/O.

What a server needs and no more: no extensions, no subprotocols. Reading is strict (masks, reserved bits, control
frames, fragmentation, UTF-8, sizes); each breach has the close code that the RFC gives it. Writing never masks.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from enum import IntEnum
from hashlib import sha1
from struct import Struct
from typing import Final, NamedTuple

from parabola.errors import PeerError

FRAME_BYTES_MAX: Final = 16 * 1024 * 1024
"""The largest frame accepted."""

FRAGMENT_BYTES_MAX: Final = 8 * 1024 * 1024
"""The largest frame sent: clients built on the Rust core refuse frames above 16 MiB (wire 0, trap 6)."""

_ACCEPT_SALT: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_short = Struct("!BBH")
_long = Struct("!BBQ")


class Opcode(IntEnum):
    """What a frame is."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class FrameError(PeerError):
    """The peer broke RFC 6455, or sent too much; `close_code` is what it is told."""

    default_code = "WebSocketProtocolError"

    def __init__(self, close_code: int, message: str) -> None:
        super().__init__(message)
        self.close_code = close_code


class Received(NamedTuple):
    """A whole message, or a control frame. A CLOSE carries its body as sent."""

    opcode: Opcode
    payload: bytes


def _mask_by_integer(data: bytes, mask: bytes) -> bytes:
    """Removes a mask with one exclusive-or of two large integers: slower than C, much faster than a loop."""
    size = len(data)
    whole = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^ int.from_bytes(whole, "little")).to_bytes(size, "little")


try:
    from websockets.speedups import apply_mask as _apply_mask_in_c
except ImportError:  # pragma: no cover - websockets was built without its C part
    apply_mask: Callable[[bytes, bytes], bytes] = _mask_by_integer
else:
    apply_mask = _apply_mask_in_c


class FrameReader:
    """Takes bytes as they come and gives back what is complete. After a `FrameError` it must not be fed again."""

    __slots__ = ("_buffer", "_fragments", "_fragments_opcode", "_message_bytes_max")

    def __init__(self, message_bytes_max: int) -> None:
        self._message_bytes_max = message_bytes_max
        self._buffer = bytearray()
        # Joined as they come: a list of them would grow without bounds on fragments of nothing.
        self._fragments = bytearray()
        self._fragments_opcode: Opcode | None = None

    def feed(self, data: bytes) -> list[Received]:
        """What `data` completes, in order. Raises `FrameError`; what was complete before the breach is then lost."""
        buffer = self._buffer
        if buffer:
            buffer += data
            source: bytes | bytearray = buffer
        else:
            source = data
        received: list[Received] = []
        at = 0
        end = len(source)
        while end - at >= 2:
            first, second = source[at], source[at + 1]
            length = second & 0x7F
            start = at + 6
            if length >= 126:
                start = at + (8 if length == 126 else 14)
                if end < start - 4:
                    self._check_header(first, second)
                    break
                length = int.from_bytes(source[at + 2 : start - 4], "big")
            # The common frame: a whole, masked text without reserved bits.
            if first != 0x81 or second < 0x80 or length > FRAME_BYTES_MAX:
                self._check_header(first, second)
                self._check_length(first, length)
            if end < start + length:
                break
            payload = apply_mask(bytes(source[start : start + length]), bytes(source[start - 4 : start]))
            at = start + length
            whole = self._take(first, payload)
            if whole is not None:
                received.append(whole)
        if source is buffer:
            del buffer[:at]
        elif at < end:
            buffer += data[at:]
        return received

    @property
    def buffered_bytes(self) -> int:
        """How much is held of what is not complete."""
        return len(self._buffer) + len(self._fragments)

    def _check_header(self, first: int, second: int) -> None:
        if first & 0x70:
            raise FrameError(1002, "A frame has reserved bits set, though no extension was agreed on.")
        opcode = first & 0x0F
        if opcode not in (0, 1, 2, 8, 9, 10):
            raise FrameError(1002, f"A frame has the unknown opcode {opcode}.")
        if not second & 0x80:
            raise FrameError(1002, "A frame from a client is not masked.")
        if opcode >= 8 and (not first & 0x80 or second & 0x7F > 125):
            raise FrameError(1002, "A control frame is fragmented or longer than 125 bytes.")

    def _check_length(self, first: int, length: int) -> None:
        if length > FRAME_BYTES_MAX:
            raise FrameError(1009, f"A frame has {length} bytes; at most {FRAME_BYTES_MAX} are accepted.")
        if first & 0x0F < 8 and len(self._fragments) + length > self._message_bytes_max:
            raise FrameError(1009, f"A message is longer than the {self._message_bytes_max} bytes that are accepted.")

    def _take(self, first: int, payload: bytes) -> Received | None:
        opcode = Opcode(first & 0x0F)
        if opcode >= Opcode.CLOSE:
            return Received(opcode, payload)
        if opcode is Opcode.CONTINUATION:
            if self._fragments_opcode is None:
                raise FrameError(1002, "A continuation frame continues nothing.")
        elif self._fragments_opcode is not None:
            raise FrameError(1002, "A new message began before the last one was complete.")
        if not first & 0x80:
            if opcode is not Opcode.CONTINUATION:
                self._fragments_opcode = opcode
            self._fragments += payload
            return None
        if self._fragments_opcode is not None:
            opcode = self._fragments_opcode
            self._fragments += payload
            payload = bytes(self._fragments)
            self._fragments = bytearray()
            self._fragments_opcode = None
        if len(payload) > self._message_bytes_max:
            raise FrameError(1009, f"A message is longer than the {self._message_bytes_max} bytes that are accepted.")
        if opcode is Opcode.TEXT and not payload.isascii():
            _check_utf8(payload)
        return Received(opcode, payload)


def read_close(payload: bytes) -> tuple[int | None, str]:
    """The code (None if there is none) and reason in the body of a close frame. Raises `FrameError`."""
    if not payload:
        return None, ""
    code = int.from_bytes(payload[:2], "big")
    if len(payload) < 2 or not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        raise FrameError(1002, "A close frame has no valid code.")
    _check_utf8(payload[2:])
    return code, payload[2:].decode()


def _check_utf8(payload: bytes) -> None:
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        raise FrameError(1007, "A text is not UTF-8.") from error


def write_text(text: bytes) -> bytes:
    """One text message, in as many frames as its size asks for."""
    size = len(text)
    if size <= 125:
        return bytes((0x81, size)) + text
    if size <= 0xFFFF:
        return _short.pack(0x81, 126, size) + text
    if size <= FRAGMENT_BYTES_MAX:
        return _long.pack(0x81, 127, size) + text
    frames: list[bytes] = []
    for start in range(0, size, FRAGMENT_BYTES_MAX):
        piece = text[start : start + FRAGMENT_BYTES_MAX]
        final = 0x80 if start + FRAGMENT_BYTES_MAX >= size else 0
        opcode = Opcode.CONTINUATION if start else Opcode.TEXT
        frames.append(_long.pack(final | opcode, 127, len(piece)))
        frames.append(piece)
    return b"".join(frames)


def write_control(opcode: Opcode, payload: bytes = b"") -> bytes:
    """A control frame; its payload has at most 125 bytes."""
    assert len(payload) <= 125, "a control frame is short"
    return bytes((0x80 | opcode, len(payload))) + payload


def write_close(code: int | None, reason: str) -> bytes:
    """A close frame. Without a code it is empty, and the reason is not sent; a long reason is cut to 123 bytes."""
    if code is None:
        return write_control(Opcode.CLOSE)
    body = reason.encode()[:123].decode(errors="ignore").encode()
    return write_control(Opcode.CLOSE, code.to_bytes(2, "big") + body)


def accept_key(key: bytes) -> bytes:
    """The value of Sec-WebSocket-Accept for a client's Sec-WebSocket-Key."""
    return b64encode(sha1(key + _ACCEPT_SALT, usedforsecurity=False).digest())
