"""The newest commits, in memory: everything that the data file may not hold yet.

`Recent` holds exactly the commits newer than `horizon_ts`. A reader asks it first: what it knows about a key at the
reader's timestamp is newer than anything in the data file, and where it knows nothing, the data file as of the
horizon has the answer. The engine's thread alone adds and drops, so readers need no lock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TypeVar

from parabola.storage.records import Commit
from parabola.storage.versions import Versions

K = TypeVar("K", str, bytes)
V = TypeVar("V")

# What a commit, and each write in it, cost beside the documents' own bytes. Rough, and rather too much.
COMMIT_BYTES = 400
WRITE_BYTES = 450


def commit_bytes(commit: Commit) -> int:
    """About how much memory `commit` holds while it is in the overlay."""
    size = COMMIT_BYTES + WRITE_BYTES * (len(commit.documents) + len(commit.index_entries))
    for write in commit.documents:
        document = write.document
        if document is not None:
            size += len(document)
    return size


class Recent:
    """Commits newer than `horizon_ts`, readable by key."""

    __slots__ = ("commits", "horizon_ts", "indexes", "tables")

    def __init__(self, horizon_ts: int) -> None:
        self.horizon_ts = horizon_ts
        self.commits: deque[Commit] = deque()
        self.tables: dict[int, Versions[str, bytes]] = {}
        self.indexes: dict[int, Versions[bytes, str]] = {}

    def add(self, commit: Commit) -> None:
        """Adds the newest commit."""
        ts = commit.ts
        for table_number, document_id, document in commit.documents:
            table = self.tables.get(table_number)
            if table is None:
                table = self.tables[table_number] = Versions()
            table.put(document_id, ts, document)
        for index_number, key, pointed_at in commit.index_entries:
            index = self.indexes.get(index_number)
            if index is None:
                index = self.indexes[index_number] = Versions()
            index.put(key, ts, pointed_at)
        self.commits.append(commit)

    def drop_oldest(self) -> Commit:
        """Drops the oldest commit, and moves the horizon to it."""
        commit = self.commits.popleft()
        for table_number, document_id, _ in commit.documents:
            self.tables[table_number].drop_oldest(document_id)
        for index_number, key, _ in commit.index_entries:
            index = self.indexes[index_number]
            index.drop_oldest(key)
            if not index:
                del self.indexes[index_number]  # an index without recent writes is then found by one lookup
        self.horizon_ts = commit.ts
        return commit


def merge(
    stored: Iterator[tuple[K, V]], recent: Iterator[tuple[K, V | None]], *, descending: bool
) -> Iterator[tuple[K, V | None]]:
    """Two iterators sorted by key as one, where a recent value takes the place of a stored one of the same key."""
    older = next(stored, None)
    newer = next(recent, None)
    while older is not None and newer is not None:
        if older[0] == newer[0]:
            older = next(stored, None)
        elif (older[0] < newer[0]) != descending:
            yield older
            older = next(stored, None)
        else:
            yield newer
            newer = next(recent, None)
    if older is not None:
        yield older
        yield from stored
    if newer is not None:
        yield newer
        yield from recent
