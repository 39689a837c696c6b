"""A process that writes is killed at random moments: nothing acknowledged is lost, nothing is half applied."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from parabola.errors import StorageFailure
from parabola.storage.records import Commit, DocumentWrite
from parabola.storage.sqlite import SQLiteStorage
from tests.scenarios import storage_bank
from tests.scenarios.storage_bank import ACCOUNTS, BY_BALANCE, START_BALANCE, TABLE, balance_key

ROUNDS = 15


def check_whole(storage: SQLiteStorage) -> None:
    """At every timestamp that is looked at: the money is all there, and index and documents agree."""
    latest_ts = storage.latest_ts()
    for ts in {latest_ts, max(storage.oldest_ts(), latest_ts - 1), max(storage.oldest_ts(), latest_ts - 400), 1}:
        if ts < storage.oldest_ts() or ts == 0:
            continue
        assert storage.get(TABLE, "count", ts) == b"%d" % ts
        accounts = storage.scan_table(TABLE, "account", "b", ts, descending=False, limit=1000)
        assert len(accounts) == ACCOUNTS
        assert sum(int(row.document) for row in accounts) == ACCOUNTS * START_BALANCE
        by_balance = storage.scan_index(BY_BALANCE, TABLE, b"", None, ts, descending=False, limit=1000)
        expected = sorted((balance_key(int(row.document), row.document_id), row.document_id) for row in accounts)
        assert [(row.key, row.document_id) for row in by_balance] == expected
    logged = [commit.ts for commit in storage.read_log(storage.oldest_ts(), latest_ts)]
    assert logged == list(range(storage.oldest_ts() + 1, latest_ts + 1))


def run_and_kill(directory: Path, *, seed: int, until_ts: int, wait_s: float) -> int:
    """Lets a writer run until it has acknowledged `until_ts`, and for a moment more; returns the last timestamp that it
    acknowledged.
    """
    process = subprocess.Popen(
        [sys.executable, storage_bank.__file__, str(directory), str(seed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    first = b""
    while not first or int(first) < until_ts:
        first = process.stdout.readline()
        assert first, process.stderr.read()
    time.sleep(wait_s)  # the moment of the kill is what is random here; nothing is waited for
    os.kill(process.pid, signal.SIGKILL)
    output, errors = process.communicate()
    assert errors == b""
    complete = (first + output).rpartition(b"\n")[0]
    return int(complete.rpartition(b"\n")[2])


@pytest.mark.timeout(120)
def test_a_writer_killed_at_random_moments_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(20)
    directory = tmp_path / "data"
    latest_ts = 0
    for round_number in range(ROUNDS):
        until_ts = latest_ts + chance.randrange(1, 150)
        acknowledged_ts = run_and_kill(directory, seed=round_number, until_ts=until_ts, wait_s=chance.uniform(0, 0.1))
        assert acknowledged_ts >= until_ts
        # The copy is closed properly; the next writer gets what the kill left.
        killed = tmp_path / f"round{round_number}"
        shutil.copytree(directory, killed)
        storage = SQLiteStorage(killed)
        assert storage.latest_ts() >= acknowledged_ts
        assert storage.latest_ts() >= latest_ts
        latest_ts = storage.latest_ts()
        check_whole(storage)
        storage.catch_up()
        storage.stage(Commit(latest_ts + 1, [DocumentWrite(TABLE, "count", b"%d" % (latest_ts + 1))], []))
        storage.set_retention(latest_ts)
        check_whole(storage)
        storage.close()
        shutil.rmtree(killed)


def test_a_torn_end_of_the_log_costs_whole_commits_from_the_end_only(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    run_and_kill(directory, seed=1, until_ts=200, wait_s=0.01)
    chance = random.Random(4)
    log_bytes = (directory / "log.sqlite-wal").read_bytes()
    refusals: list[str] = []
    for round_number in range(25):
        torn = tmp_path / f"torn{round_number}"
        shutil.copytree(directory, torn)
        (torn / "log.sqlite-wal").write_bytes(log_bytes[: chance.randrange(len(log_bytes) * 3 // 4, len(log_bytes))])
        try:
            storage = SQLiteStorage(torn)
        except StorageFailure as failure:
            refusals.append(failure.message)
            continue
        if storage.latest_ts() > 0:
            check_whole(storage)
        storage.close()
    # Refused is only a log that lost what it had promised: the data file is ahead of it and knows.
    assert all("do not belong together" in message for message in refusals)


def test_a_folder_in_use_by_another_process_is_refused_by_name(tmp_path: Path) -> None:
    storage = SQLiteStorage(tmp_path / "data")
    opening = "import sys, pathlib, parabola.storage.sqlite as s; s.SQLiteStorage(pathlib.Path(sys.argv[1]))"
    process = subprocess.run([sys.executable, "-c", opening, str(tmp_path / "data")], capture_output=True, text=True)
    assert process.returncode == 1
    assert f"The data folder {tmp_path / 'data'} is in use by another process." in process.stderr
    assert "Stop that process, or give this one a folder of its own." in process.stderr
    storage.close()
    SQLiteStorage(tmp_path / "data").close()
