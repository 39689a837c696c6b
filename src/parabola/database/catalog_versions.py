"""The catalog over time: a query at a past timestamp sees the tables and indexes of that time."""

from __future__ import annotations

from bisect import bisect_right

from parabola.database.catalog import Catalog


class CatalogVersions:
    """Catalogs by the timestamp of the commit that made them."""

    def __init__(self, ts: int, catalog: Catalog) -> None:
        self._timestamps = [ts]
        self._catalogs = [catalog]
        self.latest = catalog

    def add(self, ts: int, catalog: Catalog) -> None:
        """The catalog from `ts` on. Timestamps must rise."""
        assert ts > self._timestamps[-1], "the committer stamps in order"
        self._timestamps.append(ts)
        self._catalogs.append(catalog)
        self.latest = catalog

    def at(self, ts: int) -> Catalog:
        """The catalog in force at `ts`; the oldest one known, for what is before it."""
        if ts >= self._timestamps[-1]:
            return self.latest
        return self._catalogs[max(0, bisect_right(self._timestamps, ts) - 1)]

    def forget_before(self, ts: int) -> None:
        """Drops what no read at `ts` or later can need."""
        unneeded = bisect_right(self._timestamps, ts) - 1
        if unneeded > 0:
            del self._timestamps[:unneeded]
            del self._catalogs[:unneeded]

    def __len__(self) -> int:
        return len(self._timestamps)
