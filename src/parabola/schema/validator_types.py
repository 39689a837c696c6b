"""Validators: what a value must look like, as values themselves (semantics 2.2).

A validator is immutable, compares and hashes by what it says, prints in JavaScript syntax (wire 4.3) and exports to
JSON. It does not check anything; `schema.check` compiles one into a function that does. Users reach these classes
through the namespace `v` of `schema.validators`.
"""

from __future__ import annotations

import re
import typing
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from math import isfinite
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeVar

from parabola.errors import SchemaError
from parabola.schema.checks import Check
from parabola.values.keys import encode_key
from parabola.values.kinds import Int64, Value
from parabola.values.model import normalize
from parabola.values.render import render_value
from parabola.values.wire import to_wire

IDENTIFIER: Final = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
"""Names of tables, indexes, functions and validator fields: `fullmatch` it."""

Self = TypeVar("Self", bound="Validator")


class Validator(ABC):
    """The base. `kind` names the sort of validator, `is_optional` says whether its field may be absent."""

    __slots__ = ("_identity", "is_optional")

    kind: ClassVar[str]
    is_convex_validator: ClassVar[bool] = True
    is_optional: bool
    _identity: tuple[Any, ...]

    def __init__(self, is_optional: bool = False) -> None:
        _set(self, "is_optional", is_optional)

    def optional(self: Self) -> Self:
        """The same validator for a field that may be absent. Absent is not null."""
        return self if self.is_optional else self._with_optional(True)

    def required(self: Self) -> Self:
        """The same validator for a field that must be there."""
        return self._with_optional(False) if self.is_optional else self

    def _with_optional(self: Self, is_optional: bool) -> Self:
        copy = object.__new__(type(self))
        for owner in type(self).__mro__:
            for slot in getattr(owner, "__slots__", ()):
                if slot != "_identity":
                    _set(copy, slot, getattr(self, slot))
        _set(copy, "is_optional", is_optional)
        return copy

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The JSON form (semantics 2.2). Optionality belongs to the field, so it is in the enclosing object's form."""

    def _parts(self) -> tuple[Any, ...]:
        """What makes this validator equal to another of its kind."""
        return ()

    @abstractmethod
    def _text(self) -> str:
        """The printed form, without the `v.optional(…)` around it."""

    def __str__(self) -> str:
        text = self._text()
        return f"v.optional({text})" if self.is_optional else text

    def __repr__(self) -> str:
        return str(self)

    def _key(self) -> tuple[Any, ...]:
        try:
            return self._identity
        except AttributeError:
            identity = (self.kind, self.is_optional, *self._parts())
            _set(self, "_identity", identity)
            return identity

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Validator) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __copy__(self: Self) -> Self:
        return self

    def __deepcopy__(self: Self, memo: object) -> Self:
        return self

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Validators cannot be changed. Make a new one instead of setting {name!r}.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"Validators cannot be changed. Make a new one instead of deleting {name!r}.")


_set = object.__setattr__


class ScalarValidator(Validator):
    """A validator that its kind says all about. Subclasses give the kind, the printed and the JSON name."""

    __slots__ = ()

    printed_name: ClassVar[str]
    json_type: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        return {"type": self.json_type}

    def _text(self) -> str:
        return f"v.{self.printed_name}()"


class StringValidator(ScalarValidator):
    """`v.string()`"""

    __slots__ = ()
    kind = printed_name = json_type = "string"


class Float64Validator(ScalarValidator):
    """`v.number()` and `v.float64()`: any double, also NaN and the infinities; never an Int64 and never a bool."""

    __slots__ = ()
    kind = printed_name = "float64"
    json_type = "number"


class Int64Validator(ScalarValidator):
    """`v.int64()`: an `Int64`, never a plain int."""

    __slots__ = ()
    kind = printed_name = "int64"
    json_type = "bigint"


class BooleanValidator(ScalarValidator):
    """`v.boolean()`"""

    __slots__ = ()
    kind = printed_name = json_type = "boolean"


class BytesValidator(ScalarValidator):
    """`v.bytes()`"""

    __slots__ = ()
    kind = printed_name = json_type = "bytes"


class NullValidator(ScalarValidator):
    """`v.null()`"""

    __slots__ = ()
    kind = printed_name = json_type = "null"


class AnyValidator(ScalarValidator):
    """`v.any()`: any value; a field of it must be there."""

    __slots__ = ()
    kind = printed_name = json_type = "any"


class CommitTsValidator(ScalarValidator):
    """`v.commit_ts()`: the timestamp of the commit, an Int64 once committed."""

    __slots__ = ()
    kind = json_type = "commitTs"
    printed_name = "commitTs"


class IdValidator(Validator):
    """`v.id(table)`: the id of a document of that table. Whether the document exists is not checked."""

    __slots__ = ("table_name",)
    kind = "id"
    table_name: str

    def __init__(self, table_name: str, is_optional: bool = False) -> None:
        if type(table_name) is not str:
            raise SchemaError("v.id(tableName) requires a string", code="InvalidValidator")
        super().__init__(is_optional)
        _set(self, "table_name", table_name)

    def to_json(self) -> dict[str, Any]:
        return {"type": "id", "tableName": self.table_name}

    def _parts(self) -> tuple[Any, ...]:
        return (self.table_name,)

    def _text(self) -> str:
        return f"v.id({render_value(self.table_name)})"


class LiteralValidator(Validator):
    """`v.literal(x)`: exactly `x`, a string, number, Int64 or bool. The type counts: `1` is neither `True` nor
    `Int64(1)`.
    """

    __slots__ = ("value",)
    kind = "literal"
    value: Value

    def __init__(self, value: str | bool | int | float | Int64, is_optional: bool = False) -> None:
        if type(value) not in (str, bool, int, float, Int64):
            raise SchemaError("v.literal(value) must be a string, number, or boolean", code="InvalidValidator")
        if isinstance(value, float) and not isfinite(value):
            raise SchemaError(
                "Infinite or NaN values are not supported in literal validators.", code="InvalidValidator"
            )
        super().__init__(is_optional)
        _set(self, "value", normalize(value))

    def to_json(self) -> dict[str, Any]:
        # The encoded form tells an Int64 literal from a number.
        return {"type": "literal", "value": to_wire(self.value)}

    def _parts(self) -> tuple[Any, ...]:
        return (encode_key(self.value),)

    def _text(self) -> str:
        return f"v.literal({render_value(self.value)})"


class ArrayValidator(Validator):
    """`v.array(element)`"""

    __slots__ = ("element",)
    kind = "array"
    element: Validator

    def __init__(self, element: Any, is_optional: bool = False) -> None:
        element = as_validator(element, "v.array() element must be a validator")
        if element.is_optional:
            raise SchemaError("Array validator cannot have optional elements", code="InvalidValidator")
        super().__init__(is_optional)
        _set(self, "element", element)

    def to_json(self) -> dict[str, Any]:
        return {"type": "array", "value": self.element.to_json()}

    def _parts(self) -> tuple[Any, ...]:
        return (self.element,)

    def _text(self) -> str:
        return f"v.array({self.element})"


class ObjectValidator(Validator):
    """`v.object(fields)`: exactly these fields; optional ones may be absent.

    `is_open` lets other fields pass; only the arguments of a handler with `**kwargs` are checked that way.
    """

    __slots__ = ("fields", "is_open")
    kind = "object"
    fields: Mapping[str, Validator]
    is_open: bool

    def __init__(self, fields: Mapping[str, Any], is_optional: bool = False, *, is_open: bool = False) -> None:
        if not isinstance(fields, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise SchemaError("v.object() takes a dict of validators", code="InvalidValidator")
        checked: dict[str, Validator] = {}
        for name in fields:
            if type(name) is not str or not IDENTIFIER.fullmatch(name):
                raise SchemaError(
                    f"Invalid field name in v.object(): {name!r}. Identifiers must be 64 characters or less, "
                    "start with a letter or underscore, and only contain letters, digits, underscores.",
                    code="InvalidValidator",
                )
            checked[name] = _member_validator(name, fields[name])
        super().__init__(is_optional)
        _set(self, "fields", MappingProxyType(checked))
        _set(self, "is_open", is_open)

    def partial(self) -> ObjectValidator:
        """Every field optional, one level deep."""
        return self._with_fields({name: field.optional() for name, field in self.fields.items()})

    def pick(self, *names: str) -> ObjectValidator:
        """Only the named fields. Raises `SchemaError` for a name that is not there."""
        _require_names("pick", names)
        return self._with_fields({name: self.fields.get(name) for name in names})

    def omit(self, *names: str) -> ObjectValidator:
        """All but the named fields."""
        _require_names("omit", names)
        return self._with_fields({name: field for name, field in self.fields.items() if name not in names})

    def extend(self, fields: Mapping[str, Any] | None = None, /, **more: Any) -> ObjectValidator:
        """These fields as well; where a name is there already, the new validator counts."""
        return self._with_fields({**self.fields, **(fields or {}), **more})

    def _with_fields(self, fields: Mapping[str, Any]) -> ObjectValidator:
        return ObjectValidator(fields, self.is_optional, is_open=self.is_open)

    def to_json(self) -> dict[str, Any]:
        fields = {
            name: {"fieldType": field.to_json(), "optional": field.is_optional} for name, field in self.fields.items()
        }
        form: dict[str, Any] = {"type": "object", "value": fields}
        if self.is_open:
            form["open"] = True
        return form

    def _parts(self) -> tuple[Any, ...]:
        return (self.is_open, *((name, self.fields[name]) for name in sorted(self.fields)))

    def _text(self) -> str:
        return "v.object({" + ", ".join([f"{name}: {self.fields[name]}" for name in sorted(self.fields)]) + "})"


class RecordValidator(Validator):
    """`v.record(key, value)`: any field names that match `key`, each with a value that matches `value`."""

    __slots__ = ("key", "value")
    kind = "record"
    key: Validator
    value: Validator

    def __init__(self, key: Any, value: Any, is_optional: bool = False) -> None:
        key = as_validator(key, "v.record() key must be a validator")
        value = as_validator(value, "v.record() value must be a validator")
        if key.is_optional:
            raise SchemaError("Record validator cannot have optional keys", code="InvalidValidator")
        if value.is_optional:
            raise SchemaError("Record validator cannot have optional values", code="InvalidValidator")
        _check_record_key(key)
        super().__init__(is_optional)
        _set(self, "key", key)
        _set(self, "value", value)

    def to_json(self) -> dict[str, Any]:
        values = {"fieldType": self.value.to_json(), "optional": False}
        return {"type": "record", "keys": self.key.to_json(), "values": values}

    def _parts(self) -> tuple[Any, ...]:
        return (self.key, self.value)

    def _text(self) -> str:
        return f"v.record({self.key}, {self.value})"


class UnionValidator(Validator):
    """`v.union(a, b, …)`: what at least one member accepts. None at all accepts nothing."""

    __slots__ = ("members",)
    kind = "union"
    members: tuple[Validator, ...]

    def __init__(self, members: Sequence[Any], is_optional: bool = False) -> None:
        text = "All members of v.union() must be validators"
        if any(isinstance(member, list | tuple) for member in members):
            text += ". Pass them one by one, as in v.union(a, b)"
        checked = tuple(as_validator(member, text) for member in members)
        if any(member.is_optional for member in checked):
            raise SchemaError(
                "Union validator cannot have optional members. Put v.optional(...) around the union instead.",
                code="InvalidValidator",
            )
        super().__init__(is_optional)
        _set(self, "members", checked)

    def to_json(self) -> dict[str, Any]:
        return {"type": "union", "value": [member.to_json() for member in self.members]}

    def _parts(self) -> tuple[Any, ...]:
        return self.members

    def _text(self) -> str:
        return "v.union(" + ", ".join(map(str, self.members)) + ")"


class PipeValidator(Validator):
    """`v.pipe(base, check, …)`: what `base` accepts and every check lets pass."""

    __slots__ = ("base", "checks")
    kind = "pipe"
    base: Validator
    checks: tuple[Check, ...]

    def __init__(self, base: Any, checks: Sequence[Check], is_optional: bool = False) -> None:
        base = as_validator(base, "v.pipe() takes a validator first, then checks such as v.min(1)")
        for check in checks:
            if not isinstance(check, Check):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise SchemaError(
                    f"v.pipe() takes checks such as v.min(1) after the validator, and was given {check!r}. "
                    "Write v.check(fn) to use a function.",
                    code="InvalidValidator",
                )
        super().__init__(is_optional or base.is_optional)
        earlier: tuple[Check, ...] = ()
        if isinstance(base, PipeValidator):
            base, earlier = base.base, base.checks
        _set(self, "base", base.required())
        _set(self, "checks", (*earlier, *checks))

    def to_json(self) -> dict[str, Any]:
        return {**self.base.to_json(), "checks": [check.to_json() for check in self.checks]}

    def _parts(self) -> tuple[Any, ...]:
        return (self.base, self.checks)

    def _text(self) -> str:
        return "v.pipe(" + ", ".join(map(str, (self.base, *self.checks))) + ")"


def as_validator(given: Any, text: str = "Expected a validator such as v.string()", field: str = "") -> Validator:
    """`given` if it is a validator, `v.object(given)` if it is a dict of validators. Raises `SchemaError` with
    `text`, and with what to write instead; `field` is what it was given for.
    """
    if isinstance(given, Validator):
        return given
    if isinstance(given, Mapping):
        return ObjectValidator(given)
    advice = _advice(given)
    if field:
        advice = f'Field "{field}" was given {_named(given)}. {advice}'.rstrip()
    raise SchemaError(f"{text}. {advice}" if advice else text, code="InvalidValidator")


_INSTEAD_OF_TYPES: Final[Mapping[Any, str]] = {
    str: "v.string()",
    int: "v.number(), or v.pipe(v.number(), v.integer()), or v.int64()",
    float: "v.number()",
    bool: "v.boolean()",
    bytes: "v.bytes()",
    type(None): "v.null()",
    list: "v.array(…)",
    dict: "v.record(v.string(), …), or v.object({…})",
    Int64: "v.int64()",
    Any: "v.any()",
}


def _advice(given: Any) -> str:
    """What to write instead of what is no validator, where that is plain."""
    if isinstance(given, list):
        element = str(given[0]) if len(given) == 1 and isinstance(given[0], Validator) else "…"
        return f"Write v.array({element}) instead of {_named(given)}."
    try:
        instead = _INSTEAD_OF_TYPES.get(given)
    except TypeError:
        return ""
    if instead is not None:
        return f"Write {instead} instead of {_named(given)}."
    if isinstance(given, type) or typing.get_origin(given) is not None:
        return f"{_named(given)} is a type, and goes into annotations; write the validator that says the same."
    if callable(given):
        return f"Did you forget the parentheses in {_named(given)}()?"
    return ""


def _named(given: Any) -> str:
    """`given` in a message, as its user wrote it."""
    name = getattr(given, "__name__", None)
    shown = name if isinstance(name, str) and typing.get_origin(given) is None else repr(given)
    if getattr(given, "__module__", None) == "parabola.schema.validators" and callable(given):
        shown = f"v.{shown}"
    return shown if len(shown) <= 80 else shown[:80] + "…"


def _require_names(method: str, names: tuple[object, ...]) -> None:
    for name in names:
        if not isinstance(name, str):
            raise SchemaError(
                f'{method}() takes the names of fields one by one, as in {method}("a", "b"), and was given {name!r}.',
                code="InvalidValidator",
            )


def _member_validator(name: str, given: Any) -> Validator:
    if given is None:
        raise SchemaError(
            f'A validator is undefined for field "{name}" in v.object(). This is often caused by circular imports.',
            code="InvalidValidator",
        )
    return as_validator(given, "v.object() entries must be validators", field=name)


def _check_record_key(key: Validator) -> None:
    for member in key.members if isinstance(key, UnionValidator) else (key,):
        if isinstance(member, LiteralValidator) and type(member.value) is str:
            raise SchemaError("Records cannot have string literal keys", code="InvalidValidator")
        inner = member.base if isinstance(member, PipeValidator) else member
        if isinstance(inner, UnionValidator):
            _check_record_key(inner)
        elif not isinstance(inner, (StringValidator, IdValidator)):
            raise SchemaError(
                "Records can only have string keys. Your validator contains a record with key typed as "
                f"{key}, which is not a subtype of v.string()",
                code="InvalidValidator",
            )
