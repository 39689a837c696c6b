"""Checks: the further conditions of `v.pipe(validator, check, …)` and of `Annotated[T, check, …]`.

A check is a value like a validator: it compares, hashes, prints and exports to JSON. Checks made from a function
compare by that function.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from parabola.errors import SchemaError
from parabola.values.kinds import Value
from parabola.values.render import render_value


class Check:
    """One condition. `passes(value)` decides; `problem(value)` says in a sentence what is wrong."""

    __slots__ = ("arguments", "name", "passes", "sentence")

    name: str
    arguments: tuple[Any, ...]
    passes: Callable[[Value], bool]
    sentence: str

    def __init__(self, name: str, arguments: tuple[Any, ...], sentence: str, passes: Callable[[Value], bool]) -> None:
        self.name = name
        self.arguments = arguments
        self.sentence = sentence
        self.passes = passes

    def problem(self, value: Value) -> str:
        """What is wrong with a value that does not pass: one sentence."""
        return self.sentence

    def to_json(self) -> dict[str, Any]:
        """The JSON form, for tools; a function is there by its name only."""
        return {"name": self.name, "arguments": list(self.arguments)}

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Check)
            and self.name == other.name
            and list(map(_comparable, self.arguments)) == list(map(_comparable, other.arguments))
        )

    def __hash__(self) -> int:
        return hash((self.name, tuple(map(_comparable, self.arguments))))

    def __str__(self) -> str:
        return f"v.{self.name}({', '.join([render_argument(argument) for argument in self.arguments])})"

    __repr__ = __str__


class FunctionCheck(Check):
    """`v.check(fn)`: `fn(value)` is true when all is well; what it raises as ValueError becomes the error's
    sentence.
    """

    __slots__ = ("function",)

    function: Callable[[Value], object]

    def __init__(self, function: Callable[[Value], object], sentence: str | None = None) -> None:
        self.function = function
        name = getattr(function, "__name__", repr(function))
        super().__init__("check", (name,), sentence or f"Value does not pass the check `{name}`.", self._passes)

    def _passes(self, value: Value) -> bool:
        try:
            return bool(self.function(value))
        except ValueError:
            return False

    def problem(self, value: Value) -> str:
        try:
            self.function(value)
        except ValueError as error:
            return str(error) or self.sentence
        return self.sentence

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FunctionCheck) and self.function == other.function and self.sentence == other.sentence

    def __hash__(self) -> int:
        return hash((self.function, self.sentence))


def minimum(least: float) -> Check:
    """`v.min(least)`: a number that is at least `least`."""
    _require_number("v.min()", least)
    return Check("min", (least,), f"Value must be at least {_plain(least)}.", _comparing(lambda value: value >= least))


def maximum(most: float) -> Check:
    """`v.max(most)`: a number that is at most `most`."""
    _require_number("v.max()", most)
    return Check("max", (most,), f"Value must be at most {_plain(most)}.", _comparing(lambda value: value <= most))


def length(least: int, most: int | None = None) -> Check:
    """`v.length(least, most)`: characters of a string, bytes, or elements of an array; no `most` means no upper
    bound.
    """
    if type(least) is not int or least < 0 or (most is not None and (type(most) is not int or most < least)):
        raise SchemaError(
            "v.length() takes a least length and a most length that is not below it, and was given "
            f"{least!r}, {most!r}.",
            code="InvalidValidator",
        )
    if most is None:
        return Check(
            "length", (least,), f"Length must be at least {least}.", _comparing(lambda value: len(value) >= least)
        )
    sentence = f"Length must be {least}." if least == most else f"Length must be between {least} and {most}."
    return Check("length", (least, most), sentence, _comparing(lambda value: least <= len(value) <= most))


def pattern(expression: str | re.Pattern[str]) -> Check:
    """`v.pattern(expression)`: a string that the regular expression matches from end to end."""
    try:
        compiled = re.compile(expression)
    except TypeError:
        raise SchemaError(
            f"v.pattern() takes a regular expression, and was given {expression!r}.", code="InvalidValidator"
        ) from None
    except re.error as error:
        raise SchemaError(
            f"v.pattern() was given {expression!r}, which is no regular expression: {error}.", code="InvalidValidator"
        ) from None
    return Check(
        "pattern",
        (compiled.pattern,),
        f"Value must match the pattern {render_value(compiled.pattern)}.",
        _comparing(lambda value: compiled.fullmatch(value) is not None),
    )


def _is_integral(value: Value) -> bool:
    return bool(type(value) is int or (type(value) is not bool and value - value == 0 and value == int(value)))


def integer() -> Check:
    """`v.integer()`: a number without a fraction, such as `3` or `3.0`."""
    return Check("integer", (), "Value must be an integer.", _comparing(_is_integral))


def check(function: Callable[[Value], object], message: str | None = None) -> Check:
    """`v.check(fn)`: any function of the value; `message` is the sentence of the error."""
    if not callable(function):
        raise SchemaError(
            f"v.check() takes a function of the value, and was given {function!r}.", code="InvalidValidator"
        )
    return FunctionCheck(function, message)


def check_from_json(form: dict[str, Any]) -> Check:
    """The check that `to_json` wrote. One made from a function cannot come back: it passes everything, and equals
    no other.
    """
    make = {"min": minimum, "max": maximum, "length": length, "pattern": pattern, "integer": integer}.get(form["name"])
    if make is not None:
        return make(*form["arguments"])  # type: ignore[operator, no-any-return]
    name = str(form["arguments"][0]) if form["arguments"] else "check"

    def unknown(value: Value) -> bool:
        return True

    unknown.__name__ = name
    return FunctionCheck(unknown)


def render_argument(argument: Any) -> str:
    """An argument as the check prints it; counts and bounds print as they were written."""
    return repr(argument) if isinstance(argument, (int, float)) else render_value(argument)


def _comparing(passes: Callable[[Value], object]) -> Callable[[Value], bool]:
    """`passes`, where a value of another type than it expects simply does not pass."""

    def guarded(value: Value) -> bool:
        try:
            return bool(passes(value))
        except (TypeError, ValueError, OverflowError):
            return False

    return guarded


def _require_number(name: str, bound: object) -> None:
    if isinstance(bound, bool) or not isinstance(bound, (int, float)) or bound != bound:
        raise SchemaError(f"{name} takes a number, and was given {bound!r}.", code="InvalidValidator")


def _plain(bound: float) -> str:
    return repr(int(bound)) if isinstance(bound, int) or bound.is_integer() else repr(bound)


def _comparable(argument: Any) -> tuple[type, Any]:
    return (float if type(argument) is int else type(argument), argument)
