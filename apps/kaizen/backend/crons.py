"""What happens by the clock."""

from __future__ import annotations

from parabola import Crons, internal

crons = Crons()

crons.interval("move on the heroes of players who are away", internal.sweeps.sweep, minutes=1)
