"""What an animation is told: everything once, then what it does not know yet, and everything anew after a change."""

from __future__ import annotations

from typing import Any

from apps.kaizen.tests.heroes import start
from apps.kaizen.tests.web.test_foretell import T0, a_state
from apps.kaizen.web.fight.foretell import foretell
from apps.kaizen.web.fight.timeline import AHEAD_MS, ServerClock, Timeline, computed_ms

from parabola.testing import TestBackend


class Watch:
    """A clock in the page, some hours off from the server's."""

    def __init__(self) -> None:
        self.s = 5000.0

    def __call__(self) -> float:
        return self.s


def full_state(**changes: Any) -> dict[str, Any]:
    state = a_state(**changes)
    state["run"] |= {"epoch": 0}
    return state


def moved_on(state: dict[str, Any], ms: int) -> dict[str, Any]:
    """The state after a sync, for a hero of damage 1 and interval 1000 whose blows all leave the enemy alive."""
    run = state["run"]
    blows = (run["leftoverMs"] + ms) // 1000
    done = foretell(state, run["lastSimAt"] + ms)
    assert len(done) == blows
    return {
        **state,
        "run": {
            **run,
            "lastSimAt": run["lastSimAt"] + ms,
            "leftoverMs": (run["leftoverMs"] + ms) % 1000,
            "attackCount": run["attackCount"] + blows,
            "enemyHp": done[-1].hp if done else run["enemyHp"],
        },
    }


def follow(timeline: Timeline, watch: Watch, state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Brings a timeline to where it knows the server's time and has told a fight; gives the state and the message."""
    timeline.news({**state, "run": {**state["run"], "fighting": False, "lastSimAt": T0 - 5000}})
    watch.s += 1
    told = timeline.news(state)
    assert told is not None
    return state, told


def test_the_servers_time_comes_from_the_server() -> None:
    watch = Watch()
    clock = ServerClock(watch)
    clock.heard(T0 - 90_000)
    assert clock.now_ms() is None, "that may have been stored for long"
    watch.s += 2
    clock.heard(T0)
    watch.s += 1
    assert clock.now_ms() == T0 + 1000
    # This one was under way for 400 ms, so it knows less.
    watch.s += 1.4
    clock.heard(T0 + 2000)
    assert clock.now_ms() == T0 + 2400
    # The same state again, after a purchase for example, is no news of the time.
    watch.s += 10
    clock.heard(T0 + 2000)
    assert clock.now_ms() == T0 + 12_400


def test_how_much_longer_the_swift_skill_lasts() -> None:
    watch = Watch()
    clock = ServerClock(watch)
    resting = {"fighting": False, "lastSimAt": T0, "swiftUntil": T0 + 905_000}
    clock.heard(computed_ms(resting))
    assert clock.swift_left_ms(resting) == 0, "it may have been used yesterday"
    assert clock.swift_left_ms({**resting, "fighting": True, "lastSimAt": T0 + 900_000}) == 5000
    # Used again, by a hero whose own clock stands still: that is news, also of the server's time.
    watch.s += 60
    again = {**resting, "swiftUntil": T0 + 965_000}
    clock.heard(computed_ms(again))
    assert clock.swift_left_ms(again) == 5000
    watch.s += 3
    assert clock.swift_left_ms(again) == 2000
    watch.s += 3
    assert clock.swift_left_ms(again) == 0


def test_a_fight_is_told_once_and_then_continued() -> None:
    watch = Watch()
    timeline = Timeline(ServerClock(watch))
    state, told = follow(timeline, watch, full_state())
    assert (told["fighting"], told["n"], told["foe"]["name"], told["text"]) == (True, 0, "Procrastislime", "100")
    assert [blow[0] - T0 for blow in told["blows"]] == list(range(1000, AHEAD_MS + 1, 1000))
    sent = len(told["blows"])
    messages = 0
    for _ in range(20):
        watch.s += 2
        state = moved_on(state, 2000)
        news = timeline.news(state)
        if news is not None:
            messages += 1
            assert news["more"] is True
            assert news["blows"][0][1] == sent, "neither a gap nor a blow twice"
            sent = news["blows"][-1][1] + 1
            assert news["now"] == state["run"]["lastSimAt"]
        assert sent >= state["run"]["attackCount"] + 2, "there is always something to show"
    assert messages <= 8


def test_a_change_is_told_whole() -> None:
    watch = Watch()
    timeline = Timeline(ServerClock(watch))
    state, _ = follow(timeline, watch, full_state())
    for part, change in (
        ("stats", {"damage": 5}),
        ("stats", {"intervalMs": 950}),
        ("run", {"swiftUntil": T0 + 5000}),
        ("run", {"epoch": 1}),
        ("run", {"enemyHp": 60}),
        ("run", {"fighting": False}),
    ):
        changed = {**state, part: {**state[part], **change}}
        news = timeline.news(changed)
        assert news is not None
        assert "more" not in news, change
        timeline.forget()
        assert timeline.news(state) is not None


def test_gold_spent_is_told_when_a_kill_is_about_to_show_it() -> None:
    watch = Watch()
    timeline = Timeline(ServerClock(watch))
    state, told = follow(timeline, watch, full_state(damage=200))
    assert told["blows"][0][6][2] == "10"
    poorer = {**state, "character": {**state["character"], "gold": 1000}}
    news = timeline.news(poorer)
    assert news is not None
    assert (news["gold"], news["blows"][0][6][2]) == ("1K", "1.01K")


def test_who_was_away_is_told_everything_again() -> None:
    watch = Watch()
    timeline = Timeline(ServerClock(watch))
    state, _ = follow(timeline, watch, full_state())
    watch.s += 2
    state = moved_on(state, 2000)
    assert timeline.news(state) is None
    timeline.forget()
    news = timeline.news(state)
    assert news is not None
    assert news["n"] == 2


def test_a_kill_names_the_next_enemy_and_its_place() -> None:
    watch = Watch()
    _, told = follow(Timeline(ServerClock(watch)), watch, full_state(damage=5000, currentWave=9))
    gold, doubled, owned, foe = told["blows"][0][6]
    assert (gold, doubled, owned) == ("14", 0, "14")
    assert (foe["stage"], foe["wave"], foe["champion"]) == (1, 10, True)
    assert told["blows"][1][6][3]["stage"] == 2


async def test_a_page_beside_the_real_backend_is_told_little(game: TestBackend) -> None:
    ada = await start(game)
    watch = Watch()
    timeline = Timeline(ServerClock(watch))
    timeline.news(await ada.state())
    game.clock.advance(seconds=1)
    watch.s += 1
    await ada.call("combat:setFighting", fighting=True)
    messages = [timeline.news(await ada.state())]
    for _ in range(30):
        game.clock.advance(seconds=2)
        watch.s += 2
        await ada.call("combat:sync")
        messages.append(timeline.news(await ada.state()))
    told = [message for message in messages if message is not None]
    assert sum("more" not in message for message in told) == 1
    numbers = [blow[1] for message in told for blow in message["blows"]]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= 60
