"""A scope over a client in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.ui.memory_link import MemoryLink, scope_over


@pytest.fixture
def link() -> MemoryLink:
    return MemoryLink()


@pytest.fixture
def provided(link: MemoryLink) -> Iterator[None]:
    """The test runs in a scope that provides `link`; afterwards nothing is left of it."""
    with scope_over(link):
        yield
    assert link.watches == []
    assert link.paginations == []
    assert link.timers == []
    assert link.is_closed
