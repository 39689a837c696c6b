"""What a page's animation is told, and when: the foretold fight in few and small messages.

Blows are sent some seconds ahead. As long as the server's fight goes on as it was foretold, which it does unless the
player changes something, the animation is only sent the blows after those that it has. Whatever else happens (a
purchase, the swift skill, a prestige, another device) shows in the state, no longer agrees with what was sent, and the
animation is told everything anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ...rules.combat import SWIFT_DURATION_MS
from ...rules.numbers import saturated
from ..formatting import short
from ..sprites.bestiary import enemy_at
from .foretell import Blow, foretell

AHEAD_MS = 9_000
ENOUGH_MS = 4_000

State = Mapping[str, Any]
Packed = list[Any]


class ServerClock:
    """The server's time, from what the server says, however wrong the clock here is.

    A state that has just been computed tells the time of its computation. It is a little old when it arrives, and those
    that were under way for the shortest time tell it best.
    """

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._seen_ms: float | None = None
        self._offset_ms: float | None = None

    def heard(self, computed_at_ms: float) -> None:
        """A state has arrived that was computed at this time of the server."""
        if self._seen_ms is not None and computed_at_ms != self._seen_ms:
            offset_ms = computed_at_ms - self._monotonic_s() * 1000
            self._offset_ms = offset_ms if self._offset_ms is None else max(self._offset_ms, offset_ms)
        # The first one may have been stored long ago; the next ones are news.
        self._seen_ms = computed_at_ms

    def swift_left_ms(self, run: Mapping[str, Any]) -> float:
        """How much longer the swift skill of this run state lasts, in ms; 0 when it is over.

        Before anything is known of the server's time, a fight that goes on was computed a moment ago. Of a hero who
        rests it cannot be told when, so the skill is over until there is news of it.
        """
        now_ms = self.now_ms()
        if now_ms is None:
            now_ms = computed_ms(run) if run["fighting"] else run["swiftUntil"]
        left_ms: float = min(run["swiftUntil"] - now_ms, SWIFT_DURATION_MS)
        return max(0, left_ms)

    def now_ms(self) -> float | None:
        """The server's time, or None while nothing is known of it."""
        return None if self._offset_ms is None else self._monotonic_s() * 1000 + self._offset_ms


def computed_ms(run: Mapping[str, Any]) -> float:
    """When the server computed this run state: it stores the time of a fight, and of the skill's use its end."""
    computed: float = max(run["lastSimAt"], run["swiftUntil"] - SWIFT_DURATION_MS)
    return computed


class Timeline:
    """Makes the messages for one animation. It remembers what it has sent."""

    def __init__(self, clock: ServerClock | None = None) -> None:
        self._clock = clock or ServerClock()
        self._sent: dict[int, Packed] = {}
        self._head: dict[str, Any] | None = None
        self._until_ms: float = 0

    def forget(self) -> None:
        """The next message tells everything: nobody has been listening."""
        self._head = None

    def news(self, state: State) -> dict[str, Any] | None:
        """What to tell after a new result of `game:state`; None when the animation knows already."""
        run = state["run"]
        self._clock.heard(computed_ms(run))
        now_ms = self._clock.now_ms()
        blows = [] if now_ms is None else packed(state, foretell(state, now_ms + AHEAD_MS))
        head = self._head_of(state)
        if self._head is not None and self._agrees(head, blows, int(run["attackCount"])):
            first = max(self._sent, default=-1) + 1
            more = [blow for blow in blows if blow[1] >= first]
            if not more or now_ms is None or self._until_ms - now_ms > ENOUGH_MS:
                return None
            self._remember(head, {blow[1]: blow for blow in blows}, now_ms)
            return {"more": True, "now": round(now_ms), "blows": more}
        self._remember(head, {blow[1]: blow for blow in blows}, now_ms or 0)
        return {
            **head,
            "now": round(now_ms if now_ms is not None else computed_ms(run)),
            "n": int(run["attackCount"]),
            "kills": int(run["killCount"]),
            "foe": foe(state["character"]["currentStage"], state["character"]["currentWave"], _full(state)),
            "hp": _share(run["enemyHp"], _full(state)),
            "text": short(run["enemyHp"]),
            "gold": short(state["character"]["gold"]),
            "blows": blows,
        }

    def _head_of(self, state: State) -> dict[str, Any]:
        """What holds for all blows; when it changes, everything is told anew."""
        run, stats = state["run"], state["stats"]
        return {
            "key": f"{int(run['epoch'])}",
            "fighting": run["fighting"],
            "interval": stats["intervalMs"],
            "swiftInterval": stats["swiftIntervalMs"],
            "swiftUntil": run["swiftUntil"] if run["fighting"] or self._clock.now_ms() is not None else 0,
        }

    def _agrees(self, head: dict[str, Any], blows: list[Packed], attacks: int) -> bool:
        if head != self._head:
            return False
        if not head["fighting"]:
            return False
        if not self._sent or attacks > max(self._sent) + 1:
            return False
        return bool(blows) and all(self._sent.get(blow[1], blow) == blow for blow in blows)

    def _remember(self, head: dict[str, Any], sent: dict[int, Packed], now_ms: float) -> None:
        self._head, self._sent = head, sent
        self._until_ms = now_ms + AHEAD_MS


def packed(state: State, blows: list[Blow]) -> list[Packed]:
    """Blows as the animation reads them: texts are written here, so that it need not know how."""
    gold, full = state["character"]["gold"], _full(state)
    found: list[Packed] = []
    for blow in blows:
        entry: Packed = [
            blow.at_ms, blow.number, short(blow.damage), int(blow.critical), _share(blow.hp, full), short(blow.hp),
        ]  # fmt: skip
        if blow.kill is not None:
            kill = blow.kill
            gold, full = saturated(gold + kill.gold), kill.hp_max
            entry.append([short(kill.gold), int(kill.doubled), short(gold), foe(kill.stage, kill.wave, full)])
        found.append(entry)
    return found


def foe(stage: float, wave: float, hp_max: float) -> dict[str, Any]:
    """An enemy as the animation shows it."""
    enemy = enemy_at(stage, wave)
    return {
        "stage": int(stage),
        "wave": int(wave),
        "max": short(hp_max),
        "name": enemy.name,
        "sheet": enemy.sheet,
        "scene": enemy.scene,
        "champion": enemy.is_champion,
    }


def _full(state: State) -> float:
    full: float = max(state["stats"]["enemyHpMax"], state["run"]["enemyHp"])
    return full


def _share(hp: float, full: float) -> float:
    return round(hp / full, 4) if full > 0 else 0
