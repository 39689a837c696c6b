"""The clock that is moved by hand, and those who wait for it."""

from __future__ import annotations

import pytest

from parabola.seams import ManualClock


def test_both_clocks_move_together_and_never_back() -> None:
    clock = ManualClock(start_ns=5)
    clock.advance(1.5)
    assert (clock.now_ns(), clock.monotonic()) == (1_500_000_005, 1.5)
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance(-1)


def test_calls_come_when_their_time_has_come_in_its_order() -> None:
    clock = ManualClock()
    called: list[str] = []
    clock.call_later(3, lambda: called.append("three"))
    clock.call_later(1, lambda: called.append("one"))
    clock.call_later(2, lambda: called.append("never")).cancel()
    clock.call_later(-1, lambda: called.append("now"))
    assert called == []
    assert clock.timers_waiting == 3
    clock.advance(2)
    assert called == ["now", "one"]
    clock.advance(1)
    assert called == ["now", "one", "three"]
    assert clock.timers_waiting == 0


def test_a_call_may_take_another_one_back_or_ask_for_one() -> None:
    clock = ManualClock()
    called: list[str] = []
    second = clock.call_later(2, lambda: called.append("second"))

    def first() -> None:
        called.append("first")
        second.cancel()
        clock.call_later(1, lambda: called.append("third"))

    clock.call_later(1, first)
    clock.advance(5)
    assert called == ["first"]
    clock.advance(1)
    assert called == ["first", "third"]
