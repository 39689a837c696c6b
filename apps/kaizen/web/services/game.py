"""The player's game in one page: what is known of it, live, and what the player can do.

`game()` gives the service of the page that runs; all parts of a page share it. It starts the game once the server has
confirmed who is playing, tells the server every two seconds to fight on while a fight is running, unless another page
of the player has just done so (so every page shows the gold come in, and other pages need no timer of their own), and
keeps what happened while the player was away.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

from nicegui import context
from reaktiv import Computed, Effect, Signal, untracked

from parabola.client import LocalStore
from parabola.ui import Pending, Scope, inject_auth, inject_mutation, inject_query, skip
from parabola.ui.nicegui import page_scope

from ...rules.foretelling import after_purchase
from ...rules.upgrades import UPGRADES_BY_ID, Currency
from .refusals import retry_after_s

log = logging.getLogger("kaizen.web")

SYNC_EVERY_S: Final = 2.0
RETRY_FIRST_S: Final = 0.5
RETRY_MAX_S: Final = 15.0
LOOK_EVERY_S: Final = 0.1
"""How often a page looks whether its browser has come."""


def game() -> GameService:
    """The service of the page that runs now, made at the first call."""
    scope = page_scope()
    if "kaizen.game" not in scope.shared:
        page = context.client
        scope.shared["kaizen.game"] = GameService(scope, is_seen=lambda: page.has_socket_connection)
    service: GameService = scope.shared["kaizen.game"]
    return service


class GameService:
    """The game of whoever is signed in. What is signed out is forgotten: the queries stop, and their data go."""

    def __init__(
        self, scope: Scope, *, sync_every_s: float = SYNC_EVERY_S, is_seen: Callable[[], bool] = lambda: True
    ) -> None:
        self._sync_every_s = sync_every_s
        # A page whose browser has left it is kept for a while; the next one keeps in step by itself.
        self._is_seen = is_seen
        self._auth = inject_auth(scope=scope)
        self.definitions = inject_query("game:definitions", scope=scope)
        self.state = inject_query("game:state", self._only_for_players, scope=scope)
        self.user = inject_query("users:current", self._only_for_players, scope=scope)
        self.data: Computed[dict[str, Any] | None] = Computed(
            lambda: self.state.data() if self._auth.is_authenticated() else None
        )
        """The result of `game:state`, with what is foretold of it; None before there is one and signed out."""
        self.is_fighting = Computed(lambda: bool((self.data() or {}).get("run", {}).get("fighting")))
        self.away: Signal[dict[str, Any] | None] = Signal(None)
        """What `combat:sync` told of an absence, until `dismiss_away`."""
        self.start_error: Signal[Exception | None] = Signal(None)
        """Why the game could not be started yet; it is tried again."""

        self._start = inject_mutation("game:start", scope=scope)
        self._sync = inject_mutation("combat:sync", scope=scope)
        self._set_fighting = inject_mutation("combat:setFighting", scope=scope)
        self._swift = inject_mutation("combat:useSwiftAttack", scope=scope)
        self._prestige = inject_mutation("game:prestige", scope=scope)
        self._unlock = inject_mutation("milestones:unlock", scope=scope)
        self._purchases = {
            currency: inject_mutation(ref, optimistic_update=foretell_purchase, scope=scope)
            for currency, ref in PURCHASES.items()
        }

        self._task: asyncio.Task[None] | None = None
        self._moved: tuple[float, float] = (0, 0)
        with untracked():
            self._following = Effect(self._follow_auth)
            self._watching = Effect(self._watch_fight)
        scope.on_close(self._close)

    # What the player can do. Each begins at once; awaiting it raises what it was refused with.

    def buy(self, upgrade_id: str, count: int = 1, *, request_id: str | None = None) -> Pending[Any]:
        """Buys `count` levels (1 to 100), all or none. Shown at once, and taken back if the server refuses."""
        args = {"upgradeId": upgrade_id, "count": count, "requestId": request_id or new_request_id()}
        return self._purchases[UPGRADES_BY_ID[upgrade_id].currency].mutate(args)

    def prestige(self, expected_level: float | None = None, *, request_id: str | None = None) -> Pending[Any]:
        """Starts over for cores, from the prestige level that the player saw (that shown now, if it is not given): a
        second click is no second prestige.
        """
        args: dict[str, Any] = {"requestId": request_id or new_request_id()}
        with untracked():
            state = self.data()
        if expected_level is None and state is not None:
            expected_level = state["character"]["prestigeLevel"]
        if expected_level is not None:
            args["expectedPrestigeLevel"] = expected_level
        return self._prestige.mutate(args)

    def unlock(self, milestone_id: str) -> Pending[Any]:
        """Marks a milestone as achieved."""
        return self._unlock.mutate({"id": milestone_id})

    def set_fighting(self, fighting: bool) -> Pending[Any]:
        """Begins the fight or stops it."""
        return self._set_fighting.mutate({"fighting": fighting})

    def use_swift_attack(self) -> Pending[Any]:
        """Attacks twice as fast for five seconds."""
        return self._swift.mutate()

    async def sync(self) -> dict[str, Any]:
        """Has the server fight up to now; returns what that brought. News of an absence go to `away` as well."""
        told: dict[str, Any] = await self._sync.mutate()
        if told["offline"]:
            self.away.set(told)
        return told

    def dismiss_away(self) -> None:
        """The player has read what happened while they were away."""
        self.away.set(None)

    # Starting, and keeping in step.

    def _only_for_players(self) -> Any:
        return {} if self._auth.is_authenticated() else skip

    def _follow_auth(self) -> None:
        is_authenticated = self._auth.is_authenticated()
        with untracked():
            self._stop()
            if is_authenticated:
                self._task = asyncio.get_running_loop().create_task(self._play())
            else:
                self.away.set(None)
                self.start_error.set(None)

    async def _play(self) -> None:
        await self._until_done(self._start.mutate, self.start_error.set)
        self.start_error.set(None)
        while not self._is_seen():
            # What happened meanwhile is told once, so it is not told to a page that nobody has opened yet.
            await asyncio.sleep(LOOK_EVERY_S)
        # Whoever arrives is told what happened meanwhile; another tab may have used up the second's calls.
        await self._until_done(self.sync, lambda _: None)
        while True:
            # Tabs that were loaded in one instant, after a restart, do not stay in step with each other.
            await asyncio.sleep(self._sync_every_s * random.uniform(0.9, 1.1))
            with untracked():
                is_fighting = self.is_fighting()
            if is_fighting and self._is_seen() and not self._is_in_step():
                try:
                    await self.sync()
                except Exception as error:  # the next time does what this one did not
                    log.debug("Keeping in step: %s", error)

    async def _until_done(self, call: Callable[[], Any], report: Callable[[Exception], object]) -> None:
        pause_s = RETRY_FIRST_S
        while True:
            try:
                await call()
                return
            except Exception as error:
                report(error)
                too_soon_s = retry_after_s(error)
                log.info("Trying again in %s s: %s", pause_s if too_soon_s is None else too_soon_s, error)
            if too_soon_s is not None:
                # The server has said when. Several tabs that were told the same time do not come at the same time.
                await asyncio.sleep(too_soon_s + random.uniform(0, self._sync_every_s))
                continue
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, RETRY_MAX_S)

    def _watch_fight(self) -> None:
        moved_at = (self.data() or {}).get("run", {}).get("lastSimAt", 0)
        if moved_at != self._moved[0]:
            self._moved = (moved_at, time.monotonic())

    def _is_in_step(self) -> bool:
        """Whether somebody has had the fight moved on a moment ago: another tab, another device, a purchase."""
        return time.monotonic() - self._moved[1] < 0.75 * self._sync_every_s

    def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    def _close(self) -> None:
        self._following.dispose()
        self._watching.dispose()
        self._stop()


PURCHASES: Final[dict[Currency, str]] = {
    "gold": "goldUpgrades:purchaseUpgrade",
    "cores": "prestigeUpgrades:purchaseUpgrade",
}


def foretell_purchase(store: LocalStore, args: dict[str, Any]) -> None:
    """The optimistic update of a purchase: the state as the server will leave it if it agrees."""
    state = store.get_query("game:state", {})
    if state is not None:
        store.set_query("game:state", {}, after_purchase(state, args["upgradeId"], args["count"]))


def new_request_id() -> str:
    """A name for one intention, so that it happens once however often it is sent."""
    return uuid.uuid4().hex
