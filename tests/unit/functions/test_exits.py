from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest

from parabola.errors import InvalidFunctionCall
from parabola.functions.exits import refused_exit


def raised_by(function: Callable[[], Any]) -> BaseException:
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def says_keyboard_interrupt() -> None:
    raise KeyboardInterrupt


def test_what_ends_a_process_becomes_an_error_of_the_function() -> None:
    refused = refused_exit(raised_by(lambda: sys.exit(3)))
    assert isinstance(refused, InvalidFunctionCall)
    assert refused.message.startswith("SystemExit(3) was raised in a function, which cannot end the server.")


def test_an_interrupt_that_code_raises_is_one_of_its_errors() -> None:
    refused = refused_exit(raised_by(says_keyboard_interrupt))
    assert isinstance(refused, InvalidFunctionCall)
    assert refused.message.startswith("KeyboardInterrupt was raised in a function")
    assert refused.__traceback__ is not None


def test_ctrl_c_in_the_middle_of_a_function_still_ends_the_server() -> None:
    interrupt = raised_by(lambda: signal.raise_signal(signal.SIGINT))
    assert isinstance(interrupt, KeyboardInterrupt)
    assert refused_exit(interrupt) is interrupt


def test_ctrl_c_told_by_a_handler_in_python_still_ends_the_server() -> None:
    def on_signal(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        interrupt = raised_by(lambda: signal.raise_signal(signal.SIGINT))
        assert refused_exit(interrupt) is interrupt
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("error", [ValueError("x"), GeneratorExit(), KeyboardInterrupt()])
def test_anything_else_and_an_interrupt_from_nowhere_stay_as_they_are(error: BaseException) -> None:
    assert refused_exit(error) is error
