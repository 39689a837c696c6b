"""What a sync connection needs of its socket, and what it offers to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol


class SyncTransport(Protocol):
    """A socket as the driver sees it: text messages out, and a way to end it."""

    def send_texts(self, texts: Sequence[bytes]) -> None:
        """Sends each text as one message, in order, all in one write. Never blocks; the socket says when it is full
        (`SyncConnection.pause_writing`).
        """
        ...

    def close(self, code: int | None, reason: str) -> None:
        """Starts the closing handshake, after everything sent so far. Without a code the close frame is empty."""
        ...

    def abort(self) -> None:
        """Drops the connection at once, with what it has not sent."""
        ...

    def ping(self) -> None:
        """Sends a control ping, where the transport has such a thing."""
        ...

    def seconds_since_received(self) -> float:
        """How long ago anything at all came from the client."""
        ...

    def unsent_bytes(self) -> int:
        """How much of what was sent the client has not taken yet."""
        ...

    def pause_reading(self) -> None:
        """Stops delivering; the client is slowed down by its own full buffer."""
        ...

    def resume_reading(self) -> None:
        """Delivers again. The pause does not count as silence of the client."""
        ...


class NoTransport:
    """In the place of a socket that is gone: nobody hears what is said to it."""

    def send_texts(self, texts: Sequence[bytes]) -> None:
        pass

    def close(self, code: int | None, reason: str) -> None:
        pass

    def abort(self) -> None:
        pass

    def ping(self) -> None:
        pass

    def seconds_since_received(self) -> float:
        return 0.0

    def unsent_bytes(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


NO_TRANSPORT: Final = NoTransport()
