"""Where a server's sync protocol is (wire 1.1)."""

from __future__ import annotations

from typing import Any

import pytest

from parabola import __version__
from parabola.client.address import CLIENT_HEADER, parse_address
from parabola.errors import InvalidArgument
from parabola.sync.client_version import identify_client


@pytest.mark.parametrize(
    ("url", "websocket"),
    [
        ("http://127.0.0.1:3210", "ws://127.0.0.1:3210/api/1.48.0/sync"),
        ("http://127.0.0.1:3210/", "ws://127.0.0.1:3210/api/1.48.0/sync"),
        ("https://happy-animal-123.convex.cloud", "wss://happy-animal-123.convex.cloud/api/1.48.0/sync"),
        ("https://example.com/live", "wss://example.com/live/api/1.48.0/sync"),
        ("https://example.com/live//", "wss://example.com/live/api/1.48.0/sync"),
        (" HTTP://Example.com:80\n", "ws://Example.com:80/api/1.48.0/sync"),
        ("http://[::1]:3210", "ws://[::1]:3210/api/1.48.0/sync"),
    ],
)
def test_the_sync_protocol_is_under_the_servers_address(url: str, websocket: str) -> None:
    assert parse_address(url).websocket == websocket


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [("localhost", True), ("[::1]", True), ("127.8.0.1", True), ("app.localhost", True), ("example.com", False)],
)
def test_only_loopback_is_never_behind_a_proxy(host: str, is_loopback: bool) -> None:
    assert parse_address(f"http://{host}:80").is_loopback is is_loopback


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:3210",
        "ws://127.0.0.1:3210",
        "http://",
        "http://:80",
        "http://127.0.0.1:0",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:port",
        "http://[::1",
        "http://exa mple.com",
        "http://example.com?deployment=1",
        "http://example.com/#live",
        None,
        3210,
        b"http://127.0.0.1:3210",
    ],
)
def test_what_no_client_could_ever_reach_is_refused(url: Any) -> None:
    with pytest.raises(InvalidArgument, match="is not the address of a server"):
        parse_address(url)


def test_the_client_names_itself_with_this_version_and_is_taken_for_no_other() -> None:
    name, number = identify_client(CLIENT_HEADER["Convex-Client"], "1.48.0")
    assert name == "parabola"
    assert number == tuple(int(part) for part in __version__.split("."))
