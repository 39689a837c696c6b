from __future__ import annotations

from parabola.database.committer import CommitResult
from parabola.database.database import Database
from parabola.database.transaction import Transaction
from parabola.functions.session_requests import Record, SessionRecords
from parabola.seams import ManualClock, SeededEntropy
from parabola.storage.memory import MemoryStorage

ANSWER = Record(b'"sent"', ["[LOG] 'sending'"])


class CountingStorage(MemoryStorage):
    """Counts how often it is asked for a document."""

    gets = 0

    def get(self, table_number: int, document_id: str, ts: int) -> bytes | None:
        self.gets += 1
        return super().get(table_number, document_id, ts)


def open_database(storage: MemoryStorage | None = None, clock: ManualClock | None = None) -> Database:
    database = Database(
        storage if storage is not None else MemoryStorage(),
        clock=clock if clock is not None else ManualClock(),
        entropy=SeededEntropy(1),
    )
    database.open()
    return database


def write(database: Database, records: SessionRecords, session: str, request: int, record: Record = ANSWER) -> None:
    tx = database.begin_mutation()
    assert records.find(tx, (session, request)) is None
    records.write(tx, (session, request), record)
    assert commit(database, tx).conflict is None


def commit(database: Database, tx: Transaction) -> CommitResult:
    results: list[CommitResult] = []
    database.commit(tx, results.append)
    return results[0]


def find(database: Database, records: SessionRecords, session: str, request: int) -> Record | None:
    record = records.find(database.begin_mutation(), (session, request))
    return None if record is None else record._replace(ts=0)


def test_a_record_is_found_by_its_session_and_request_and_by_no_other() -> None:
    database, records = open_database(), SessionRecords()
    write(database, records, "s", 7)
    assert find(database, records, "s", 7) == ANSWER
    for session, request in (("s", 6), ("s", 8), ("t", 7), ("", 7)):
        assert find(database, records, session, request) is None


def test_records_are_found_after_a_restart() -> None:
    database = open_database()
    write(database, SessionRecords(), "s", 3)
    write(database, SessionRecords(), "s", 5)
    again = SessionRecords()
    assert find(database, again, "s", 5) == ANSWER
    assert find(database, again, "s", 3) == ANSWER
    assert find(database, again, "s", 4) is None


def test_a_session_that_was_forgotten_is_looked_up_again() -> None:
    database, records = open_database(), SessionRecords(sessions_max=1)
    write(database, records, "s", 1)
    write(database, records, "t", 1)
    assert find(database, records, "s", 1) == ANSWER
    assert find(database, records, "t", 1) == ANSWER


def test_a_new_request_is_not_looked_up() -> None:
    storage = CountingStorage()
    database, records = open_database(storage), SessionRecords()
    write(database, records, "s", 1)
    storage.gets = 0
    for request in range(2, 10):
        write(database, records, "s", request)
    assert storage.gets == 0
    assert find(database, records, "s", 9) == ANSWER


def test_looking_in_vain_is_evidence() -> None:
    database, records = open_database(), SessionRecords()
    first, second = database.begin_mutation(), database.begin_mutation()
    for tx in (first, second):
        assert records.find(tx, ("s", 1)) is None
    for tx in (first, second):
        records.write(tx, ("s", 1), ANSWER)
    assert commit(database, first).conflict is None
    assert commit(database, second).conflict is not None


def test_an_attempt_that_wrote_and_lost_hides_nothing() -> None:
    database, records = open_database(), SessionRecords()
    lost = database.begin_mutation()
    records.write(lost, ("s", 4), ANSWER)
    lost.close()
    assert find(database, records, "s", 4) is None
    write(database, records, "s", 2)
    assert find(database, records, "s", 2) == ANSWER


def test_an_answer_larger_than_a_document_is_recorded_in_pieces() -> None:
    database, records = open_database(), SessionRecords()
    large = Record(b'"' + "ä".encode() * 500_000 + b'"', [])
    write(database, records, "s", 1, large)
    write(database, records, "s", 2)
    assert find(database, records, "s", 1) == large
    assert find(database, SessionRecords(), "s", 2) == ANSWER


def test_session_ids_may_be_any_text() -> None:
    database, records = open_database(), SessionRecords()
    for session in ("\x00", "\ud800", "é" * 1000):
        write(database, records, session, 2**32 - 1)
        assert find(database, records, session, 2**32 - 1) == ANSWER


def test_a_record_knows_when_its_mutation_was_committed() -> None:
    database, records = open_database(), SessionRecords()
    tx = database.begin_mutation()
    records.write(tx, ("s", 1), ANSWER)
    committed = commit(database, tx)
    write(database, records, "s", 2)
    found = SessionRecords().find(database.begin_mutation(), ("s", 1))
    assert found is not None
    assert found.ts == committed.ts


DAY_S = 86_400.0


def test_a_record_is_found_on_later_days_also_after_a_restart() -> None:
    clock = ManualClock()
    database, records = open_database(clock=clock), SessionRecords()
    write(database, records, "s", 1)
    clock.advance(3 * DAY_S)
    write(database, records, "s", 2)
    clock.advance(1 * DAY_S)
    for known in (records, SessionRecords()):
        for request in (1, 2):
            assert find(database, known, "s", request) == ANSWER
        assert find(database, known, "s", 3) is None


def test_two_sendings_that_race_over_midnight_meet() -> None:
    clock = ManualClock()
    database, records = open_database(clock=clock), SessionRecords()
    first = database.begin_mutation()
    clock.advance(DAY_S)
    second = database.begin_mutation()
    for tx in (first, second):
        assert records.find(tx, ("s", 1)) is None
        records.write(tx, ("s", 1), ANSWER)
    assert commit(database, second).conflict is None
    conflict = commit(database, first).conflict
    assert conflict is not None
    assert "_session_requests" in conflict.message


def test_an_answer_of_any_shape_comes_back_as_it_was() -> None:
    database, records = open_database(), SessionRecords()
    answers = [
        Record(b"null", []),
        Record(b"null", ['[LOG] "a\\n\\"b"']),
        Record('{"ä":"\\u0000\\n","b":["\\"\\\\"]}'.encode(), []),
        Record(b'"' + b"x" * 200_000 + b'"', ["[LOG] 1"]),
    ]
    for request, answer in enumerate(answers):
        write(database, records, "s", request, answer)
    for request, answer in enumerate(answers):
        assert find(database, SessionRecords(), "s", request) == answer
