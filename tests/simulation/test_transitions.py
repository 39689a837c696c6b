"""Promise 3 of the design: what a client is told is what its queries answer at the timestamp it is told.

A failure names its seed: `Simulation(seed).run(…)` repeats it exactly.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from parabola.live.interval_map import IntervalMap
from parabola.sync.server_peer import ServerPeer
from tests.simulation.crowds import CrowdSimulation
from tests.simulation.transitions import Simulation, Violation

# 25 seeds of these: 100,000 transitions, in pieces that several workers can share.
TRANSITIONS_PER_SEED = 4_000


@pytest.mark.parametrize("seed", range(25))
def test_every_transition_shows_each_query_as_run_fresh_at_its_timestamp(seed: int) -> None:
    asyncio.run(Simulation(seed).run(TRANSITIONS_PER_SEED))


@pytest.mark.parametrize("seed", range(5))
def test_it_does_where_many_clients_are_due_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = 0
    take = ServerPeer.take

    def counted(self: ServerPeer, *args: Any) -> bool:
        nonlocal taken
        done = take(self, *args)
        taken += done
        return done

    monkeypatch.setattr(ServerPeer, "take", counted)
    asyncio.run(CrowdSimulation(seed).run(TRANSITIONS_PER_SEED))
    assert taken > TRANSITIONS_PER_SEED / 80, "hardly a step was shared"


def test_a_missed_invalidation_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check can fail: a server that overlooks one touched range in fifty is found out at once."""
    chance = random.Random(1)
    holding = IntervalMap.holding

    def overlooking(self: IntervalMap[Any], key: bytes) -> list[Any]:
        return [] if chance.random() < 0.02 else holding(self, key)

    monkeypatch.setattr(IntervalMap, "holding", overlooking)
    with pytest.raises(Violation):
        asyncio.run(Simulation(1).run(TRANSITIONS_PER_SEED))
