"""Whatever the order of frames, losses and commits: a session with a real server peer behind a socket that breaks."""

from __future__ import annotations

import random

import pytest

from tests.unit.client.session_world import World

STEPS = {
    "open": 4,
    "mutate": 3,
    "deliver_to_server": 8,
    "deliver_to_client": 8,
    "run": 5,
    "update": 5,
    "write_elsewhere": 1,
    "wait": 3,
    "lose": 1,
}


@pytest.mark.parametrize("seed", range(60))
def test_mutations_happen_once_and_in_order_and_what_is_shown_is_one_moment_without_flicker(seed: int) -> None:
    chance = random.Random(seed)
    world = World()
    for name in chance.choices(list(STEPS), weights=list(STEPS.values()), k=300):
        getattr(world, name)()
    world.settle_everything()
    own = [number for number in world.log if number >= 0]
    assert own == list(range(world.begun))
    assert world.all.current().value == world.log
    assert world.count.current().value == len(world.log)
    assert set(world.settled) == set(range(world.begun))


def test_a_client_that_is_left_alone_leaves_nothing_behind() -> None:
    world = World()
    world.open()
    world.mutate()
    world.settle_everything()
    world.all.close()
    world.count.close()
    world._pass_on()
    world.settle_everything()
    assert world.server is not None
    assert world.server.queries == {}
    assert len(world.session.peer.queries) == len(world.session.peer.requests) == 0
