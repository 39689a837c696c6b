"""What the system knows of one thread's time: for how long it had a processor, and whether it wants one now.

Linux tells both. Elsewhere the answers are "not known" and "no".
"""

from __future__ import annotations

import os
import threading
import time
from typing import Final

_clock_of_thread: Final = getattr(time, "pthread_getcpuclockid", None)
_STATES: Final = "/proc/self/task/{}/stat"


class ThreadClock:
    """The processor time of the thread that makes it. Any thread may ask, also after that one has ended."""

    __slots__ = ("_clock", "_state_file", "thread_id")

    def __init__(self) -> None:
        self.thread_id = threading.get_ident()
        self._clock: int | None = None if _clock_of_thread is None else _clock_of_thread(self.thread_id)
        self._state_file = _STATES.format(threading.get_native_id())

    def processor_s(self) -> float | None:
        """Seconds of processor time so far; None where the system does not tell, or the thread has ended."""
        if self._clock is None:
            return None
        try:
            return time.clock_gettime(self._clock)
        except OSError:
            return None

    def wants_processor(self) -> bool:
        """Whether the thread could go on right now: it has a processor or waits for one, and for nothing else."""
        try:
            file = os.open(self._state_file, os.O_RDONLY)
        except OSError:
            return False
        try:
            # The thread's name is in parentheses and may hold anything; its state is the letter after them.
            return os.read(file, 256).rpartition(b") ")[2][:1] == b"R"
        except OSError:
            return False
        finally:
            os.close(file)
