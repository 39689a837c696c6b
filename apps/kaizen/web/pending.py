"""What the player asked for, exactly once, whatever happens to the server in between.

A click on an element with an *intention* gives it a name in the browser, keeps it in the tab, and tells it here. It is
carried out under that name (`requestId`), which the backend does once however often it is asked, and the tab forgets it
when its end is known. When the server dies first, the page is loaded anew and the tab tells it again.

Until it is taken here, what the page shows knows nothing of it. The browser bridges that by itself
(`static/foreseen.js`), so that a click shows in its own instant however far away this program is and however busy.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from nicegui import context, ui
from nicegui.client import Client as Page
from nicegui.events import GenericEventArguments

from parabola.client import ConvexError

from .services.refusals import TOO_SOON, code_of, retry_after_s

log = logging.getLogger("kaizen.web")

Perform = Callable[[dict[str, Any], str], Awaitable[object]]
"""Carries out an intention, which is a dict with `kind`, under the request id. Raises what it is refused with."""

PACE: Final = (10, 1.05)
"""So many in so many seconds are carried out; a little fewer than the server lets one player do."""

WAITING_MAX: Final = 20
"""How many clicks may wait for their turn: two seconds of them. Whoever clicks still faster is told so."""

TRIES_MAX: Final = 5
"""How often one is asked again that came too soon after all, because another tab of the player is as busy."""


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


def intends(element: ui.element, intention: Mapping[str, Any], *, kept_s: float | None = None) -> None:
    """Lets a click on `element`, by pointer or keyboard, mean this. Call it again to change the meaning.

    `kept_s` is for what makes no sense later: how old it may be when it is told to a page that was loaded anew.
    """
    element.props["data-intention"] = json.dumps(intention)
    if kept_s is not None:
        element.props["data-kept-ms"] = str(round(1000 * kept_s))
    element.update()


class _Pending:
    def __init__(self, page: Page, perform: Perform, refused: Callable[[Exception], object], mark: ui.element) -> None:
        self._page = page
        self._mark = mark
        self._taken = 0
        self._perform = perform
        self._refused = refused
        self._under_way: set[str] = set()
        self._done: set[str] = set()
        self._meant: list[str] = []
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._begun_at: deque[float] = deque(maxlen=PACE[0])

    async def take(self, event: GenericEventArguments) -> None:
        intention: dict[str, Any] = dict(event.args)
        request_id = str(intention.pop("requestId"))
        is_told_again = bool(intention.pop("again", False))
        number = intention.pop("number", 0)
        meaning = str(intention.pop("means", intention))
        for name in ("at", "keptMs", "owner"):
            intention.pop(name, None)
        if request_id in self._under_way:
            self._note_taken(number)
            return
        self._under_way.add(request_id)
        is_one_too_many = not is_told_again and self._waiting >= WAITING_MAX
        if is_one_too_many:
            self._settle(request_id)
            self._refused(ConvexError({"code": TOO_SOON, "message": "Too many requests"}))
        # One after the other, as they were clicked: the browser shows those that wait, in the same order.
        self._waiting += 1
        try:
            async with self._turn:
                if not is_one_too_many:
                    await self._keep_pace()
        finally:
            self._waiting -= 1
        # What the intention changes is on its way to the browser together with this, or was before.
        self._note_taken(number)
        if not is_one_too_many:
            await self._carry_out(intention, request_id, meaning, is_told_again)

    async def _keep_pace(self) -> None:
        times_max, window_s = PACE
        if len(self._begun_at) == times_max:
            await asyncio.sleep(max(0, self._begun_at[0] + window_s - time.monotonic()))
        self._begun_at.append(time.monotonic())

    async def _carry_out(self, intention: dict[str, Any], request_id: str, meaning: str, is_told_again: bool) -> None:
        self._meant.append(meaning)
        try:
            await self._patiently(intention, request_id)
        except ConvexError as error:
            self._settle(request_id)
            # Done already, by the first click of two or before the server died: that is an end too, and a good one.
            # Done elsewhere is news. A refusal is known at once, what was done only when its figures are here, so the
            # first click may be under way still.
            is_own = is_told_again or meaning in self._done or self._meant.count(meaning) > 1
            if not (is_own and code_of(error) in _DONE_ALREADY):
                self._refused(error)
        except Exception as error:
            # Not known to be done or refused, so the tab keeps it.
            self._under_way.discard(request_id)
            log.warning("An intention is kept for later: %s", error)
            self._refused(error)
        else:
            self._done.add(meaning)
            self._settle(request_id)
        finally:
            self._meant.remove(meaning)

    async def _patiently(self, intention: dict[str, Any], request_id: str) -> None:
        """Nothing has been done of what came too soon, so it is asked again, under its name."""
        for _ in range(TRIES_MAX):
            try:
                await self._perform(dict(intention), request_id)
                return
            except ConvexError as error:
                pause_s = retry_after_s(error)
                # Whoever has to wait longer is told so: a prestige comes once in ten seconds.
                if pause_s is None or pause_s > PACE[1]:
                    raise
                await asyncio.sleep(pause_s + 0.01)
        await self._perform(intention, request_id)

    def _note_taken(self, number: object) -> None:
        if isinstance(number, int) and number > self._taken:
            self._taken = number
            self._mark.props["data-taken"] = str(number)
            self._mark.update()

    def _settle(self, request_id: str) -> None:
        self._page.run_javascript(f"kaizenPending.settled({json.dumps(request_id)})")


_DONE_ALREADY: Final = ("ALREADY_ACHIEVED", "PRESTIGE_ALREADY_DONE")
