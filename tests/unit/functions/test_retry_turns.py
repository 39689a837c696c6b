from __future__ import annotations

from parabola.database.conflict import Conflict
from parabola.functions.retry_turns import RetryTurns, contended_by

HERE = contended_by(Conflict("counters", "a"))
THERE = contended_by(Conflict("counters", "b"))


def test_the_first_begins_at_once_and_the_others_in_the_order_they_came() -> None:
    turns, begun = RetryTurns(), list[str]()
    for name in ("first", "second", "third"):
        turns.take(HERE, lambda name=name: begun.append(name))
    assert begun == ["first"]
    turns.give_back(HERE)
    assert begun == ["first", "second"]
    turns.give_back(HERE)
    assert begun == ["first", "second", "third"]


def test_those_who_lost_over_something_else_have_a_line_of_their_own() -> None:
    turns, begun = RetryTurns(), list[str]()
    turns.take(HERE, lambda: begun.append("here"))
    turns.take(THERE, lambda: begun.append("there"))
    assert begun == ["here", "there"]


def test_nothing_is_kept_of_a_line_that_is_done() -> None:
    turns = RetryTurns()
    turns.take(HERE, lambda: None)
    turns.give_back(HERE)
    assert len(turns) == 0
