"""What memory knows of documents: the newest version of each, as long as it pays or the data file may lack it.

Theory of operation. For each table there are four dictionaries from id to `(ts, document)`, and an id is in one of
the pairs at most:

- `hot` and `cold`: documents that somebody has read from the data file. What is staged takes the place of what is held,
  so that nothing has to be told later what has changed. When `hot` is half of what the cache may hold, it becomes
  `cold` and what was cold is forgotten; what is found in `cold` goes back to `hot`. So what was not used for a while
  goes, and a use costs one look-up.
- `young` and `old`: documents that were staged and that nobody had read before. They go with their generation
  (`recent.py`), in one step: what nobody reads does not push out what somebody does.

Each holds the newest version only. What it replaced is in `young_earlier` or `old_earlier`, for who reads at a
timestamp in between, and goes with its generation too. A version that is in none of them is in the data file.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from parabola.storage.records import Commit
from parabola.storage.sorted_keys import SortedKeys

# The timestamp from which it holds, and the document's stored form; None where there is no document.
Held = tuple[int, bytes | None]
# The same, and the version before it.
Earlier = tuple[int, bytes | None, "Earlier | None"]

# What one entry costs in Python objects beside its bytes: key, tuple, integer and dictionary slot.
ENTRY_BYTES: Final = 450


class TableDocuments:
    """What memory knows of one table's documents."""

    __slots__ = ("cold", "hot", "old", "old_earlier", "staged", "staged_ids", "staged_seen", "young", "young_earlier")

    def __init__(self) -> None:
        self.hot: dict[str, Held] = {}
        self.cold: dict[str, Held] = {}
        self.young: dict[str, Held] = {}
        self.old: dict[str, Held] = {}
        self.young_earlier: dict[str, Earlier] = {}
        self.old_earlier: dict[str, Earlier] = {}
        # The ids staged in both generations in order, made when somebody walks over the table; and how many of the
        # young generation's commits are in it.
        self.staged: SortedKeys[str] | None = None
        self.staged_ids: set[str] = set()
        self.staged_seen = 0

    def newest(self, document_id: str) -> Held | None:
        """The newest version, if it is known."""
        held = self.hot.get(document_id)
        if held is None:
            held = self.cold.get(document_id)
            if held is None:
                held = self.young.get(document_id)
                if held is None:
                    held = self.old.get(document_id)
        return held

    def earlier(self, document_id: str, ts: int) -> Earlier | None:
        """The version that a read at `ts` sees, among those that were replaced lately."""
        for replaced in (self.young_earlier, self.old_earlier):
            version = replaced.get(document_id)
            while version is not None:
                if version[0] <= ts:
                    return version
                version = version[2]
        return None

    def put_unread(self, document_id: str, version: Held) -> Held | None:
        """Holds a staged version of a document that is neither hot nor cold; returns what it replaces."""
        replaced = self.young.get(document_id)
        if replaced is None:
            replaced = self.old.get(document_id)
        self.young[document_id] = version
        return replaced

    def age(self) -> None:
        """Forgets the old generation; the young one is the old one from now on."""
        if self.young or self.old:
            self.old, self.young = self.young, {}
        if self.young_earlier or self.old_earlier:
            self.old_earlier, self.young_earlier = self.young_earlier, {}
        self.staged = None
        self.staged_seen = 0


class Documents:
    """`TableDocuments` by table number; what is hot and cold is bounded by `bytes_max`."""

    __slots__ = ("cold_bytes", "half_max", "hot_bytes", "tables")

    def __init__(self, bytes_max: int) -> None:
        self.half_max = bytes_max // 2
        """Above this many hot bytes, it is time to `cool`."""
        self.tables: dict[int, TableDocuments] = {}
        self.hot_bytes = 0
        self.cold_bytes = 0

    @property
    def resident_bytes(self) -> int:
        """About how much memory the hot and the cold documents take."""
        return self.hot_bytes + self.cold_bytes

    def table(self, table_number: int) -> TableDocuments:
        """The table of that number, made if there is none yet."""
        table = self.tables.get(table_number)
        if table is None:
            table = self.tables[table_number] = TableDocuments()
        return table

    def remember(self, table: TableDocuments, document_id: str, version: Held, recent: Iterable[Commit]) -> None:
        """Holds as hot what was read from the data file, of a document of which nothing was known; or was found cold.

        For `recent` see `cool`.
        """
        document = version[1]
        size = ENTRY_BYTES if document is None else ENTRY_BYTES + len(document)
        if self.hot_bytes + size > self.half_max:
            if size > self.half_max:
                return
            self.cool(recent)
        table.hot[document_id] = version
        self.hot_bytes += size

    def cool(self, recent: Iterable[Commit]) -> None:
        """Forgets what is cold, except for the documents of the `recent` commits: the data file may lack them."""
        tables = self.tables
        for commit in recent:
            for table_number, document_id, _ in commit.documents:
                table = tables[table_number]
                held = table.cold.get(document_id)
                if held is not None and document_id not in table.hot:
                    table.hot[document_id] = held
                    self.hot_bytes += ENTRY_BYTES if held[1] is None else ENTRY_BYTES + len(held[1])
        for table in tables.values():
            table.cold, table.hot = table.hot, {}
        self.cold_bytes, self.hot_bytes = self.hot_bytes, 0
