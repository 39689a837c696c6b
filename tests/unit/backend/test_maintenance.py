from __future__ import annotations

import pytest

from parabola.backend.maintenance import RECORDS_PER_LOOK_MAX, Maintenance
from parabola.database.committer import CommitResult
from parabola.database.database import Database
from parabola.errors import OutOfRetention
from parabola.functions.session_requests import Record, SessionRecords
from parabola.limits import Limits
from parabola.seams import ManualClock, SeededEntropy
from parabola.storage.memory import MemoryStorage

DAY_S = 86_400.0


class World:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.database = Database(MemoryStorage(), clock=self.clock, entropy=SeededEntropy(1))
        self.database.open()
        self.records = SessionRecords()
        self.maintenance = Maintenance(self.database, self.clock, Limits())

    def answer(self, request: int) -> None:
        tx = self.database.begin_mutation()
        assert self.records.find(tx, ("s", request)) is None
        self.records.write(tx, ("s", request), Record(b"1", []))
        results: list[CommitResult] = []
        self.database.commit(tx, results.append)
        assert results[0].error is None
        assert results[0].conflict is None

    def knows(self, request: int) -> bool:
        return SessionRecords().find(self.database.begin_query(), ("s", request)) is not None


def test_the_record_of_a_mutation_is_kept_for_fourteen_days_and_removed_when_that_day_has_passed() -> None:
    world = World()
    world.answer(1)
    world.clock.advance(13 * DAY_S)
    world.answer(2)
    assert world.maintenance.look() == 0
    world.clock.advance(1 * DAY_S)
    assert world.maintenance.look() == 0
    assert world.knows(1)
    world.clock.advance(1 * DAY_S)
    assert world.maintenance.look() == 1
    assert not world.knows(1)
    assert world.knows(2)


def test_many_old_records_are_removed_a_few_at_a_time() -> None:
    world = World()
    for request in range(RECORDS_PER_LOOK_MAX + 3):
        world.answer(request)
    world.clock.advance(15 * DAY_S)
    assert [world.maintenance.look() for _ in range(3)] == [RECORDS_PER_LOOK_MAX, 3, 0]


def test_a_look_with_nothing_to_remove_writes_nothing() -> None:
    world = World()
    world.answer(1)
    before = world.database.latest_ts
    world.maintenance.look()
    assert world.database.latest_ts == before


def test_versions_older_than_the_window_cannot_be_read_any_more() -> None:
    world = World()
    world.answer(1)
    old = world.database.durable_ts
    world.clock.advance(Limits().retention_s + 1)
    world.answer(2)
    world.maintenance.look()
    with pytest.raises(OutOfRetention):
        world.database.begin_query(old).system_query("_session_requests").collect()
