"""The services of the pages against the game's server: what is shown at once, what is taken back, and what is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from apps.kaizen.rules.upgrades import UPGRADES_BY_ID
from apps.kaizen.web.services.character import CharacterService
from apps.kaizen.web.services.game import GameService
from apps.kaizen.web.services.gold_upgrades import GoldUpgradesService
from apps.kaizen.web.services.intentions import buying, perform, prestiging, unlocking
from apps.kaizen.web.services.leaderboard import own_place
from apps.kaizen.web.services.milestones import MilestonesService
from apps.kaizen.web.services.prestige_upgrades import PrestigeUpgradesService
from apps.kaizen.web.services.refusals import code_of, message_of, retry_after_s
from apps.kaizen.web.services.upgrades import CLICKS_AHEAD, Amount, count_for, offers_ahead
from reaktiv import Effect, Signal

from parabola import ConvexError
from parabola.ui import inject_mutation, provide_auth, provide_parabola, until
from tests.scenarios.kaizen import HERO, kaizen_server
from tests.scenarios.oidc_issuer import OidcIssuer
from tests.scenarios.server_process import ServerProcess

PATIENCE_S = 60
FLAT, STRONGER = UPGRADES_BY_ID["gold_strength_flat"], UPGRADES_BY_ID["gold_strength_stronger"]


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcIssuer]:
    with OidcIssuer() as running:
        yield running


@pytest.fixture(scope="module")
def server(issuer: OidcIssuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    # In parity mode the tests can put players in place.
    with kaizen_server(issuer, tmp_path_factory.mktemp("data"), "parity") as running:
        yield running


class Session:
    def __init__(self, issuer: OidcIssuer, subject: str) -> None:
        self._issuer = issuer
        self.subject: Signal[str | None] = Signal(subject)

    def is_loaded(self) -> bool:
        return True

    def is_signed_in(self) -> bool:
        return self.subject() is not None

    async def get_token(self, *, template: str | None = None, skip_cache: bool = False) -> str | None:
        subject = self.subject()
        return None if subject is None else self._issuer.token(subject, aud="convex", name=subject.title())


@asynccontextmanager
async def playing(
    server: ServerProcess, issuer: OidcIssuer, subject: str, **hero: Any
) -> AsyncIterator[tuple[GameService, Session]]:
    """A page of a player, whose hero is put in place."""
    async with provide_parabola(server.url) as scope:
        session = Session(issuer, subject)
        provide_auth(session)
        service = GameService(scope, sync_every_s=0.6)
        await reached(lambda: service.data() is not None and service.definitions.data() is not None)
        if hero:
            await inject_mutation("character:updateCharacter").mutate({**HERO, **hero})
        yield service, session


async def reached(condition: Callable[[], bool]) -> None:
    await asyncio.wait_for(until(condition), PATIENCE_S)


async def test_who_is_signed_in_has_a_hero_without_asking_and_who_leaves_has_none(
    server: ServerProcess, issuer: OidcIssuer
) -> None:
    async with playing(server, issuer, "newcomer") as (service, session):
        hero = CharacterService(service)
        assert (hero.gold(), hero.stage(), hero.strength(), hero.base_strength()) == (0, 1, 1, 1)
        await reached(lambda: service.user.data() is not None)
        assert service.user.data()["name"] == "Newcomer"
        session.subject.set(None)
        await reached(lambda: service.data() is None)
        session.subject.set("somebody-else")
        await reached(lambda: (service.user.data() or {}).get("name") == "Somebody-Else")


async def test_purchases_show_at_once_and_stack(server: ServerProcess, issuer: OidcIssuer) -> None:
    async with playing(server, issuer, "buyer", gold=50) as (service, _):
        upgrades, hero = GoldUpgradesService(service), CharacterService(service)
        seen: list[tuple[int, float]] = []
        watching = Effect(lambda: seen.append((upgrades.offer(STRONGER).level, hero.gold())))
        first, second = upgrades.buy(STRONGER), upgrades.buy(STRONGER)
        assert first is not None
        assert second is not None
        await first
        assert (await second)["balance"] == 25
        await reached(lambda: upgrades.offer(STRONGER).level == 2)
        watching.dispose()
        # Never back, never twice: each state is seen in order.
        assert sorted(set(seen)) == seen[:1] + [one for one in [(1, 40), (2, 25)] if one in seen]
        assert seen == sorted(seen)
        assert seen[-1] == (2, 25)
        assert upgrades.offer(STRONGER).cost == 22


async def test_a_refused_purchase_is_shown_and_taken_back(server: ServerProcess, issuer: OidcIssuer) -> None:
    async with playing(server, issuer, "poor", gold=3) as (service, _):
        upgrades = GoldUpgradesService(service)
        await reached(lambda: upgrades.offer(FLAT).is_affordable)
        assert not upgrades.offer(STRONGER).is_affordable
        levels: list[int] = []
        watching = Effect(lambda: levels.append(upgrades.offer(STRONGER).level))
        buying_it = upgrades.buy(STRONGER)
        assert buying_it is not None
        with pytest.raises(ConvexError) as refused:
            await buying_it
        await reached(lambda: upgrades.offer(STRONGER).level == 0)
        watching.dispose()
        assert levels == [0, 1, 0]
        assert (message_of(refused.value), code_of(refused.value)) == ("Not enough gold", "NOT_ENOUGH_GOLD")


async def test_amounts_and_both_currencies(server: ServerProcess, issuer: OidcIssuer) -> None:
    async with playing(server, issuer, "rich", gold=38, prestigeCores=7) as (service, _):
        for_gold, for_cores = GoldUpgradesService(service), PrestigeUpgradesService(service)
        assert [len(for_gold.upgrades()), len(for_cores.upgrades())] == [4, 5]
        await reached(lambda: for_gold.offer(FLAT, 10).is_affordable)
        assert for_gold.offer(FLAT, "max").count == 10
        await perform(service, buying(FLAT.id, 10), "one")
        await perform(service, buying(FLAT.id, 10), "one")  # told again after a reload: it was done
        await reached(lambda: for_gold.offer(FLAT).level == 10 and CharacterService(service).gold() == 0)
        await perform(service, buying("attack_speed_boost", "max"), "two")
        speed = UPGRADES_BY_ID["attack_speed_boost"]
        await reached(lambda: for_cores.offer(speed).level == 3)
        assert for_cores.offer(speed).effect == 0.15


async def test_a_prestige_and_a_milestone_happen_once(server: ServerProcess, issuer: OidcIssuer) -> None:
    async with playing(server, issuer, "climber", currentStage=21, currentWave=7) as (service, _):
        goals, hero = MilestonesService("Strength", service), CharacterService(service)
        await reached(lambda: hero.cores_on_prestige() == 5)
        await perform(service, prestiging(1), "first")
        await reached(lambda: hero.prestige_level() == 2 and hero.stage() == 1)
        with pytest.raises(ConvexError, match="Prestige already done"):
            await perform(service, prestiging(1), "second")
        current = goals.current()
        assert current is not None
        await perform(service, unlocking(current["id"]), "third")
        await reached(lambda: goals.bonus() == 5 and hero.base_strength() == 6)
        following = goals.current()
        assert following is not None
        with pytest.raises(ConvexError, match="Come back tomorrow"):
            await perform(service, unlocking(following["id"]), "fourth")


async def test_a_fight_goes_on_while_any_page_is_open(server: ServerProcess, issuer: OidcIssuer) -> None:
    async with playing(server, issuer, "fighter") as (service, _):
        await service.set_fighting(True)
        await reached(service.is_fighting)
        state = service.data()
        assert state is not None
        # Nobody asks for it here: the service keeps the server in step.
        await reached(lambda: (service.data() or {})["run"]["attackCount"] > state["run"]["attackCount"])
        await service.set_fighting(False)
        await reached(lambda: not service.is_fighting())
        assert service.away() is None


@pytest.mark.parametrize(
    "intention",
    [
        {},
        {"kind": "buy", "upgradeId": "gold_strength_flat"},
        {"kind": "buy", "upgradeId": "nothing", "amount": 1},
        {"kind": "buy", "upgradeId": "gold_strength_flat", "amount": 7},
        {"kind": "buy", "upgradeId": "gold_strength_flat", "amount": [1]},
        {"kind": "prestige", "prestigeLevel": "1"},
        {"kind": "unlock", "id": 3},
        {"kind": "give", "gold": 1e9},
    ],
)
async def test_intentions_that_mean_nothing(
    server: ServerProcess, issuer: OidcIssuer, intention: dict[str, Any]
) -> None:
    async with playing(server, issuer, "joker") as (service, _):
        with pytest.raises(ValueError, match="means nothing"):
            perform(service, intention, "one")


@pytest.mark.parametrize(
    ("level", "balance", "amount", "count"),
    [
        (0, 0, 1, 1),
        (0, 0, "max", 1),
        (0, 37, "max", 9),
        (0, 38, "max", 10),
        (0, 1e300, "max", 100),
        (495, 0, 10, 5),
        (500, 1e300, 1, 0),
        (500, 1e300, "max", 0),
        (600, 0, 10, 0),
    ],
)
def test_how_many_a_click_buys(level: int, balance: float, amount: Amount, count: int) -> None:
    assert count_for(FLAT, level, balance, amount) == count


@pytest.mark.parametrize(
    ("level", "balance", "amount", "levels"),
    [
        # A fixed count is foretold also where it cannot be paid yet: the browser subtracts, and stops there.
        (0, 0, 1, list(range(CLICKS_AHEAD + 1))),
        (480, 1e300, 10, [480, 490, 500]),
        (500, 0, 1, [500]),
        (0, 0, "max", [0]),
        (0, 40, "max", [0, 10]),
        (0, 1e300, "max", [0, 100, 200, 300, 400, 500]),
    ],
)
def test_what_the_next_clicks_will_bring(level: int, balance: float, amount: Amount, levels: list[int]) -> None:
    assert [offer.level for offer in offers_ahead(FLAT, level, balance, amount)] == levels


def test_the_own_row_is_marked_only_where_it_can_be_told() -> None:
    def row(name: str, stage: int, prestige_level: int = 1) -> dict[str, Any]:
        return {"name": name, "bestStage": stage, "prestigeLevel": prestige_level}

    state = {"character": {"prestigeLevel": 1, "currentStage": 5}}
    ada = {"name": "Ada"}
    assert own_place([row("Bob", 9), row("Ada", 7)], ada, state) == 1
    assert own_place([row("Ada", 9), row("Ada", 7)], ada, state) is None
    assert own_place([row("Ada", 9, 2), row("Ada", 4), row("Ada", 5)], ada, state) == 2
    assert own_place([row("Ada", 7)], None, state) is None
    assert own_place([], ada, state) is None


def test_a_refusal_is_told_in_the_servers_words_and_a_breakdown_in_plain_ones() -> None:
    assert message_of(ConvexError("No.")) == "No."
    assert message_of(ConvexError({"code": "X"})) == message_of(RuntimeError("secret")) != "secret"
    assert code_of(RuntimeError()) == ""


def test_what_came_too_soon_says_when_to_come_again() -> None:
    assert retry_after_s(ConvexError({"code": "TOO_MANY_REQUESTS", "retryAfterMs": 250})) == 0.25
    assert retry_after_s(ConvexError({"code": "NOT_ENOUGH_GOLD"})) is None
    assert retry_after_s(RuntimeError()) is None


async def test_of_two_pages_of_a_player_one_keeps_the_fight_in_step(server: ServerProcess, issuer: OidcIssuer) -> None:
    async with provide_parabola(server.url) as scope:
        provide_auth(Session(issuer, "doubled"))
        one, other = (GameService(scope, sync_every_s=seconds) for seconds in (0.3, 0.6))
        await reached(lambda: one.data() is not None and other.data() is not None)
        await one.set_fighting(True)
        asked: list[str] = []
        for name, page in (("one", one), ("other", other)):
            sync = page.sync
            page.sync = lambda name=name, sync=sync: asked.append(name) or sync()  # type: ignore[assignment]
        fought = (one.data() or {})["run"]["attackCount"]
        await reached(lambda: (one.data() or {})["run"]["attackCount"] >= fought + 3)
        assert asked.count("one") > 3
        assert asked.count("other") <= 2
