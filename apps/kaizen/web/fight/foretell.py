"""The fight of the next seconds, blow by blow, as the server will reckon it when it is asked.

The server computes a fight from a seed whenever somebody looks. Whoever has the same state can look ahead: the page
does, and its animation shows what will be true. A blow that is foretold here and the fight that
`rules.simulation.advance` gives for the same moment are the same, at every moment up to a minute after the state was
computed. What lies further ahead depends on whether somebody asks in between, so nothing is foretold of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...rules.chance import CRITICAL_HIT, DOUBLE_GOLD, draw
from ...rules.combat import Fighter, health_after
from ...rules.simulation import ONLINE_GAP_MS_MAX
from ...rules.stages import DOUBLE_GOLD_CHANCE, enemy_health, gold_reward, next_place


@dataclass(frozen=True, slots=True)
class Kill:
    """What a deadly blow brings: gold, and the next enemy with its place and its full health."""

    gold: float
    doubled: bool
    stage: float
    wave: float
    hp_max: float


@dataclass(frozen=True, slots=True)
class Blow:
    """One blow. `number` counts the hero's attacks from 0; `at_ms` is the server's time; `hp` is what is left."""

    number: int
    at_ms: int
    damage: float
    critical: bool
    hp: float
    kill: Kill | None = None


def foretell(state: Mapping[str, Any], until_ms: float) -> list[Blow]:
    """The blows after `state["run"]["lastSimAt"]` up to and including `until_ms` of the server's clock.

    `state` is a result of `game:state`. Nobody who does not fight strikes a blow. At most a minute is foretold.
    """
    run, hero = state["run"], state["character"]
    if not run["fighting"]:
        return []
    fighter = fighter_of_state(state)
    seed, kills = int(run["rngSeed"]), int(run["killCount"])
    stage, wave, hp = hero["currentStage"], hero["currentWave"], run["enemyHp"]
    last_ms = min(until_ms, run["lastSimAt"] + ONLINE_GAP_MS_MAX)
    blows: list[Blow] = []
    for number, at_ms in enumerate(_times(run, fighter), int(run["attackCount"])):
        if at_ms > last_ms:
            break
        critical = draw(seed, number, CRITICAL_HIT) < fighter.critical_chance
        damage = fighter.critical_hit if critical else fighter.damage
        hp = health_after(hp, damage)
        kill = None
        if hp == 0:
            doubled = draw(seed, kills, DOUBLE_GOLD) < DOUBLE_GOLD_CHANCE
            gold = gold_reward(stage, wave, doubled=doubled)
            kills += 1
            stage, wave = next_place(stage, wave)
            kill = Kill(gold, doubled, stage, wave, enemy_health(stage, wave, fighter.foes_level))
        blows.append(Blow(number, at_ms, damage, critical, hp, kill))
        if kill is not None:
            hp = kill.hp_max
    return blows


def fighter_of_state(state: Mapping[str, Any]) -> Fighter:
    """The hero of a `game:state` as a fighter."""
    stats = state["stats"]
    return Fighter(
        damage=stats["damage"],
        critical_chance=stats["criticalChance"],
        critical_multiplier=stats["criticalMultiplier"],
        interval_ms=int(stats["intervalMs"]),
        swift_interval_ms=int(stats["swiftIntervalMs"]),
        foes_level=state["prestigeLevels"]["enemy_health_reduction"],
    )


def _times(run: Mapping[str, Any], fighter: Fighter) -> Iterator[int]:
    """When the blows fall, for ever. An interval is as long as it was when it began."""
    since_ms = int(run["lastSimAt"])
    begun_ms = since_ms - int(run["leftoverMs"])
    while True:
        begun_ms += fighter.swift_interval_ms if begun_ms < run["swiftUntil"] else fighter.interval_ms
        # An interval that a purchase has shortened may be over already: its blow falls when time next passes.
        yield max(begun_ms, since_ms + 1)
