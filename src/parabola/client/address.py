"""Where a server's WebSocket and HTTP API are, given its address, and what a client says of itself (wire 1.1)."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from parabola.errors import InvalidArgument

# The protocol, by the version of the npm client that defines it. A server that sees no header takes us for that one,
# which is right: everything it may then send is understood here.
PROTOCOL_VERSION: Final = "1.48.0"
CLIENT_HEADER: Final = {"Convex-Client": "parabola-0.1.0"}


class Address(NamedTuple):
    """A server's address, without a slash at the end."""

    http: str
    is_loopback: bool

    @property
    def websocket(self) -> str:
        """The address of the sync protocol."""
        return f"ws{self.http.removeprefix('http')}/api/{PROTOCOL_VERSION}/sync"


def parse_address(url: str) -> Address:
    """The address of a server, as a client was given it. Raises `InvalidArgument` for what is none: a client that was
    given a wrong one would otherwise wait for its server for ever.
    """
    if not isinstance(url, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise _no_address(url)
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:  # a port that is no number, a bracket that is not closed
        raise _no_address(url, f" ({error})") from None
    if parts.scheme not in ("http", "https") or not host or port == 0 or any(char <= " " for char in parts.netloc):
        raise _no_address(url)
    if parts.query or parts.fragment:
        raise _no_address(url, ": it must end with the path")
    return Address(urlunsplit(parts).rstrip("/"), _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _no_address(url: object, why: str = "") -> InvalidArgument:
    return InvalidArgument(
        f"{url!r} is not the address of a server{why}. "
        'Give it with its scheme, as in "http://127.0.0.1:3210" or "https://example.convex.cloud".'
    )
