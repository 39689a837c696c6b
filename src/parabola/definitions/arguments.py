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
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias

from parabola.definitions.annotations import (
    Convert,
    Translation,
    UnsupportedAnnotation,
    convert_field,
    fields_of_typed_dict,
    translate,
)
from parabola.errors import SchemaError
from parabola.schema.validators import (
    AnyValidator,
    ObjectValidator,
    PipeValidator,
    RecordValidator,
    UnionValidator,
    Validator,
    v,
)

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
        return _whole_object(handler, _translate(handler, _ARGS_PARAMETER, hints))
    fields: dict[str, Validator] = {}
    conversions: list[tuple[str, Convert]] = []
    is_open = False
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            hint = hints.get(parameter.name, Any)
            if typing.get_origin(hint) is typing.Unpack:
                for name, translation, is_required in _unpacked(handler, parameter.name, hint):
                    fields[name] = translation.validator if is_required else translation.validator.optional()
                    if translation.convert is not None:
                        conversions.append((name, translation.convert))
                continue
            others = _translate(handler, parameter.name, hints)
            if not isinstance(others.validator, AnyValidator):
                return _keyword_record(handler, parameter.name, fields, others)
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


class Returned(NamedTuple):
    """What a return annotation says: the validator (None: nothing), and whether instances of classes may come back."""

    validator: Validator | None = None
    builds: bool = False


def returns_from_signature(handler: Callable[..., Any]) -> Returned:
    """What the return annotation of a handler says. Raises `UnsupportedAnnotation`."""
    annotation = getattr(handler, "__annotations__", {}).get("return", _EMPTY)
    if annotation is _EMPTY:
        return Returned()
    resolved = _resolve_one(handler, "return", annotation)
    if resolved in (typing.NoReturn, typing.Never):
        return Returned()
    try:
        translation = translate(resolved)
    except SchemaError as error:
        _refuse(handler, "has a return annotation that cannot be checked", error.message)
    if isinstance(translation.validator, AnyValidator):
        return Returned()
    return Returned(translation.validator, translation.builds)


def check_takes_context(handler: Callable[..., Any], parameter: inspect.Parameter) -> None:
    """Raises `UnsupportedAnnotation` if the first parameter is plainly an argument: the context was forgotten."""
    if parameter.annotation is _EMPTY or parameter.name == "ctx":
        return
    try:
        validator = translate(_resolve_one(handler, parameter.name, parameter.annotation)).validator
    except SchemaError:
        return  # what stands for no value may well be a context
    if _may_be_object(validator):
        return  # so may an object
    _refuse(
        handler,
        f"has {parameter} where its context belongs",
        f"Write `{parameter.name}` after a first parameter `ctx`.",
    )


def check_takes_fields(handler: Callable[..., Any], args: Validator) -> None:
    """Raises `UnsupportedAnnotation` if a handler that takes its arguments by name cannot be called with the fields
    that `args=` declares.
    """
    if not isinstance(args, ObjectValidator):
        return
    parameters = list(inspect.signature(handler).parameters.values())[1:]
    takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters)
    names = {parameter.name for parameter in parameters if _is_plain(parameter)}
    for name in args.fields:
        if name not in names and not takes_any:
            _refuse(
                handler,
                f"has no parameter for the field `{name}` of its args=",
                f"Add it, or take all arguments as one dict: `async def {handler.__name__}(ctx, args)`.",
            )
    for parameter in parameters:
        if _is_plain(parameter) and parameter.default is _EMPTY and parameter.name not in args.fields:
            _refuse(
                handler,
                f"has a parameter `{parameter.name}` that its args= do not declare",
                "Declare it, or give it a default.",
            )


def _converter(conversions: list[tuple[str, Convert]]) -> Converter | None:
    if not conversions:
        return None

    def convert(arguments: dict[str, Any]) -> dict[str, Any]:
        converted = dict(arguments)
        for name, convert_one in conversions:
            if name in converted:
                converted[name] = convert_field(convert_one, name, converted[name])
        return converted

    return convert


def _unpacked(handler: Callable[..., Any], name: str, hint: Any) -> list[tuple[str, Translation, bool]]:
    """The fields of `**name: Unpack[SomeTypedDict]`."""
    cls = typing.get_args(hint)[0]
    if not typing.is_typeddict(cls):
        _refuse(handler, f"has **{name}, which unpacks something else than a TypedDict", "Unpack a TypedDict.")
    try:
        return fields_of_typed_dict(cls)
    except SchemaError as error:
        _refuse(handler, f"has a parameter `**{name}` whose annotation cannot be checked", error.message)


def _keyword_record(
    handler: Callable[..., Any], name: str, fields: dict[str, Validator], value: Translation
) -> tuple[Validator, Converter | None]:
    """The arguments of a handler that takes `**name: T` and nothing else."""
    if fields:
        _refuse(
            handler,
            f"has an annotation on **{name} beside other parameters, which no validator can say",
            f"Leave it out, or declare the fields that **{name} may hold.",
        )
    convert = value.convert
    record = v.record(v.string(), value.validator)
    if convert is None:
        return record, None
    return record, lambda given: {key: convert_field(convert, key, item) for key, item in given.items()}


def _may_be_object(validator: Validator) -> bool:
    if isinstance(validator, UnionValidator):
        return any(_may_be_object(member) for member in validator.members)
    if isinstance(validator, PipeValidator):
        return _may_be_object(validator.base)
    return isinstance(validator, (AnyValidator, ObjectValidator, RecordValidator))


def _whole_object(handler: Callable[..., Any], translation: Translation) -> tuple[Validator, Converter | None]:
    if not _may_be_object(translation.validator):
        _refuse(
            handler,
            f"takes all its arguments as one object, since its only parameter is named `{_ARGS_PARAMETER}`, and "
            f"annotates it as {translation.validator}",
            "Annotate it as a dict, a TypedDict or a class; or rename it, if it is one argument of that name.",
        )
    convert = translation.convert
    if convert is None:
        return translation.validator, None
    return translation.validator, lambda arguments: {_ARGS_PARAMETER: convert(arguments)}


def _is_plain(parameter: inspect.Parameter) -> bool:
    return parameter.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def _translate(handler: Callable[..., Any], name: str, hints: dict[str, Any]) -> Translation:
    try:
        return translate(hints.get(name, Any))
    except SchemaError as error:
        _refuse(handler, f"has a parameter `{name}` whose annotation cannot be checked", error.message)


def _resolve(handler: Callable[..., Any], parameters: list[inspect.Parameter]) -> dict[str, Any]:
    """The annotations of the parameters, strings evaluated. Those of `ctx` are left alone: they may be for type
    checkers only.
    """
    return {
        parameter.name: _resolve_one(handler, parameter.name, parameter.annotation)
        for parameter in parameters
        if parameter.annotation is not _EMPTY
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
