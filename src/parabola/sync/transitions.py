"""Writing Transitions, each distinct text once."""

from __future__ import annotations

from typing import Final

from parabola.sync.codec import write_transition
from parabola.sync.versions import StateVersion

_MEMO_MAX: Final = 64


class TransitionWriter:
    """Writes Transitions and remembers those it wrote for the newest timestamp.

    A thousand sockets that follow one query and were last told the same version are due the same bytes: the same
    *object* then comes back, so that the layer below can frame it once as well. One writer serves all sockets of a
    server.
    """

    __slots__ = ("_memo", "_memo_ts")

    def __init__(self) -> None:
        self._memo: dict[tuple[StateVersion, StateVersion, tuple[bytes, ...]], bytes] = {}
        self._memo_ts = -1

    def write(self, start: StateVersion, end: StateVersion, modifications: tuple[bytes, ...]) -> bytes:
        """The Transition without its clock fields, which would make every socket's text its own."""
        if end.ts != self._memo_ts or len(self._memo) >= _MEMO_MAX:
            self._memo.clear()
            self._memo_ts = end.ts
        key = (start, end, modifications)
        text = self._memo.get(key)
        if text is None:
            text = self._memo[key] = write_transition(start, end, modifications)
        return text
