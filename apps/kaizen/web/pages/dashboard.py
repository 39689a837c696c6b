"""The dashboard: how the hero is doing, at a glance."""

from __future__ import annotations

from nicegui import ui
from reaktiv import Computed

from parabola.ui.nicegui import auth_guard, effect

from ...rules.prestige import PRESTIGE_STAGE_MIN
from ...rules.stages import WAVES_PER_STAGE
from .. import theme
from ..components.chart import history_panel
from ..components.panels import number_row, panel, stat_rows, text_row
from ..components.phases import player_phases
from ..components.scene import scene
from ..components.text import Text, toggle
from ..formatting import exact, percent, plain, short
from ..services.character import CharacterService
from ..shell import frame
from ..sprites.bestiary import enemy_at


@ui.page("/dashboard")
@auth_guard(login_route="/auth/login", loading=theme.loading)
def dashboard() -> None:
    with frame("dashboard"):
        hero = CharacterService()
        player_phases(hero.game, lambda: _build(hero))


def _build(hero: CharacterService) -> None:
    _here(hero)
    with ui.element("div").classes("k-grid"):
        _stats(hero)
        _campaign(hero)
        _prestige(hero)
    history_panel()


def _here(hero: CharacterService) -> None:
    """Where the hero stands, as a picture."""
    with scene(lambda: (hero.stage(), hero.wave()), classes="k-scene-first"):
        Text("h2", testid="hero-name").follow_name(lambda: (hero.game.user.data() or {}).get("name", "Your hero"))
        Text("p", testid="hero-doing").follow(lambda: _doing(hero))


def _doing(hero: CharacterService) -> str:
    enemy = enemy_at(hero.stage(), hero.wave())
    if hero.game.is_fighting():
        return f"Fighting {enemy.name}, here and while you are away."
    return f"Resting. {enemy.name} waits on stage {exact(hero.stage())}."


def _stats(hero: CharacterService) -> None:
    with panel("Character Stats"), stat_rows():
        # Level, intelligence and endurance are part of a hero, and never change.
        number_row("Level", lambda: 1, testid="level")
        number_row("Strength", hero.base_strength, testid="strength")
        number_row("Intelligence", lambda: 1, testid="intelligence")
        number_row("Endurance", lambda: 1, testid="endurance")
        number_row("Strength with upgrades", hero.strength, testid="strength-total")
        number_row("Damage", lambda: hero.stats().get("damage", 1), testid="damage")
        text_row("Critical hits", lambda: _criticals(hero), testid="criticals")
        number_row("Gold", hero.gold, testid="gold", picture="coin")


def _criticals(hero: CharacterService) -> str:
    stats = hero.stats()
    return f"{percent(stats.get('criticalChance', 0))} × {plain(stats.get('criticalMultiplier', 0) + 1e-9)}"


def _campaign(hero: CharacterService) -> None:
    with panel("Campaign", classes="k-panel-campaign"):
        with ui.element("div").classes("k-place"):
            _place("Stage", "stage", hero.stage)
            _place("Wave", "wave", hero.wave)
        pips = []
        with ui.element("div").classes("k-pips").props('aria-hidden="true"'):
            for _ in range(WAVES_PER_STAGE):
                pips.append(ui.element("span").classes("k-pip"))

        def show() -> None:
            wave = hero.wave()
            for place, pip in enumerate(pips, start=1):
                toggle(pip, "is-done", place < wave)
                toggle(pip, "is-here", place == wave)

        effect(show)
        with ui.element("div").classes("k-status"):
            dot = ui.element("span").classes("k-dot").props('aria-hidden="true"')
            Text("span", testid="fighting").follow(
                lambda: "Fighting, here or away" if hero.game.is_fighting() else "Resting"
            )
            effect(lambda: toggle(dot, "is-on", hero.game.is_fighting()))
        ui.link("To the campaign", "/campaign").classes("k-button k-primary k-wide")


def _place(name: str, testid: str, number: Computed[float]) -> None:
    with ui.element("div").classes("k-place-part"):
        Text("span", name, "k-place-name")
        Text("span", "", "k-place-number", testid=testid).follow(lambda: exact(number()))


def _prestige(hero: CharacterService) -> None:
    with panel("Prestige"):
        with stat_rows():
            number_row("Prestige level", hero.prestige_level, testid="prestige-level")
            number_row("Prestige cores", hero.cores, testid="cores", picture="core")
            number_row("Cores for starting over now", hero.cores_on_prestige, testid="cores-on-prestige")
        bar = (
            ui.element("div")
            .classes("k-bar k-bar-cores")
            .props(f'role=progressbar aria-label="Way to prestige" aria-valuemin=1 aria-valuemax={PRESTIGE_STAGE_MIN}')
        )

        def show() -> None:
            stage = min(hero.stage(), PRESTIGE_STAGE_MIN)
            bar.style(f"--part: {stage / PRESTIGE_STAGE_MIN:.3f}")
            bar.props(f'aria-valuenow="{stage}"')

        effect(show)
        Text("p", "", "k-muted", testid="prestige-outlook").follow(lambda: _outlook(hero))


def _outlook(hero: CharacterService) -> str:
    left = PRESTIGE_STAGE_MIN - hero.stage()
    if left > 0:
        return f"From stage {PRESTIGE_STAGE_MIN} on you may start over for cores: {short(left)} to go."
    return "You may start over on the campaign page. Gold and upgrades stay, and every blow hits harder."
