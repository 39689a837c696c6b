"""Finding the `await` that was forgotten.

An operation knows what it is but not where it was issued: noting the line of every call would cost every call. So
when one was forgotten, and only then, the source of the handler is searched for a line that calls it and drops the
result.
"""

from __future__ import annotations

import ast
import inspect
import os
import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from parabola.errors import InvalidFunctionCall

if TYPE_CHECKING:
    from parabola.functions.operations import Operation
    from parabola.functions.registry import RegisteredFunction


def unawaited_error(function: RegisteredFunction, operations: Iterable[Operation]) -> InvalidFunctionCall:
    """The error for a handler that returned before it had awaited all that it issued."""
    names = sorted({operation.name for operation in operations})
    places = [place for name in names for place in _places(function, name.rpartition(".")[2])]
    lines = [
        f"{function.name} ended without waiting for {_counted(names)}, so nobody would hear if it had failed. "
        "Nothing was written."
    ]
    if not places:
        lines.append(f"Write `await {names[0]}(...)` instead of `{names[0]}(...)`.")
    for where, wrong, right in places:
        lines += [f"  {where}", f"    wrong:  {wrong}", f"    right:  {right}"]
    return InvalidFunctionCall("\n".join(lines), code="UnawaitedOperation")


def _counted(names: list[str]) -> str:
    return " and ".join(f"{name}(...)" for name in names)


def _places(function: RegisteredFunction, method: str) -> Iterator[tuple[str, str, str]]:
    """Where the handler calls `method` and neither awaits nor passes on the result: file and line, the line as it is,
    and as it was meant.
    """
    handler = inspect.unwrap(function.handler)
    try:
        lines, first = inspect.getsourcelines(handler)
        source = textwrap.dedent("".join(lines))
        tree = ast.parse(source)
    except (OSError, TypeError, SyntaxError):
        return
    file = os.path.basename(inspect.getsourcefile(handler) or "")
    written = source.splitlines()
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Expr, ast.Assign)):
            continue
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == method:
            line = written[call.lineno - 1].encode()
            right = line[: call.col_offset] + b"await " + line[call.col_offset :]
            yield f"{file}:{first + call.lineno - 1}", line.decode().strip(), right.decode().strip()
