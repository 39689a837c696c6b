"""A server that ends the session for good, seen by what is on display: over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from parabola.client import AsyncClient, ClientClosed
from parabola.ui import inject_paginated_query, inject_query, until
from parabola.ui.link import ClientLink
from parabola.ui.providers import provide_link
from tests.unit.client.small_server import SmallServer

PATIENCE_S = 60


@pytest.fixture
def server() -> Iterator[SmallServer]:
    with SmallServer() as running:
        running.page = {"page": [1, 2], "isDone": False, "continueCursor": "after 2"}
        yield running


async def test_every_query_on_display_shows_the_error_beside_its_last_data(server: SmallServer) -> None:
    async with asyncio.timeout(PATIENCE_S), AsyncClient(server.url) as client, provide_link(ClientLink(client)):
        log, pages = inject_query("log:all"), inject_paginated_query("log:page", initial_num_items=2)
        await until(lambda: log.is_success() and pages.is_success())
        server.say(b'{"type":"FatalError","error":"you are broken"}')
        await until(lambda: log.error() is not None and pages.error() is not None)
        for error in (log.error(), pages.error()):
            assert isinstance(error, ClientClosed)
            assert "you are broken" in str(error)
        assert (log.status(), log.data()) == ("error", [])
        assert (pages.status(), pages.results()) == ("error", [1, 2])
        # What is asked from now on says the same.
        late = inject_query("log:who")
        assert isinstance(late.error(), ClientClosed)
