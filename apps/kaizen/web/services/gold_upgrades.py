"""What gold buys."""

from __future__ import annotations

from .upgrades import UpgradesService


class GoldUpgradesService(UpgradesService):
    """The upgrades for gold."""

    currency = "gold"
