"""What leads to a value and was passed in its place is answered with what to write."""

from __future__ import annotations

import asyncio

from parabola.values.misused import explain_misuse


class Promise:
    def __init__(self, name: str) -> None:
        self.name = name

    def explain_misuse(self) -> str:
        return f"Wait for {self.name}."


def test_a_class_says_it_for_its_instances() -> None:
    assert explain_misuse(Promise("it")) == " Wait for it."


def test_a_coroutine_is_named() -> None:
    async def found() -> None: ...

    coroutine = found()
    assert explain_misuse(coroutine) == (
        " The result of found(...) was used without waiting for it. Write `await found(...)` instead of `found(...)`."
    )
    coroutine.close()


def test_anything_else_that_can_be_awaited_is_to_be_awaited() -> None:
    async def answer() -> str:
        return explain_misuse(asyncio.get_running_loop().create_future())

    assert "Write `await …`." in asyncio.run(answer())


def test_nothing_is_said_of_what_is_simply_wrong() -> None:
    assert explain_misuse({1}) == explain_misuse(3) == explain_misuse(Promise) == ""
