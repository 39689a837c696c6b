"""The opening handshake of a sync socket: an HTTP request in, an answer and a client version out. No I/O."""

from __future__ import annotations

from base64 import b64decode
from typing import Final, NamedTuple

from parabola.errors import PeerError
from parabola.server.websocket_frames import accept_key
from parabola.sync.client_version import ClientVersion, identify_client

_UNSUPPORTED_TEXT: Final = (
    "This client is too old for this server. Update the `convex` package to version 1.0 or newer."
)


class Upgrade(NamedTuple):
    """A request as far as the handshake looks at it. Header names are in lower case; of repeated ones the last
    counts.
    """

    method: str
    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


class HandshakeRefused(PeerError):
    """The request cannot become a sync socket; `status` and `headers` are those of the answer."""

    def __init__(self, status: int, code: str, message: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message, code=code)
        self.answer_status = status
        self.headers = headers


def read_upgrade(head: bytes) -> Upgrade:
    """A request line and headers, ending in an empty line. Raises `HandshakeRefused`."""
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise HandshakeRefused(400, "BadRequest", "The request line cannot be read.")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        if line:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
    return Upgrade(parts[0], parts[1], headers)


def sync_version_in(path: str) -> tuple[bool, str | None]:
    """Whether `path` is the sync socket's, and the client version in it: `/api/sync`, `/api/{version}/sync`.

    A doubled leading slash is tolerated: clients make one of an address that ends in a slash.
    """
    parts = path.lstrip("/").split("/")
    if parts[0] != "api" or parts[-1] != "sync" or not path.startswith("/"):
        return False, None
    if len(parts) == 2:
        return True, None
    return (True, parts[1]) if len(parts) == 3 and parts[1] else (False, None)


def answer_upgrade(upgrade: Upgrade, version_in_path: str | None) -> tuple[bytes, ClientVersion]:
    """The 101 answer, and who the client is. Raises `HandshakeRefused`."""
    headers = upgrade.headers
    if upgrade.method != "GET" or headers.get("upgrade", "").lower() != "websocket":
        raise HandshakeRefused(400, "BadRequest", "This address takes WebSocket upgrades, by GET, only.")
    if "upgrade" not in (token.strip().lower() for token in headers.get("connection", "").split(",")):
        raise HandshakeRefused(400, "BadRequest", "The Connection header of an upgrade must say `Upgrade`.")
    if headers.get("sec-websocket-version") != "13":
        raise HandshakeRefused(
            426, "UpgradeRequired", "Only version 13 of WebSocket is spoken.", (("Sec-WebSocket-Version", "13"),)
        )
    key = headers.get("sec-websocket-key", "").encode("latin-1")
    if not _is_key(key):
        raise HandshakeRefused(400, "BadRequest", "The Sec-WebSocket-Key header must be 16 bytes in base64.")
    client = identify_client(headers.get("convex-client"), version_in_path)
    check_supported(client)
    answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return answer + b"Sec-WebSocket-Accept: " + accept_key(key) + b"\r\n\r\n", client


def check_supported(client: ClientVersion) -> None:
    """Raises `HandshakeRefused` for a client whose protocol is no longer spoken."""
    if not client.is_supported:
        raise HandshakeRefused(
            400,
            "ClientVersionUnsupported",
            _UNSUPPORTED_TEXT,
            (("x-convex-deprecation-state", "unsupported"), ("x-convex-deprecation-message", _UNSUPPORTED_TEXT)),
        )


def _is_key(key: bytes) -> bool:
    try:
        return len(b64decode(key, validate=True)) == 16
    except ValueError:
        return False


def refusal_body(refused: HandshakeRefused) -> bytes:
    """What is said to a request that is refused, in the error shape of the HTTP API."""
    return b'{"code":"%b","message":"%b"}' % (refused.code.encode(), refused.message.replace('"', "'").encode())


def write_refusal(refused: HandshakeRefused) -> bytes:
    """The whole HTTP answer to a request that is refused."""
    phrases = {400: "Bad Request", 426: "Upgrade Required"}
    body = refusal_body(refused)
    lines = [
        f"HTTP/1.1 {refused.answer_status} {phrases.get(refused.answer_status, 'Error')}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in refused.headers),
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
