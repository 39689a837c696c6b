"""A database in memory, and the few words that the tests of this folder are written in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from parabola.database.committer import CommitResult
from parabola.database.database import Database
from parabola.database.flusher import Flusher
from parabola.database.transaction import Transaction
from parabola.errors import ParabolaError
from parabola.limits import DEFAULT_LIMITS, Limits
from parabola.schema.tables import Schema
from parabola.seams import ManualClock, SeededEntropy
from parabola.storage.contract import Storage
from parabola.storage.memory import MemoryStorage

Document = dict[str, Any]


def open_database(
    schema: Schema | None = None,
    *,
    limits: Limits = DEFAULT_LIMITS,
    storage: Storage | None = None,
    flusher: Flusher | None = None,
    seed: int = 1,
) -> Database:
    database = Database(
        storage if storage is not None else MemoryStorage(),
        clock=ManualClock(),
        entropy=SeededEntropy(seed),
        limits=limits,
        flusher=flusher,
    )
    database.open()
    if schema is not None:
        database.prepare_schema(schema).run()
    return database


def commit(database: Database, tx: Transaction) -> CommitResult:
    """Commits and returns the answer, which must have come at once."""
    results: list[CommitResult] = []
    database.commit(tx, results.append)
    (result,) = results
    return result


def write(database: Database, work: Callable[[Transaction], Any]) -> Any:
    """Runs `work` in a mutation that must succeed; returns what it returned."""
    tx = database.begin_mutation()
    answer = work(tx)
    result = commit(database, tx)
    assert result.conflict is None
    assert result.error is None
    return answer


def fill(database: Database, table: str, *documents: Document) -> list[str]:
    """Inserts the documents in one mutation; returns their ids."""
    ids: list[str] = write(database, lambda tx: [tx.insert(table, document) for document in documents])
    return ids


def fails(code: str, text: str, action: Callable[[], Any]) -> None:
    """`action` raises an error of ours with this code and exactly this text."""
    with pytest.raises(ParabolaError) as caught:
        action()
    assert caught.value.message == text
    assert caught.value.code == code


def touches(database: Database, reader: Transaction, work: Callable[[Transaction], Any]) -> bool:
    """Whether what `work` commits overlaps what `reader` has read."""
    write(database, work)
    return reader.read_set.overlaps(database.write_log.since(0)[-1])
