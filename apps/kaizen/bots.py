"""Players that play by themselves: for `./kaizen --demo`, and for filling a server with life.

A bot does what people do: it achieves its first milestone, fights, uses the swift skill now and then, buys the cheapest
upgrade that it can pay, starts over when that brings cores, and leaves for a while to come back later. It asks for
nothing more often than the game allows, and everybody at their own pace.

`python -m kaizen.bots ADDRESS --count 200` plays with many (accounts come from the Backend API, so it needs the secret
key); it prints how many intentions were carried out and how many failed when it is interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import os
import random
import secrets
import signal
from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx

from kaizen.demo_accounts import DemoAccounts
from kaizen.rules.upgrades import UPGRADES
from parabola.client import AsyncClient, ClientError, ConvexError

DEMO_NAMES: Final = ("Aiko the Patient", "Bjorn One-Percent")
STEP_S: Final = (1.5, 3.5)
"""How long a bot waits between two looks at its game, from and to, in seconds."""
REST_S: Final = (5.0, 20.0)
REST_SHARE: Final = 0.02
"""How often a look ends in leaving for a while."""
SWIFT_SHARE: Final = 0.5
TROUBLE_S: Final = 2.0

GetToken = Callable[[], Awaitable[str | None]]


class Bot:
    """One player. `get_token` gives a token for the backend; `dice` decides everything that is left to chance."""

    def __init__(self, address: str, get_token: GetToken, dice: random.Random) -> None:
        self._address = address
        self._get_token = get_token
        self._dice = dice
        self.done = 0
        self.refused = 0
        self.failed = 0

    async def play(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. Trouble is waited out."""
        # Not all at once: people arrive one by one.
        await _pause(stop, self._dice.uniform(0, STEP_S[1]))
        while not stop.is_set():
            try:
                await self._visit(stop)
            except (ClientError, OSError):
                self.failed += 1
                await _pause(stop, TROUBLE_S)
            else:
                await _pause(stop, self._dice.uniform(*REST_S))

    async def _visit(self, stop: asyncio.Event) -> None:
        """From coming to leaving. The fight goes on without the bot."""
        async with AsyncClient(self._address) as client:
            client.set_auth(self._get_token)
            await client.mutation("game:start", {})
            milestones = (await client.query("game:state", {}))["milestones"]
            if not any(milestone["achieved"] for milestone in milestones):
                await self._try(client, "milestones:unlock", {"id": milestones[0]["id"]})
            await client.mutation("combat:setFighting", {"fighting": True})
            while not stop.is_set() and self._dice.random() >= REST_SHARE:
                await self._look(client)
                await _pause(stop, self._dice.uniform(*STEP_S))

    async def _look(self, client: AsyncClient) -> None:
        await self._try(client, "combat:sync", {})
        state: dict[str, Any] = await client.query("game:state", {})
        if state["coresOnPrestige"]:
            await self._try(client, "game:prestige", {})
            return
        if self._dice.random() < SWIFT_SHARE:
            await self._try(client, "combat:useSwiftAttack", {})
        wanted = cheapest(state)
        if wanted is not None:
            await self._try(client, *wanted)

    async def _try(self, client: AsyncClient, path: str, args: dict[str, Any]) -> None:
        """Does it; what the rules refuse is no trouble."""
        try:
            await client.mutation(path, args)
        except ConvexError:
            self.refused += 1
        else:
            self.done += 1


def cheapest(state: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The call that buys the cheapest upgrade which this player can pay; None if there is none."""
    purses = {"gold": state["character"]["gold"], "cores": state["character"]["prestigeCores"]}
    offers = []
    for upgrade in UPGRADES:
        cost = state["nextCosts"][upgrade.id]
        if cost is not None and cost <= purses[upgrade.currency]:
            offers.append((cost, upgrade.id, upgrade.currency))
    if not offers:
        return None
    _, upgrade_id, currency = min(offers)
    module = "goldUpgrades" if currency == "gold" else "prestigeUpgrades"
    return f"{module}:purchaseUpgrade", {"upgradeId": upgrade_id}


async def demo(accounts: DemoAccounts, stop: asyncio.Event) -> None:
    """The two bots of the demonstration, until `stop` is set."""
    await asyncio.gather(*(_demo_bot(accounts, name, stop) for name in DEMO_NAMES))


async def _demo_bot(accounts: DemoAccounts, name: str, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            visitor = await accounts.signed_in(name)
        except ClientError:
            await _pause(stop, TROUBLE_S)
        else:
            get_token = functools.partial(visitor.get_token, template="convex")
            await Bot(accounts.address, get_token, random.Random()).play(stop)


class BackendAccounts:
    """Accounts made with the secret key, and tokens for them, for bots that nobody signs in as."""

    def __init__(self, address: str, secret_key: str) -> None:
        headers = {"Authorization": f"Bearer {secret_key}"}
        self._http = httpx.AsyncClient(base_url=f"{address}/v1", headers=headers, timeout=60, trust_env=False)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def new_player(self, name: str) -> GetToken:
        """Makes an account with a session; what it returns gets a token of it."""
        email = f"{secrets.token_hex(6)}+clerk_test@example.org"
        user = await self._post("/users", {"email_address": [email], "first_name": name})
        session = await self._post("/sessions", {"user_id": user["id"]})

        async def get_token() -> str | None:
            # To its end, though the bot may leave meanwhile: a broken off request can cost the pool a connection.
            asking = asyncio.ensure_future(self._post(f"/sessions/{session['id']}/tokens/convex", {}))
            return str((await asyncio.shield(asking))["jwt"])

        return get_token

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self._http.post(path, json=body)
        if answer.is_error:
            raise ClientError(f"The identity server answered {answer.status_code} to {path}: {answer.text[:200]}")
        return dict(answer.json())


async def crowd(address: str, secret_key: str, count: int, seed: int, stop: asyncio.Event) -> list[Bot]:
    """`count` bots, until `stop` is set; returns them with what they counted."""
    accounts = BackendAccounts(address, secret_key)
    bots: list[Bot] = []
    playing: list[asyncio.Task[None]] = []
    try:
        for number in range(count):
            bot = Bot(address, await accounts.new_player(f"Bot {number + 1}"), random.Random(f"{seed}/{number}"))
            bots.append(bot)
            playing.append(asyncio.create_task(bot.play(stop)))
        print(f"{count} bots play.", flush=True)
        await asyncio.gather(*playing)
    finally:
        await accounts.aclose()
    return bots


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        pass


async def _main(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    bots = await crowd(options.address, options.secret_key, options.count, options.seed, stop)
    counts = {name: sum(getattr(bot, name) for bot in bots) for name in ("done", "refused", "failed")}
    print(" ".join(f"{name} {count}" for name, count in counts.items()), flush=True)


def main() -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m kaizen.bots", description="Fills a running game with players.")
    parser.add_argument("address", help="where the game is, such as http://127.0.0.1:3210")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--secret-key", default=os.environ.get("CLERK_SECRET_KEY"), help="else CLERK_SECRET_KEY")
    options = parser.parse_args()
    if not options.secret_key:
        parser.error(
            "no secret key: give --secret-key, or set CLERK_SECRET_KEY, which the game printed when it made it"
        )
    asyncio.run(_main(options))


if __name__ == "__main__":
    main()
