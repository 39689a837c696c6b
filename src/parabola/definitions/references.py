"""References to functions: `api.folder.module.function`, or plain strings, everywhere.

`api` and `internal` are lazy trees: nothing checks that a function exists until it is called, so a module may refer
to one that is loaded later, or to itself. The generated `_generated/api.py` gives the same tree with types.
"""

from __future__ import annotations

from typing import Any, Final

from parabola.definitions.functions import FunctionDefinition
from parabola.definitions.paths import canonical_path, display_path
from parabola.errors import InvalidArgument

_FUNCTION_HANDLE: Final = "function://"


class FunctionReference:
    """A place in the tree of modules and functions. Attributes and `["names"]` step further down."""

    __slots__ = ("_parts", "_root")

    def __init__(self, root: str, parts: tuple[str, ...]) -> None:
        self._root = root
        self._parts = parts

    def __getattr__(self, name: str) -> FunctionReference:
        if name.startswith("__") and name.endswith("__"):
            # Python itself asks for these (copying, pickling, inspecting): a tree that has everything would mislead it.
            raise AttributeError(name)
        return FunctionReference(self._root, (*self._parts, name))

    def __getitem__(self, name: str) -> FunctionReference:
        return FunctionReference(self._root, (*self._parts, name))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FunctionReference) and self._parts == other._parts

    def __hash__(self) -> int:
        return hash(self._parts)

    def __repr__(self) -> str:
        return ".".join((self._root, *self._parts))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            f"{self!r} is a reference, it cannot be called. Pass it on instead: "
            f"await ctx.run_query({self!r}, {{...}}) from a function, or client.query({self!r}, {{...}}) from outside."
        )

    def function_name(self) -> str:
        """`"folder/module:function"`. Raises InvalidArgument when the tree was not followed far enough."""
        if len(self._parts) < 2:
            raise InvalidArgument(
                "API path is expected to be of the form `api.moduleName.functionName`. "
                f"Found: `{'.'.join((self._root, *self._parts))}`"
            )
        return "/".join(self._parts[:-1]) + ":" + self._parts[-1]


class _NamedReference(FunctionReference):
    """A reference made by hand from a name."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        module, _, function = canonical_path(name).rpartition(":")
        super().__init__("api", (*module.split("/"), function))
        self._name = name

    def function_name(self) -> str:
        return self._name


api: Final = FunctionReference("api", ())
"""Public functions: `api.messages.send` is `"messages:send"`."""

internal: Final = FunctionReference("internal", ())
"""Internal functions, in the same way. The two trees differ only for the reader and the type checker."""


def make_function_reference(name: str) -> FunctionReference:
    """A reference to the function called `name` ("folder/module:function")."""
    return _NamedReference(name)


def get_function_name(reference: object) -> str:
    """The name behind a reference: an api path, a plain string, a function handle, or the decorated function itself.

    Raises InvalidArgument for anything else.
    """
    if isinstance(reference, str):
        return reference.removeprefix(_FUNCTION_HANDLE) if reference.startswith(_FUNCTION_HANDLE) else reference
    if isinstance(reference, FunctionReference):
        return reference.function_name()
    if isinstance(reference, FunctionDefinition):
        if reference.path is None:
            raise InvalidArgument(
                f"{reference.__name__} has no name that it could be called by: "
                "it is not a top-level name of a module in the functions folder. "
                "Move it there, or call it as a plain helper."
            )
        return reference.path
    raise InvalidArgument(
        f"{reference!r} is not a functionReference. Pass api.module.function, its name as a string "
        '("module:function"), or the function itself.'
    )


def is_internal_reference(reference: object) -> bool:
    """Whether a reference was made from `internal`: its writer means to reach internal functions."""
    return isinstance(reference, FunctionReference) and reference._root == "internal"  # pyright: ignore[reportPrivateUsage]


def create_function_handle(reference: object) -> str:
    """A string that stands for a function, to be stored or passed on; accepted wherever a reference is."""
    return _FUNCTION_HANDLE + display_path(canonical_path(get_function_name(reference)))
