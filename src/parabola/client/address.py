"""Where a server's WebSocket and HTTP API are, given its address, and what a client says of itself (wire 1.1)."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import urlsplit

from parabola.errors import InvalidArgument

# The protocol, by the version of the npm client that defines it. A server that sees no header takes us for that one,
# which is right: everything it may then send is understood here.
PROTOCOL_VERSION: Final = "1.48.0"
CLIENT_HEADER: Final = {"Convex-Client": "parabola-0.1.0"}

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class Address(NamedTuple):
    """A server's address, without a slash at the end."""

    http: str
    is_loopback: bool

    @property
    def websocket(self) -> str:
        """The address of the sync protocol."""
        return f"ws{self.http.removeprefix('http')}/api/{PROTOCOL_VERSION}/sync"


def parse_address(url: str) -> Address:
    """The address of a server, as a client was given it. Raises `InvalidArgument` for what is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidArgument(
            f"{url!r} is not the address of a server. "
            'Give it with its scheme, as in "http://127.0.0.1:3210" or "https://example.convex.cloud".'
        )
    return Address(url.rstrip("/"), parts.hostname in _LOOPBACK)
