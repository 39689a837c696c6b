"""JSON that was typed on the command line: read, or refused with the place in what was typed.

Python's reader takes more than JSON and more than the server can be sent: numbers that are too large, `NaN`, halves of
characters. They are refused here, since whoever typed them knows their text and not the request that it goes into.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final

import typer

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|NaN|-?Infinity', re.DOTALL)
_HALF: Final = re.compile("[\ud800-\udfff]")
_PLAIN_NAME: Final = re.compile(r"\w+")
_DIGITS_OF_THE_LARGEST: Final = 309
_SHOWN_MAX: Final = 40


def json_object(text: str, what: str) -> dict[str, Any]:
    """Parses an argument that must be a JSON object; a slip is a usage error that shows the place."""
    try:
        value = json.loads(text, parse_int=_whole_number)
        wrong = next((name for name, part in _parts(value, "") if not _can_be_sent(part)), None)
    except json.JSONDecodeError as error:
        raise typer.BadParameter(
            f"{what} cannot be read as JSON: {error.msg} at character {error.pos + 1} of {text!r}. "
            """Write it as '{"name": "value"}', in single quotes for the shell."""
        ) from error
    except RecursionError as error:
        raise typer.BadParameter(
            f"{what} cannot be sent: arrays and objects are nested in each other too deeply. Make it flatter."
        ) from error
    if not isinstance(value, dict):
        raise typer.BadParameter(f"""{what} must be one JSON object like '{{"name": "value"}}', not {text!r}.""")
    if wrong is not None:
        raise typer.BadParameter(f"{what} cannot be sent: {wrong} is {_reason(text)}")
    return value


def _whole_number(digits: str) -> int | float:
    """A number without a point. Python refuses to read very long ones; as floats they are infinite."""
    return int(digits) if len(digits) < _DIGITS_OF_THE_LARGEST else float(digits)


def _parts(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every key, number and text in `value`, in their order, each with the name of its place."""
    if isinstance(value, dict):
        for key, item in value.items():
            inner = f"{name}{_step(key, is_inner=bool(name))}"
            yield inner, key
            yield from _parts(item, inner)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _parts(item, f"{name}[{at}]")
    else:
        yield name, value


def _can_be_sent(part: Any) -> bool:
    if isinstance(part, float):
        return math.isfinite(part)
    return not (isinstance(part, str) and _HALF.search(part))


def _step(key: str, *, is_inner: bool) -> str:
    if _PLAIN_NAME.fullmatch(key) and not _HALF.search(key):
        return f".{key}" if is_inner else key
    return f"[{json.dumps(key)}]"


def _reason(text: str) -> str:
    """What the first such thing in `text` is, where it stands, and what to write instead."""
    for token in _TOKEN.finditer(text):
        place = f"{_shortened(token.group())} at character {token.start() + 1}"
        is_text = token.group().startswith('"')
        if _can_be_sent(json.loads(token.group()) if is_text else float(token.group())):
            continue
        if is_text:
            return f"{place}, where half of a character stands alone. Write the whole character."
        return (
            f"{place}, but JSON has no such number. Write one between -1.8e308 and 1.8e308; "
            """infinity is {"$float": "AAAAAAAA8H8="}."""
        )
    raise AssertionError("what cannot be sent was read from a token")


def _shortened(token: str) -> str:
    shown = token if len(token) <= _SHOWN_MAX else f"{token[:_SHOWN_MAX]}…"
    return shown.encode("utf-8", "backslashreplace").decode()
