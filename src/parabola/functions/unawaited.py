"""Finding the `await` that was forgotten.

An operation knows what it is but not where it was issued, and a coroutine that was dropped not always where it was
made: noting the line of every call would cost every call. So when one was forgotten, and only then, the source of the
handler is searched for a line that calls it and drops the result.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from parabola.errors import InvalidFunctionCall
from parabola.functions.places import shown_file

if TYPE_CHECKING:
    from parabola.functions.operations import Operation
    from parabola.functions.registry import RegisteredFunction


class ForgottenCall(NamedTuple):
    """A call of an async function of the user's whose coroutine was dropped before it had begun.

    `file` and `line` say where the function was written, `dropped_file` and `dropped_line` where its coroutine was
    dropped, if that was in user code: at the call, unless the coroutine was kept for a while.
    """

    name: str
    file: str
    line: int
    dropped_file: str = ""
    dropped_line: int = 0


class Place(NamedTuple):
    """A line that lacks an `await`: where it is, as it is, and as it was meant."""

    where: str
    wrong: str
    right: str


def unawaited_error(
    function: RegisteredFunction, unawaited: Iterable[Operation | ForgottenCall], folder: str
) -> InvalidFunctionCall:
    """The error for a handler that returned before it had awaited all that it issued. `folder` is that of the
    functions.
    """
    names: set[str] = set()
    places: set[Place] = set()
    homeless: list[str] = []
    for forgotten in unawaited:
        if forgotten.name in names and not isinstance(forgotten, ForgottenCall):
            continue
        names.add(forgotten.name)
        if isinstance(forgotten, ForgottenCall):
            found = set(places_of_call(function, forgotten, folder))
        else:
            found = set(_places_in_handler(function, forgotten.name.rpartition(".")[2], folder, is_method=True))
        places |= found
        if not found:
            homeless.append(_advice(forgotten, folder))
    lines = [
        f"{function.name} ended without waiting for {' and '.join(f'{name}(...)' for name in sorted(names))}, "
        "so nobody would hear if it had failed. Nothing was written."
    ]
    lines += sorted(set(homeless))
    for where, wrong, right in sorted(places):
        lines += [f"  {where}", f"    wrong:  {wrong}", f"    right:  {right}"]
    return InvalidFunctionCall("\n".join(lines), code="UnawaitedOperation")


def unawaited_warning(function: RegisteredFunction, unawaited: Iterable[Operation | ForgottenCall], folder: str) -> str:
    """The warning for an action that returned before it had awaited all that it issued (semantics 9)."""
    unawaited = sorted(unawaited, key=lambda forgotten: forgotten.name.removeprefix("ctx."))
    count = len(unawaited)
    text = (
        f"{count} unawaited operation{'s' if count > 1 else ''}: "
        f"[{', '.join(forgotten.name.removeprefix('ctx.') for forgotten in unawaited)}]. "
        "Async operations should be awaited or they might not run."
    )
    for forgotten in unawaited:
        if isinstance(forgotten, ForgottenCall):
            found = sorted(places_of_call(function, forgotten, folder))
            text += "".join(f" Write `{right}` in {where}." for where, _, right in found)
            text += "" if found else f" {_advice(forgotten, folder)}"
    return text


def _advice(forgotten: Operation | ForgottenCall, folder: str) -> str:
    advice = f"Write `await {forgotten.name}(...)` instead of `{forgotten.name}(...)`."
    if isinstance(forgotten, ForgottenCall):
        advice += f" {forgotten.name} is the function at {shown_file(forgotten.file, folder)}:{forgotten.line}."
    return advice


def places_of_call(function: RegisteredFunction, forgotten: ForgottenCall, folder: str) -> Iterator[Place]:
    """Where the forgotten call was made: where its coroutine was dropped, if the call is there, else wherever the
    handler calls a function of that name and drops the result.
    """
    if forgotten.dropped_file:
        source = "".join(linecache.getlines(forgotten.dropped_file))
        shown = shown_file(forgotten.dropped_file, folder)
        at_the_drop = [
            place
            for line, place in _places(source, forgotten.name, shown, 1, is_method=False)
            if line == forgotten.dropped_line
        ]
        if at_the_drop:
            yield from at_the_drop
            return
    yield from _places_in_handler(function, forgotten.name, folder, is_method=False)


def _places_in_handler(function: RegisteredFunction, name: str, folder: str, *, is_method: bool) -> Iterator[Place]:
    handler = inspect.unwrap(function.handler)
    try:
        lines, first = inspect.getsourcelines(handler)
    except (OSError, TypeError, SyntaxError):
        return
    shown = shown_file(inspect.getsourcefile(handler) or "", folder)
    for _, place in _places(_dedented(lines), name, shown, first, is_method=is_method):
        yield place


def _dedented(lines: list[str]) -> str:
    """Source that stands alone, with its columns as they were in the bytes of each line."""
    margin = len(lines[0]) - len(lines[0].lstrip())
    return "".join(line[margin:] if line[:margin].isspace() else line.lstrip(" \t") for line in lines)


def _places(source: str, name: str, file: str, first: int, *, is_method: bool) -> Iterator[tuple[int, Place]]:
    """Where `source`, which begins at line `first` of `file`, calls `name` and neither awaits nor passes on the result.

    `is_method` says that it is always called on something, as `ctx.db.insert` is.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    written = source.splitlines()
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Expr, ast.Assign)):
            continue
        call = node.value
        if isinstance(call, ast.Call) and _called(call, is_method) == name:
            number = first + call.lineno - 1
            line = written[call.lineno - 1].encode()
            right = line[: call.col_offset] + b"await " + line[call.col_offset :]
            yield number, Place(f"{file}:{number}", line.decode().strip(), right.decode().strip())


def _called(call: ast.Call, is_method: bool) -> str | None:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) and not is_method else None
