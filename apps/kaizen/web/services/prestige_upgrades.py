"""What prestige cores buy."""

from __future__ import annotations

from .upgrades import UpgradesService


class PrestigeUpgradesService(UpgradesService):
    """The upgrades for prestige cores."""

    currency = "cores"
