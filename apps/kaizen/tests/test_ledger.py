"""The ledger (kaizen 9.7): whatever is played, the amounts of a currency add up to its balance."""

from __future__ import annotations

import random
from typing import Any

import pytest
from apps.kaizen.rules.heroes import unlawful_field
from apps.kaizen.rules.upgrades import UPGRADES
from apps.kaizen.tests.heroes import Hero, start

from parabola import ConvexError, internal
from parabola.testing import TestBackend

STEPS = 150


async def random_step(player: Hero, chance: random.Random, step: int) -> tuple[str, dict[str, Any]]:
    """A call that a player, a fair original client, or somebody else might make."""
    stored = await player.stored()
    upgrade = chance.choice(UPGRADES)
    purchase = {"gold": "goldUpgrades:purchaseUpgrade", "cores": "prestigeUpgrades:purchaseUpgrade"}[upgrade.currency]
    levels = [{"id": chance.choice(UPGRADES).id, "currentLevel": chance.randrange(30)} for _ in range(3)]
    request = {"requestId": f"r{chance.randrange(step + 1)}"} if chance.random() < 0.3 else {}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("combat:setFighting", {"fighting": chance.random() < 0.8}),
        ("combat:sync", {}),
        ("combat:useSwiftAttack", {}),
        (purchase, {"upgradeId": upgrade.id, "count": chance.randint(1, 5), **request}),
        (purchase, {"upgradeId": upgrade.id, **request}),
        ("game:prestige", request),
        ("milestones:unlock", {"id": chance.choice(["str-1", "str-2"])}),
        ("goldUpgrades:updateGoldUpgradeLevels", {"upgrades": levels}),
        ("prestigeUpgrades:updatePrestigeUpgradeLevels", {"upgrades": levels}),
        (
            "character:updateCharacter",
            {
                **stored,
                "gold": stored["gold"] + chance.choice([-5, 0, 10, 1e6]),
                "currentStage": max(1, stored["currentStage"] + chance.choice([-1, 0, 0, 1])),
                "currentWave": chance.randint(1, 10),
            },
        ),
        (
            "character:updateCharacter",
            {
                **stored,
                "prestigeLevel": stored["prestigeLevel"] + 1,
                "prestigeCores": stored["prestigeCores"] + (await player.state())["coresOnPrestige"],
                "currentStage": 1,
                "currentWave": 1,
            },
        ),
    ]
    return chance.choice(calls)


@pytest.mark.parametrize("seed", range(6))
async def test_the_amounts_of_random_play_add_up_to_the_balances(game: TestBackend, seed: int) -> None:
    chance = random.Random(seed)
    player = await start(game)
    # Strong enough for prestiges to happen.
    await player.put(currentStage=chance.choice([1, 15]), levels={"strength_multiplier": 250}, gold=500)
    done: set[str] = set()
    for step in range(STEPS):
        name, args = await random_step(player, chance, step)
        try:
            await player.caller.mutation(name, args)
            done.add(name)
        except ConvexError:
            pass
        game.clock.advance(seconds=chance.choice([0.1, 1, 5, 20, 300, 4000]))
        if chance.random() < 0.3:
            await game.action(internal.sweeps.sweep)
        stored, ledger = await player.stored(), await player.rows("ledger")
        assert unlawful_field(stored) is None
        for currency, balance in (("gold", stored["gold"]), ("cores", stored["prestigeCores"])):
            entries = [entry for entry in ledger if entry["kind"].startswith(f"{currency}.")]
            assert sum(entry["amount"] for entry in entries) == balance, (name, args)
            assert all(entry["balance"] >= 0 for entry in entries)
    assert {"combat:sync", "goldUpgrades:purchaseUpgrade", "character:updateCharacter"} <= done
