"""From a type annotation to a validator, and to what turns a validated value into what the annotation promises.

Most annotations promise nothing beyond the value itself. `int` promises an `int` where the wire may have said `3.0`;
a dataclass, a `msgspec.Struct` or a Pydantic model promises an instance. `Translation.convert` is None wherever there
is nothing to do.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import types
import typing
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias, Union

from parabola.definitions.constraints import checks_from_metadata
from parabola.definitions.refusals import Refused
from parabola.errors import SchemaError
from parabola.schema.check import compile_predicate
from parabola.schema.predicates import Predicate
from parabola.schema.validators import (
    AnyValidator,
    Float64Validator,
    NullValidator,
    ObjectValidator,
    UnionValidator,
    Validator,
    v,
)
from parabola.values.kinds import Int64, Value
from parabola.values.misused import explain_misuse

Convert: TypeAlias = Callable[[Value], Any]


class Translation(NamedTuple):
    """What an annotation means: the validator, the conversion of a value that passed it (None: the value itself), and
    whether instances of the user's classes are in what it gives.
    """

    validator: Validator
    convert: Convert | None = None
    builds: bool = False


class UnsupportedAnnotation(SchemaError):
    """An annotation that stands for no value."""

    default_code = "UnsupportedAnnotation"


_SCALARS: Final[Mapping[Any, Validator]] = {
    Any: v.any(),
    object: v.any(),
    str: v.string(),
    float: v.number(),
    bool: v.boolean(),
    bytes: v.bytes(),
    None: v.null(),
    type(None): v.null(),
    Int64: v.int64(),
}

INTEGER: Final = v.pipe(v.number(), v.integer())


def translate(annotation: Any, seen: tuple[Any, ...] = ()) -> Translation:
    """The meaning of an annotation whose strings are already resolved. Raises `UnsupportedAnnotation`.

    `seen` are the classes that this annotation is inside of.
    """
    if isinstance(annotation, Validator):
        return Translation(annotation)
    if isinstance(annotation, typing.Hashable):
        scalar = _SCALARS.get(annotation)
        if scalar is not None:
            return Translation(scalar)
    if annotation is int:
        return Translation(INTEGER, int)
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin is Annotated:
        return _annotated(arguments[0], arguments[1:], seen)
    if origin is Union or origin is types.UnionType:
        return _union(arguments, seen)
    if origin is Literal:
        return Translation(_literals(arguments))
    if origin is typing.Required or origin is typing.NotRequired:
        return translate(arguments[0], seen)
    if annotation in (list, Sequence, MutableSequence) or origin in (list, Sequence, MutableSequence):
        return _array(translate(arguments[0] if arguments else Any, seen))
    if annotation in (dict, Mapping, MutableMapping) or origin in (dict, Mapping, MutableMapping):
        key, value = arguments if arguments else (str, Any)
        return _record(_key(translate(key, seen).validator, annotation), translate(value, seen))
    if hasattr(annotation, "__supertype__"):
        return translate(getattr(annotation, "__supertype__"), seen)  # noqa: B009
    if type(annotation).__name__ == "TypeAliasType":
        return translate(getattr(annotation, "__value__"), seen)  # noqa: B009
    if isinstance(annotation, type):
        return _class(annotation, seen)
    raise _unsupported(annotation)


def _annotated(base: Any, metadata: Sequence[Any], seen: tuple[Any, ...]) -> Translation:
    translation = translate(base, seen)
    # `Annotated[str, v.id("users")]`: the validator says more than the type does.
    for extra in metadata:
        if isinstance(extra, Validator):
            translation = translation._replace(validator=extra)
    checks = checks_from_metadata(metadata)
    if not checks:
        return translation
    return translation._replace(validator=v.pipe(translation.validator, *checks))


def _union(members: Sequence[Any], seen: tuple[Any, ...]) -> Translation:
    translations = [translate(member, seen) for member in members]
    if any(isinstance(translation.validator, Float64Validator) for translation in translations):
        # `int | float` is any number.
        translations = [translation for translation in translations if translation.validator != INTEGER]
    validators: list[Validator] = []
    for translation in translations:
        inner = translation.validator
        validators += inner.members if isinstance(inner, UnionValidator) else (inner,)
    validator = validators[0] if len(validators) == 1 else v.union(*validators)
    if all(translation.convert is None for translation in translations):
        return Translation(validator)
    choices = [(compile_predicate(translation.validator), translation.convert) for translation in translations]
    return Translation(validator, _convert_first_match(choices), any(member.builds for member in translations))


def _convert_first_match(choices: Sequence[tuple[Predicate, Convert | None]]) -> Convert:
    def convert(value: Value) -> Any:
        for matches, convert_member in choices:
            if matches(value, _EVERY_TABLE):
                return value if convert_member is None else convert_member(value)
        return value

    return convert


class _AnyName(str):
    """Equal to the name of every table. Ids were checked at the door; a conversion only picks the member of a union."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


class _EveryTable:
    def table_name(self, number: int) -> str | None:
        return _AnyName()


_EVERY_TABLE: Final = _EveryTable()


def _literals(values: Sequence[Any]) -> Validator:
    members = [NullValidator() if value is None else v.literal(value) for value in values]
    return members[0] if len(members) == 1 else v.union(*members)


def _array(element: Translation) -> Translation:
    convert = element.convert
    if convert is None:
        return Translation(v.array(element.validator))

    def convert_all(value: Value) -> Any:
        converted = []
        for at, item in enumerate(value):
            try:
                converted.append(convert(item))
            except Refused as refusal:
                raise refusal.inside(f"[{at}]") from refusal.__cause__
        return converted

    return Translation(v.array(element.validator), convert_all, element.builds)


def _key(key: Validator, annotation: Any) -> Validator:
    """`key`, if the keys of an object can be like that."""
    try:
        v.record(key, v.any())
    except SchemaError:
        raise UnsupportedAnnotation(
            f"The annotation {annotation} has keys of another kind than str, and the keys of an object are always "
            'strings. Write dict[str, …] or dict[Id["table"], …] for it, or a TypedDict where the names are known.'
        ) from None
    return key


def _record(key: Validator, value: Translation) -> Translation:
    convert = value.convert
    if convert is None:
        return Translation(v.record(key, value.validator))

    def convert_all(record: Value) -> Any:
        return {name: convert_field(convert, name, item) for name, item in record.items()}

    return Translation(v.record(key, value.validator), convert_all, value.builds)


def convert_field(convert: Convert, name: str, item: Value) -> Any:
    """`convert(item)`, where a refusal says in which field it was."""
    try:
        return convert(item)
    except Refused as refusal:
        raise refusal.inside(f".{name}") from refusal.__cause__


def _class(cls: type[Any], seen: tuple[Any, ...]) -> Translation:
    if cls in seen:
        raise UnsupportedAnnotation(
            f"{cls.__name__} contains itself, which no validator can say. Annotate the inner field with Any or dict."
        )
    inside = (*seen, cls)
    if typing.is_typeddict(cls):
        return _typed_dict(cls, inside)
    if hasattr(cls, "__pydantic_validator__") and hasattr(cls, "model_fields"):
        return _pydantic_model(cls, inside)
    if hasattr(cls, "__struct_fields__") and hasattr(cls, "__struct_encode_fields__"):
        return _struct(cls, inside)
    if dataclasses.is_dataclass(cls):
        return _dataclass(cls, inside)
    raise _unsupported(cls)


def class_hints(cls: type[Any]) -> dict[str, Any]:
    """The annotations of a class, strings resolved. Raises `UnsupportedAnnotation` for one that cannot be."""
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise UnsupportedAnnotation(
            f"An annotation in class {cls.__qualname__} cannot be resolved: {error}. Its names must be defined at the "
            "top level of its module, and not only under `if TYPE_CHECKING:`."
        ) from None


class _Field(NamedTuple):
    wire_name: str
    parameter: str
    translation: Translation
    is_required: bool


def _typed_dict_fields(cls: Any, seen: tuple[Any, ...]) -> list[_Field]:
    return [
        _Field(name, name, translate(hint, seen), _is_required(name, hint, cls.__required_keys__))
        for name, hint in class_hints(cls).items()
    ]


def _typed_dict(cls: Any, seen: tuple[Any, ...]) -> Translation:
    fields = _typed_dict_fields(cls, seen)
    conversions = [
        (field.wire_name, field.translation.convert) for field in fields if field.translation.convert is not None
    ]
    if not conversions:
        return Translation(_object(fields))

    def convert(value: Value) -> Any:
        converted = dict(value)
        for name, convert_item in conversions:
            if name in converted:
                converted[name] = convert_field(convert_item, name, converted[name])
        return converted

    return Translation(_object(fields), convert, any(field.translation.builds for field in fields))


def fields_of_typed_dict(cls: Any) -> list[tuple[str, Translation, bool]]:
    """Name, meaning and whether it must be there, of each field of a TypedDict."""
    return [(field.wire_name, field.translation, field.is_required) for field in _typed_dict_fields(cls, (cls,))]


def _is_required(name: str, hint: Any, required_keys: frozenset[str]) -> bool:
    # With postponed annotations Python sets __required_keys__ before it can see Required and NotRequired.
    origin = typing.get_origin(hint)
    if origin is typing.Required or origin is typing.NotRequired:
        return origin is typing.Required
    return name in required_keys


def _dataclass(cls: Any, seen: tuple[Any, ...]) -> Translation:
    hints = class_hints(cls)
    # Not `dataclasses.fields`, which leaves out what only __init__ takes (InitVar).
    taken = inspect.signature(cls).parameters
    fields = [
        _Field(
            name,
            name,
            translate(hints[name].type if isinstance(hints[name], dataclasses.InitVar) else hints[name], seen),
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for name, field in cls.__dataclass_fields__.items()
        if field.init and name in taken
    ]
    return Translation(_object(fields), _build(cls, fields), builds=True)


def _struct(cls: Any, seen: tuple[Any, ...]) -> Translation:
    hints = class_hints(cls)
    # Defaults stand for the last fields, keyword-only ones included.
    first_default = len(cls.__struct_fields__) - len(cls.__struct_defaults__)
    nodefault = [repr(default) == "NODEFAULT" for default in cls.__struct_defaults__]
    fields = [
        _Field(wire_name, name, translate(hints[name], seen), at < first_default or nodefault[at - first_default])
        for at, (name, wire_name) in enumerate(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True))
    ]
    validator = _object(fields)
    tag = cls.__struct_config__.tag
    if tag is not None:
        validator = validator.extend({cls.__struct_config__.tag_field: v.literal(tag)})
    return Translation(validator, _build(cls, fields), builds=True)


def _build(cls: Any, fields: Sequence[_Field]) -> Convert:
    """Makes an instance of `cls` of an object that its validator accepted."""
    conversions = [(field.wire_name, field.parameter, field.translation.convert) for field in fields]

    def convert(value: Value) -> Any:
        arguments = {}
        for wire_name, parameter, convert_item in conversions:
            if wire_name in value:
                item = value[wire_name]
                arguments[parameter] = item if convert_item is None else convert_field(convert_item, wire_name, item)
        try:
            return cls(**arguments)
        except ValueError as error:
            raise Refused(str(error), "", value, cls.__name__) from error
        except Exception as error:
            raise Refused(f"{type(error).__name__}: {error}", "", value, cls.__name__) from error

    return convert


def _pydantic_model(cls: Any, seen: tuple[Any, ...]) -> Translation:
    """The fields as far as validators can say them; the model checks the rest when it is built."""
    fields = []
    for name, field in cls.model_fields.items():
        alias = field.validation_alias if isinstance(field.validation_alias, str) else field.alias
        annotation = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
        try:
            translation = translate(annotation, seen)
        except UnsupportedAnnotation:
            translation = Translation(AnyValidator())
        fields.append(_Field(alias or name, name, translation, field.is_required()))

    def convert(value: Value) -> Any:
        try:
            return cls.model_validate(value)
        except ValueError as error:
            raise _refused_by_model(error, value, cls) from error

    if getattr(cls, "__pydantic_root_model__", False):
        return Translation(fields[0].translation.validator, convert, builds=True)
    by_name = cls.model_config.get("populate_by_name") or cls.model_config.get("validate_by_name")
    if by_name and any(field.wire_name != field.parameter for field in fields):
        # Either spelling will do, which only the model itself can check.
        return Translation(v.record(v.string(), v.any()), convert, builds=True)
    is_open = cls.model_config.get("extra") in ("allow", "ignore")
    return Translation(_object(fields, is_open=is_open), convert, builds=True)


def _refused_by_model(error: ValueError, value: Value, cls: type[Any]) -> Refused:
    errors = getattr(error, "errors", None)
    if errors is None:
        return Refused(str(error), "", value, cls.__name__)
    first = errors()[0]
    path = "".join([f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"]])
    return Refused(first["msg"], path, first["input"], cls.__name__)


def _object(fields: Sequence[_Field], *, is_open: bool = False) -> ObjectValidator:
    validators = {
        field.wire_name: field.translation.validator if field.is_required else field.translation.validator.optional()
        for field in fields
    }
    return ObjectValidator(validators, is_open=is_open)


_HINTS: Final[Mapping[str, str]] = {
    "set": "Write list[…] for it.",
    "frozenset": "Write list[…] for it.",
    "tuple": "Write list[…] for it.",
    "Iterable": "Write list[…] for it.",
    "datetime": "Write float for it, the milliseconds since 1970, or str.",
    "date": "Write str for it.",
    "timedelta": "Write float for it.",
    "Decimal": "Write str for it.",
    "UUID": "Write str for it.",
    "Id": 'Name the table: Id["users"].',
    "bytearray": "Write bytes for it.",
    "memoryview": "Write bytes for it.",
    "QueryCtx": "The context is the first parameter, and the only one that is not an argument.",
    "MutationCtx": "The context is the first parameter, and the only one that is not an argument.",
    "ActionCtx": "The context is the first parameter, and the only one that is not an argument.",
}


def _unsupported(annotation: Any) -> UnsupportedAnnotation:
    name = getattr(annotation, "__name__", None) or str(annotation)
    explained = explain_misuse(annotation)
    if explained:
        return UnsupportedAnnotation(f"The annotation {name} stands for no value.{explained}")
    hint = "Write Literal[…] with its values for it." if _is_enum(annotation) else _HINTS.get(name, "")
    return UnsupportedAnnotation(
        f"The annotation {name} stands for no value. {hint}{' ' if hint else ''}"
        "Use str, float, int, bool, bytes, None, Int64, "
        'Id["table"], list, dict, Literal, a union of these, a TypedDict, a dataclass, a msgspec.Struct or a Pydantic '
        "model; or declare args= with validators."
    )


def _is_enum(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, enum.Enum)
