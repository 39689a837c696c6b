"""The versions of the keys of one table or of one index, in memory.

A version is `(ts, value)`; None in place of the value says that the key was deleted at `ts`. A read at `ts` takes the
newest version that is not newer than `ts`. Nearly every key has one version, and that one is held as it is; only a key
with several has a list, oldest first. Plain tuples of plain values are nothing to the garbage collector, while a list
for each key would make every full collection walk all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, KeysView
from typing import Generic, TypeVar

from parabola.storage.sorted_keys import Key, SortedKeys

Kept = TypeVar("Kept", str, bytes)


class Versions(Generic[Key, Kept]):
    """Every version of every key of one table or of one index."""

    __slots__ = ("_held", "_keys", "get")

    def __init__(self) -> None:
        self._held: dict[Key, tuple[int, Kept | None] | list[tuple[int, Kept | None]]] = {}
        self.get: Callable[[Key], tuple[int, Kept | None] | list[tuple[int, Kept | None]] | None] = self._held.get
        """What is held of a key: None, `(ts, value)`, or a list of several such. For who cannot afford `at`."""
        # None until somebody walks: most tables are only read by key or through their indexes.
        self._keys: SortedKeys[Key] | None = None

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, key: Key) -> bool:
        return key in self._held

    def keys(self) -> KeysView[Key]:
        """The keys, in no order."""
        return self._held.keys()

    def at(self, key: Key, ts: int) -> tuple[int, Kept | None] | None:
        """The version of `key` that a read at `ts` sees; None if there is none so old."""
        held = self._held.get(key)
        if held is None:
            return None
        if isinstance(held, tuple):
            return held if held[0] <= ts else None
        for version in reversed(held):
            if version[0] <= ts:
                return version
        return None

    def few(self, lower: Key, upper: Key | None, ts: int) -> list[tuple[Key, Kept | None]] | None:
        """What `walk` yields, ascending, where that is easily had: for a range that lies within one block of keys."""
        if self._keys is None:
            return None
        keys = self._keys.few(lower, upper)
        if keys is None:
            return None
        found: list[tuple[Key, Kept | None]] = []
        for key in keys:
            held = self._held[key]
            version = held if isinstance(held, tuple) and held[0] <= ts else self.at(key, ts)
            if version is not None:
                found.append((key, version[1]))
        return found

    def walk(self, lower: Key, upper: Key | None, ts: int, *, descending: bool) -> Iterator[tuple[Key, Kept | None]]:
        """The keys in [lower, upper) that have a version at `ts`, each with its value; deletions too, as None."""
        held_by_key = self._held
        keys = self._keys
        if keys is None:
            keys = self._keys = SortedKeys()
            for key in held_by_key:
                keys.add(key)
        for key in keys.descending(lower, upper) if descending else keys.ascending(lower, upper):
            held = held_by_key[key]
            if isinstance(held, tuple):
                if held[0] <= ts:
                    yield key, held[1]
            else:
                for version in reversed(held):
                    if version[0] <= ts:
                        yield key, version[1]
                        break

    def put(self, key: Key, ts: int, value: Kept | None) -> None:
        """Adds a version, which must be the newest of its key."""
        held = self._held.get(key)
        if held is None:
            self._held[key] = (ts, value)
            if self._keys is not None:
                self._keys.add(key)
        elif isinstance(held, tuple):
            self._held[key] = [held, (ts, value)]
        else:
            held.append((ts, value))

    def drop_newest(self, key: Key) -> None:
        """Takes back the newest version of `key`."""
        held = self._held[key]
        if isinstance(held, tuple):
            self._forget(key)
        else:
            held.pop()
            self._tidy(key, held)

    def trim(self, key: Key, oldest_ts: int) -> None:
        """Keeps what a read at `oldest_ts` or later can see; without a deletion it sees nothing, too."""
        held = self._held.get(key)
        if held is None:
            return
        if isinstance(held, tuple):
            if held[0] <= oldest_ts and held[1] is None:
                self._forget(key)
            return
        unseen = 0
        while unseen + 1 < len(held) and held[unseen + 1][0] <= oldest_ts:
            unseen += 1
        if held[unseen][0] <= oldest_ts and held[unseen][1] is None:
            unseen += 1
        del held[:unseen]
        self._tidy(key, held)

    def newest_values(self) -> Iterator[Kept | None]:
        """The newest value of each key, in no order."""
        for held in self._held.values():
            yield held[1] if isinstance(held, tuple) else held[-1][1]

    def _tidy(self, key: Key, held: list[tuple[int, Kept | None]]) -> None:
        if len(held) == 1:
            self._held[key] = held[0]
        elif not held:
            self._forget(key)

    def _forget(self, key: Key) -> None:
        del self._held[key]
        if self._keys is not None:
            self._keys.remove(key)
