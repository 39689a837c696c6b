"""Results by question, up to a number of bytes (semantics 8.2)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Final

from parabola.live.question import Question
from parabola.live.subscription import LiveRun

TIME_DEPENDENT_S_MAX: Final = 17.0
"""How long a result that looked at the time may be given out: a second of user time, 15 of system time, and one."""


class QueryCache:
    """The valid runs that may answer a question, the least recently asked leaving first.

    A run that never looked at its caller answers everybody and is kept under no identity (None); one that did answers
    callers with an equal identity key. `on_evict` hears of a run that leaves for want of room. The runs are found on
    their questions, which must be the shared ones (`Questions.share`).
    """

    def __init__(self, bytes_max: int, on_evict: Callable[[LiveRun], None]) -> None:
        self._bytes_max = bytes_max
        self._on_evict = on_evict
        # Cached runs, the least recently asked first, with their sizes.
        self._sizes: OrderedDict[LiveRun, int] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._sizes)

    def __iter__(self) -> Iterator[LiveRun]:
        return iter(list(self._sizes))

    def find(self, question: Question, identity_key: bytes, journal: str | None, now: float) -> LiveRun | None:
        """A valid run that answers `question`, or None. `now` is the monotonic time in seconds."""
        answers = question.answers
        if not answers:
            return None
        run = answers.get((None, journal))
        if run is None:
            run = answers.get((identity_key, journal))
            if run is None:
                return None
        if run.used_time and now - run.asked_at > TIME_DEPENDENT_S_MAX:
            return None
        self._sizes.move_to_end(run)
        return run

    def add(self, run: LiveRun, identity_key: bytes | None, journals: set[str | None]) -> None:
        """Keeps `run` under each of `journals`: the one it was asked with, and the one it made. A result that would
        fill a large part of the cache by itself is not kept.
        """
        assert run.result is not None, "only a run with its result can answer"
        assert run.question.is_shared, "a cached answer is found on the shared question"
        size = run.size
        if size > self._bytes_max // 4:
            return
        answers = run.question.answers
        keys = tuple([(identity_key, journal) for journal in journals])
        for key in keys:
            earlier = answers.get(key)
            if earlier is not None:
                self._evict(earlier)
            answers[key] = run
        run.answer_keys = keys
        self._sizes[run] = size
        self.bytes += size
        while self.bytes > self._bytes_max:
            self._evict(next(iter(self._sizes)))

    def discard(self, run: LiveRun) -> None:
        """Forgets `run`; nothing happens if it is not here."""
        answers = run.question.answers
        for key in run.answer_keys:
            if answers.get(key) is run:
                del answers[key]
        run.answer_keys = ()
        size = self._sizes.pop(run, None)
        if size is not None:
            self.bytes -= size

    def _evict(self, run: LiveRun) -> None:
        self.discard(run)
        run.result = None
        run.outcome = None
        self._on_evict(run)

    def check_invariants(self) -> None:
        """Raises AssertionError when the accounts are wrong; for tests."""
        assert self.bytes == sum(self._sizes.values()), "the bytes are miscounted"
        for run in self._sizes:
            assert run.is_valid, "a broken run may answer"
            assert run.result is not None, "a run without a result may answer"
            assert run.answer_keys, "a run is cached under no key"
            for key in run.answer_keys:
                assert run.question.answers.get(key) is run, "a cached run is not found on its question"
