# ruff: noqa: F821, UP037 - a string in the brackets of Id is the name of a table, and no annotation.
"""Handlers whose annotations are strings, for `test_arguments.py`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NotRequired, TypedDict

from parabola.schema import Id

if TYPE_CHECKING:
    from nowhere import Nowhere, SomeContext  # type: ignore[import-not-found]


class Settings(TypedDict):
    volume: int
    theme: NotRequired[str]


@dataclasses.dataclass
class Item:
    count: int


async def good(
    ctx: SomeContext, user: Id["users"], settings: Settings = Settings(volume=1), item: Later = Item(1)
) -> str | None: ...


async def bad(ctx: SomeContext, thing: Nowhere) -> Nowhere: ...


Later = Item
