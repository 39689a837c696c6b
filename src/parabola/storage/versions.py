"""The versions of the keys of one table or of one index, in memory: a list per key, oldest first.

A version is `(ts, value)`; None in place of the value says that the key was deleted at `ts`. A read at `ts` takes the
newest version that is not newer than `ts`: `as_of`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from parabola.storage.sorted_keys import Key, SortedKeys

Kept = TypeVar("Kept", str, bytes)


def as_of(versions: list[tuple[int, Kept | None]], ts: int) -> tuple[int, Kept | None] | None:
    """The newest of `versions` that is not newer than `ts`; None when all are newer."""
    for version in reversed(versions):
        if version[0] <= ts:
            return version
    return None


class Versions(Generic[Key, Kept]):
    """Every version of every key of one table or of one index. No list in it is empty."""

    __slots__ = ("keys", "lists")

    def __init__(self) -> None:
        self.lists: dict[Key, list[tuple[int, Kept | None]]] = {}
        self.keys: SortedKeys[Key] = SortedKeys()

    def put(self, key: Key, ts: int, value: Kept | None) -> None:
        """Adds a version, which must be the newest of its key."""
        versions = self.lists.get(key)
        if versions is None:
            self.lists[key] = [(ts, value)]
            self.keys.add(key)
        else:
            versions.append((ts, value))

    def drop_oldest(self, key: Key) -> None:
        """Forgets the oldest version of `key`."""
        versions = self.lists[key]
        del versions[0]
        self._forget_if_empty(key, versions)

    def drop_newest(self, key: Key) -> None:
        """Takes back the newest version of `key`."""
        versions = self.lists[key]
        versions.pop()
        self._forget_if_empty(key, versions)

    def trim(self, key: Key, oldest_ts: int) -> None:
        """Keeps what a read at `oldest_ts` or later can see."""
        versions = self.lists.get(key)
        if versions is None:
            return
        unseen = 0
        while unseen + 1 < len(versions) and versions[unseen + 1][0] <= oldest_ts:
            unseen += 1
        if versions[unseen][1] is None and versions[unseen][0] <= oldest_ts:
            unseen += 1  # without the deletion a reader sees nothing, too
        del versions[:unseen]
        self._forget_if_empty(key, versions)

    def walk(
        self, lower: Key, upper: Key | None, ts: int, *, descending: bool
    ) -> Iterator[tuple[Key, tuple[int, Kept | None]]]:
        """The keys in [lower, upper) that have a version at `ts` or before, each with it; deletions too."""
        for key in self.keys.descending(lower, upper) if descending else self.keys.ascending(lower, upper):
            versions = self.lists[key]
            newest = versions[-1]
            seen = newest if newest[0] <= ts else as_of(versions, ts)
            if seen is not None:
                yield key, seen

    def _forget_if_empty(self, key: Key, versions: list[tuple[int, Kept | None]]) -> None:
        if not versions:
            del self.lists[key]
            self.keys.remove(key)
