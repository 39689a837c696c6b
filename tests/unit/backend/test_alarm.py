"""`Alarm`: rings at a time of day, however the clocks behave."""

from __future__ import annotations

from parabola.backend.alarm import CHECK_S, Alarm
from parabola.seams import ManualClock


class World:
    """An alarm whose wall clock can be moved apart from the clock that measures waiting."""

    def __init__(self) -> None:
        self.waiting = ManualClock()
        self.jump_ns = 0
        self.rung: list[float] = []
        self.alarm = Alarm(self, self.waiting.call_later, lambda: self.rung.append(self.now_ms))

    def now_ns(self) -> int:
        return self.waiting.now_ns() + self.jump_ns

    def monotonic(self) -> float:
        return self.waiting.monotonic()

    @property
    def now_ms(self) -> float:
        return self.now_ns() / 1_000_000

    def advance(self, seconds: float) -> None:
        """Time passes, in small steps, so that every timer rings in its time."""
        for _ in range(round(seconds)):
            self.waiting.advance(1)

    def jump(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self.jump_ns += round(seconds * 1e9)


def test_it_rings_at_its_time_and_once() -> None:
    world = World()
    due_ms = world.now_ms + 100_000
    world.alarm.set(due_ms)
    world.advance(99)
    assert world.rung == []
    world.advance(1)
    assert world.rung == [due_ms]
    world.advance(200)
    assert len(world.rung) == 1
    assert world.waiting.timers_waiting == 0


def test_a_time_that_is_past_rings_at_once_but_not_before_the_loop_comes_to_it() -> None:
    world = World()
    world.alarm.set(world.now_ms - 5)
    assert world.rung == []
    world.waiting.advance(0)
    assert len(world.rung) == 1


def test_the_last_setting_counts_and_none_takes_it_back() -> None:
    world = World()
    world.alarm.set(world.now_ms + 10_000)
    world.alarm.set(world.now_ms + 20_000)
    world.advance(15)
    assert world.rung == []
    world.alarm.set(None)
    assert world.waiting.timers_waiting == 0
    world.advance(100)
    assert world.rung == []


def test_a_wall_clock_that_jumps_forward_is_noticed_soon() -> None:
    world = World()
    world.alarm.set(world.now_ms + 3_600_000)
    world.jump(3600)
    world.advance(CHECK_S)
    assert len(world.rung) == 1


def test_a_wall_clock_that_is_set_back_does_not_make_it_ring_early() -> None:
    world = World()
    due_ms = world.now_ms + 60_000
    world.alarm.set(due_ms)
    world.jump(-3600)
    world.advance(3600)
    assert world.rung == []
    world.advance(60)
    assert len(world.rung) == 1
    assert world.rung[0] >= due_ms
