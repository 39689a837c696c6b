"""A handler answers for the time it took, not for the time that the machine kept from it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from parabola.functions.time_limit import LATE_S, LOOK_EVERY_S, Look

LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a thread was kept waiting for")

PROGRAM = """
import asyncio, os, sys, time
from parabola import mutation
from parabola.limits import Limits
from tests.unit.functions.harness import Engine

@mutation
async def compute(ctx, seconds: float):
    until = time.thread_time() + seconds
    os.write(1, b"began\\n")  # printed, it would be a log line of the function's
    while time.thread_time() < until:
        pass
    return "done"

@mutation
async def sleep(ctx, seconds: float):
    os.write(1, b"began\\n")
    time.sleep(seconds)
    return "done"

engine = Engine({"m:compute": compute, "m:sleep": sleep}, limits=Limits(user_time_s=0.8))
outcome = asyncio.run(engine.mutation_async("m:" + sys.argv[1], {"seconds": float(sys.argv[2])}))
print(outcome.value if outcome.error is None else outcome.error.code, flush=True)
"""


@contextmanager
def program(function: str, seconds: float) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, function, str(seconds)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@contextmanager
def crowded(processor: int, others: int) -> Iterator[None]:
    """Meanwhile `others` processes compute on `processor` without end."""
    crowd = [
        subprocess.Popen([sys.executable, "-c", f"import os\nos.sched_setaffinity(0, [{processor}])\nwhile True: pass"])
        for _ in range(others)
    ]
    try:
        yield
    finally:
        for process in crowd:
            process.kill()
            process.wait()


@LINUX_ONLY
@pytest.mark.parametrize("function", ["compute", "sleep"])
def test_a_handler_outlives_a_machine_that_stands_still(function: str) -> None:
    with program(function, 0.3) as process:
        assert line(process) == "began"
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)  # what is tested: time that passes for the watch, and not for the handler
        process.send_signal(signal.SIGCONT)
        assert line(process) == "done"


@LINUX_ONLY
def test_a_handler_that_hardly_gets_a_processor_is_not_taken_for_a_runaway() -> None:
    processor = min(os.sched_getaffinity(0))
    with program("compute", 0.4) as process, crowded(processor, others=6):
        assert line(process) == "began"
        os.sched_setaffinity(process.pid, [processor])
        began = time.monotonic()
        assert line(process) == "done"
    # With seven at it, 0.4 s of computing takes far longer than the limit.
    assert time.monotonic() - began > 0.8, "the processor was not crowded enough to show anything"


@LINUX_ONLY
@pytest.mark.parametrize("function", ["compute", "sleep"])
def test_a_runaway_is_stopped_on_a_crowded_processor_too(function: str) -> None:
    processor = min(os.sched_getaffinity(0))
    with program(function, 60) as process, crowded(processor, others=4):
        assert line(process) == "began"
        os.sched_setaffinity(process.pid, [processor])
        assert line(process) == "FunctionTimeout"


def test_on_time_all_that_passes_counts_computing_and_blocking_alike() -> None:
    look = Look(10.0, 5.0, began=9.0, counted=0.7)
    assert look.counts(9.0, 10.1, 5.0) == pytest.approx(0.8)
    assert look.counts(9.0, 10.1, 5.1) == pytest.approx(0.8)


def test_what_was_counted_of_one_step_is_not_counted_of_the_next() -> None:
    assert Look(10.0, 5.0, began=9.0, counted=0.7).counts(10.05, 10.1, 5.1) == pytest.approx(0.05)


def test_of_a_thread_that_wanted_a_processor_only_what_it_got_counts() -> None:
    look = Look(10.0, 5.0, began=9.0, counted=0.1)
    assert look.counts(9.0, 10.1, 5.02, wants_processor=True) == pytest.approx(0.12)


def test_when_the_watch_comes_late_only_processor_time_counts() -> None:
    look = Look(10.0, 5.0, began=9.0, counted=0.1)
    late = 10.0 + 10 * LATE_S
    assert look.counts(9.0, late, 5.0) == pytest.approx(0.1 + LOOK_EVERY_S)
    assert look.counts(9.0, late, 5.0 + 9 * LATE_S) == pytest.approx(0.1 + 9 * LATE_S)


def test_where_the_system_does_not_tell_all_that_passes_counts() -> None:
    assert Look(10.0, None, began=9.0, counted=0.1).counts(9.0, 20.0, None) == pytest.approx(10.1)
