"""`@query`, `@mutation`, `@action`, their internal forms and `@http_action`: they mark a function, they do not run it.

The decorated object is a `FunctionDefinition`. It knows its kind and visibility, and, once the loader has named it,
its path. It stays callable as the plain helper it was: `await send(ctx, body="hi")` runs the handler in the caller's
context, without validation (semantics 3.1). What arguments it takes is worked out on first use and not at decoration,
because an annotation may name a class that its module defines further down.
"""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, Literal, NamedTuple, NoReturn, ParamSpec, TypeVar, overload

from parabola.definitions.arguments import (
    Converter,
    Returned,
    arguments_from_signature,
    check_takes_context,
    check_takes_fields,
    returns_from_signature,
)
from parabola.schema import Validator, as_validator, v

Kind = Literal["query", "mutation", "action", "http"]
Visibility = Literal["public", "internal"]
CallStyle = Literal["keywords", "dict", "nothing"]

P = ParamSpec("P")
R = TypeVar("R")

ARGS_PARAMETER: Final = "args"

_KINDS_IN_WORDS: Final[Mapping[Kind, str]] = {
    "query": "query",
    "mutation": "mutation",
    "action": "action",
    "http": "HTTP action",
}


class Signature(NamedTuple):
    """What a function takes and gives, resolved.

    `args` and `returns` are None where anything goes. `convert` turns the validated arguments object into keyword
    arguments (one named `args` for a handler that takes it whole), or is None where they need no conversion. `style`
    is how the handler wants them: as keywords, as one dict, or not at all. `builds_result` says that instances of
    classes may be in what it returns.
    """

    args: Validator | None
    returns: Validator | None
    convert: Converter | None
    style: CallStyle
    builds_result: bool = False


class FunctionDefinition(Generic[P, R]):
    """One function of a backend: what a decorator of this module returns."""

    def __init__(
        self,
        handler: Callable[P, R],
        *,
        kind: Kind,
        visibility: Visibility,
        args: Validator | None = None,
        returns: Validator | None = None,
    ) -> None:
        if not callable(handler):
            raise TypeError(
                f"@{kind} was given {handler!r}, which is not a function. "
                f"Write @{kind} above an `async def handler(ctx, …)`."
            )
        if isinstance(handler, FunctionDefinition):
            raise TypeError(
                f"@{kind} was given {handler.__qualname__}, which is a {handler.kind} already. "
                "Keep one of the two decorators."
            )
        if isinstance(handler, type):
            raise TypeError(
                f"@{kind} was given the class {handler.__qualname__}. Write it above an `async def handler(ctx, …)`."
            )
        self.handler = handler
        self.kind: Kind = kind
        self.visibility: Visibility = visibility
        # "module:function", set by the loader when the definition is found as a top-level name of a module.
        self.path: str | None = None
        self._declared_args = args
        self._declared_returns = returns
        self._signature: Signature | None = None
        self.__name__: str = getattr(handler, "__name__", type(handler).__name__)
        self.__qualname__: str = getattr(handler, "__qualname__", self.__name__)
        self.__module__: str = getattr(handler, "__module__", __name__)
        self.__doc__ = getattr(handler, "__doc__", None)
        self.__wrapped__ = handler

    @property
    def signature(self) -> Signature:
        """The resolved signature. The first access may raise DeveloperError or NameError for annotations that make no
        sense.
        """
        if self._signature is None:
            self._signature = self._resolve()
        return self._signature

    @property
    def args(self) -> Validator | None:
        """The validator of the arguments object, None where anything goes."""
        return self.signature.args

    @property
    def returns(self) -> Validator | None:
        """The validator of the result, None where anything goes."""
        return self.signature.returns

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs the handler as a plain helper in the caller's context, with no validation and no transaction of its
        own.
        """
        if args:
            warn = getattr(args[0], "note_direct_call", None)
            if warn is not None:
                warn(self)
            elif _is_no_context(args[0], self.__name__):
                raise TypeError(self._called_without_context(args[0]))
        elif not kwargs and hasattr(builtins, self.__name__):
            raise TypeError(self.explain_misuse())
        return self.handler(*args, **kwargs)

    def explain_misuse(self) -> str:
        """What is said where the function was used as something that it is not: often it hides a builtin."""
        kind, shown = _KINDS_IN_WORDS[self.kind], self.path if self.path is not None else self.__name__
        if not hasattr(builtins, self.__name__):
            return f"`{self.__name__}` here is your {kind} {shown}. Call it as `{self.__name__}(ctx, …)`."
        return (
            f"`{self.__name__}` here is your {kind} {shown}, not Python's builtin: everywhere in its module the name "
            f"means the function. Write `builtins.{self.__name__}` after `import builtins`, or rename the function."
        )

    def _called_without_context(self, given: object) -> str:
        if hasattr(builtins, self.__name__):
            return self.explain_misuse()
        return (
            f"{self.path or self.__name__} was called with {type(given).__name__} in the place of its context. "
            f"Write `{self.__name__}(ctx, …)`."
        )

    def _is_no_type(self, *_: object) -> NoReturn:
        raise TypeError(self.explain_misuse())

    # What is done with a type of that name: `list[str]`, which also answers `for … in list`, `list | None`,
    # `isinstance(x, list)`.
    __getitem__ = __or__ = __ror__ = __instancecheck__ = _is_no_type

    def __repr__(self) -> str:
        where = self.path if self.path is not None else f"{self.__module__}.{self.__qualname__}"
        return f"<{self.visibility} {self.kind} {where}>"

    def _resolve(self) -> Signature:
        if self.kind == "http":
            return Signature(None, None, None, "nothing")
        style = self._call_style()
        returned = Returned(self._declared_returns)
        if returned.validator is None:
            returned = returns_from_signature(self.handler)
        args, convert = self._declared_args, None
        if args is None:
            if style != "nothing":
                args, convert = arguments_from_signature(self.handler)
        elif style == "keywords":
            check_takes_fields(self.handler, args)
        return Signature(args, returned.validator, convert, style, returned.builds)

    def _call_style(self) -> CallStyle:
        parameters = list(inspect.signature(self.handler).parameters.values())
        if not parameters or parameters[0].kind is inspect.Parameter.KEYWORD_ONLY:
            raise TypeError(
                f"{self.__qualname__} takes no context. A {self.kind} is called with its context first: "
                f"write `async def {self.__name__}(ctx, …)`."
            )
        check_takes_context(self.handler, parameters[0])
        after_context = parameters[1:]
        if parameters[0].kind is inspect.Parameter.VAR_POSITIONAL:
            after_context = parameters
        if not after_context:
            # It looks at no argument. Without `args=` it accepts any, as a handler without a validator does
            # (semantics 3.4).
            return "nothing"
        only = after_context[0]
        if (
            len(after_context) == 1
            and only.name == ARGS_PARAMETER
            and only.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        ):
            return "dict"
        return "keywords"


def _is_no_context(given: object, name: str) -> bool:
    """Whether `given` cannot be meant as the `ctx` of a function called `name`. A test may pass None for it, or an
    object of its own.
    """
    if given is None:
        return False
    return type(given).__module__ == "builtins" or (hasattr(builtins, name) and hasattr(type(given), "__iter__"))


class Decorator:
    """What `query`, `mutation` … are: usable bare, or with `args=` and `returns=` first."""

    def __init__(self, kind: Kind, visibility: Visibility, doc: str) -> None:
        self._kind: Kind = kind
        self._visibility: Visibility = visibility
        self.__doc__ = doc

    @overload
    def __call__(self, handler: Callable[P, R], /) -> FunctionDefinition[P, R]: ...

    @overload
    def __call__(
        self,
        /,
        *,
        args: Validator | Mapping[str, Any] | None = None,
        returns: Validator | Mapping[str, Any] | None = None,
    ) -> Callable[[Callable[P, R]], FunctionDefinition[P, R]]: ...

    def __call__(
        self,
        handler: Callable[..., Any] | None = None,
        /,
        *,
        args: Validator | Mapping[str, Any] | None = None,
        returns: Validator | Mapping[str, Any] | None = None,
    ) -> Any:
        if handler is not None:
            return FunctionDefinition(handler, kind=self._kind, visibility=self._visibility)
        args_validator = None if args is None else _checked_args(as_validator(args, "args= takes a dict of validators"))
        returns_validator = (
            None if returns is None else as_validator(returns, "returns= takes a validator, or a dict of them")
        )

        def decorate(handler: Callable[P, R]) -> FunctionDefinition[P, R]:
            return FunctionDefinition(
                handler,
                kind=self._kind,
                visibility=self._visibility,
                args=args_validator,
                returns=returns_validator,
            )

        return decorate

    def __repr__(self) -> str:
        return f"<decorator {self._visibility} {self._kind}>"


def _checked_args(validator: Validator) -> Validator:
    if validator.kind not in ("object", "any"):
        raise TypeError(
            f"args= was given {validator}. The arguments of a call are always one object: "
            "pass a dict of validators, one v.object({...}), or v.any()."
        )
    return validator


query: Final = Decorator("query", "public", "A public, read-only, live function. Runs on one snapshot of the database.")
mutation: Final = Decorator(
    "mutation", "public", "A public function that reads and writes in one serializable transaction."
)
action: Final = Decorator(
    "action", "public", "A public function that may do anything, and reaches the database by calling others."
)
internal_query: Final = Decorator("query", "internal", "A query that only other functions and admins can call.")
internal_mutation: Final = Decorator(
    "mutation", "internal", "A mutation that only other functions and admins can call."
)
internal_action: Final = Decorator("action", "internal", "An action that only other functions and admins can call.")


def http_action(handler: Callable[P, R], /) -> FunctionDefinition[P, R]:
    """Marks `async def handler(ctx, request) -> Response` as the handler of an HTTP route (`HttpRouter.route`)."""
    return FunctionDefinition(handler, kind="http", visibility="public")


pagination_opts_validator: Final = v.object(
    {
        "numItems": v.number(),
        "cursor": v.union(v.string(), v.null()),
        "endCursor": v.optional(v.union(v.string(), v.null())),
        "id": v.optional(v.number()),
        "maximumRowsRead": v.optional(v.number()),
        "maximumBytesRead": v.optional(v.number()),
    }
)
"""The validator of the options that clients send to a paginated query: `args={"paginationOpts":
pagination_opts_validator}`.
"""


def pagination_result_validator(item: Validator) -> Validator:
    """The validator of what `paginate()` returns, for pages of `item`."""
    return v.object(
        {
            "page": v.array(item),
            "isDone": v.boolean(),
            "continueCursor": v.string(),
            "splitCursor": v.optional(v.union(v.string(), v.null())),
            "pageStatus": v.optional(v.union(v.literal("SplitRecommended"), v.literal("SplitRequired"), v.null())),
        }
    )
