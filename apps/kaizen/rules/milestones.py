"""Real-life goals, taken on trust, and what reaching them adds to the hero."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

BASE_STRENGTH = 1
# Between two milestones of one type, in ms.
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Milestone:
    """One goal. `level` is its place among the goals of its type; `reward` is in points of its stat."""

    id: str
    type: str
    level: int
    requirement: str
    reward: float


MILESTONES: tuple[Milestone, ...] = (
    Milestone("str-1", "Strength", 1, "Walk 8000 steps a day, seven days in a row", 5),
    Milestone("str-2", "Strength", 2, "Finish five strength workouts", 5),
)

MILESTONES_BY_ID = {milestone.id: milestone for milestone in MILESTONES}


def next_milestone(type: str, achieved: Collection[str]) -> Milestone | None:
    """The lowest one of its type that has not been achieved, or None at the end of the list."""
    left = [milestone for milestone in MILESTONES if milestone.type == type and milestone.id not in achieved]
    return min(left, key=lambda milestone: milestone.level, default=None)


def base_strength(achieved: Collection[str]) -> float:
    """The hero's base strength with these milestones."""
    return BASE_STRENGTH + sum(
        milestone.reward for milestone in MILESTONES if milestone.type == "Strength" and milestone.id in achieved
    )
