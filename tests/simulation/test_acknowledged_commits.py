"""A power cut at any moment keeps everything that was acknowledged, and a prefix of the rest, each commit whole."""

from __future__ import annotations

import random

import pytest

from parabola.database.committer import CommitResult
from parabola.database.database import Database
from parabola.database.flusher import ManualFlusher
from parabola.seams import ManualClock, SeededEntropy
from parabola.storage.memory import MemoryStorage
from tests.simulation.history import SCHEMA

TRANSFERS = 30


def opened(storage: MemoryStorage, clock: ManualClock, seed: int) -> tuple[Database, ManualFlusher]:
    flusher = ManualFlusher(storage)
    database = Database(storage, clock=clock, entropy=SeededEntropy(seed), flusher=flusher)
    database.open()
    return database, flusher


@pytest.mark.parametrize("seed", range(15))
def test_a_power_cut_keeps_what_was_acknowledged(seed: int) -> None:
    chance = random.Random(seed)
    clock = ManualClock()
    storage = MemoryStorage()
    database, flusher = opened(storage, clock, seed)
    database.prepare_schema(SCHEMA).run()
    tx = database.begin_mutation()
    accounts = [tx.insert("items", {"group": n, "rank": 0, "value": 100}) for n in range(4)]
    database.commit(tx, lambda result: None)
    flusher.flush()

    acknowledged: list[int] = []
    staged: list[tuple[int, dict[str, int]]] = [(database.latest_ts, dict.fromkeys(accounts, 100))]
    for number in range(TRANSFERS):
        clock.advance(chance.random())
        tx = database.begin_mutation()
        for document_id, change in zip(chance.sample(accounts, 2), (-1, 1), strict=True):
            document = tx.get(document_id)
            assert document is not None
            tx.patch(document_id, {"value": document["value"] + change * number})

        def done(result: CommitResult) -> None:
            assert result.conflict is None
            acknowledged.append(result.ts)

        database.commit(tx, done)
        after = database.begin_mutation().query("items").collect()
        staged.append((database.latest_ts, {document["_id"]: document["value"] for document in after}))
        if chance.random() < 0.3:
            flusher.flush()
        if chance.random() < 0.2:
            storage.lose_unflushed()
            database, flusher = opened(storage, clock, seed + number)
            found = database.begin_query().query("items").collect()
            survived = {document["_id"]: document["value"] for document in found}
            staged = [(ts, state) for ts, state in staged if ts <= storage.durable_ts()]
            assert survived == staged[-1][1]
            assert sum(survived.values()) == 400
            assert all(ts <= staged[-1][0] for ts in acknowledged)
            tx = database.begin_mutation()
            tx.query("items").collect()
            assert tx.begin_ts >= max(acknowledged, default=0)
