"""A NiceGUI application for `test_ui_browser.py`: `python nicegui_pages.py SERVER PORT [MOUNT_PATH]`.

Who is signed in is known to the browser only, as with a sign-in component that runs there: the page asks its
localStorage. That is slower than a page's answer may be, so guards have to wait with the page already open.
"""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI
from nicegui import background_tasks, context, ui
from nicegui.client import Client as Page
from reaktiv import Signal

from parabola.ui import inject_mutation, inject_query
from parabola.ui.nicegui import auth_guard, live, unauth_guard, use_parabola


class BrowserSession:
    """The token in the visitor's localStorage."""

    def __init__(self) -> None:
        self.is_loaded = Signal(False)
        self.token: Signal[str | None] = Signal(None)
        background_tasks.create(self._ask(context.client))

    async def _ask(self, page: Page) -> None:
        await page.connected()
        with page:
            self.token.set(await ui.run_javascript("localStorage.getItem('token')", timeout=10))
        self.is_loaded.set(True)

    def is_signed_in(self) -> bool:
        return self.token() is not None

    def get_token(self, *, template: str | None = None, skip_cache: bool = False) -> str | None:
        return self.token()


@ui.page("/secret")
@auth_guard(login_route="/login")
def secret(stage: int = 0) -> None:
    subject = inject_query("identity:subject")
    live(lambda: ui.label(f"stage {stage} of {subject.data()}"))


@ui.page("/login")
@unauth_guard(home_route="/secret")
def login() -> None:
    ui.label("Please sign in")


@ui.page("/chat")
def chat(room: str) -> None:
    bodies = inject_query("messages:bodies", {"channel": room})
    send = inject_mutation("messages:send")
    live(lambda: [ui.label(f"said: {body}") for body in bodies.data() or []])
    ui.button("Say", on_click=lambda: send.mutate({"channel": room, "author": "me", "body": "hi"}))


if __name__ == "__main__":
    use_parabola(sys.argv[1], auth=BrowserSession)
    if len(sys.argv) == 3:
        ui.run(host="127.0.0.1", port=int(sys.argv[2]), show=False, reload=False, reconnect_timeout=1)
    else:
        outer = FastAPI()
        ui.run_with(outer, mount_path=sys.argv[3], reconnect_timeout=1)
        uvicorn.run(outer, host="127.0.0.1", port=int(sys.argv[2]))
