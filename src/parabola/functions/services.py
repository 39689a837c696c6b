"""What every run needs from outside, gathered once by the runner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parabola.database.database import Database
from parabola.functions.retry_turns import RetryTurns
from parabola.functions.session_requests import SessionRecords
from parabola.functions.time_limit import TimeLimit
from parabola.limits import Limits
from parabola.seams import Clock, Entropy


class Services:
    """The engine below the functions, and the settings that they can see."""

    __slots__ = (
        "action_step_limit",
        "clock",
        "database",
        "deployment_metadata",
        "entropy",
        "environment",
        "limits",
        "retry_turns",
        "session_records",
        "time_limit",
    )

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        entropy: Entropy,
        limits: Limits,
        environment: Mapping[str, str],
        deployment_metadata: Mapping[str, Any],
    ) -> None:
        self.database = database
        self.clock = clock
        self.entropy = entropy
        self.limits = limits
        # What `ctx.env` shows where no variable of the deployment has the name.
        self.environment = environment
        self.deployment_metadata = deployment_metadata
        self.session_records = SessionRecords()
        self.retry_turns = RetryTurns()
        self.time_limit = TimeLimit(limits.user_time_s)
        # Apart from the other, since an action may start a query in the middle of a step.
        self.action_step_limit = TimeLimit(limits.action_step_time_s)
