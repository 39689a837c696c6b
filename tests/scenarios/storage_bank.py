"""The writer that `test_storage_crash` kills: moves money as fast as it can, flushing on a second thread.

Run as a script, with a folder and a seed; prints each timestamp that a flush has acknowledged.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from pathlib import Path

from parabola.storage.records import Commit, DocumentWrite, IndexWrite
from parabola.storage.sqlite import SQLiteStorage

ACCOUNTS = 40
START_BALANCE = 100
TABLE, BY_BALANCE = 10001, 101
COMMITS_AHEAD_MAX = 500


def balance_key(balance: int, account: str) -> bytes:
    return (balance + 2**40).to_bytes(8, "big") + account.encode()


class Bank:
    """Accounts whose money moves and whose total stays; an index by balance; a document that counts the commits."""

    def __init__(self, storage: SQLiteStorage, *, seed: int) -> None:
        self.storage = storage
        self.chance = random.Random(seed)
        if storage.latest_ts() == 0:
            accounts = [f"account{number:02d}" for number in range(ACCOUNTS)]
            storage.stage(
                Commit(
                    1,
                    [DocumentWrite(TABLE, account, b"%d" % START_BALANCE) for account in accounts]
                    + [DocumentWrite(TABLE, "count", b"1")],
                    [IndexWrite(BY_BALANCE, balance_key(START_BALANCE, account), account) for account in accounts],
                )
            )

    def transfer(self) -> None:
        """One commit: two balances, their index entries, and the count, which is the timestamp."""
        now = self.storage.latest_ts()
        documents: list[DocumentWrite] = [DocumentWrite(TABLE, "count", b"%d" % (now + 1))]
        entries: list[IndexWrite] = []
        amount = self.chance.randrange(1, 5)
        for number, change in zip(self.chance.sample(range(ACCOUNTS), 2), (-amount, amount), strict=True):
            account = f"account{number:02d}"
            stored = self.storage.get(TABLE, account, now)
            assert stored is not None
            balance = int(stored)
            documents.append(DocumentWrite(TABLE, account, b"%d" % (balance + change)))
            entries.append(IndexWrite(BY_BALANCE, balance_key(balance, account), None))
            entries.append(IndexWrite(BY_BALANCE, balance_key(balance + change, account), account))
        self.storage.stage(Commit(now + 1, documents, entries))


def run(directory: Path, seed: int) -> None:
    bank = Bank(SQLiteStorage(directory, recent_bytes_max=400_000), seed=seed)
    storage = bank.storage
    flushed = threading.Event()

    def flush_for_ever() -> None:
        while True:
            os.write(1, b"%d\n" % storage.flush())
            flushed.set()

    threading.Thread(target=flush_for_ever, daemon=True).start()
    while True:
        bank.transfer()
        if storage.latest_ts() % 100 == 0:
            storage.set_retention(storage.latest_ts() - 1000)
        if storage.latest_ts() - storage.durable_ts() >= COMMITS_AHEAD_MAX:
            flushed.clear()
            flushed.wait()


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]))
