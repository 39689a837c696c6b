"""Validators as values: semantics 2.2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from parabola.errors import SchemaError
from parabola.schema.validators import (
    ArrayValidator,
    IdValidator,
    LiteralValidator,
    ObjectValidator,
    RecordValidator,
    UnionValidator,
    Validator,
    as_validator,
    v,
    validator_from_json,
)
from parabola.values.kinds import Int64


@pytest.mark.parametrize(
    ("validator", "text"),
    [
        (v.string(), "v.string()"),
        (v.number(), "v.float64()"),
        (v.float64(), "v.float64()"),
        (v.int64(), "v.int64()"),
        (v.bigint(), "v.int64()"),
        (v.boolean(), "v.boolean()"),
        (v.null(), "v.null()"),
        (v.bytes(), "v.bytes()"),
        (v.any(), "v.any()"),
        (v.commit_ts(), "v.commitTs()"),
        (v.id("users"), 'v.id("users")'),
        (v.literal("x"), 'v.literal("x")'),
        (v.literal(1), "v.literal(1.0)"),
        (v.literal(Int64(1)), "v.literal(1)"),
        (v.literal(True), "v.literal(true)"),
        (v.array(v.string()), "v.array(v.string())"),
        (v.record(v.string(), v.number()), "v.record(v.string(), v.float64())"),
        (v.union(v.string(), v.null()), "v.union(v.string(), v.null())"),
        (v.nullable(v.string()), "v.union(v.string(), v.null())"),
        (
            v.object({"b": v.optional(v.float64()), "a": v.string()}),
            "v.object({a: v.string(), b: v.optional(v.float64())})",
        ),
        (v.object({}), "v.object({})"),
        (v.pipe(v.number(), v.min(1), v.max(100)), "v.pipe(v.float64(), v.min(1), v.max(100))"),
        (v.pipe(v.string(), v.length(1, 40), v.pattern("a+")), 'v.pipe(v.string(), v.length(1, 40), v.pattern("a+"))'),
        (v.optional(v.string()), "v.optional(v.string())"),
    ],
)
def test_validators_print_in_javascript_syntax(validator: Validator, text: str) -> None:
    assert str(validator) == repr(validator) == text


def test_validators_are_equal_when_they_say_the_same() -> None:
    def one() -> Validator:
        return v.object({"a": v.array(v.union(v.id("users"), v.literal(1))), "b": v.optional(v.string())})

    assert one() == one()
    assert hash(one()) == hash(one())
    assert v.object({"a": v.string(), "b": v.null()}) == v.object({"b": v.null(), "a": v.string()})
    assert v.number() == v.float64()
    assert v.literal(1) == v.literal(1.0)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (v.literal(1), v.literal(True)),
        (v.literal(1), v.literal(Int64(1))),
        (v.literal(0.0), v.literal(-0.0)),
        (v.literal("1"), v.literal(1)),
        (v.string(), v.optional(v.string())),
        (v.id("a"), v.id("b")),
        (v.union(v.string(), v.null()), v.union(v.null(), v.string())),
        (v.pipe(v.number(), v.min(1)), v.pipe(v.number(), v.min(2))),
        (v.pipe(v.number(), v.min(1)), v.pipe(v.number(), v.max(1))),
        (v.pipe(v.number(), v.min(1)), v.number()),
        (v.string(), "v.string()"),
    ],
)
def test_validators_differ_when_they_do_not(a: Validator, b: object) -> None:
    assert a != b


def test_validators_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="Validators cannot be changed"):
        v.string().is_optional = True
    with pytest.raises(AttributeError, match="Validators cannot be changed"):
        del v.id("users").table_name
    with pytest.raises(TypeError):
        v.object({}).fields["a"] = v.string()  # type: ignore[index]


def test_attributes_tell_what_a_validator_is() -> None:
    assert v.number().kind == "float64"
    assert v.id("users").table_name == "users"
    assert v.literal("x").value == "x"
    assert v.array(v.string()).element == v.string()
    assert v.union(v.string(), v.null()).members == (v.string(), v.null())
    record = v.record(v.string(), v.number())
    assert (record.key, record.value) == (v.string(), v.number())
    assert dict(v.object({"a": v.string()}).fields) == {"a": v.string()}
    assert not v.string().is_optional
    assert v.string().optional().is_optional
    assert v.optional(v.optional(v.string())) == v.string().optional()
    assert v.string().optional().required() == v.string()


def test_dicts_of_validators_stand_for_objects() -> None:
    assert v.object(a=v.string()) == v.object({"a": v.string()}) == as_validator({"a": v.string()})
    assert v.array({"a": v.string()}) == v.array(v.object({"a": v.string()}))
    assert v.object({"a": {"b": v.string()}}) == v.object({"a": v.object({"b": v.string()})})


def given(anything: Any) -> Any:
    """Lets a test hand over what a type checker would refuse."""
    return anything


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: IdValidator(given(5)), "v.id(tableName) requires a string"),
        (lambda: v.object({"a": given("x")}), "v.object() entries must be validators. Field \"a\" was given 'x'."),
        (
            lambda: v.object({"n": v.string(), "a": given(str)}),
            'v.object() entries must be validators. Field "a" was given str. Write v.string() instead of str.',
        ),
        (
            lambda: v.object({"a": given([v.string()])}),
            'v.object() entries must be validators. Field "a" was given [v.string()]. '
            "Write v.array(v.string()) instead of [v.string()].",
        ),
        (
            lambda: v.array(given(list[str])),
            "v.array() element must be a validator. "
            "list[str] is a type, and goes into annotations; write the validator that says the same.",
        ),
        (
            lambda: v.optional(given(bool)),
            "v.optional() takes a validator. Write v.boolean() instead of bool.",
        ),
        (
            lambda: v.object({"a": given(None)}),
            'A validator is undefined for field "a" in v.object(). This is often caused by circular imports.',
        ),
        (lambda: ObjectValidator(given(["a"])), "v.object() takes a dict of validators"),
        (lambda: v.union(v.string(), given("x")), "All members of v.union() must be validators"),
        (
            lambda: v.union(v.string(), v.optional(v.null())),
            "Union validator cannot have optional members. Put v.optional(...) around the union instead.",
        ),
        (lambda: v.literal(given(None)), "v.literal(value) must be a string, number, or boolean"),
        (lambda: v.literal(given([1])), "v.literal(value) must be a string, number, or boolean"),
        (lambda: v.literal(float("nan")), "Infinite or NaN values are not supported in literal validators."),
        (lambda: v.literal(float("inf")), "Infinite or NaN values are not supported in literal validators."),
        (lambda: v.array(v.optional(v.string())), "Array validator cannot have optional elements"),
        (lambda: v.record(v.optional(v.string()), v.any()), "Record validator cannot have optional keys"),
        (lambda: v.record(v.string(), v.optional(v.any())), "Record validator cannot have optional values"),
        (lambda: v.record(v.literal("a"), v.any()), "Records cannot have string literal keys"),
        (lambda: v.record(v.union(v.string(), v.literal("a")), v.any()), "Records cannot have string literal keys"),
        (
            lambda: v.record(v.number(), v.any()),
            "Records can only have string keys. Your validator contains a record with key typed as v.float64(), which "
            "is not a subtype of v.string()",
        ),
        (
            lambda: v.record(v.any(), v.any()),
            "Records can only have string keys. Your validator contains a record with key typed as v.any(), which is "
            "not a subtype of v.string()",
        ),
        (
            lambda: v.object({"a": v.string()}).pick("b"),
            'A validator is undefined for field "b" in v.object(). This is often caused by circular imports.',
        ),
        (
            lambda: v.array(given(v.string)),
            "v.array() element must be a validator. Did you forget the parentheses in v.string()?",
        ),
        (
            lambda: v.pipe(v.string(), given("x")),
            "v.pipe() takes checks such as v.min(1) after the validator, and was given 'x'. Write v.check(fn) to use a "
            "function.",
        ),
        (lambda: v.min(given("1")), "v.min() takes a number, and was given '1'."),
        (lambda: v.max(given(True)), "v.max() takes a number, and was given True."),
        (
            lambda: v.length(3, 2),
            "v.length() takes a least length and a most length that is not below it, and was given 3, 2.",
        ),
        (lambda: v.check(given(5)), "v.check() takes a function of the value, and was given 5."),
    ],
)
def test_what_cannot_be_a_validator_is_refused_at_once(make: Callable[[], Any], text: str) -> None:
    with pytest.raises(SchemaError) as refusal:
        make()
    assert refusal.value.message == text
    assert refusal.value.code == "InvalidValidator"


@pytest.mark.parametrize("name", ["", "a b", "1a", "$a", "___", "é", "x" * 65, 5])
def test_fields_of_validators_are_identifiers(name: Any) -> None:
    with pytest.raises(SchemaError, match=r"^Invalid field name in v\.object\(\)"):
        v.object({name: v.string()})


def test_a_bad_pattern_is_refused_at_once() -> None:
    with pytest.raises(SchemaError, match=r"^v\.pattern\(\) was given '\(', which is no regular expression"):
        v.pattern("(")


def test_record_keys_are_strings_or_ids_or_unions_of_them() -> None:
    for key in (v.string(), v.id("users"), v.union(v.string(), v.id("users")), v.pipe(v.string(), v.length(1))):
        assert v.record(key, v.any()).key == key


class TestObjects:
    whole = v.object({"a": v.string(), "b": v.optional(v.number()), "c": v.object({"d": v.null()})})

    def test_partial_makes_every_field_optional_one_level_deep(self) -> None:
        assert self.whole.partial() == v.object(
            {"a": v.optional(v.string()), "b": v.optional(v.number()), "c": v.optional(v.object({"d": v.null()}))}
        )

    def test_pick_and_omit_are_complements(self) -> None:
        assert self.whole.pick("a", "b") == self.whole.omit("c") == v.object(a=v.string(), b=v.optional(v.number()))
        assert self.whole.omit("nothing") == self.whole

    def test_extend_adds_and_the_later_wins(self) -> None:
        extended = self.whole.extend({"a": v.number()}, e=v.any())
        assert extended.fields["a"] == v.number()
        assert list(extended.fields) == ["a", "b", "c", "e"]

    def test_they_keep_whether_the_whole_is_optional(self) -> None:
        optional = self.whole.optional()
        for derived in (optional.partial(), optional.pick("a"), optional.omit("a"), optional.extend(x=v.any())):
            assert derived.is_optional


def test_pipes_of_pipes_are_one_pipe() -> None:
    once = v.pipe(v.number(), v.min(1))
    assert v.pipe(once, v.max(5)) == v.pipe(v.number(), v.min(1), v.max(5))
    assert v.pipe(v.optional(v.number()), v.min(1)) == once.optional()


@pytest.mark.parametrize(
    ("validator", "form"),
    [
        (v.null(), {"type": "null"}),
        (v.number(), {"type": "number"}),
        (v.int64(), {"type": "bigint"}),
        (v.boolean(), {"type": "boolean"}),
        (v.string(), {"type": "string"}),
        (v.bytes(), {"type": "bytes"}),
        (v.any(), {"type": "any"}),
        (v.commit_ts(), {"type": "commitTs"}),
        (v.literal("x"), {"type": "literal", "value": "x"}),
        (v.literal(Int64(1)), {"type": "literal", "value": {"$integer": "AQAAAAAAAAA="}}),
        (v.id("users"), {"type": "id", "tableName": "users"}),
        (v.array(v.null()), {"type": "array", "value": {"type": "null"}}),
        (
            v.record(v.string(), v.null()),
            {
                "type": "record",
                "keys": {"type": "string"},
                "values": {"fieldType": {"type": "null"}, "optional": False},
            },
        ),
        (
            v.object({"a": v.optional(v.null())}),
            {"type": "object", "value": {"a": {"fieldType": {"type": "null"}, "optional": True}}},
        ),
        (v.union(v.null()), {"type": "union", "value": [{"type": "null"}]}),
        (
            v.pipe(v.number(), v.min(1), v.integer()),
            {
                "type": "number",
                "checks": [{"name": "min", "arguments": [1]}, {"name": "integer", "arguments": []}],
            },
        ),
    ],
)
def test_the_json_form(validator: Validator, form: dict[str, Any]) -> None:
    assert validator.to_json() == form
    assert validator_from_json(form) == validator


def test_a_check_from_a_function_comes_back_as_another_check() -> None:
    validator = v.pipe(v.string(), v.check(str.islower))
    again = validator_from_json(validator.to_json())
    assert str(again) == str(validator) == 'v.pipe(v.string(), v.check("islower"))'
    assert again != validator


@pytest.mark.parametrize("form", [{}, {"type": "map"}, {"type": "id"}, {"type": "array", "value": 5}])
def test_what_is_no_json_form_is_refused(form: Any) -> None:
    with pytest.raises(SchemaError, match=r"^Not the JSON form of a validator"):
        validator_from_json(form)


def test_the_classes_can_be_told_apart() -> None:
    assert isinstance(v.array(v.any()), ArrayValidator)
    assert isinstance(v.record(v.string(), v.any()), RecordValidator)
    assert isinstance(v.union(), UnionValidator)
    assert isinstance(v.literal(1), LiteralValidator)
