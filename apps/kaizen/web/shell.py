"""What is around every page: the header, the way to the other pages, messages, and news from an absence."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final, Literal

from nicegui import ui

from parabola.ui.nicegui import effect

from . import pending, theme
from .components.away_panel import away_panel
from .components.buttons import Button
from .components.icons import icon
from .components.text import Text, title
from .components.toasts import toasts
from .connection import connection_banner
from .services.clerk import ClerkService, clerk_service
from .services.game import GameService, game
from .services.intentions import perform
from .services.refusals import TOO_SOON, code_of, message_of

PageName = Literal["dashboard", "character", "milestones", "campaign", "leaderboard"]

PAGES: Final[tuple[tuple[PageName, str], ...]] = (
    ("dashboard", "Dashboard"),
    ("character", "Character"),
    ("milestones", "Milestones"),
    ("campaign", "Campaign"),
    ("leaderboard", "Leaderboard"),
)


@contextmanager
def frame(active: PageName) -> Generator[ui.element]:
    """Everything that all pages have. The page fills the column in the middle: `with frame("dashboard"): …`."""
    names = dict(PAGES)
    theme.begin_page(names[active])
    clerk, service = clerk_service(), game()
    owner = str((clerk.user() or {}).get("id") or "")
    ui.link("To the content", "#content").classes("k-skip")
    with ui.element("header").classes("k-header"), ui.element("div").classes("k-header-inner"):
        with ui.link(target="/dashboard").classes("k-brand").props('aria-label="Kaizen, to the dashboard"'):
            icon("logo")
            Text("span", "Kaizen")
        _navigation(active)
        _theme_toggle()
        _account(clerk)
    connection_banner()
    with ui.element("main").classes("k-main").props('id="content"') as main:
        # The fight needs the room: its own head says where one is.
        Text("h1", names[active], "k-unseen" if active == "campaign" else "k-page-title")
        away_panel(service, owner)
        with ui.element("div").classes("k-column"):
            yield main
    _carry_out(service, owner)


def _carry_out(service: GameService, owner: str) -> None:
    """What is clicked in this page is done, and what could not be done is said."""
    said = toasts()

    async def carry_out(intention: dict[str, Any], request_id: str) -> None:
        await perform(service, intention, request_id)
        if intention["kind"] == "unlock":
            said.show("Milestone reached. Your hero is stronger now.", "success")

    pending.install(
        carry_out,
        lambda error: said.show(message_of(error), counted=code_of(error) != TOO_SOON),
        lambda count: said.show("What you did before the connection was lost is too long ago. Please do it again."),
        owner=owner,
    )


def _navigation(active: PageName) -> None:
    with ui.element("nav").classes("k-nav").props('aria-label="Pages"'):
        for name, text in PAGES:
            link = ui.link(target=f"/{name}").classes("k-nav-link").props(f'data-testid="nav-{name}"')
            if name == active:
                link.classes("is-active").props('aria-current="page"')
            with link:
                icon(name)
                Text("span", text)


def _theme_toggle() -> None:
    button = ui.element("button").classes("k-icon-button")
    button.props('type=button data-testid="theme-toggle" aria-label="Light or dark" title="Light or dark"')
    # In the browser alone: it is the browser that remembers.
    button.on("click", js_handler="() => window.kaizenTheme.toggle()")
    with button:
        icon("sun")
        icon("moon")


def _account(clerk: ClerkService) -> None:
    with ui.element("details").classes("k-account").props('data-testid="account" data-menu'):
        with ui.element("summary").props('aria-label="Account" title="Account"'):
            initial = Text("span", "", "k-avatar").props('aria-hidden="true"')
        with ui.element("div").classes("k-account-menu"):
            name = Text("div", "", "k-account-name k-name", testid="account-name")
            mail = Text("div", "", "k-account-mail k-name k-muted")
            Button("Sign Out", clerk.sign_out, testid="sign-out")

    def show() -> None:
        user = clerk.user() or {}
        full = " ".join(part for part in (user.get("first_name"), user.get("last_name")) if part)
        email = user.get("email") or ""
        for text, shown in ((name, full or email or "Hero"), (mail, email if full else "")):
            text.set_text(shown)
            title(text, shown)
        initial.set_text((full or email or "?")[:1].upper())

    effect(show)
