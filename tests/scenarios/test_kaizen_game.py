"""Kaizen played over the wire: live state, optimistic purchases, several devices, rivals (9.8, 9.9 items 3 and 4)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from apps.kaizen.rules.foretelling import after_purchase

from parabola.client import LocalStore
from tests.scenarios.kaizen import HERO, Device, kaizen_server
from tests.scenarios.oidc_issuer import OidcIssuer
from tests.scenarios.programs import ClientError
from tests.scenarios.server_process import ServerProcess

BUY = "goldUpgrades:purchaseUpgrade"
FLAT, STRONGER = "gold_strength_flat", "gold_strength_stronger"
_names = (f"player{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcIssuer]:
    with OidcIssuer() as running:
        yield running


@pytest.fixture(scope="module")
def game(issuer: OidcIssuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    # In parity mode the tests can put players in place; the functions of the game are the same in both.
    with kaizen_server(issuer, tmp_path_factory.mktemp("data"), "parity") as running:
        yield running


@pytest.fixture
def device(game: ServerProcess, issuer: OidcIssuer) -> Iterator[Callable[..., Device]]:
    """Opens devices; those of one test belong to one player unless they name another."""
    subject = next(_names)
    opened: list[Device] = []

    def open_device(owner: str = subject, **hero: Any) -> Device:
        opened.append(Device(game, issuer, owner))
        if hero:
            opened[-1].mutation("users:store")
            opened[-1].mutation("character:updateCharacter", {**HERO, **hero})
        return opened[-1]

    yield open_device
    for one in opened:
        one.client.close()


def buy(device: Device, upgrade: str) -> Callable[..., Any]:
    """Buys as a page does: shown at once, true when the server says so."""

    def foretell(store: LocalStore, args: dict[str, Any]) -> None:
        state = store.get_query("game:state")
        if state is not None:
            store.set_query("game:state", {}, after_purchase(state, args["upgradeId"]))

    future = device.client.begin_mutation(BUY, {"upgradeId": upgrade}, optimistic_update=foretell)
    return lambda: future.result(60)


def shown(state: dict[str, Any], upgrade: str) -> tuple[float, float]:
    return state["character"]["gold"], state["goldLevels"][upgrade]


def test_a_purchase_shows_at_once_and_settles(device: Callable[..., Device]) -> None:
    ada = device(gold=50)
    state = ada.state()
    settle = buy(ada, STRONGER)
    guess = state.next()
    assert (shown(guess, STRONGER), guess["stats"]["damage"]) == ((40, 1), 1)
    truth = state.until(lambda value: value["stats"]["damage"] == 11)
    assert shown(truth, STRONGER) == (40, 1)
    assert settle()["nextCost"] == 15


def test_a_refused_purchase_is_taken_back_and_says_why(device: Callable[..., Device]) -> None:
    ada = device(gold=5)
    state = ada.state()
    settle = buy(ada, STRONGER)
    assert shown(state.next(), STRONGER) == (-5, 1)
    assert shown(state.next(), STRONGER) == (5, 0)
    with pytest.raises(Exception, match="Not enough gold"):
        settle()


def test_two_quick_purchases_stack_and_settle_in_order(device: Callable[..., Device]) -> None:
    ada = device(gold=50)
    state = ada.state()
    first, second = buy(ada, STRONGER), buy(ada, STRONGER)
    assert [first()["balance"], second()["balance"]] == [40, 25]
    state.until(lambda value: value["stats"]["damage"] == 21)
    seen = [shown(value, STRONGER) for value in state.seen if value is not None]
    # The screen never falls back to less than was bought.
    assert seen == sorted(seen, key=lambda pair: pair[1])
    assert (25, 2) in seen


def test_two_devices_of_a_player_move_together(device: Callable[..., Device]) -> None:
    one, other = device(gold=50), device()
    here, there = one.state(), other.state()
    one.mutation(BUY, {"upgradeId": FLAT})
    for following in (here, there):
        following.until(lambda value: shown(value, FLAT) == (49, 1))
        # Gold and level of one purchase are never seen apart.
        assert {shown(value, FLAT) for value in following.seen if value is not None} == {(50, 0), (49, 1)}


def test_the_leaderboard_changes_live_for_somebody_who_only_watches(
    game: ServerProcess, device: Callable[..., Device]
) -> None:
    stranger = device("watcher")
    page = stranger.subscribe("leaderboard:top", {"paginationOpts": {"numItems": 100, "cursor": None}})
    champion = device(next(_names), prestigeLevel=3, currentStage=40)
    champion.mutation("game:start")

    def scores(value: dict[str, Any]) -> list[float]:
        return [row["score"] for row in value["page"]]

    page.until(lambda value: 20_401 in scores(value))
    champion.mutation("game:prestige")
    after = page.until(lambda value: 30_401 in scores(value))
    assert scores(after) == sorted(scores(after), reverse=True)
    assert [row["rank"] for row in after["page"]] == list(range(1, len(after["page"]) + 1))


def test_of_many_purchases_at_once_with_gold_for_one_exactly_one_succeeds(device: Callable[..., Device]) -> None:
    devices = [device(gold=10), *(device() for _ in range(4))]
    futures = [one.client.begin_mutation(BUY, {"upgradeId": STRONGER}) for one in devices]
    errors = [future.exception(30) for future in futures]
    assert errors.count(None) == 1
    state = devices[0].query("game:state")
    assert shown(state, STRONGER) == (0, 1)


def test_a_prestige_asked_for_by_three_devices_at_once_happens_once(device: Callable[..., Device]) -> None:
    devices = [device(currentStage=20), device(), device()]
    futures = [one.client.begin_mutation("game:prestige", {"expectedPrestigeLevel": 1}) for one in devices]
    assert [future.exception(30) for future in futures].count(None) == 1
    hero = devices[0].query("game:state")["character"]
    assert (hero["prestigeLevel"], hero["prestigeCores"], hero["currentStage"]) == (2, 5, 1)


def test_purchases_against_a_prestige_all_count(device: Callable[..., Device]) -> None:
    buyer, climber = device(currentStage=20, gold=38), device()
    buying = [buyer.client.begin_mutation(BUY, {"upgradeId": FLAT}) for _ in range(10)]
    prestige = climber.client.begin_mutation("game:prestige", {})
    assert [future.exception(30) for future in (*buying, prestige)] == [None] * 11
    state = buyer.query("game:state")
    assert (shown(state, FLAT), state["character"]["prestigeLevel"]) == ((0, 10), 2)


def test_a_purchase_sent_by_two_devices_under_one_request_happens_once(device: Callable[..., Device]) -> None:
    one, other = device(gold=50), device()
    args = {"upgradeId": STRONGER, "requestId": "tap-1"}
    assert one.mutation(BUY, args) == other.mutation(BUY, args)
    assert shown(one.query("game:state"), STRONGER) == (40, 1)


def test_the_refusal_reaches_the_page_with_its_data(device: Callable[..., Device]) -> None:
    with pytest.raises(ClientError) as caught:
        device(gold=3).mutation(BUY, {"upgradeId": STRONGER})
    assert caught.value.data == {"code": "NOT_ENOUGH_GOLD", "message": "Not enough gold", "cost": 10, "balance": 3}


def test_a_purchase_under_way_while_the_server_dies_happens_once(
    game: ServerProcess, device: Callable[..., Device]
) -> None:
    ada = device(gold=50)
    state = ada.state()
    game.kill()
    settle = buy(ada, STRONGER)
    assert shown(state.next(), STRONGER) == (40, 1)
    game.start()
    assert settle()["balance"] == 40
    state.until(lambda value: value["stats"]["damage"] == 11)
    assert shown(ada.query("game:state"), STRONGER) == (40, 1)
