"""B10: how near does a durable commit come to what a bare append log costs? And what do reads cost as data grows?

Run `python benchmarks/storage_batching.py [documents ...]`. It prints, for 1, 8, 32 and 64 transactions in flight,
durable transactions per second of

- a bare log: the same encoded commits appended to a file, `os.fdatasync` after each batch;
- SQLite written directly: every document and entry row in the transaction that is flushed (what we do not do);
- SQLiteStorage: staged, flushed, and brought up to date behind;

and for each number of documents the microseconds of a get and of an indexed lookup of one row, cached and not.
Each figure is the median of three.
"""

from __future__ import annotations

import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from statistics import median

from parabola.storage.log_format import encode_batch
from parabola.storage.memory import MemoryStorage
from parabola.storage.records import Commit, DocumentWrite, IndexWrite
from parabola.storage.sqlite import SQLiteStorage

TABLE, INDEX = 10001, 101
DOCUMENT = b'{"_creationTime":1767225600000.0,"balance":100,"name":"' + b"x" * 180 + b'"}'
DEPTHS = (1, 8, 32, 64)
COMMITS = 20_000
ACCOUNTS = 100_000
RUNS = 3


def account_id(number: int) -> str:
    """Ids that are not in the order of their numbers, as real ones are not."""
    return f"{number * 2654435761 % (1 << 32):08x}" + "0" * 24


def account_key(number: int) -> bytes:
    return b"\x40account%08d\x00\x01" % number


def fill(storage: SQLiteStorage | MemoryStorage, documents: int) -> None:
    for number in range(documents):
        storage.stage(
            Commit(
                number + 1,
                [DocumentWrite(TABLE, account_id(number), DOCUMENT)],
                [IndexWrite(INDEX, account_key(number), account_id(number))],
            )
        )
        if number % 500 == 499:
            storage.flush()
    storage.flush()


def transfers(after_ts: int) -> list[Commit]:
    """Commits of two patched documents each; transfers change no index key."""
    chance = random.Random(after_ts)
    return [
        Commit(
            after_ts + 1 + number,
            [DocumentWrite(TABLE, account_id(chance.randrange(ACCOUNTS)), DOCUMENT) for _ in range(2)],
            [],
        )
        for number in range(COMMITS)
    ]


def per_second(commits: list[Commit], depth: int, write: Callable[[list[Commit]], object]) -> float:
    remaining = iter(commits)
    begin = time.perf_counter()
    while batch := list(islice(remaining, depth)):
        write(batch)
    return len(commits) / (time.perf_counter() - begin)


def bare_log(directory: Path, commits: list[Commit], depth: int) -> float:
    file = os.open(directory / "bare.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(batch: list[Commit]) -> None:
        os.write(file, encode_batch(batch)[0])
        os.fdatasync(file)

    rate = per_second(commits, depth, write)
    os.close(file)
    return rate


def direct_sqlite(connection: sqlite3.Connection, commits: list[Commit], depth: int) -> float:
    def write(batch: list[Commit]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        for commit in batch:
            for table_number, document_id, document in commit.documents:
                connection.execute(
                    "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)",
                    (table_number, document_id, commit.ts, document),
                )
        connection.execute("COMMIT")

    return per_second(commits, depth, write)


def compare_batching(directory: Path) -> None:
    storage = SQLiteStorage(directory / "storage")
    fill(storage, ACCOUNTS)
    storage.catch_up()
    connection = sqlite3.connect(directory / "direct.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(
        "CREATE TABLE documents (table_number, id, ts, document, PRIMARY KEY (table_number, id, ts)) WITHOUT ROWID"
    )

    def write(batch: list[Commit]) -> None:
        for commit in batch:
            storage.stage(commit)
        storage.flush()

    print(f"durable transactions/s, two documents each among {ACCOUNTS:,}")
    print(f"{'in flight':>10}{'bare log':>12}{'direct':>12}{'storage':>12}{'of bare':>10}")
    for depth in DEPTHS:
        rates: list[tuple[float, float, float]] = []
        for _ in range(RUNS):
            commits = transfers(storage.latest_ts())
            few = commits[: COMMITS // 4] if depth == 1 else commits
            rates.append(
                (
                    bare_log(directory, few, depth),
                    direct_sqlite(connection, few, depth),
                    per_second(few, depth, write),
                )
            )
            storage.set_retention(storage.latest_ts() - COMMITS)
            storage.catch_up()
        bare, direct, ours = (median(column) for column in zip(*rates, strict=True))
        print(f"{depth:>10}{bare:>12,.0f}{direct:>12,.0f}{ours:>12,.0f}{ours / bare:>10.0%}", flush=True)
    storage.close()
    connection.close()


def microseconds(call: Callable[[int], object], numbers: list[int]) -> float:
    begin = time.perf_counter()
    for number in numbers:
        call(number)
    return (time.perf_counter() - begin) / len(numbers) * 1e6


def compare_reads(directory: Path, documents: int) -> None:
    filling = SQLiteStorage(directory)
    fill(filling, documents)
    filling.close()
    chance = random.Random(documents)
    results: list[list[float]] = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        storage = SQLiteStorage(directory)
        opened_ms = (time.perf_counter() - begin) * 1000
        ts = storage.latest_ts()
        numbers = chance.sample(range(documents), min(documents // 2, 20_000))

        def get(number: int, storage: SQLiteStorage = storage, ts: int = ts) -> object:
            return storage.get(TABLE, account_id(number), ts)

        def look_up(number: int, storage: SQLiteStorage = storage, ts: int = ts) -> object:
            key = account_key(number)
            return storage.scan_index(INDEX, TABLE, key, key + b"\xff", ts, descending=False, limit=2)

        def scan(number: int, storage: SQLiteStorage = storage, ts: int = ts) -> object:
            return storage.scan_index(INDEX, TABLE, account_key(number), None, ts, descending=False, limit=100)

        row = [microseconds(get, numbers), microseconds(get, numbers)]
        numbers = chance.sample(range(documents), min(documents // 2, 20_000))
        row += [microseconds(look_up, numbers), microseconds(look_up, numbers), microseconds(scan, numbers[:1000])]
        results.append([*row, opened_ms])
        storage.close()
    medians = [median(column) for column in zip(*results, strict=True)]
    print(f"{documents:>10,}" + "".join(f"{value:>12.1f}" for value in medians), flush=True)


def main() -> None:
    sizes = [int(argument) for argument in sys.argv[1:]] or [1000, 10_000, 100_000, 1_000_000]
    with tempfile.TemporaryDirectory(dir=".") as folder:
        compare_batching(Path(folder))
        print("\nmicroseconds of a read; the last column is opening the storage, in milliseconds")
        titles = ("get", "get cached", "lookup", "lookup cach.", "scan of 100", "open, ms")
        print(f"{'documents':>10}" + "".join(f"{title:>12}" for title in titles))
        for documents in sizes:
            compare_reads(Path(folder) / f"{documents}", documents)


if __name__ == "__main__":
    main()
