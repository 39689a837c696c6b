"""Hypothesis strategies for values, documents, validators and schemas, shared by all property tests.

A new kind of value is added here first. The strategies lean towards what is hard: the two zeros, NaN of either sign,
the borders of the integers, characters beyond the basic plane, names that need no quotes and names that do.
"""

from __future__ import annotations

import string
import struct
from typing import Any

from hypothesis import strategies as st

from parabola.schema.tables import Schema, TableDefinition, define_schema, define_table
from parabola.schema.validators import (
    AnyValidator,
    ArrayValidator,
    BooleanValidator,
    BytesValidator,
    Float64Validator,
    IdValidator,
    Int64Validator,
    LiteralValidator,
    NullValidator,
    ObjectValidator,
    RecordValidator,
    StringValidator,
    UnionValidator,
    Validator,
    v,
)
from parabola.values.ids import encode_id
from parabola.values.kinds import INT64_MAX, INT64_MIN, SAFE_INTEGER_MAX, Int64, Value

USERS_TABLE_NUMBER = 10001


def _double(bits: int) -> float:
    value: float = struct.unpack("<d", bits.to_bytes(8, "little"))[0]
    return value


special_floats = st.sampled_from(
    [0.0, -0.0, float("inf"), float("-inf"), _double(0x7FF8 << 48), _double(0xFFF8 << 48), 5e-324, 1.5e308, 2.0**53]
)
floats: st.SearchStrategy[float] = st.one_of(special_floats, st.floats(allow_nan=False))
"""Doubles of all sorts."""

plain_ints: st.SearchStrategy[int] = st.one_of(
    st.integers(-10, 10),
    st.integers(-SAFE_INTEGER_MAX, SAFE_INTEGER_MAX),
    st.sampled_from([SAFE_INTEGER_MAX, -SAFE_INTEGER_MAX]),
)
"""Integers that stand for doubles."""

int64s: st.SearchStrategy[Int64] = st.one_of(
    st.integers(INT64_MIN, INT64_MAX),
    st.sampled_from([INT64_MIN, INT64_MAX, -128, -129, 127, 128, 2**15, 2**31, 0, 1, -1]),
).map(Int64)
"""64-bit integers, with the borders of the widths that keys use."""

texts: st.SearchStrategy[str] = st.one_of(
    st.text(max_size=8),
    st.text(alphabet="a\x00\uffff\U00010000é", max_size=5),
    st.sampled_from(["null", "-0.0", "$5", "NaN"]),
)
"""Text that UTF-8 can hold, with characters that sort differently in UTF-16."""

blobs: st.SearchStrategy[bytes] = st.one_of(st.binary(max_size=6), st.sampled_from([b"\x00", b"\x00\xff", b"\xff"]))
"""Bytes, with those that keys must escape."""

field_names: st.SearchStrategy[str] = st.one_of(
    st.sampled_from(["", "a", "b", "ab", "_id", "a b", "name", "body"]),
    st.text(alphabet=[chr(code) for code in range(32, 127)], max_size=6).filter(lambda name: not name.startswith("$")),
)
"""Names that a field may have, and not only identifiers."""

identifiers: st.SearchStrategy[str] = st.one_of(
    st.sampled_from(["name", "body", "author", "count"]),
    st.text(alphabet=string.ascii_letters, min_size=1, max_size=6),
)
"""Names of tables, indexes and the fields of validators."""

ids: st.SearchStrategy[str] = st.builds(encode_id, st.just(USERS_TABLE_NUMBER), st.binary(min_size=16, max_size=16))
"""Ids of the table numbered `USERS_TABLE_NUMBER`."""

scalars: st.SearchStrategy[Value] = st.one_of(st.none(), st.booleans(), plain_ints, floats, int64s, texts, blobs, ids)
"""Values that hold no other value."""

values: st.SearchStrategy[Value] = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(field_names, inner, max_size=4)),
    max_leaves=12,
)
"""Normalised values of every kind."""

documents: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    field_names.filter(lambda name: not name.startswith("_")), values, max_size=6
)
"""Documents without system fields."""

_literal_values: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(["a", "b", "", True, False, 0, 1, 1.5, -0.0]), int64s, st.integers(-3, 3)
)
literals: st.SearchStrategy[Validator] = _literal_values.map(lambda value: LiteralValidator(value))

_scalar_validators: st.SearchStrategy[Validator] = st.one_of(
    st.sampled_from(
        [v.string(), v.number(), v.int64(), v.boolean(), v.bytes(), v.null(), v.any(), v.id("users"), v.id("rooms")]
    ),
    literals,
)


def _validators_around(inner: st.SearchStrategy[Validator]) -> st.SearchStrategy[Validator]:
    fields = st.one_of(inner, inner.map(v.optional))
    return st.one_of(
        inner.map(ArrayValidator),
        st.dictionaries(identifiers, fields, max_size=4).map(ObjectValidator),
        st.builds(RecordValidator, st.sampled_from([v.string(), v.id("users")]), inner),
        st.lists(inner, max_size=3).map(UnionValidator),
    )


validators: st.SearchStrategy[Validator] = st.recursive(_scalar_validators, _validators_around, max_leaves=6)
"""Validators of every kind, none of them optional."""

object_validators: st.SearchStrategy[ObjectValidator] = st.dictionaries(
    identifiers, st.one_of(validators, validators.map(v.optional)), max_size=5
).map(ObjectValidator)
"""Validators of documents."""


def values_matching(validator: Validator) -> st.SearchStrategy[Value]:
    """Values that `validator` accepts where ids of `users` have `USERS_TABLE_NUMBER`; nothing if it accepts none."""
    simple: dict[type[Validator], st.SearchStrategy[Value]] = {
        StringValidator: texts,
        Float64Validator: st.one_of(plain_ints, floats),
        Int64Validator: int64s,
        BooleanValidator: st.booleans(),
        BytesValidator: blobs,
        NullValidator: st.none(),
        AnyValidator: values,
    }
    if type(validator) in simple:
        return simple[type(validator)]
    if isinstance(validator, IdValidator):
        return ids if validator.table_name == "users" else st.nothing()
    if isinstance(validator, LiteralValidator):
        return st.just(validator.value)
    if isinstance(validator, ArrayValidator):
        elements = values_matching(validator.element)
        return st.just([]) if elements.is_empty else st.lists(elements, max_size=3)
    if isinstance(validator, RecordValidator):
        keys, items = values_matching(validator.key), values_matching(validator.value)
        if keys.is_empty or items.is_empty:
            return st.just({})
        return st.dictionaries(keys.filter(_is_name), items, max_size=3)
    if isinstance(validator, UnionValidator):
        return st.one_of([values_matching(member) for member in validator.members])
    assert isinstance(validator, ObjectValidator), f"no values are known for {validator}"
    required = {name: values_matching(field) for name, field in validator.fields.items() if not field.is_optional}
    optional = {name: values_matching(field) for name, field in validator.fields.items() if field.is_optional}
    return st.fixed_dictionaries(
        required, optional={name: strategy for name, strategy in optional.items() if not strategy.is_empty}
    )


def _is_name(name: str) -> bool:
    return name.isascii() and name.isprintable() and not name.startswith("$")


@st.composite
def tables(draw: st.DrawFn) -> TableDefinition:
    """Tables with up to two indexes over their fields."""
    document = draw(object_validators)
    table = define_table(document)
    fields = sorted(document.fields)
    chosen = draw(st.lists(st.sampled_from(fields), max_size=2, unique=True)) if fields else []
    for field in chosen:
        table.index(f"index_on_{field}", [field])
    return table


schemas: st.SearchStrategy[Schema] = st.dictionaries(identifiers, tables(), max_size=3).map(define_schema)
"""Schemas of a few tables."""
