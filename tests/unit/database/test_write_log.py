from __future__ import annotations

from parabola.database.write_log import LogEntry, WriteLog


def filled(*timestamps: int, entries_max: int = 1000) -> WriteLog:
    log = WriteLog(5, entries_max=entries_max)
    for ts in timestamps:
        log.append(LogEntry(ts, []))
    return log


def test_since_gives_what_came_later_in_order() -> None:
    log = filled(10, 20, 30)
    assert [entry.ts for entry in log.since(10)] == [20, 30]
    assert log.since(30) == []
    assert [entry.ts for entry in log.since(0)] == [10, 20, 30]


def test_between_includes_its_end_and_not_its_start() -> None:
    assert [entry.ts for entry in filled(10, 20, 30).between(10, 20)] == [20]


def test_before_is_the_commit_that_came_earlier() -> None:
    log = filled(10, 20)
    assert [log.before(21), log.before(20), log.before(10)] == [20, 10, 5]


def test_the_window_is_bounded_and_says_where_it_begins() -> None:
    log = filled(*range(10, 30), entries_max=8)
    assert len(log) <= 10
    assert log.oldest_ts == log.since(0)[0].ts - 1


def test_forgotten_entries_move_the_beginning() -> None:
    log = filled(10, 20, 30)
    log.forget_before(20)
    assert log.oldest_ts == 20
    assert [entry.ts for entry in log.since(0)] == [30]
