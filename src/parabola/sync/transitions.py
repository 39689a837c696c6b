"""Writing Transitions, each distinct text once."""

from __future__ import annotations

from typing import Final

from parabola.sync.codec import write_transition
from parabola.sync.versions import ZERO_VERSION, StateVersion

_MEMO_MAX: Final = 64


class TransitionWriter:
    """Writes Transitions and remembers those it wrote for the newest timestamp.

    A thousand sockets that follow one query and were last told the same version are due the same bytes: the same
    *object* then comes back, so that the layer below can frame it once as well. They also come to share the version
    that they are told, which makes recognising them next time a comparison of pointers. One writer serves all sockets
    of a server.
    """

    __slots__ = ("_last_end", "_last_modifications", "_last_start", "_last_text", "_memo", "_memo_ts")

    def __init__(self) -> None:
        self._memo: dict[tuple[StateVersion, StateVersion, tuple[bytes, ...]], tuple[StateVersion, bytes]] = {}
        self._memo_ts = -1
        self._last_start = ZERO_VERSION
        self._last_end = ZERO_VERSION
        self._last_modifications: tuple[bytes, ...] = ()
        self._last_text = b""

    def write(self, start: StateVersion, ts: int, modifications: tuple[bytes, ...]) -> tuple[StateVersion, bytes]:
        """The Transition from `start` to the same query set and identity at `ts`: its end version, and its text without
        the clock fields, which would make every socket's text its own.
        """
        if start is self._last_start and ts == self._last_end.ts and modifications == self._last_modifications:
            return self._last_end, self._last_text
        if ts != self._memo_ts or len(self._memo) >= _MEMO_MAX:
            self._memo.clear()
            self._memo_ts = ts
        end = StateVersion(start.query_set, start.identity, ts)
        key = (start, end, modifications)
        written = self._memo.get(key)
        if written is None:
            written = self._memo[key] = (end, write_transition(start, end, modifications))
        self._last_start = start
        self._last_modifications = modifications
        self._last_end, self._last_text = written
        return written
