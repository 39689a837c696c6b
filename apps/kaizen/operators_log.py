"""What of the game's log is for whoever runs it."""

from __future__ import annotations

import logging


def concerns_the_operator(record: logging.LogRecord) -> bool:
    """All but what a player is refused (`backend/lib/refusals.py`), which the player is told.

    The functions' log has it at INFO, with a code. What went wrong is there at a higher level, and what a function says
    of itself has no code.
    """
    return not (record.levelno <= logging.INFO and hasattr(record, "code"))
