"""What every storage must do, as a test suite to inherit from.

    class TestMyStorage(StorageSuite):
        @pytest.fixture
        def make_storage(self, tmp_path):
            return StorageMaker(open=lambda: MyStorage(tmp_path))

`StorageMaker.open` opens the same store each time it is called: what was closed before must be found again, unless
`is_persistent` is False. Each test names one promise of `parabola.storage.contract`; the last ones run random
histories against `ModelStorage`, the promises in their most naive form.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from parabola.errors import OutOfRetention, StorageFailure
from parabola.storage.contract import Storage
from parabola.storage.records import Commit, DocumentWrite, IndexWrite, Row

TABLE, OTHER_TABLE = 10001, 10002
INDEX, OTHER_INDEX = 101, 102


@dataclass
class StorageMaker:
    """How the suite gets at the storage under test."""

    open: Callable[[], Storage]
    is_persistent: bool = True
    # Waits until work that goes on in the background is done; reads must be right with and without it.
    settle: Callable[[Storage], None] = lambda storage: None


def put(ts: int, *documents: tuple[str, bytes | None], entries: tuple[tuple[bytes, str | None], ...] = ()) -> Commit:
    """A commit to TABLE, with entries of INDEX."""
    return Commit(
        ts,
        tuple([DocumentWrite(TABLE, document_id, document) for document_id, document in documents]),
        tuple([IndexWrite(INDEX, key, document_id) for key, document_id in entries]),
    )


def scan(
    storage: Storage,
    ts: int,
    lower: bytes = b"",
    upper: bytes | None = None,
    *,
    descending: bool = False,
    limit: int = 1000,
    index: int = INDEX,
) -> list[tuple[bytes, str, bytes]]:
    """A scan of an index of TABLE, as plain tuples."""
    rows = storage.scan_index(index, TABLE, lower, upper, ts, descending=descending, limit=limit)
    return [(row.key, row.document_id, row.document) for row in rows]


class ModelStorage:
    """The promises, word by word and without any speed: all commits in a list, every read goes through all of them."""

    def __init__(self) -> None:
        self.commits: list[Commit] = []

    def _at(self, ts: int) -> tuple[dict[tuple[int, str], bytes | None], dict[tuple[int, bytes], str | None]]:
        documents: dict[tuple[int, str], bytes | None] = {}
        entries: dict[tuple[int, bytes], str | None] = {}
        for commit in self.commits:
            if commit.ts <= ts:
                documents.update(
                    {(number, document_id): document for number, document_id, document in commit.documents}
                )
                entries.update({(number, key): document_id for number, key, document_id in commit.index_entries})
        return documents, entries

    def get(self, table_number: int, document_id: str, ts: int) -> bytes | None:
        return self._at(ts)[0].get((table_number, document_id))

    def scan_index(
        self,
        index_number: int,
        table_number: int,
        lower: bytes,
        upper: bytes | None,
        ts: int,
        descending: bool,
        limit: int,
    ) -> list[Row]:
        documents, entries = self._at(ts)
        rows: list[Row] = []
        for (number, key), document_id in sorted(entries.items(), reverse=descending):
            if number == index_number and key >= lower and (upper is None or key < upper) and document_id is not None:
                document = documents.get((table_number, document_id))
                if document is not None:
                    rows.append(Row(key, document_id, document))
        return rows[:limit]

    def scan_table(
        self, table_number: int, lower: str, upper: str | None, ts: int, descending: bool, limit: int
    ) -> list[Row]:
        rows: list[Row] = []
        for (number, document_id), document in sorted(self._at(ts)[0].items(), reverse=descending):
            in_range = number == table_number and document_id >= lower and (upper is None or document_id < upper)
            if in_range and document is not None:
                rows.append(Row(document_id.encode(), document_id, document))
        return rows[:limit]


class StorageSuite:
    """Inherit, and give a fixture `make_storage` that returns a `StorageMaker`."""

    @pytest.fixture
    def storage(self, make_storage: StorageMaker) -> Iterator[Storage]:
        storage = make_storage.open()
        yield storage
        storage.close()

    # Timestamps

    def test_an_empty_storage_is_at_timestamp_zero(self, storage: Storage) -> None:
        assert (storage.latest_ts(), storage.durable_ts(), storage.oldest_ts()) == (0, 0, 0)
        assert storage.get(TABLE, "a", 0) is None
        assert scan(storage, 0) == []
        assert list(storage.read_log(0, 100)) == []

    def test_a_commit_whose_timestamp_does_not_rise_is_refused(self, storage: Storage) -> None:
        storage.stage(put(5, ("a", b"1")))
        for ts in (5, 4):
            with pytest.raises(ValueError, match="must be newer"):
                storage.stage(put(ts, ("a", b"2")))
        assert storage.get(TABLE, "a", 9) == b"1"

    def test_latest_moves_with_stage_and_durable_with_flush(self, storage: Storage) -> None:
        storage.stage(put(5, ("a", b"1")))
        assert (storage.latest_ts(), storage.durable_ts()) == (5, 0)
        assert storage.flush() == 5
        assert (storage.latest_ts(), storage.durable_ts()) == (5, 5)
        assert storage.flush() == 5

    # Reading at a timestamp

    def test_a_commit_is_seen_from_its_timestamp_on_and_never_before(self, storage: Storage) -> None:
        storage.stage(put(5, ("a", b"1"), entries=((b"k", "a"),)))
        assert storage.get(TABLE, "a", 4) is None
        assert storage.get(TABLE, "a", 5) == b"1"
        assert scan(storage, 4) == []
        assert scan(storage, 5) == [(b"k", "a", b"1")]

    def test_a_read_in_the_past_gives_the_same_answer_after_later_commits(
        self, make_storage: StorageMaker, storage: Storage
    ) -> None:
        storage.stage(put(1, ("a", b"1"), ("b", b"1"), entries=((b"k1", "a"), (b"k2", "b"))))
        storage.stage(put(2, ("a", b"2"), ("b", None), entries=((b"k1", None), (b"k3", "a"), (b"k2", None))))
        storage.stage(put(3, ("a", None), ("b", b"3"), entries=((b"k3", None), (b"k2", "b"))))
        for _ in range(2):
            assert scan(storage, 1) == [(b"k1", "a", b"1"), (b"k2", "b", b"1")]
            assert scan(storage, 2) == [(b"k3", "a", b"2")]
            assert scan(storage, 3) == [(b"k2", "b", b"3")]
            assert [storage.get(TABLE, "a", ts) for ts in range(4)] == [None, b"1", b"2", None]
            storage.flush()
            make_storage.settle(storage)

    def test_a_document_that_keeps_its_key_is_found_with_its_newest_version(self, storage: Storage) -> None:
        storage.stage(put(1, ("a", b"1"), entries=((b"k", "a"),)))
        storage.stage(put(2, ("a", b"2")))
        assert scan(storage, 1) == [(b"k", "a", b"1")]
        assert scan(storage, 2) == [(b"k", "a", b"2")]

    def test_a_key_can_change_hands(self, storage: Storage) -> None:
        storage.stage(put(1, ("a", b"A"), ("b", b"B"), entries=((b"k", "a"), (b"m", "b"))))
        storage.stage(put(2, ("c", b"C"), ("a", None), entries=((b"k", "c"),)))
        assert scan(storage, 1, b"k", b"l") == [(b"k", "a", b"A")]
        assert scan(storage, 2, b"k", b"l") == [(b"k", "c", b"C")]

    def test_a_large_document_comes_back_as_it_was(self, make_storage: StorageMaker, storage: Storage) -> None:
        document = random.Random(1).randbytes(1_000_000)
        storage.stage(put(1, ("a", document), entries=((b"k", "a"),)))
        storage.flush()
        make_storage.settle(storage)
        assert storage.get(TABLE, "a", 1) == document
        assert scan(storage, 1) == [(b"k", "a", document)]

    # Ranges

    def test_ranges_include_the_lower_bound_and_exclude_the_upper(self, storage: Storage) -> None:
        keys = [b"", b"\x00", b"a", b"a\x00", b"a\xff", b"b", b"\xff", b"\xff\xff"]
        storage.stage(put(1, ("d", b"D"), entries=tuple((key, "d") for key in keys)))
        for settled in (False, True):
            if settled:
                storage.flush()
            for lower in keys:
                for upper in [*keys, None]:
                    expected = [key for key in keys if key >= lower and (upper is None or key < upper)]
                    assert [row[0] for row in scan(storage, 1, lower, upper)] == expected
                    assert [row[0] for row in scan(storage, 1, lower, upper, descending=True)] == expected[::-1]

    def test_a_limit_counts_rows_that_are_there_and_not_what_was_deleted(
        self, make_storage: StorageMaker, storage: Storage
    ) -> None:
        keys = [b"k%02d" % number for number in range(20)]
        storage.stage(put(1, ("d", b"D"), entries=tuple((key, "d") for key in keys)))
        storage.flush()
        make_storage.settle(storage)
        storage.stage(put(2, entries=tuple((key, None) for key in keys[2:18])))
        for _ in range(2):
            assert [row[0] for row in scan(storage, 2, limit=3)] == [b"k00", b"k01", b"k18"]
            assert [row[0] for row in scan(storage, 2, limit=3, descending=True)] == [b"k19", b"k18", b"k01"]
            assert scan(storage, 2, limit=0) == []
            storage.flush()
            make_storage.settle(storage)

    def test_indexes_and_tables_do_not_mix(self, storage: Storage) -> None:
        storage.stage(
            Commit(
                1,
                [DocumentWrite(TABLE, "a", b"one"), DocumentWrite(OTHER_TABLE, "a", b"two")],
                [IndexWrite(INDEX, b"k", "a"), IndexWrite(OTHER_INDEX, b"k", "a")],
            )
        )
        assert storage.get(TABLE, "a", 1) == b"one"
        assert storage.get(OTHER_TABLE, "a", 1) == b"two"
        found = storage.scan_index(OTHER_INDEX, OTHER_TABLE, b"", None, 1, descending=False, limit=9)
        assert found == [Row(b"k", "a", b"two")]
        assert storage.scan_table(TABLE, "", None, 1, descending=False, limit=9) == [Row(b"a", "a", b"one")]

    def test_a_table_is_scanned_by_id_in_both_directions(self, make_storage: StorageMaker, storage: Storage) -> None:
        storage.stage(put(1, *[(f"d{number}", b"1") for number in range(6)]))
        storage.flush()
        make_storage.settle(storage)
        storage.stage(put(2, ("d1", None), ("d2", b"2"), ("d9", b"2")))
        expected = [("d0", b"1"), ("d2", b"2"), ("d3", b"1"), ("d4", b"1"), ("d5", b"1"), ("d9", b"2")]
        for _ in range(2):
            for limit in (1, 3, 99):
                found = storage.scan_table(TABLE, "", None, 2, descending=False, limit=limit)
                assert [(row.document_id, row.document) for row in found] == expected[:limit]
                found = storage.scan_table(TABLE, "", None, 2, descending=True, limit=limit)
                assert [(row.document_id, row.document) for row in found] == expected[::-1][:limit]
            bounded = storage.scan_table(TABLE, "d2", "d5", 2, descending=False, limit=99)
            assert [row.key for row in bounded] == [b"d2", b"d3", b"d4"]
            storage.flush()
            make_storage.settle(storage)

    def test_looking_up_a_prefix_sees_every_later_change_under_it(
        self, make_storage: StorageMaker, storage: Storage
    ) -> None:
        prefix = b"user\x01"

        def under(ts: int) -> list[str]:
            return [row[1] for row in scan(storage, ts, prefix, prefix + b"\xff", limit=2)]

        storage.stage(put(1, ("a", b"A"), ("z", b"Z"), entries=((b"user\x02", "z"),)))
        storage.flush()
        make_storage.settle(storage)
        assert under(1) == under(1) == []
        storage.stage(put(2, entries=((prefix + b"1", "a"),)))
        assert (under(1), under(2)) == ([], ["a"])
        storage.flush()
        make_storage.settle(storage)
        storage.stage(put(3, ("y", b"Y")))
        assert (under(1), under(2), under(3), under(3)) == ([], ["a"], ["a"], ["a"])
        storage.stage(put(4, ("a", None), entries=((prefix + b"1", None), (prefix + b"0", "y"))))
        storage.flush()
        make_storage.settle(storage)
        storage.stage(put(5, ("x", b"X")))
        assert [under(ts) for ts in (1, 2, 3, 4, 5)] == [[], ["a"], ["a"], ["y"], ["y"]]

    # The log

    def test_the_log_gives_back_what_was_committed_in_order(self, make_storage: StorageMaker, storage: Storage) -> None:
        commits = [put(ts, (f"d{ts}", b"x" * ts), entries=((b"k%d" % ts, f"d{ts}"),)) for ts in (2, 3, 5, 8, 9)]
        for commit in commits:
            storage.stage(commit)
            if commit.ts == 5:
                storage.flush()
                make_storage.settle(storage)
        for after_ts in range(11):
            for up_to_ts in range(11):
                expected = [commit for commit in commits if after_ts < commit.ts <= up_to_ts]
                assert list(storage.read_log(after_ts, up_to_ts)) == expected

    # Retention

    def test_reads_below_the_retention_are_refused_and_reads_at_it_answer(
        self, make_storage: StorageMaker, storage: Storage
    ) -> None:
        for ts in (1, 2, 3, 4):
            storage.stage(put(ts, ("a", b"%d" % ts), entries=((b"k%d" % ts, "a"), (b"k%d" % (ts - 1), None))))
            storage.flush()
        storage.set_retention(3)
        assert storage.oldest_ts() == 3
        for _ in range(2):
            for read in (
                lambda: storage.get(TABLE, "a", 2),
                lambda: scan(storage, 2),
                lambda: storage.scan_table(TABLE, "", None, 2, descending=False, limit=1),
                lambda: list(storage.read_log(2, 9)),
            ):
                with pytest.raises(OutOfRetention, match="no longer kept"):
                    read()
            assert scan(storage, 3) == [(b"k3", "a", b"3")]
            assert scan(storage, 4) == [(b"k4", "a", b"4")]
            assert [commit.ts for commit in storage.read_log(3, 9)] == [4]
            make_storage.settle(storage)

    def test_retention_only_rises_and_never_passes_what_is_durable(self, storage: Storage) -> None:
        storage.stage(put(5, ("a", b"1")))
        storage.flush()
        storage.stage(put(7, ("a", b"2")))
        storage.set_retention(99)
        assert storage.oldest_ts() == 5
        storage.set_retention(3)
        assert storage.oldest_ts() == 5
        assert storage.get(TABLE, "a", 5) == b"1"
        assert storage.get(TABLE, "a", 7) == b"2"

    # Closing and opening again

    def test_what_was_staged_before_close_is_there_after_opening_again(self, make_storage: StorageMaker) -> None:
        if not make_storage.is_persistent:
            return
        storage = make_storage.open()
        storage.stage(put(1, ("a", b"1"), ("b", b"1"), entries=((b"k", "a"), (b"m", "b"))))
        storage.flush()
        storage.stage(put(2, ("a", b"2"), ("b", None), entries=((b"m", None),)))
        storage.close()
        storage.close()
        storage = make_storage.open()
        assert (storage.latest_ts(), storage.durable_ts()) == (2, 2)
        assert scan(storage, 1) == [(b"k", "a", b"1"), (b"m", "b", b"1")]
        assert scan(storage, 2) == [(b"k", "a", b"2")]
        assert [commit.ts for commit in storage.read_log(0, 9)] == [1, 2]
        assert storage.statistics()["documents"] == 1
        with pytest.raises(ValueError, match="must be newer"):
            storage.stage(put(2, ("a", b"3")))
        storage.set_retention(2)
        storage.close()
        storage = make_storage.open()
        assert storage.oldest_ts() == 2
        assert scan(storage, 2) == [(b"k", "a", b"2")]
        storage.close()

    def test_a_closed_storage_refuses_writes(self, make_storage: StorageMaker) -> None:
        storage = make_storage.open()
        storage.close()
        with pytest.raises(StorageFailure, match="closed"):
            storage.stage(put(1, ("a", b"1")))

    def test_statistics_count_commits_and_flushes(self, storage: Storage) -> None:
        for ts in (1, 2, 3):
            storage.stage(put(ts, (f"d{ts}", b"x")))
        storage.flush()
        statistics = storage.statistics()
        assert statistics["staged_commits"] == 3
        assert statistics["flushes"] == 1
        assert {"resident_bytes", "documents"} <= statistics.keys()

    # Threads

    def test_flushing_in_another_thread_disturbs_neither_reads_nor_stages(self, storage: Storage) -> None:
        stopped = threading.Event()
        failures: list[BaseException] = []

        def flush_all_the_time() -> None:
            try:
                while not stopped.is_set():
                    before = storage.latest_ts()
                    assert storage.flush() >= before
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=flush_all_the_time)
        thread.start()
        chance = random.Random(3)
        held: dict[str, bytes | None] = {}
        for ts in range(1, 1500):
            document_id = f"d{chance.randrange(20)}"
            document = None if held.get(document_id) and chance.random() < 0.2 else b"%d" % ts
            entry = None if document is None else document_id
            storage.stage(put(ts, (document_id, document), entries=((document_id.encode(), entry),)))
            held[document_id] = document
            if ts % 50 == 0:
                storage.set_retention(ts - 20)
            if ts % 5 == 0:
                asked = f"d{chance.randrange(20)}"
                assert storage.get(TABLE, asked, ts) == held.get(asked)
                there = sorted((key.encode(), key, value) for key, value in held.items() if value is not None)
                assert scan(storage, ts) == there
        stopped.set()
        thread.join()
        assert failures == []

    # Everything at once, against the model

    @pytest.mark.parametrize("seed", range(12))
    def test_a_random_history_reads_like_the_model(self, make_storage: StorageMaker, seed: int) -> None:
        chance = random.Random(seed)
        model = ModelStorage()
        storage = make_storage.open()
        ts = 0
        ids = [f"d{number:02d}" for number in range(8)]
        keys = [bytes([first, second]) for first in (0, 1, 254, 255) for second in (0, 7, 255)] + [
            b"",
            b"\x01",
            b"\xff",
        ]
        pointing: dict[bytes, str | None] = {}
        for _ in range(250):
            step = chance.random()
            if step < 0.35:
                ts += chance.randrange(1, 4)
                commit = _random_commit(chance, ts, ids, keys, pointing, model)
                model.commits.append(commit)
                storage.stage(commit)
            elif step < 0.45:
                assert storage.flush() == ts
            elif step < 0.48:
                make_storage.settle(storage)
            elif step < 0.51:
                storage.set_retention(ts - chance.randrange(10))
            elif step < 0.53 and make_storage.is_persistent:
                oldest_ts = storage.oldest_ts()
                storage.close()
                storage = make_storage.open()
                assert storage.latest_ts() == ts
                assert storage.oldest_ts() == oldest_ts
            else:
                _compare(chance, storage, model, ts, ids, keys)
        storage.close()


def _random_commit(
    chance: random.Random,
    ts: int,
    ids: list[str],
    keys: list[bytes],
    pointing: dict[bytes, str | None],
    model: ModelStorage,
) -> Commit:
    """Some documents written or deleted, and entries such that every one points at a document that is there."""
    documents = {chance.choice(ids): b"%d" % ts if chance.random() < 0.7 else None for _ in range(chance.randrange(4))}
    there = {document_id for document_id in ids if model.get(TABLE, document_id, ts) is not None}
    there |= {document_id for document_id, document in documents.items() if document is not None}
    there -= {document_id for document_id, document in documents.items() if document is None}
    entries: dict[bytes, str | None] = {key: None for key, held in pointing.items() if held and held not in there}
    for _ in range(chance.randrange(3)):
        key = chance.choice(keys)
        entries[key] = chance.choice(sorted(there)) if there and chance.random() < 0.7 else None
    pointing.update(entries)
    return Commit(
        ts,
        tuple([DocumentWrite(TABLE, document_id, document) for document_id, document in documents.items()]),
        tuple([IndexWrite(INDEX, key, document_id) for key, document_id in entries.items()]),
    )


def _compare(
    chance: random.Random, storage: Storage, model: ModelStorage, ts: int, ids: list[str], keys: list[bytes]
) -> None:
    """Asks storage and model the same random questions."""
    at = chance.randrange(max(storage.oldest_ts(), ts - 12), ts + 2)
    descending = chance.random() < 0.5
    limit = chance.choice((1, 2, 3, 100))
    document_id = chance.choice(ids)
    assert storage.get(TABLE, document_id, at) == model.get(TABLE, document_id, at)
    lower = chance.choice(keys)
    upper = chance.choice([None, chance.choice(keys), lower + b"\xff"])
    found = storage.scan_index(INDEX, TABLE, lower, upper, at, descending=descending, limit=limit)
    assert found == model.scan_index(INDEX, TABLE, lower, upper, at, descending, limit)
    first = chance.choice(["", *ids])
    last = chance.choice([None, *ids])
    found = storage.scan_table(TABLE, first, last, at, descending=descending, limit=limit)
    assert found == model.scan_table(TABLE, first, last, at, descending, limit)
    assert list(storage.read_log(at, ts)) == [commit for commit in model.commits if at < commit.ts <= ts]
