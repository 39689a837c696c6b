"""Players that play by themselves: for `./kaizen --demo`, and for filling a server with life."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any, Final

from kaizen.rules.upgrades import UPGRADES
from parabola.client import AsyncClient, ConvexError
from parabola.ui.nicegui.clerk_frontend import FrontendApi, SignInRefused
from parabola.ui.nicegui.clerk_visitor import Visitor

DEMO_NAMES: Final = ("Aiko the Patient", "Bjorn One-Percent")
STEP_S: Final = 2.0


class Bot:
    """One player: fights, and buys the cheapest upgrade that it can afford."""

    def __init__(self, address: str, name: str, email: str, password: str) -> None:
        self._address = address
        self._name = name
        self._email = email
        self._password = password

    async def play(self, stop: asyncio.Event, *, step_s: float = STEP_S) -> None:
        """Until `stop` is set."""
        api = FrontendApi(f"{self._address}/__clerk")
        visitor = Visitor(api, {}, None)
        try:
            await self._enter(visitor)
            async with AsyncClient(self._address) as client:
                client.set_auth(lambda: visitor.get_token(template="convex"))
                await client.mutation("game:start", {})
                await client.mutation("combat:setFighting", {"fighting": True})
                while not stop.is_set():
                    await self._step(client)
                    try:
                        await asyncio.wait_for(stop.wait(), step_s)
                    except TimeoutError:
                        pass
        finally:
            await api.aclose()

    async def _enter(self, visitor: Visitor) -> None:
        try:
            await visitor.sign_in(self._email, self._password)
        except SignInRefused:
            await visitor.sign_up(self._email, self._password, first_name=self._name)

    async def _step(self, client: AsyncClient) -> None:
        try:
            await client.mutation("combat:sync", {})
            state: dict[str, Any] = await client.query("game:state", {})
            if state["coresOnPrestige"]:
                await client.mutation("game:prestige", {})
                return
            hero, costs = state["character"], state["nextCosts"]
            for upgrade in sorted(UPGRADES, key=lambda each: costs[each.id] or float("inf")):
                purse = hero["gold"] if upgrade.currency == "gold" else hero["prestigeCores"]
                if costs[upgrade.id] is not None and costs[upgrade.id] <= purse:
                    module = "goldUpgrades" if upgrade.currency == "gold" else "prestigeUpgrades"
                    await client.mutation(f"{module}:purchaseUpgrade", {"upgradeId": upgrade.id})
                    break
        except ConvexError:
            # Refused by the rules of the game, such as its limits; there is a next step.
            return


async def demo(address: str, stop: asyncio.Event) -> None:
    """Two bots, new ones each time, until `stop` is set."""
    password = secrets.token_urlsafe(12)
    bots = [Bot(address, name, f"bot-{secrets.token_hex(4)}+clerk_test@example.org", password) for name in DEMO_NAMES]
    await asyncio.gather(*(bot.play(stop) for bot in bots))
