"""Connections that misbehave below the protocol: too slow, half open, too many at once."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.scenarios.raw_client import RawClient, Witness, frame, raw_handshake
from tests.scenarios.server_process import ServerProcess


@pytest.fixture(autouse=True)
def witness(server: ServerProcess, room: str) -> Iterator[Witness]:
    """Somebody else, connected all the while."""
    bystander = Witness(server, room)
    bystander.still_served()
    yield bystander
    bystander.still_served()
    bystander.close()
    assert server.is_running


def resident_bytes(server: ServerProcess) -> int:
    return int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * 4096


def test_a_reader_that_never_reads_costs_only_itself(server: ServerProcess, witness: Witness, room: str) -> None:
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.close()
    slow = raw_handshake(server)
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    add = (
        '{"type":"ModifyQuerySet","baseVersion":0,"newVersion":1,"modifications":[{"type":"Add","queryId":0,'
        f'"udfPath":"values:large_live","args":[{{"label":"{room}","size":1000000,"count":1}}]}}]}}'
    )
    slow.sendall(frame(1, add.encode()))
    before = resident_bytes(server)
    with RawClient(server) as writer:
        writer.hello()
        # Each of these changes a megabyte that the slow reader would have to be sent, if it read.
        for number in range(100):
            writer.mutate(number, "values:restore", {"label": room, "value": f"{number}"})
            assert writer.until("MutationResponse", requestId=number)["success"]
            if number % 10 == 0:
                witness.still_served()
    assert resident_bytes(server) - before < 60_000_000
    slow.close()


def test_half_open_handshakes_hold_up_nobody(server: ServerProcess, witness: Witness) -> None:
    half_open = []
    for sent in (b"", b"G", b"GET /api/sync HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n") * 60:
        plain = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        plain.sendall(sent)
        half_open.append(plain)
    witness.still_served()
    assert server.call("query", "identity:subject")["value"] is None
    for plain in half_open:
        plain.close()


def test_connections_that_vanish_without_a_word_leave_nothing_behind(server: ServerProcess, witness: Witness) -> None:
    for _ in range(50):
        plain = raw_handshake(server)
        plain.sendall(frame(1, b'{"type":"ModifyQuerySet","baseVersion":0,"newVersion":1,"modifications":[]}'))
        # An abrupt reset in place of a close.
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        plain.close()
    witness.still_served()
    assert "Traceback" not in server.log


def test_a_thousand_pending_mutations_are_all_answered_in_order(server: ServerProcess, room: str) -> None:
    with RawClient(server) as client:
        client.hello()
        for number in range(1000):
            client.mutate(number, "messages:send", {"channel": room, "author": "me", "body": f"{number}"})
        answers = [client.until("MutationResponse") for _ in range(1000)]
    assert [answer["requestId"] for answer in answers] == list(range(1000))
    assert all(answer["success"] for answer in answers)
    stamps = [answer["ts"] for answer in answers]
    assert len(set(stamps)) == 1000
    bodies = server.call("query", "messages:bodies", {"channel": room})["value"]
    assert bodies == [f"{number}" for number in range(1000)]


def test_a_request_that_never_finishes_its_body_holds_up_nobody(server: ServerProcess, witness: Witness) -> None:
    stuck = []
    for _ in range(30):
        plain = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        plain.sendall(b"POST /api/query HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{")
        stuck.append(plain)
    witness.still_served()
    for plain in stuck:
        plain.close()


def test_what_is_not_http_at_all_is_refused(server: ServerProcess) -> None:
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    plain.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello, say\r\n\r\n")
    received = b""
    while part := plain.recv(4096):
        received += part
    assert received.startswith(b"HTTP/1.1 400")
    plain.close()


def test_the_sync_address_without_an_upgrade_says_what_it_is_for(server: ServerProcess) -> None:
    answer = httpx.get(f"{server.url}/api/sync", trust_env=False)
    assert 400 <= answer.status_code < 500


def test_many_clients_come_and_go(server: ServerProcess, witness: Witness, room: str) -> None:
    for _ in range(5):
        clients = [RawClient(server).hello() for _ in range(40)]
        for client in clients:
            client.add_query(0, "messages:bodies", {"channel": room})
        for client in clients:
            assert client.until_update(0)["value"] == []
        for client in clients:
            client.socket.close()
    witness.still_served()
