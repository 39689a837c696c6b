"""Settings of the Python process that a server wants and a library must not touch.

Called once, when the functions are loaded and before traffic comes.
"""

from __future__ import annotations

import gc
import sys
from typing import Final

SWITCH_INTERVAL_S: Final = 0.0005
"""The flusher's thread needs the interpreter for microseconds, after each fsync; by default it would wait 5 ms for it
while the event loop is busy, and every commit with it."""

GC_THRESHOLDS: Final = (10_000, 50, 100)
"""Handlers make many short-lived dictionaries and hardly any cycles: young collections are made rare, and full ones,
which look at every object there is, rarer still. Young ones no rarer than that: they are a matter of milliseconds as
long as what they look at is still in the processor's cache."""


def tune_process() -> None:
    """Sets both, and takes what exists by now (modules, functions, catalogs) out of the collector's sight."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
