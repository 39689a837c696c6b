"""Predicates generated from validators: does this value match, yes or no.

Theory of operation. A validator becomes the source of one Python function, and of helper functions where a loop or an
alternative needs its own `return`. A nested object is written inline, so that a document costs one call. What cannot
be written as source (table names, literals, patterns, users' functions) is put into a table of constants under a
made-up name; the only text of a user in the source is the names of fields, which are identifiers by construction, and
are quoted by `repr` all the same.

The value is normalised: `type(x) is …` is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeAlias, cast

from parabola.schema.validator_types import (
    AnyValidator,
    ArrayValidator,
    BooleanValidator,
    BytesValidator,
    CommitTsValidator,
    Float64Validator,
    IdValidator,
    Int64Validator,
    LiteralValidator,
    NullValidator,
    ObjectValidator,
    PipeValidator,
    RecordValidator,
    StringValidator,
    UnionValidator,
    Validator,
)
from parabola.values.ids import table_number_of
from parabola.values.keys import encode_key
from parabola.values.kinds import Int64, Value


class TableNames(Protocol):
    """Which table a table number stands for."""

    def table_name(self, number: int) -> str | None:
        """The name of the table with this number, None if there is none. Names of system tables start with `_`."""
        ...


Predicate: TypeAlias = Callable[[Value, TableNames], bool]

_INLINE_DEPTH_MAX: Final = 8

_SCALAR_TESTS: Final[dict[type[Validator], str]] = {
    StringValidator: "type({0}) is str",
    Float64Validator: "(type({0}) is float or type({0}) is int)",
    Int64Validator: "type({0}) is Int64",
    CommitTsValidator: "type({0}) is Int64",
    BooleanValidator: "type({0}) is bool",
    BytesValidator: "type({0}) is bytes",
    NullValidator: "{0} is None",
    AnyValidator: "True",
}


def compile_predicate(validator: Validator) -> Predicate:
    """The predicate of a validator; whether the validator is optional makes no difference."""
    generator = _Generator()
    name = generator.function(validator)
    return cast(Predicate, generator.build()[name])


def _is_id_of(value: Value, tables: TableNames, table_name: str) -> bool:
    number = table_number_of(value)
    return number is not None and tables.table_name(number) == table_name


class _Generator:
    """Writes the functions of one validator and of what is inside it."""

    def __init__(self) -> None:
        self._constants: dict[str, Any] = {
            "Int64": Int64,
            "MISSING": object(),
            "encode_key": encode_key,
            "is_id_of": _is_id_of,
        }
        self._sources: list[str] = []
        self._functions: dict[Validator, str] = {}
        self._names = 0

    def build(self) -> dict[str, Any]:
        namespace = dict(self._constants)
        # Only what this class wrote is compiled: see the module's theory of operation.
        exec(compile("\n".join(self._sources), "<validator>", "exec"), namespace)
        return namespace

    def function(self, validator: Validator) -> str:
        """The name of the function for `validator`, written on first use."""
        name = self._functions.get(validator)
        if name is None:
            name = self._functions[validator] = self._name("matches")
            lines = [f"def {name}(x, tables):", " try:", *self._body(validator, "x", 2, at_root=True), "  return True"]
            self._sources.append("\n".join([*lines, " except KeyError:", "  return False"]))
        return name

    def _body(self, validator: Validator, x: str, depth: int, *, at_root: bool = False) -> list[str]:
        """Statements that return False unless `x` matches. Loops are written only at the root of a function."""
        if isinstance(validator, ObjectValidator) and depth <= _INLINE_DEPTH_MAX:
            return self._object(validator, x, depth)
        pad = " " * depth
        if isinstance(validator, ArrayValidator) and at_root:
            item = self._name("item")
            inside = self._body(validator.element, item, depth + 1)
            return [f"{pad}if type({x}) is not list: return False", f"{pad}for {item} in {x}:", *inside]
        if isinstance(validator, RecordValidator) and at_root:
            key, item = self._name("key"), self._name("item")
            inside = self._body(validator.key, key, depth + 1) + self._body(validator.value, item, depth + 1)
            return [f"{pad}if type({x}) is not dict: return False", f"{pad}for {key}, {item} in {x}.items():", *inside]
        return [f"{pad}if not {self._expression(validator, x)}: return False"]

    def _object(self, validator: ObjectValidator, x: str, depth: int) -> list[str]:
        pad = " " * depth
        required = [name for name, field in validator.fields.items() if not field.is_optional]
        optional = [name for name, field in validator.fields.items() if field.is_optional]
        # Literals first: in a union of objects they tell the members apart.
        required.sort(key=lambda name: not isinstance(validator.fields[name], LiteralValidator))
        lines = [f"{pad}if type({x}) is not dict: return False"]
        if not optional and not validator.is_open:
            lines.append(f"{pad}if len({x}) != {len(required)}: return False")
        for name in required:
            field = self._name("field")
            lines.append(f"{pad}{field} = {x}[{name!r}]")
            lines += self._body(validator.fields[name], field, depth)
        if optional:
            count = self._name("count")
            lines.append(f"{pad}{count} = {len(required)}")
            for name in optional:
                field = self._name("field")
                lines.append(f"{pad}{field} = {x}.get({name!r}, MISSING)")
                lines.append(f"{pad}if {field} is not MISSING:")
                lines.append(f"{pad} {count} += 1")
                lines += self._body(validator.fields[name], field, depth + 1)
            if not validator.is_open:
                lines.append(f"{pad}if len({x}) != {count}: return False")
        return lines

    def _expression(self, validator: Validator, x: str) -> str:
        """An expression that is true if the variable `x` matches."""
        test = _SCALAR_TESTS.get(type(validator))
        if test is not None:
            return test.format(x)
        if isinstance(validator, IdValidator):
            return f"is_id_of({x}, tables, {self._constant(validator.table_name)})"
        if isinstance(validator, LiteralValidator):
            return self._literal(validator, x)
        if isinstance(validator, UnionValidator):
            return self._union(validator, x)
        if isinstance(validator, PipeValidator):
            parts = [self._expression(validator.base, x)]
            parts += [f"{self._constant(check.passes)}({x})" for check in validator.checks]
            return "(" + " and ".join(parts) + ")"
        return f"{self.function(validator)}({x}, tables)"

    def _literal(self, validator: LiteralValidator, x: str) -> str:
        value = validator.value
        if type(value) is bool:
            return f"{x} is {value}"
        constant = self._constant(value)
        if type(value) is str or type(value) is Int64:
            return f"(type({x}) is {type(value).__name__} and {x} == {constant})"
        if value == 0:
            # The two zeros are different values, and Python does not tell them apart.
            return (
                f"((type({x}) is float or type({x}) is int) and encode_key({x}) == {self._constant(encode_key(value))})"
            )
        return f"((type({x}) is float or type({x}) is int) and {x} == {constant})"

    def _union(self, validator: UnionValidator, x: str) -> str:
        words = {m.value for m in validator.members if isinstance(m, LiteralValidator) and type(m.value) is str}
        parts: list[str] = []
        if len(words) > 1:
            parts.append(f"(type({x}) is str and {x} in {self._constant(frozenset(words))})")
        for member in validator.members:
            if len(words) > 1 and isinstance(member, LiteralValidator) and type(member.value) is str:
                continue
            parts.append(self._expression(member, x))
        return "(" + " or ".join(parts) + ")" if parts else "False"

    def _constant(self, value: Any) -> str:
        name = self._name("constant")
        self._constants[name] = value
        return name

    def _name(self, word: str) -> str:
        self._names += 1
        return f"{word}_{self._names}"
