"""Whose turn it is to try again.

Mutations that keep meeting each other at the same document would, each retrying when it likes, go on meeting. So those
that lost twice over the same thing line up for it: one of them tries at a time, and the next when that one is done.
Only mutations that are new, or that lost over something else, can still be in the way of the one whose turn it is, and
for that it backs off.

Nobody waits in two lines at once, and whoever's turn it is waits for no line, so no two can wait for each other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from parabola.database.conflict import Conflict

Contended = tuple[str | None, str | None]
"""What a conflict was about: a table, and a document of it where that is known."""


def contended_by(conflict: Conflict) -> Contended:
    """The line for those who lost over the same thing."""
    return conflict.table, conflict.document_id


class RetryTurns:
    """The lines of one runner, by what they are for. A line that is there is one in which somebody has the turn."""

    __slots__ = ("_lines",)

    def __init__(self) -> None:
        self._lines: dict[Contended, deque[Callable[[], None]]] = {}

    def take(self, contended: Contended, start: Callable[[], None]) -> None:
        """Calls `start` when the turn comes, at once if nobody has it. Every turn must be given back by `give_back`."""
        line = self._lines.get(contended)
        if line is None:
            self._lines[contended] = deque()
            start()
        else:
            line.append(start)

    def give_back(self, contended: Contended) -> None:
        """Ends the turn; the next in the line begins."""
        line = self._lines[contended]
        if line:
            line.popleft()()
        else:
            del self._lines[contended]

    def __len__(self) -> int:
        return len(self._lines)
