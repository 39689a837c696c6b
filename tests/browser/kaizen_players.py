"""Players of the game for browser tests: seeded heroes, and what the server says of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page

from tests.browser.browser import PATIENCE_MS
from tests.browser.kaizen_process import PASSWORD, KaizenProcess

UPGRADES_FOR_GOLD = {
    "gold_strength_flat",
    "gold_strength_stronger",
    "gold_critical_chance_basic",
    "gold_critical_damage_basic",
}
HERO = {"prestigeLevel": 1, "prestigeCores": 0, "gold": 0, "currentStage": 1, "currentWave": 1}


@dataclass(frozen=True)
class Player:
    """An account with a hero. `call` asks the server as this player, past any page."""

    email: str
    game: KaizenProcess
    secret_key: str

    def token(self) -> str:
        headers = {"Authorization": f"Bearer {self.secret_key}"}
        with httpx.Client(base_url=f"{self.game.url}/v1", headers=headers, trust_env=False, timeout=60) as accounts:
            user = accounts.get("/users", params={"email_address": self.email}).json()[0]
            session = accounts.post("/sessions", json={"user_id": user["id"]}).json()
            return str(accounts.post(f"/sessions/{session['id']}/tokens/convex", json={}).json()["jwt"])

    def call(self, kind: str, path: str, args: dict[str, Any] | None = None) -> Any:
        answer = self.game.call(kind, path, args, Authorization=f"Bearer {self.token()}")
        assert answer["status"] == "success", answer
        return answer["value"]

    def state(self) -> dict[str, Any]:
        return dict(self.call("query", "game:state"))

    def sign_in(self, page: Page, *, at: str = "/dashboard") -> None:
        """Through the login page, to which a visit of `at` leads."""
        page.goto(f"{self.game.url}{at}")
        page.get_by_test_id("sign-in").click()
        page.get_by_test_id("email").fill(self.email)
        page.get_by_test_id("password").fill(PASSWORD)
        page.get_by_test_id("submit").click()
        page.wait_for_url(f"{self.game.url}{at}")
        page.get_by_test_id("sign-out").wait_for(state="attached")


@contextmanager
def game_with(data: Path, heroes: dict[str, dict[str, Any]]) -> Iterator[tuple[KaizenProcess, dict[str, Player]]]:
    """The game, with these heroes in it: name to what differs from a fresh one.

    `levels` of a hero are levels of its upgrades. They are put in place in parity mode, which believes what it is told.
    """
    game = KaizenProcess(data)
    seeding = KaizenProcess(data, "--mode", "parity", port=game.port)
    try:
        seeding.start()
        secret_key = seeding.secret_key
        run = uuid.uuid4().hex[:8]
        players = {name: Player(f"{name}-{run}+clerk_test@example.org", game, secret_key) for name in heroes}
        for name, hero in heroes.items():
            _seed(Player(players[name].email, seeding, secret_key), name, dict(hero))
        assert seeding.stop() == 0
        yield game.start(), players
    finally:
        seeding.close()
        game.close()


def _seed(player: Player, name: str, hero: dict[str, Any]) -> None:
    made = httpx.post(
        f"{player.game.url}/v1/users",
        headers={"Authorization": f"Bearer {player.secret_key}"},
        json={"email_address": [player.email], "password": PASSWORD, "first_name": name.title()},
        trust_env=False,
        timeout=60,
    )
    assert made.status_code == 200, made.text
    levels: dict[str, int] = hero.pop("levels", {})
    player.call("mutation", "game:start")
    multipliers = {"strength": 1, "intelligence": 1, "endurance": 1}
    whole = {"id": "1", "prestigeMultipliers": multipliers, **HERO, **hero}
    if levels:
        player.call("mutation", "character:updateCharacter", {**whole, "gold": 1e15, "prestigeCores": 1e15})
        for upgrade, count in levels.items():
            module = "goldUpgrades" if upgrade in UPGRADES_FOR_GOLD else "prestigeUpgrades"
            player.call("mutation", f"{module}:purchaseUpgrade", {"upgradeId": upgrade, "count": count})
    player.call("mutation", "character:updateCharacter", whole)


def number(page: Page, testid: str) -> float:
    """The figure that an element shows, whole: in its tooltip where it is shown shortened."""
    element = page.get_by_test_id(testid).first
    element.wait_for(timeout=PATIENCE_MS)
    text = element.get_attribute("title") or element.inner_text()
    return float(text.split("/")[0].replace(",", "").replace("×", "").strip())


def settled(page: Page) -> None:
    """Waits until the page knows the end of everything that was clicked, over reloads too."""
    page.wait_for_function("window.kaizenPending?.waiting() === 0", timeout=2 * PATIENCE_MS)
