"""Semantics 7.5: limits and metrics."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from parabola.database.database import Database
from parabola.errors import LimitExceeded
from parabola.limits import MIB, Limits
from parabola.values.size import document_size
from tests.unit.database.helpers import fails, fill, open_database

ADVICE = (
    "Consider using smaller limits in your queries, paginating your queries, or using indexed queries with a selective "
    "index range expressions."
)


def numbered(count: int, **limits: Any) -> Database:
    fill(database := open_database(), "t", *({"n": n, "text": "é" * n} for n in range(count)))
    return open_database(storage=database.storage, limits=Limits(**limits))


def test_metrics_count_documents_bytes_and_queries() -> None:
    database = numbered(20)
    tx = database.begin_query()
    documents = tx.query("t").collect()
    metrics = tx.metrics()
    assert metrics["documentsRead"] == {"used": 20, "remaining": 32_000 - 20}
    size = sum(document_size(document) for document in documents)
    assert metrics["bytesRead"] == {"used": size, "remaining": 16 * MIB - size}
    assert metrics["databaseQueries"]["used"] == 1
    assert metrics["documentsWritten"]["used"] == metrics["bytesWritten"]["used"] == 0


def test_metrics_count_each_write() -> None:
    tx = open_database().begin_mutation()
    one = tx.insert("t", {"a": [0, 0, 0]})
    document = tx.get(one)
    assert document is not None
    assert tx.metrics()["documentsWritten"]["used"] == 1
    assert tx.metrics()["bytesWritten"]["used"] == document_size(document)
    tx.delete(one)
    assert tx.metrics()["documentsWritten"]["used"] == 2


def test_too_many_documents_read() -> None:
    text = f"Too many documents read in a single function execution (limit: 5). {ADVICE}"
    for build in (
        lambda tx: tx.query("t").collect(),
        lambda tx: tx.query("t").take(6),
        lambda tx: list(tx.query("t")),
        lambda tx: tx.query("t").filter(lambda q: False).first(),
    ):
        tx = numbered(10, documents_read_max=5).begin_query()
        fails("TooManyDocumentsRead", text, partial(build, tx))
        assert tx.metrics()["documentsRead"]["used"] == 6
        assert tx.read_set.range_count
        fails("TooManyDocumentsRead", text, tx.query("t").first)


def test_exactly_the_limit_is_allowed() -> None:
    tx = numbered(5, documents_read_max=5).begin_query()
    assert len(tx.query("t").collect()) == 5


def test_too_many_bytes_read() -> None:
    database = numbered(10)
    size = sum(document_size(document) for document in database.begin_query().query("t").take(4))
    tx = numbered(10, bytes_read_max=size).begin_query()
    assert len(tx.query("t").take(4)) == 4
    text = f"Too many bytes read in a single function execution (limit: {size} bytes). {ADVICE}"
    fails("TooManyBytesRead", text, lambda: tx.query("t").first())


def test_too_many_ranges_read() -> None:
    database = numbered(6, index_ranges_read_max=4)
    ids = [document["_id"] for document in database.begin_query().query("t").collect()]
    tx = database.begin_query()
    for _ in range(3):
        for one in ids[:4]:
            tx.get(one)
    text = f"Too many reads in a single function execution (limit: 4). {ADVICE}"
    fails("TooManyReads", text, lambda: tx.get(ids[4]))


def test_too_many_writes() -> None:
    tx = open_database(limits=Limits(documents_written_max=2)).begin_mutation()
    tx.insert("t", {})
    tx.insert("t", {})
    text = "Too many writes in a single function execution (limit: 2)"
    fails("TooManyWrites", text, lambda: tx.insert("t", {}))


def test_too_many_bytes_written() -> None:
    tx = open_database(limits=Limits(bytes_written_max=MIB)).begin_mutation()
    tx.insert("t", {"text": "x" * 900_000})
    text = "Too many bytes written in a single function execution (limit: 1 MiB)"
    fails("TooManyBytesWritten", text, lambda: tx.insert("t", {"text": "x" * 200_000}))


def test_scheduling_is_limited() -> None:
    tx = open_database(limits=Limits(functions_scheduled_max=1)).begin_mutation()
    tx.count_scheduled(10)
    text = "Too many functions scheduled by this mutation (limit: 1)"
    fails("TooManyFunctionsScheduled", text, lambda: tx.count_scheduled(10))
    tx = open_database(limits=Limits(scheduled_arguments_bytes_max=100)).begin_mutation()
    text = "Too large total size of the arguments of scheduled functions from this mutation (limit: 100 bytes)"
    fails("ScheduledFunctionsArgumentsTooLarge", text, lambda: tx.count_scheduled(101))


def test_what_is_undone_is_not_counted_and_what_was_read_is() -> None:
    database = numbered(3, documents_written_max=1)
    tx = database.begin_mutation()
    tx.begin_nested()
    tx.query("t").collect()
    tx.insert("t", {})
    with pytest.raises(LimitExceeded):
        tx.insert("t", {})
    tx.rollback_nested()
    assert tx.metrics()["documentsWritten"]["used"] == 0
    assert tx.metrics()["bytesWritten"]["used"] == 0
    assert tx.metrics()["documentsRead"]["used"] == 3
    tx.insert("t", {})


def test_tighter_limits_hold_while_they_are_set() -> None:
    tx = numbered(5).begin_query()
    looser = tx.usage.limits
    tx.usage.limits = Limits(bytes_read_max=1)
    with pytest.raises(LimitExceeded):
        tx.query("t").first()
    tx.usage.limits = looser
    assert tx.query("t").first() is not None
