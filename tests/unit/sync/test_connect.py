"""Connect: the session, the client's clock and what it has already seen (wire 1.3, 1.12)."""

from __future__ import annotations

import pytest

from parabola.sync import codec
from parabola.sync.effects import AwaitTimestamp
from parabola.sync.versions import encode_ts
from tests.unit.sync.peer_socket import NOW, Socket, mutation_success, value, version


def test_clock_fields_are_integers_and_come_where_the_client_moved_a_version() -> None:
    socket = Socket()
    client_ms = NOW // 1_000_000 + 195
    socket.send("Connect", sessionId="s", connectionCount=0, lastCloseReason="InitialConnect", clientTs=client_ms)
    socket.add(0, 0)
    (first,) = socket.update(1, {0: value("a")})
    assert first["clientClockSkew"] == 195
    assert first["serverTs"] == NOW
    socket.peer.invalidate(0)
    (pushed,) = socket.update(2, {0: value("b")})
    assert "clientClockSkew" not in pushed
    assert "serverTs" not in pushed


def test_a_client_that_named_no_time_has_no_skew() -> None:
    socket = Socket()
    socket.send("Connect", sessionId="s", connectionCount=0)
    socket.add(0)
    assert socket.update(1)[0]["clientClockSkew"] is None


@pytest.mark.parametrize("client_ts", [1e300, -1e300, 10**30])
def test_a_clock_that_cannot_be_has_no_skew(client_ts: float) -> None:
    socket = Socket()
    message = f'{{"type":"Connect","sessionId":"s","connectionCount":0,"clientTs":{client_ts}}}'
    socket.peer.receive(codec.decode_client_message(message.encode()), NOW)
    socket.add(0)
    assert socket.update(1)[0]["clientClockSkew"] is None


def test_without_a_connect_there_is_no_record() -> None:
    socket = Socket()
    socket.mutate(0)
    (run,) = socket.effects()
    assert run.session_request is None


def test_a_second_connect_is_refused() -> None:
    socket = Socket()
    socket.send("Connect", sessionId="a", connectionCount=0)
    (fatal,) = socket.send("Connect", sessionId="a", connectionCount=0)
    assert fatal["type"] == "FatalError"


def test_a_connect_that_comes_late_names_the_session_of_what_follows() -> None:
    socket = Socket()
    socket.sign_in(0)
    socket.mutate(0)
    assert socket.send("Connect", sessionId="abc", connectionCount=0) == []
    (before,) = socket.effects()
    socket.peer.mutation_finished(mutation_success(0, 1))
    socket.mutate(1)
    (after,) = socket.effects()
    assert (before.session_request, after.session_request) == (None, ("abc", 1))


# Observed timestamps.


def test_a_client_from_the_future_is_heard_only_when_its_timestamp_is_served() -> None:
    socket = Socket()
    socket.send("Connect", sessionId="s", connectionCount=1, maxObservedTimestamp=encode_ts(99))
    socket.add(0, 0)
    assert socket.effects() == [AwaitTimestamp(99)]
    assert socket.peer.begin_update(NOW) is None
    socket.peer.timestamp_reached(NOW)
    assert socket.update(100, {0: value("a")})[0]["endVersion"] == version(1, 0, 100)


def test_a_timestamp_that_is_none_is_fatal() -> None:
    socket = Socket()
    (fatal,) = socket.send("Connect", sessionId="s", connectionCount=1, maxObservedTimestamp="soon")
    assert fatal["type"] == "FatalError"
