"""The newest commits, in memory: everything that the data file may not hold yet.

`Recent` holds exactly the commits newer than `horizon_ts`. A reader asks it first: what it knows about a key at the
reader's timestamp is newer than anything in the data file, and where it knows nothing, the data file as of the
horizon has the answer.

The commits are in two generations. New ones go to the young one. When the data file has all of the old one, that is
dropped as a whole, which moves the horizon to its end, and the young one takes its place. So a commit costs nothing to
drop. The engine's thread alone adds and drops, so readers need no lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TypeVar

from parabola.storage.documents import ENTRY_BYTES, Documents, TableDocuments
from parabola.storage.records import Commit
from parabola.storage.sorted_keys import SortedKeys
from parabola.storage.versions import Versions

K = TypeVar("K", str, bytes)
V = TypeVar("V")

# What a commit, and each write in it, cost beside the documents' own bytes. Rough, and rather too much.
COMMIT_BYTES = 400
WRITE_BYTES = 450


class Generation:
    """Commits that are dropped together, and their index entries by key."""

    __slots__ = ("commits", "indexes", "last_ts")

    def __init__(self, last_ts: int) -> None:
        self.commits: list[Commit] = []
        self.indexes: dict[int, Versions[bytes, str]] = {}
        self.last_ts = last_ts
        """The newest of its timestamps, or of the generation before it while it has none."""


class Recent:
    """Commits newer than `horizon_ts`, readable by key."""

    __slots__ = ("documents", "horizon_ts", "old", "young")

    def __init__(self, horizon_ts: int, documents: Documents) -> None:
        """`documents` holds the documents of the commits, among others."""
        self.horizon_ts = horizon_ts
        self.documents = documents
        self.old = Generation(horizon_ts)
        self.young = Generation(horizon_ts)

    def __len__(self) -> int:
        return len(self.old.commits) + len(self.young.commits)

    def commits(self) -> Iterator[Commit]:
        """All of them, oldest first."""
        return chain(self.old.commits, self.young.commits)

    def add(self, commit: Commit) -> int:
        """Adds the newest commit; returns about how much memory it holds."""
        ts, writes, entries = commit
        size = COMMIT_BYTES + WRITE_BYTES * (len(writes) + len(entries))
        documents = self.documents
        tables = documents.tables
        for table_number, document_id, document in writes:
            table = tables.get(table_number)
            if table is None:
                table = documents.table(table_number)
            length = 0 if document is None else len(document)
            size += length
            held = table.hot.get(document_id)
            if held is not None:
                table.hot[document_id] = (ts, document)
                replaced = held[1]
                documents.hot_bytes += length if replaced is None else length - len(replaced)
            else:
                held = table.cold.get(document_id)
                if held is None:
                    held = table.put_unread(document_id, (ts, document))
                    if held is None:
                        continue
                else:
                    table.hot[document_id] = (ts, document)
                    documents.hot_bytes += ENTRY_BYTES + length
            earlier = table.young_earlier
            earlier[document_id] = (held[0], held[1], earlier.get(document_id))
        young = self.young
        indexes = young.indexes
        for index_number, key, pointed_at in entries:
            index = indexes.get(index_number)
            if index is None:
                index = indexes[index_number] = Versions()
            index.put(key, ts, pointed_at)
        young.commits.append(commit)
        young.last_ts = ts
        if documents.hot_bytes > documents.half_max:
            documents.cool(self.commits())
        return size

    def drop_old(self) -> Generation:
        """Drops the old generation, which moves the horizon to its end; the young one takes its place."""
        dropped = self.old
        self.horizon_ts = dropped.last_ts
        self.old = self.young
        self.young = Generation(self.old.last_ts)
        for table in self.documents.tables.values():
            table.age()
        return dropped

    def walk_index(
        self, index_number: int, lower: bytes, upper: bytes | None, ts: int, *, descending: bool
    ) -> Iterator[tuple[bytes, str | None]] | None:
        """The entries in [lower, upper) as of `ts`, deletions too, as None; or None if there are none at all."""
        old = self.old.indexes.get(index_number)
        young = self.young.indexes.get(index_number)
        if young is None:
            return None if old is None else old.walk(lower, upper, ts, descending=descending)
        walk = young.walk(lower, upper, ts, descending=descending)
        if old is None:
            return walk
        return merge(old.walk(lower, upper, ts, descending=descending), walk, descending=descending)

    def walk_table(
        self, table_number: int, lower: str, upper: str | None, ts: int, *, descending: bool
    ) -> Iterator[tuple[str, bytes | None]]:
        """The documents with ids in [lower, upper) that were written, as of `ts`; deletions too, as None."""
        table = self.documents.tables.get(table_number)
        if table is None:
            return
        keys = self._staged(table_number, table)
        for document_id in keys.descending(lower, upper) if descending else keys.ascending(lower, upper):
            newest = table.newest(document_id)
            assert newest is not None, "what was staged is held"
            if newest[0] <= ts:
                yield document_id, newest[1]
            else:
                earlier = table.earlier(document_id, ts)
                if earlier is not None:
                    yield document_id, earlier[1]

    def _staged(self, table_number: int, table: TableDocuments) -> SortedKeys[str]:
        """The ids of the table's documents that were written, brought up to date."""
        commits = self.young.commits
        fresh = commits[table.staged_seen :]
        keys = table.staged
        if keys is None:
            keys = table.staged = SortedKeys()
            table.staged_ids = set()
            fresh = self.old.commits + fresh
        ids = table.staged_ids
        for commit in fresh:
            for number, document_id, _ in commit.documents:
                if number == table_number and document_id not in ids:
                    ids.add(document_id)
                    keys.add(document_id)
        table.staged_seen = len(commits)
        return keys


def merge(stored: Iterator[tuple[K, V]], recent: Iterator[tuple[K, V]], *, descending: bool) -> Iterator[tuple[K, V]]:
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
