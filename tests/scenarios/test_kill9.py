"""`kill -9` under load, again and again: nothing acknowledged is lost, nothing is half applied, time never goes back.

Each round, several clients move money between the accounts of a bank as fast as they are answered, and note which
transfers were acknowledged and at what timestamps. In the middle of that the server is killed. After the restart on
the same data come the questions: is each acknowledged transfer there, is the total what it was, and is every new
timestamp later than every one seen before?
"""

from __future__ import annotations

import base64
import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from websockets.exceptions import WebSocketException

from tests.scenarios.raw_client import RawClient
from tests.scenarios.server_process import ServerProcess

ROUNDS = 50
CLIENTS = 4
ACCOUNTS = 20
BALANCE = 1000.0


@dataclass
class Ledger:
    """What the clients of one round know for certain."""

    acknowledged: list[tuple[str, int]] = field(default_factory=list)
    attempted: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


def timestamp(text: str) -> int:
    return int.from_bytes(base64.b64decode(text), "little")


def move_money(server: ServerProcess, bank: str, prefix: str, seed: int, ledger: Ledger) -> None:
    """One client: a few transfers in flight at all times, until the connection breaks."""
    dice = random.Random(seed)
    keys: dict[int, str] = {}
    sent = 0
    try:
        with RawClient(server) as client:
            client.hello()
            while True:
                while len(keys) < 8:
                    source, target = dice.sample(range(ACCOUNTS), 2)
                    key = f"{prefix}-{sent:06d}"
                    with ledger.lock:
                        ledger.attempted.add(key)
                    keys[sent] = key
                    client.socket.send(
                        json.dumps(
                            {
                                "type": "Mutation",
                                "requestId": sent,
                                "udfPath": "bank:transfer",
                                "args": [{"bank": bank, "source": source, "target": target, "amount": 1, "key": key}],
                            }
                        )
                    )
                    sent += 1
                message = json.loads(client.socket.recv(timeout=60))
                if message["type"] == "MutationResponse":
                    assert message["success"], f"{message}\nThe server printed:\n{server.log[-3000:]}"
                    with ledger.lock:
                        ledger.acknowledged.append((keys.pop(message["requestId"]), timestamp(message["ts"])))
    except TimeoutError:
        raise
    except (WebSocketException, OSError):
        return  # killed, as planned, perhaps in the middle of the handshake


def wait_until(condition: Callable[[], bool], timeout: float = 60) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "the load never reached the point at which the server is to be killed"
        time.sleep(0.001)


def every_transfer(server: ServerProcess, bank: str, after: str) -> list[str]:
    """The keys of all transfers above `after`, read page by page."""
    keys: list[str] = []
    while True:
        answer = server.call(
            "query", "bank:transfers_after", {"bank": bank, "key": keys[-1] if keys else after, "count": 2000}
        )
        page = answer["value"]["keys"]  # type: ignore[index]
        keys += page
        if len(page) < 2000:
            return keys


def one_round(server: ServerProcess, bank: str, number: int, dice: random.Random) -> Ledger:
    """Runs the load, kills the server somewhere inside it, and starts it again."""
    ledger = Ledger()
    clients = [
        threading.Thread(
            target=move_money, args=(server, bank, f"{number:03d}-{client}", dice.getrandbits(32), ledger), daemon=True
        )
        for client in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    enough = dice.randrange(1, 200)
    wait_until(lambda: len(ledger.acknowledged) >= enough)
    server.kill()
    for client in clients:
        client.join(60)
        assert not client.is_alive()
    server.start()
    return ledger


def check(server: ServerProcess, bank: str, number: int, ledger: Ledger, newest: int) -> int:
    """The promises, after the restart that ended round `number`. Returns the newest timestamp known now."""
    stored = every_transfer(server, bank, f"{number:03d}-")
    lost = {key for key, _ in ledger.acknowledged} - set(stored)
    assert not lost, f"round {number}: acknowledged and lost: {sorted(lost)[:5]}"
    assert len(stored) == len(set(stored)), f"round {number}: applied twice"
    assert set(stored) <= ledger.attempted, f"round {number}: never sent"
    # Each client's transfers were applied in the order in which it sent them, without a hole.
    for client in range(CLIENTS):
        mine = [key for key in stored if key.startswith(f"{number:03d}-{client}-")]
        assert mine == [f"{number:03d}-{client}-{at:06d}" for at in range(len(mine))], f"round {number}: a hole"
    assert server.call("query", "bank:total", {"bank": bank})["value"] == ACCOUNTS * BALANCE

    stamps = [ts for _, ts in ledger.acknowledged]
    assert all(ts > newest for ts in stamps), f"round {number}: a timestamp went back"
    newest = max([newest, *stamps])
    with RawClient(server) as client:
        client.hello().add_query(0, "bank:total", {"bank": bank})
        after_restart = timestamp(client.until("Transition")["endVersion"]["ts"])
    assert after_restart >= newest, f"round {number}: the server came back in the past"
    return newest


# The rounds share two cores with the tests of other workers; alone they take about half a minute.
@pytest.mark.timeout(600)
def test_fifty_kills_under_load_lose_nothing(start_server: Callable[..., ServerProcess], room: str) -> None:
    server = start_server(command="serve")
    server.call("mutation", "bank:open", {"bank": room, "count": ACCOUNTS, "balance": BALANCE})
    dice = random.Random(9)
    newest = 0
    acknowledged = 0
    for number in range(ROUNDS):
        ledger = one_round(server, room, number, dice)
        newest = check(server, room, number, ledger, newest)
        acknowledged += len(ledger.acknowledged)
    assert acknowledged >= ROUNDS
    assert len(every_transfer(server, room, "")) >= acknowledged
