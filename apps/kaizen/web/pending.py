"""What the player asked for, exactly once, whatever happens to the server in between.

A click on an element with an *intention* gives it a name in the browser, keeps it in the tab, and tells it here. It is
carried out under that name (`requestId`), which the backend does once however often it is asked, and the tab forgets it
when its end is known. When the server dies first, the page is loaded anew and the tab tells it again.

Until it is taken here, what the page shows knows nothing of it. The browser bridges that by itself
(`static/foreseen.js`), so that a click shows in its own instant however far away this program is and however busy.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from nicegui import context, ui
from nicegui.client import Client as Page
from nicegui.events import GenericEventArguments

from parabola.client import ConvexError

log = logging.getLogger("kaizen.web")

Perform = Callable[[dict[str, Any], str], Awaitable[object]]
"""Carries out an intention, which is a dict with `kind`, under the request id. Raises what it is refused with."""


def install(
    perform: Perform, refused: Callable[[Exception], object], forgotten: Callable[[int], object], *, owner: str
) -> None:
    """Once in a page, when its player, `owner`, is known. `refused` is told why something was not done; `forgotten` how
    many intentions were too old to be carried out after all. Those of another player are dropped.
    """
    page = context.client
    mark = ui.element("span").props('hidden data-taken="0"')
    mark.props["data-owner"] = owner
    pending = _Pending(page, perform, refused, mark)
    ui.on("kaizen_intention", pending.take)
    ui.on("kaizen_forgotten", lambda event: forgotten(event.args["count"]))

    def resume() -> None:
        page.run_javascript("kaizenPending.resume()")

    page.on_connect(resume)
    if page.has_socket_connection:
        # The page was answered before it was known who is playing, so nobody will connect any more.
        resume()


def intends(element: ui.element, intention: Mapping[str, Any]) -> None:
    """Lets a click on `element`, by pointer or keyboard, mean this. Call it again to change the meaning."""
    element.props["data-intention"] = json.dumps(intention)
    element.update()


class _Pending:
    def __init__(self, page: Page, perform: Perform, refused: Callable[[Exception], object], mark: ui.element) -> None:
        self._page = page
        self._mark = mark
        self._taken = 0
        self._perform = perform
        self._refused = refused
        self._under_way: set[str] = set()

    async def take(self, event: GenericEventArguments) -> None:
        intention: dict[str, Any] = dict(event.args)
        request_id = str(intention.pop("requestId"))
        intention.pop("at", None)
        intention.pop("again", None)
        intention.pop("owner", None)
        # What the intention changes is on its way to the browser together with this, or was before.
        self._note_taken(intention.pop("number", 0))
        if request_id in self._under_way:
            return
        self._under_way.add(request_id)
        try:
            await self._perform(intention, request_id)
        except ConvexError as error:
            self._settle(request_id)
            # Done already, by the first click of two or before the server died: that is an end too, and a good one.
            if not (isinstance(error.data, dict) and error.data.get("code") in _DONE_ALREADY):
                self._refused(error)
        except Exception as error:
            # Not known to be done or refused, so the tab keeps it.
            self._under_way.discard(request_id)
            log.warning("An intention is kept for later: %s", error)
            self._refused(error)
        else:
            self._settle(request_id)

    def _note_taken(self, number: object) -> None:
        if isinstance(number, int) and number > self._taken:
            self._taken = number
            self._mark.props["data-taken"] = str(number)
            self._mark.update()

    def _settle(self, request_id: str) -> None:
        self._page.run_javascript(f"kaizenPending.settled({json.dumps(request_id)})")


_DONE_ALREADY: Final = ("ALREADY_ACHIEVED", "PRESTIGE_ALREADY_DONE")
