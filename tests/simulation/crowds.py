"""The simulation of `transitions.py`, with clients that do the same: what they follow, they follow together.

Random clients are hardly ever due the same step. These mostly are; some of them follow a query more than the rest, so
that what the others take is not all that they are due. And queries and sending take time, so that the server asks and
tells in pieces, with commits, answers and changes of mind in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.simulation.transitions import GROUPS, USERS, SimulatedClient, Simulation

QUERIES_MAX = 4
WRITERS = 2
"""How many of the clients write most; the others mostly look on, which keeps them at one timestamp."""


class CrowdSimulation(Simulation):
    """See the module."""

    def __init__(self, seed: int, *, clients: int = 12) -> None:
        super().__init__(seed, clients=clients)
        run_query = self.world.runner.run_query

        def run_slowly(*args: Any, **options: Any) -> Any:
            self.world.clock.advance(self.random.choice([0.0, 0.001, 0.003]))
            return run_query(*args, **options)

        self.run_at_once = run_query
        self.world.runner.run_query = run_slowly  # type: ignore[method-assign]

    def run_fresh(self, *args: Any) -> Any:
        slowly, self.world.runner.run_query = self.world.runner.run_query, self.run_at_once  # type: ignore[method-assign]
        try:
            return super().run_fresh(*args)
        finally:
            self.world.runner.run_query = slowly  # type: ignore[method-assign]

    def act(self) -> None:
        chance = self.random
        writers, crowd = self.clients[:WRITERS], self.clients[WRITERS:]
        client = chance.choice(crowd)
        roll = chance.random()
        if roll < 0.6:
            writer = chance.choice(writers)
            if len(writer.unanswered) < 5:
                self.write(writer)
        elif roll < 0.62:
            self.write(client)
        elif roll < 0.66:
            self.change_queries()
        elif roll < 0.67:
            user = chance.choice([None, *USERS])
            for one in self.clients:
                one.sign_in(user)
        elif roll < 0.68:
            for one in crowd:
                one.drop_connection()
        elif roll < 0.70 and not client.paused:
            client.paused = True
            client.socket.connection.pause_writing()
        elif roll < 0.75 and client.paused:
            client.paused = False
            client.socket.connection.resume_writing()
        else:
            self.world.clock.advance(chance.choice([0.001, 0.01, 0.5]))
        for one in self.clients:
            self.take_time_to_send(one)

    def change_queries(self) -> None:
        """Everybody forgets what is too much and follows one more query; one in ten follows another one besides."""
        chance = self.random
        query_id = max(client.next_query_id for client in self.clients)
        path = chance.choice(["in_group", "largest", "whose", "odd_fails", "slow", "page"])
        common = (f"q:{path}", {"group": chance.choice(GROUPS)})
        for client in self.clients:
            added: dict[int, tuple[str, dict[str, Any]]] = {query_id: common}
            if chance.random() < 0.1:
                extra = chance.choice(["in_group", "largest", "odd_fails"])
                added[query_id + 1] = (f"q:{extra}", {"group": chance.choice(GROUPS)})
            client.next_query_id = query_id + 2
            removed = sorted(client.wanted)[: max(0, len(client.wanted) + len(added) - QUERIES_MAX)]
            kept = {known: query for known, query in client.wanted.items() if known not in removed}
            client.wanted = {**kept, **added}
            client.modify(added, removed)

    def take_time_to_send(self, client: SimulatedClient) -> None:
        """From now on each send to `client` takes a quarter of what a step of the driver may."""
        socket, send = client.socket, client.socket.send_texts
        if getattr(send, "__name__", "") == "send_slowly":
            return

        def send_slowly(texts: Sequence[bytes]) -> None:
            self.world.clock.advance(0.001)
            send(texts)

        socket.send_texts = send_slowly  # type: ignore[method-assign]
