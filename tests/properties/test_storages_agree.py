"""SQLite, with its overlays, caches and generations of commits, against the storage that has none of them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from parabola.storage import applier
from parabola.storage.memory import MemoryStorage
from parabola.storage.records import Commit, DocumentWrite, IndexWrite
from parabola.storage.sqlite import SQLiteStorage

TABLES = (1, 2)
STEPS = 400
# The key that a document has on the one index of its table, and its stored form.
Stored = tuple[bytes, bytes]


class TwoStorages:
    """The same history in both, and the same questions to both."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.folder = folder
        # Small ones forget all the time.
        self.cache_bytes_max = self.chance.choice([20_000, 60_000, 300_000, 10_000_000])
        self.ids = [f"d{number:03d}" for number in range(self.chance.choice([5, 40, 200]))]
        self.sqlite = SQLiteStorage(folder, cache_bytes_max=self.cache_bytes_max)
        self.memory = MemoryStorage()
        self.ts = self.oldest_ts = 0
        self.state: dict[int, dict[str, Stored]] = {table: {} for table in TABLES}

    def step(self) -> None:
        choice = self.chance.random()
        if choice < 0.45:
            self.commit()
        elif choice < 0.60:
            self.flush()
        elif choice < 0.62:
            self.flush()
            self.sqlite.catch_up()
        elif choice < 0.64:
            self.forget()
        elif choice < 0.645:
            self.reopen()
        else:
            self.ask()

    def commit(self) -> None:
        chance = self.chance
        ts = self.ts + chance.randint(1, 3)
        documents: list[DocumentWrite] = []
        entries: list[IndexWrite] = []
        for table in chance.sample(TABLES, chance.randint(1, 2)):
            for document_id in chance.sample(self.ids, chance.randint(1, 4)):
                old = self.state[table].pop(document_id, None)
                new: Stored | None = None
                if old is None or chance.random() < 0.75:
                    key = bytes([97 + chance.randrange(4)]) + document_id.encode()
                    new = key, b"x" * chance.choice([5, 50, 400]) + b"%d" % ts
                    self.state[table][document_id] = new
                documents.append(DocumentWrite(table, document_id, None if new is None else new[1]))
                if old is not None and (new is None or new[0] != old[0]):
                    entries.append(IndexWrite(10 + table, old[0], None))
                if new is not None and (old is None or new[0] != old[0]):
                    entries.append(IndexWrite(10 + table, new[0], document_id))
        self.ts = ts
        for storage in (self.sqlite, self.memory):
            storage.stage(Commit(ts, documents, entries))

    def flush(self) -> None:
        assert self.sqlite.flush() == self.memory.flush()

    def forget(self) -> None:
        self.oldest_ts = self.chance.randint(self.oldest_ts, max(self.oldest_ts, self.sqlite.durable_ts()))
        for storage in (self.sqlite, self.memory):
            storage.set_retention(self.oldest_ts)

    def reopen(self) -> None:
        self.flush()
        self.sqlite.close()
        self.sqlite = SQLiteStorage(self.folder, cache_bytes_max=self.cache_bytes_max)
        self.sqlite.set_retention(self.oldest_ts)

    def ask(self) -> None:
        chance = self.chance
        # Mostly the newest, as nearly everybody does.
        ts = self.ts if chance.random() < 0.75 else chance.randint(self.oldest_ts, self.ts)
        table = chance.choice(TABLES)
        how = {"descending": chance.random() < 0.5, "limit": chance.choice([1, 2, 3, 10, 1000])}
        question = chance.random()
        answers: list[Any] = []
        if question < 0.4:
            document_id = chance.choice(self.ids)
            answers = [storage.get(table, document_id, ts) for storage in (self.sqlite, self.memory)]
        elif question < 0.8:
            lower = chance.choice([b"", b"a", b"b", b"c", b"d", b"a" + chance.choice(self.ids).encode()])
            upper = chance.choice([None, lower + b"\xff", b"c", b"zz"])
            answers = [
                storage.scan_index(10 + table, table, lower, upper, ts, **how)  # type: ignore[arg-type]
                for storage in (self.sqlite, self.memory)
            ]
        else:
            first, last = chance.choice(["", chance.choice(self.ids)]), chance.choice([None, chance.choice(self.ids)])
            answers = [
                storage.scan_table(table, first, last, ts, **how)  # type: ignore[arg-type]
                for storage in (self.sqlite, self.memory)
            ]
        assert answers[0] == answers[1], (ts, self.ts, self.oldest_ts)


@pytest.mark.parametrize("seed", range(20))
def test_both_answer_alike_whatever_was_read_applied_and_forgotten_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(applier, "COLLECT_S", 0.0005)
    storages = TwoStorages(tmp_path, seed)
    try:
        for _ in range(STEPS):
            storages.step()
    finally:
        storages.sqlite.close()
