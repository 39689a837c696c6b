"""Stopping a handler that has run for too long.

Theory of operation
-------------------
A query or mutation has the event loop's thread to itself while it runs. One that never comes back would stop the
server, and no timer of the loop could help, since the loop is what it holds. So a second thread, the watchdog, looks
every few dozen milliseconds at a note saying which run has the thread and since when. Starting and ending a run costs
two attribute writes and one look at a clock; nothing else happens until a limit is passed.

Then `HandlerStopped` must be raised *inside* the handler, and only there. Raised in the engine, it could leave a
transaction half changed. On the main thread the watchdog sends the thread a signal. Python runs the signal's handler
between two instructions of whatever was running and hands it that frame: if the innermost frame that is either the
user's or the engine's is the user's, the handler raises, also out of a `time.sleep`; if it is the engine's, it only
leaves a mark (`stop_requested`), and the next call on `ctx` raises in its place. The watchdog repeats itself until
the run has ended, so a loop of the user's around quick engine code is met in user code soon.

Some calls into C compute for long without ever letting another thread run, such as a regular expression that
backtracks without end: the watchdog sleeps through them, but they do look for signals. So the system sends one of its
own for every quarter of a second of computing, which costs nothing while nothing computes.

When the engine runs in another thread, signals cannot reach it. There the watchdog looks at that thread's frames
while it holds the interpreter lock, and if they are in user code asks the interpreter to raise asynchronously. A
blocking call into C is then stopped only when it returns.

`HandlerStopped` is a BaseException, so that `except Exception` does not swallow it.

What counts is the time that a handler took, not the time that a busy machine kept from it. While the watchdog looks
on time, all that passes counts, computing and blocking alike, except when the thread could have gone on and did not
get a processor. A watchdog that comes late was itself kept from looking, by a machine that stood still or by a call
into C: then only the processor time that the thread got in between counts. `Look.counts` does this sum.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import site
import sys
import sysconfig
import threading
import time
import weakref
from types import FrameType
from typing import Any, Final, NamedTuple, Protocol

from parabola.functions.thread_clock import ThreadClock

LOOK_EVERY_S: Final = 0.05
LATE_S: Final = 3 * LOOK_EVERY_S
"""Looks further apart than this say that the watchdog was kept from looking."""
_IDLE_LOOKS_MAX: Final = 40
# Ignored by default, so a late one harms nobody, and not used by test runners, debuggers or servers.
_SIGNAL: Final = getattr(signal, "SIGURG", None)
_COMPUTED_SIGNAL: Final = getattr(signal, "SIGVTALRM", None)
_COMPUTED_S: Final = 0.25

LOADED_MODULE_PREFIX: Final = "_parabola_functions_"
"""How the names of modules begin that the loader made from a functions folder."""

_ENGINE_FOLDER: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_DRIVER_FILE: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "driver.py")
_LIBRARY_FILES: Final = (
    "<",
    *(
        folder.rstrip(os.sep) + os.sep
        for folder in {
            sysconfig.get_path("stdlib"),
            sysconfig.get_path("platstdlib"),
            sysconfig.get_path("purelib"),
            sysconfig.get_path("platlib"),
            *site.getsitepackages(),
        }
        if folder
    ),
)
"""How the file names of code begin that was not written here or by the user; "<" is what generated code is named."""


class HandlerStopped(BaseException):
    """Raised inside a handler that ran past its time limit. Not an Exception: user code must not swallow it."""


class WatchedRun(Protocol):
    """What the watch reads and changes of a run. `user_time` is in seconds, over all steps so far."""

    user_time: float
    stop_requested: bool


class Look(NamedTuple):
    """What the watchdog found when it last looked. All times are in seconds.

    It is replaced as a whole, since the thread that is looked at may ask at any moment.
    """

    at: float
    """When that was, by the monotonic clock."""
    processor_s: float | None
    """The thread's processor time then, if the system tells it."""
    began: float | None = None
    """When the step had begun that had the thread; None if there was none."""
    counted: float = 0.0
    """How much of the step's time counts so far."""

    def counts(self, began: float, now: float, processor_s: float | None, *, wants_processor: bool = False) -> float:
        """How much of the time from `began`, when a step began, until `now` counts.

        `wants_processor` says that the thread could go on right now.
        """
        counted = self.counted if self.began == began else 0.0
        passed = now - max(self.at, began)
        had = passed
        if processor_s is not None and self.processor_s is not None:
            had = min(passed, processor_s - self.processor_s)
        if passed > LATE_S:
            return counted + max(had, LOOK_EVERY_S)
        return counted + (had if wants_processor else passed)


class TimeLimit:
    """The watch over the user code of one runner. `begin` and `end` bracket each step of a handler."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._run: WatchedRun | None = None
        self._began = 0.0
        self._clock = ThreadClock()
        self._last_look = Look(0.0, None)
        self._asked_to_raise = False
        _watchdog.add(self)

    def begin(self, run: WatchedRun) -> None:
        """User code of `run` gets this thread."""
        if self._clock.thread_id != threading.get_ident():
            self._clock = ThreadClock()
            self._start_looking()
        self._began = time.monotonic()
        self._run = run
        if _watchdog.asleep:
            self._start_looking()
            _watchdog.wake()

    def end(self) -> None:
        """User code gave the thread back."""
        run = self._run
        self._run = None
        if run is not None:
            now = time.monotonic()
            took = now - self._began
            run.user_time += took if took <= LATE_S else self._counted(now)
        if self._asked_to_raise:
            self._asked_to_raise = False
            _take_back_in_this_thread()

    @property
    def is_busy(self) -> bool:
        """Whether user code has the thread now."""
        return self._run is not None

    def _start_looking(self) -> None:
        self._last_look = Look(time.monotonic(), self._clock.processor_s())

    def _counted(self, now: float) -> float:
        """The seconds of the step so far that count."""
        return self._last_look.counts(self._began, now, self._clock.processor_s())

    def _is_over(self, run: WatchedRun) -> bool:
        """Whether `run`, which has the thread, is past its limit."""
        now = time.monotonic()
        # The sum is for the few steps that take long.
        return run.user_time + now - self._began > self.limit_s and run.user_time + self._counted(now) > self.limit_s

    def look(self) -> None:
        """Called by the watchdog: acts if the limit is passed."""
        run, began, clock = self._run, self._began, self._clock
        now, processor_s = time.monotonic(), clock.processor_s()
        if run is None:
            self._last_look = Look(now, processor_s)
            return
        # A step that is shorter than this cannot have been kept waiting for long.
        wants_processor = now - began > LOOK_EVERY_S and clock.wants_processor()
        counts = self._last_look.counts(began, now, processor_s, wants_processor=wants_processor)
        self._last_look = Look(now, processor_s, began, counts)
        if not self._is_over(run):
            return
        if clock.thread_id == threading.main_thread().ident and _signal_handler.installed:
            signal.pthread_kill(clock.thread_id, _SIGNAL)  # type: ignore[arg-type]
            return
        frame = sys._current_frames().get(clock.thread_id)  # pyright: ignore[reportPrivateUsage]
        # This thread has just been given the interpreter lock and keeps it for the next few lines.
        if self._run is not run:
            return
        run.stop_requested = True
        if is_user_code(frame):
            self._asked_to_raise = True
            _raise_in_thread(clock.thread_id, HandlerStopped)

    def interrupt(self, frame: FrameType | None) -> None:
        """Called in the main thread, between two of its instructions: raises if they are the handler's own."""
        run = self._run
        if run is None or self._clock.thread_id != threading.get_ident() or not self._is_over(run):
            return
        run.stop_requested = True
        if is_user_code(frame):
            raise HandlerStopped


def is_user_code(frame: FrameType | None) -> bool:
    """Whether raising at `frame` would unwind code of the user's before any of the engine's.

    Library code counts as part of who called it.
    """
    passed_library = False
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith(LOADED_MODULE_PREFIX):
            return True
        file = frame.f_code.co_filename
        if file == _DRIVER_FILE:
            return passed_library
        if is_engine_file(file):
            return False
        if not is_library_file(file):
            return True
        passed_library = True
        frame = frame.f_back
    return False


def is_engine_file(file: str) -> bool:
    """Whether code from `file` is Parabola's own."""
    return file.startswith(_ENGINE_FOLDER)


def is_library_file(file: str) -> bool:
    """Whether code from `file` is the standard library's, an installed package's, or generated."""
    return file.startswith(_LIBRARY_FILES)


def _raise_in_thread(thread_id: int, error: type[BaseException]) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), ctypes.py_object(error))


class _TakenBack(BaseException):
    """Raised asynchronously in the place of what is not to be raised any more."""


def _take_back_in_this_thread() -> None:
    """Makes sure that nothing waits to be raised in this thread.

    Setting nothing would do it, and leave the interpreter believing for good that something is to be raised: every loop
    of every thread would stop to look, and under a debugger or a coverage tool Python 3.11 would not get past it. So
    something harmless is raised, and caught.
    """
    try:
        _raise_in_thread(threading.get_ident(), _TakenBack)
        for _ in range(1_000_000):
            pass
    except _TakenBack:
        pass


class _SignalHandler:
    """Ours among the process's signal handlers, put there once, calling the one it replaced."""

    def __init__(self) -> None:
        self.installed = False
        self._previous: dict[int, Any] = {}

    def install(self) -> None:
        """Only the main thread may; elsewhere this does nothing."""
        if self.installed or _SIGNAL is None or threading.get_ident() != threading.main_thread().ident:
            return
        self._previous[_SIGNAL] = signal.signal(_SIGNAL, self)
        # A timer that is running belongs to somebody else, such as a profiler.
        if _COMPUTED_SIGNAL is not None and signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0):
            self._previous[_COMPUTED_SIGNAL] = signal.signal(_COMPUTED_SIGNAL, self)
            signal.setitimer(signal.ITIMER_VIRTUAL, _COMPUTED_S, _COMPUTED_S)
            # The interpreter takes its handlers away while it ends; a signal after that would kill the process.
            atexit.register(signal.setitimer, signal.ITIMER_VIRTUAL, 0)
        self.installed = True

    def __call__(self, number: int, frame: FrameType | None) -> None:
        for limit in _watchdog.limits():
            limit.interrupt(frame)
        previous = self._previous.get(number)
        if callable(previous):
            previous(number, frame)


class _Watchdog:
    """The one watching thread of the process. It sleeps while nothing runs."""

    def __init__(self) -> None:
        self.asleep = True
        # Replaced as a whole: the watching thread and a signal handler may be reading it at any moment.
        self._limits: tuple[weakref.ref[TimeLimit], ...] = ()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, limit: TimeLimit) -> None:
        self._limits = (*(known for known in self._limits if known() is not None), weakref.ref(limit))

    def limits(self) -> list[TimeLimit]:
        return [limit for known in self._limits if (limit := known()) is not None]

    def wake(self) -> None:
        """Starts looking again. Called when a run begins while the watchdog is asleep."""
        self.asleep = False
        _signal_handler.install()
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._watch, name="parabola-watchdog", daemon=True)
            self._thread.start()
        self._woken.set()

    def _watch(self) -> None:
        idle_looks = 0
        while True:
            time.sleep(LOOK_EVERY_S)
            busy = False
            for limit in self.limits():
                busy = busy or limit.is_busy
                limit.look()
            idle_looks = 0 if busy else idle_looks + 1
            if idle_looks < _IDLE_LOOKS_MAX:
                continue
            self._woken.clear()
            self.asleep = True
            # A run that began just before the line above did not see that it had to wake us.
            if any(limit.is_busy for limit in self.limits()):
                self.asleep = False
                continue
            self._woken.wait()
            idle_looks = 0


_watchdog: Final = _Watchdog()
_signal_handler: Final = _SignalHandler()
