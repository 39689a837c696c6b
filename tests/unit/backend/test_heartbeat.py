"""The wheel that looks after all connections with one timer."""

from __future__ import annotations

from parabola.backend.heartbeat import TICK_S, TICKS_AROUND, HeartbeatWheel
from parabola.seams import ManualClock
from tests.sync_world import ManualLoop


class Member:
    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.beats: list[float] = []

    def heartbeat(self) -> None:
        self.beats.append(self.clock.monotonic())


def test_every_member_beats_once_around() -> None:
    clock = ManualClock()
    loop = ManualLoop(clock)
    wheel = HeartbeatWheel(loop.call_later)
    members = [Member(clock) for _ in range(23)]
    for member in members:
        wheel.add(member)
    loop.advance(TICK_S * TICKS_AROUND * 4)
    for member in members:
        assert len(member.beats) == 4
        assert {later - earlier for earlier, later in zip(member.beats, member.beats[1:], strict=False)} == {
            TICK_S * TICKS_AROUND
        }


def test_members_are_spread_over_the_wheel() -> None:
    clock = ManualClock()
    loop = ManualLoop(clock)
    wheel = HeartbeatWheel(loop.call_later)
    members = [Member(clock) for _ in range(2 * TICKS_AROUND)]
    for member in members:
        wheel.add(member)
    loop.advance(TICK_S)
    assert sum(len(member.beats) for member in members) == 2


def test_a_removed_member_beats_no_more_also_when_removed_by_a_beat() -> None:
    clock = ManualClock()
    loop = ManualLoop(clock)
    wheel = HeartbeatWheel(loop.call_later)
    staying, going = Member(clock), Member(clock)
    spokes = {member: wheel.add(member) for member in (staying, going)}
    wheel.remove(going, spokes[going])
    wheel.remove(going, spokes[going])
    loop.advance(20)
    assert going.beats == []
    assert len(staying.beats) == 4


def test_an_empty_wheel_stands_still_and_starts_again() -> None:
    clock = ManualClock()
    loop = ManualLoop(clock)
    wheel = HeartbeatWheel(loop.call_later)
    first = Member(clock)
    wheel.remove(first, wheel.add(first))
    loop.advance(30)
    second = Member(clock)
    wheel.add(second)
    loop.advance(5)
    assert len(second.beats) == 1
