"""The arguments and the result of a handler, read from its annotations (design 1, "Arguments").

A parameter after `ctx` is a field of the arguments object. One with a default is optional on the wire: where it is
absent the default applies, which is never sent as null. No annotation means any value, `**kwargs` lets any other
field pass.
"""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeAlias

from parabola.definitions.annotations import Convert, Translation, UnsupportedAnnotation, translate
from parabola.schema.validators import AnyValidator, ObjectValidator, Validator

Converter: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns a validated arguments object into the keyword arguments of the handler. May raise `ValidationFailed`."""

__all__ = ["Converter", "UnsupportedAnnotation", "arguments_from_signature", "returns_from_signature"]

_EMPTY: Final = inspect.Parameter.empty
_ARGS_PARAMETER: Final = "args"


def arguments_from_signature(handler: Callable[..., Any]) -> tuple[Validator, Converter | None]:
    """The validator of the arguments object, and the converter of what passed it (None where there is nothing to
    convert).

    A handler whose only parameter after `ctx` is named `args` takes the object whole: its annotation, if any, is the
    validator of the object, and its converter is keyed by `args` alone. Raises `UnsupportedAnnotation`.
    """
    parameters = list(inspect.signature(handler).parameters.values())[1:]
    hints = _resolve(handler, parameters)
    if len(parameters) == 1 and parameters[0].name == _ARGS_PARAMETER and _is_plain(parameters[0]):
        return _whole_object(_translate(handler, _ARGS_PARAMETER, hints))
    fields: dict[str, Validator] = {}
    conversions: list[tuple[str, Convert]] = []
    is_open = False
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            is_open = True
            continue
        if not _is_plain(parameter):
            _refuse(
                handler,
                f"takes {parameter} by position, and arguments arrive by name",
                "Use ordinary or keyword-only parameters after ctx.",
            )
        translation = _translate(handler, parameter.name, hints)
        validator = translation.validator
        fields[parameter.name] = validator if parameter.default is _EMPTY else validator.optional()
        if translation.convert is not None:
            conversions.append((parameter.name, translation.convert))
    if is_open and not fields:
        return AnyValidator(), None
    return ObjectValidator(fields, is_open=is_open), _converter(conversions)


def returns_from_signature(handler: Callable[..., Any]) -> Validator | None:
    """The validator of what a handler returns; None where its annotation says nothing about it.

    Raises `UnsupportedAnnotation`.
    """
    annotation = getattr(handler, "__annotations__", {}).get("return", _EMPTY)
    if annotation is _EMPTY:
        return None
    resolved = _resolve_one(handler, "return", annotation)
    if resolved in (typing.NoReturn, typing.Never):
        return None
    try:
        validator = translate(resolved).validator
    except UnsupportedAnnotation as error:
        _refuse(handler, "has a return annotation that cannot be checked", error.message)
    return None if isinstance(validator, AnyValidator) else validator


def _converter(conversions: list[tuple[str, Convert]]) -> Converter | None:
    if not conversions:
        return None

    def convert(arguments: dict[str, Any]) -> dict[str, Any]:
        converted = dict(arguments)
        for name, convert_one in conversions:
            if name in converted:
                converted[name] = convert_one(converted[name])
        return converted

    return convert


def _whole_object(translation: Translation) -> tuple[Validator, Converter | None]:
    convert = translation.convert
    if convert is None:
        return translation.validator, None
    return translation.validator, lambda arguments: {_ARGS_PARAMETER: convert(arguments)}


def _is_plain(parameter: inspect.Parameter) -> bool:
    return parameter.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def _translate(handler: Callable[..., Any], name: str, hints: dict[str, Any]) -> Translation:
    try:
        return translate(hints.get(name, Any))
    except UnsupportedAnnotation as error:
        _refuse(handler, f"has a parameter `{name}` whose annotation cannot be checked", error.message)


def _resolve(handler: Callable[..., Any], parameters: list[inspect.Parameter]) -> dict[str, Any]:
    """The annotations of the parameters, strings evaluated. Those of `ctx` are left alone: they may be for type
    checkers only.
    """
    return {
        parameter.name: _resolve_one(handler, parameter.name, parameter.annotation)
        for parameter in parameters
        if parameter.annotation is not _EMPTY and parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }


class _Holder:
    """Lends one annotation to `typing.get_type_hints`."""

    def __init__(self, name: str, annotation: Any) -> None:
        self.__annotations__ = {name: annotation}


def _resolve_one(handler: Callable[..., Any], name: str, annotation: Any) -> Any:
    function = inspect.unwrap(handler)
    names = getattr(function, "__globals__", None)
    if names is None:
        names = vars(sys.modules.get(getattr(function, "__module__", ""), typing))
    try:
        hints = typing.get_type_hints(_Holder(name, annotation), globalns=names, localns={}, include_extras=True)
    except NameError as error:
        subject = "a return annotation" if name == "return" else f"a parameter `{name}` with an annotation"
        _refuse(
            handler,
            f"has {subject} that cannot be resolved: {annotation!r} ({error})",
            "Its names must be defined at the top level of the module, and not only under `if TYPE_CHECKING:`.",
        )
    except (TypeError, SyntaxError) as error:
        _refuse(handler, f"has an annotation that is not a type: {annotation!r} ({error})", "Write a type, or nothing.")
    return hints[name]


def _refuse(handler: Callable[..., Any], what: str, remedy: str) -> NoReturn:
    where = f"{handler.__module__}.{getattr(handler, '__qualname__', repr(handler))}"
    raise UnsupportedAnnotation(f"{where} {what}. {remedy}")
