"""Who waits where: the scene, the creature, its palette and its name, by stage and wave. For the eye only."""

from __future__ import annotations

from dataclasses import dataclass

from .big_creatures import DRAGON, GOLEM, MAGE, SKELETON
from .creatures import Creature
from .palettes import TIERS
from .small_creatures import BAT, GHOST, MUSHROOM, SLIME

CREATURES: dict[str, Creature] = {
    creature.kind: creature for creature in (SLIME, MUSHROOM, BAT, GHOST, SKELETON, MAGE, GOLEM, DRAGON)
}

STAGES_PER_SCENE = 4
# For each scene, in the order in which they are reached: who lives there, and who waits at the tenth wave.
LANDS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("meadow", ("slime", "mushroom", "slime", "bat"), "mushroom"),
    ("forest", ("mushroom", "bat", "slime", "ghost"), "skeleton"),
    ("cave", ("bat", "slime", "skeleton"), "golem"),
    ("crypt", ("skeleton", "ghost", "bat"), "mage"),
    ("library", ("ghost", "mage", "skeleton"), "dragon"),
    ("volcano", ("golem", "bat", "mage", "slime"), "dragon"),
)
STAGES_PER_ROUND = STAGES_PER_SCENE * len(LANDS)

_NAMES: dict[str, tuple[str, str, str, str]] = {
    "slime": ("Procrastislime", "Berry Slime", "Honey Slime", "Ink Slime"),
    "mushroom": ("Snooze Cap", "Frost Cap", "Candy Cap", "Swamp Cap"),
    "bat": ("Late-Night Bat", "Moss Bat", "Dusk Bat", "Bark Bat"),
    "ghost": ("Ghost of Tomorrow", "Sand Ghost", "Mint Ghost", "Rose Ghost"),
    "skeleton": ("Lazybones", "Tide Bones", "Violet Bones", "Grave Bones"),
    "mage": ("Professor Excuse", "Marsh Mage", "Storm Mage", "Blood Mage"),
    "golem": ("Couch Golem", "Amethyst Golem", "Amber Golem", "Deep Golem"),
    "dragon": ("Dragon of Doubt", "Frost Dragon", "Rose Dragon", "Jade Dragon"),
}


@dataclass(frozen=True, slots=True)
class Enemy:
    """What is seen of an enemy. `sheet` and `scene` are names of picture files, without their ending."""

    name: str
    sheet: str
    scene: str
    is_champion: bool


def enemy_at(stage: float, wave: float) -> Enemy:
    """The enemy of a place. After the last scene the first comes again, in other colours."""
    tier, place = divmod(int(stage) - 1, STAGES_PER_ROUND)
    tier %= TIERS
    scene, folk, champion = LANDS[place // STAGES_PER_SCENE]
    is_champion = wave >= 10
    kind = champion if is_champion else folk[(int(wave) + int(stage) - 2) % len(folk)]
    return Enemy(_NAMES[kind][tier], f"{kind}-{tier}", f"{scene}-{tier}", is_champion)
