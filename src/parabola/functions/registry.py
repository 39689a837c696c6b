"""From the name in a call to the function to run.

Every function is entered under the camelCase form of its path, which all spellings of it share (`definitions.paths`);
two functions that share it are refused when a deployment is made. What running a function needs is worked out once
per deployment: validators are compiled to checkers, and the handler's way of taking arguments is decided.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from parabola.definitions.functions import ARGS_PARAMETER, CallStyle, FunctionDefinition, Kind, Visibility
from parabola.definitions.paths import InvalidFunctionPath, canonical_path, display_path, split_path, wire_name
from parabola.errors import LoadError
from parabola.functions.places import place_of
from parabola.schema import Checker, compile_check

Definition = FunctionDefinition[Any, Any]

_SPELLINGS_KEPT_MAX: Final = 10_000


class RegisteredFunction:
    """One function, ready to run. `path` is canonical; `name` is how people read it (`default` left out)."""

    __slots__ = (
        "builds_result",
        "check_args",
        "check_returns",
        "convert",
        "definition",
        "handler",
        "is_coroutine",
        "kind",
        "name",
        "path",
        "style",
        "visibility",
    )

    def __init__(self, path: str, definition: Definition) -> None:
        signature = definition.signature
        self.path = path
        self.name = display_path(path)
        self.definition = definition
        self.kind: Kind = definition.kind
        self.visibility: Visibility = definition.visibility
        self.handler: Callable[..., Any] = definition.handler
        self.is_coroutine = inspect.iscoroutinefunction(definition.handler)
        self.style: CallStyle = signature.style
        self.convert = signature.convert
        self.builds_result = signature.builds_result
        # A validator that accepts anything costs nothing.
        self.check_args: Checker | None = _checker(signature.args)
        self.check_returns: Checker | None = _checker(signature.returns)

    @property
    def module_path(self) -> str:
        """`folder/module.js:function`, as the fixed error texts of the wire spec write it."""
        module, function = split_path(self.path)
        return f"{module}.js:{function}"

    def invoke(self, ctx: Any, args: dict[str, Any]) -> Any:
        """Calls the handler with what `check_arguments` made of the arguments; for an `async def` the result is its
        coroutine.
        """
        if self.style == "keywords":
            return self.handler(ctx, **args)
        if self.style == "nothing":
            return self.handler(ctx)
        return self.handler(ctx, args if self.convert is None else args[ARGS_PARAMETER])

    def __repr__(self) -> str:
        return f"<{self.visibility} {self.kind} {self.path}>"


def _checker(validator: Any) -> Checker | None:
    return None if validator is None or validator.kind == "any" else compile_check(validator)


class Registry:
    """The functions of one deployment, by any spelling of their paths."""

    def __init__(self, definitions: Mapping[str, Definition], folder: str = "") -> None:
        """`definitions` by canonical path, loaded from `folder`. Raises LoadError for two that are one on the wire, or
        that cannot be resolved.
        """
        self._by_wire_name: dict[str, RegisteredFunction] = {}
        self._by_spelling: dict[str, RegisteredFunction] = {}
        for path, definition in definitions.items():
            try:
                key = wire_name(canonical_path(path))
            except InvalidFunctionPath as error:
                raise LoadError(
                    f"{_where(definition, folder)}: no client could call {path}: {error.message} Names are made of at "
                    "most 64 letters of ASCII, digits and underscores."
                ) from error
            other = self._by_wire_name.get(key)
            if other is not None:
                raise LoadError(
                    f"{_where(definition, folder)}: {other.path} and {path} are the same function on the wire: both "
                    f"are reachable as {key}. {other.path} is at {_where(other.definition, folder)}. "
                    "Rename one of them."
                )
            try:
                registered = RegisteredFunction(path, definition)
            except Exception as error:
                # The name that the loader gave the module is nobody's business.
                why = str(error).replace(f"{definition.__module__}.", "")
                raise LoadError(f"{_where(definition, folder)}: {path} cannot be used: {why}") from error
            self._by_wire_name[key] = registered
            self._by_spelling[path] = registered

    def find(self, path: str) -> RegisteredFunction | None:
        """The function that `path` names in any spelling, or None. Never raises for a path that does not parse."""
        found = self._by_spelling.get(path)
        if found is not None:
            return found
        try:
            found = self._by_wire_name.get(wire_name(canonical_path(path)))
        except InvalidFunctionPath:
            return None
        if found is not None and len(self._by_spelling) < _SPELLINGS_KEPT_MAX:
            self._by_spelling[path] = found
        return found

    def __iter__(self) -> Iterator[RegisteredFunction]:
        return iter(self._by_wire_name.values())

    def __len__(self) -> int:
        return len(self._by_wire_name)


def _where(definition: Definition, folder: str) -> str:
    return place_of(definition.handler, folder) or definition.__module__
