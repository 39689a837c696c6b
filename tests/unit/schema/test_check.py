"""Values against validators: the texts of wire 4.3 and semantics 2.3, to the letter."""

from __future__ import annotations

from typing import Any

import pytest

from parabola.errors import ParabolaError
from parabola.schema.check import NO_TABLES, ValidationFailed, compile_check
from parabola.schema.validators import Validator, v
from parabola.values.ids import encode_id
from parabola.values.kinds import Int64

USER = encode_id(10001, bytes(16))
MESSAGE = encode_id(10002, bytes(16))
SYSTEM = encode_id(6, bytes(16))
UNKNOWN = encode_id(10003, bytes(16))


class Tables:
    def table_name(self, number: int) -> str | None:
        return {10001: "users", 10002: "messages", 6: "_storage"}.get(number)


def accepts(validator: Validator, value: Any) -> bool:
    try:
        compile_check(validator)(value, Tables())
    except ValidationFailed:
        return False
    return True


def text_of(validator: Validator, value: Any) -> str:
    with pytest.raises(ValidationFailed) as refusal:
        compile_check(validator)(value, Tables())
    assert isinstance(refusal.value, ParabolaError)
    return refusal.value.message


ALL: list[Any] = [None, True, False, 0, 1, 1.0, 1.5, -0.0, float("nan"), Int64(1), "", "a", USER, b"a", [], [1], {}]


@pytest.mark.parametrize(
    ("validator", "accepted"),
    [
        (v.null(), [None]),
        (v.boolean(), [True, False]),
        (v.number(), [0, 1, 1.0, 1.5, -0.0, float("nan")]),
        (v.int64(), [Int64(1)]),
        (v.commit_ts(), [Int64(1)]),
        (v.string(), ["", "a", USER]),
        (v.bytes(), [b"a"]),
        (v.any(), ALL),
        (v.id("users"), [USER]),
        (v.id("messages"), []),
        (v.literal(1), [1, 1.0]),
        (v.literal(0), [0]),
        (v.literal(-0.0), [-0.0]),
        (v.literal(True), [True]),
        (v.literal(False), [False]),
        (v.literal(Int64(1)), [Int64(1)]),
        (v.literal("a"), ["a"]),
        (v.array(v.number()), [[], [1]]),
        (v.array(v.string()), [[]]),
        (v.object({}), [{}]),
        (v.object({"a": v.optional(v.any())}), [{}]),
        (v.object({"a": v.any()}), []),
        (v.record(v.string(), v.null()), [{}]),
        (v.union(), []),
        (v.union(v.null()), [None]),
        (v.union(v.null(), v.boolean(), v.bytes()), [None, True, False, b"a"]),
        (v.union(v.literal("a"), v.literal("b"), v.literal(1)), [1, 1.0, "a"]),
        (v.nullable(v.int64()), [None, Int64(1)]),
    ],
)
def test_each_validator_accepts_its_own_and_nothing_else(validator: Validator, accepted: list[Any]) -> None:
    kept = [value for value in ALL if accepts(validator, value)]
    assert list(map(repr, kept)) == list(map(repr, accepted))


class TestTexts:
    def test_a_value_of_another_type(self) -> None:
        assert text_of(v.object({"body": v.string()}), {"body": 1}) == (
            "Value does not match validator.\nPath: .body\nValue: 1.0\nValidator: v.string()"
        )

    def test_the_line_of_the_path_stays_blank_at_the_root(self) -> None:
        assert text_of(v.string(), 1) == "Value does not match validator.\n\nValue: 1.0\nValidator: v.string()"

    def test_a_missing_field(self) -> None:
        assert text_of(v.object({"body": v.string()}), {}) == (
            "Object is missing the required field `body`. Consider wrapping the field validator in `v.optional(...)` "
            "if this is expected.\n\nObject: {}\nValidator: v.object({body: v.string()})"
        )

    def test_an_extra_field(self) -> None:
        assert text_of(v.object({"body": v.string()}), {"body": "a", "x": 1}) == (
            "Object contains extra field `x` that is not in the validator.\n\n"
            'Object: {body: "a", x: 1.0}\nValidator: v.object({body: v.string()})'
        )

    def test_objects_inside_of_others_have_a_path(self) -> None:
        validator = v.object({"a": v.object({"b": v.array(v.object({"c": v.null()}))})})
        assert text_of(validator, {"a": {"b": [{"c": None}, {}]}}) == (
            "Object is missing the required field `c`. Consider wrapping the field validator in `v.optional(...)` "
            "if this is expected.\nPath: .a.b[1]\nObject: {}\nValidator: v.object({c: v.null()})"
        )
        assert text_of(validator, {"a": {"b": [{"c": None, "d": 1}]}}) == (
            "Object contains extra field `d` that is not in the validator.\nPath: .a.b[0]\n"
            "Object: {c: null, d: 1.0}\nValidator: v.object({c: v.null()})"
        )

    def test_a_wrong_literal(self) -> None:
        assert text_of(v.literal("b"), "a") == '`"a"` does not match literal validator `v.literal("b")`.'
        assert text_of(v.object({"x": v.optional(v.literal(1))}), {"x": True}) == (
            "`true` does not match literal validator `v.literal(1.0)`.Path: .x"
        )

    def test_an_id_of_another_table(self) -> None:
        assert text_of(v.id("messages"), USER) == (
            f'Found ID "{USER}" from table `users`, which does not match the table name in '
            'validator `v.id("messages")`.'
        )
        assert text_of(v.array(v.id("messages")), [USER]).endswith('validator `v.id("messages")`.Path: [0]')

    def test_an_id_of_a_system_table(self) -> None:
        assert text_of(v.id("messages"), SYSTEM) == (
            f'Found ID "{SYSTEM}" from a system table, which does not match the table name in validator '
            '`v.id("messages")`.'
        )
        assert accepts(v.id("_storage"), SYSTEM)

    @pytest.mark.parametrize("value", ["hello", UNKNOWN, 5, USER[:-1] + "9"])
    def test_what_is_no_id_or_of_no_table(self, value: Any) -> None:
        assert text_of(v.id("users"), value).startswith("Value does not match validator.\n\nValue: ")

    def test_records_have_paths_for_their_keys_and_values(self) -> None:
        record = v.object({"r": v.record(v.id("users"), v.number())})
        assert text_of(record, {"r": {"x": 1}}) == (
            'Value does not match validator.\nPath: .r.keys()\nValue: "x"\nValidator: v.id("users")'
        )
        assert text_of(record, {"r": {USER: "x"}}) == (
            'Value does not match validator.\nPath: .r.values()\nValue: "x"\nValidator: v.float64()'
        )

    def test_a_union_of_several_reports_itself_as_a_whole(self) -> None:
        union = v.union(v.object({"a": v.string()}), v.null())
        assert text_of(v.object({"u": union}), {"u": {"a": 1}}) == (
            "Value does not match validator.\nPath: .u\nValue: {a: 1.0}\n"
            "Validator: v.union(v.object({a: v.string()}), v.null())"
        )

    def test_a_union_of_one_reports_as_its_member(self) -> None:
        assert text_of(v.union(v.object({"a": v.string()})), {"a": 1}) == (
            "Value does not match validator.\nPath: .a\nValue: 1.0\nValidator: v.string()"
        )

    def test_declared_fields_are_looked_at_in_the_order_of_their_names_and_before_extra_ones(self) -> None:
        validator = v.object({"b": v.string(), "a": v.string(), "c": v.string()})
        assert "required field `a`" in text_of(validator, {"b": 1, "x": 1})
        assert "Path: .b" in text_of(validator, {"a": "", "b": 1, "x": 1})
        assert "required field `c`" in text_of(validator, {"a": "", "b": "", "x": 1, "w": 1})
        assert "extra field `w`" in text_of(validator, {"a": "", "b": "", "c": "", "x": 1, "w": 1})

    def test_optional_is_not_nullable_and_prints_without_its_wrapping(self) -> None:
        assert text_of(v.object({"a": v.optional(v.string())}), {"a": None}) == (
            "Value does not match validator.\nPath: .a\nValue: null\nValidator: v.string()"
        )

    def test_a_long_value_is_cut(self) -> None:
        assert len(text_of(v.string(), ["x" * 100_000])) < 5000


class TestChecks:
    @pytest.mark.parametrize(
        ("validator", "value", "sentence"),
        [
            (v.pipe(v.number(), v.min(1)), 0.5, "Value must be at least 1."),
            (v.pipe(v.number(), v.max(1.5)), 2, "Value must be at most 1.5."),
            (v.pipe(v.number(), v.min(1)), float("nan"), "Value must be at least 1."),
            (v.pipe(v.int64(), v.min(1)), Int64(0), "Value must be at least 1."),
            (v.pipe(v.string(), v.length(1, 3)), "", "Length must be between 1 and 3."),
            (v.pipe(v.string(), v.length(1, 3)), "abcd", "Length must be between 1 and 3."),
            (v.pipe(v.array(v.any()), v.length(2)), [1], "Length must be at least 2."),
            (v.pipe(v.bytes(), v.length(2, 2)), b"a", "Length must be 2."),
            (v.pipe(v.string(), v.pattern("[a-z]+")), "abc1", 'Value must match the pattern "[a-z]+".'),
            (v.pipe(v.number(), v.integer()), 1.5, "Value must be an integer."),
            (v.pipe(v.number(), v.integer()), float("inf"), "Value must be an integer."),
            (v.pipe(v.string(), v.check(str.islower)), "A", "Value does not pass the check `islower`."),
            (v.pipe(v.string(), v.check(str.islower, "Use small letters.")), "A", "Use small letters."),
        ],
    )
    def test_what_does_not_pass_is_told_why(self, validator: Validator, value: Any, sentence: str) -> None:
        lines = text_of(v.object({"x": validator}), {"x": value}).split("\n")
        assert lines[:2] == [sentence, "Path: .x"]
        assert lines[2].startswith("Value: ")
        assert lines[3] == f"Validator: {validator}"

    @pytest.mark.parametrize(
        ("validator", "value"),
        [
            (v.pipe(v.number(), v.min(1), v.max(3), v.integer()), 3.0),
            (v.pipe(v.number(), v.integer()), 3),
            (v.pipe(v.string(), v.length(1, 3), v.pattern("[a-z]+")), "abc"),
            (v.pipe(v.string(), v.length(2)), "äö"),
            (v.pipe(v.any(), v.check(lambda value: value == [1])), [1]),
        ],
    )
    def test_what_passes_passes(self, validator: Validator, value: Any) -> None:
        assert accepts(validator, value)

    def test_the_base_is_checked_first(self) -> None:
        assert text_of(v.pipe(v.number(), v.min(1)), "x") == (
            'Value does not match validator.\n\nValue: "x"\nValidator: v.float64()'
        )

    def test_a_check_that_cannot_compare_does_not_pass(self) -> None:
        assert text_of(v.pipe(v.any(), v.min(1)), "x").startswith("Value must be at least 1.\n")
        assert text_of(v.pipe(v.any(), v.integer()), "x").startswith("Value must be an integer.\n")
        assert not accepts(v.pipe(v.any(), v.integer()), True)

    def test_a_value_error_of_a_check_becomes_the_sentence(self) -> None:
        def even(value: float) -> bool:
            if value % 2:
                raise ValueError(f"{value} is odd.")
            return True

        assert text_of(v.pipe(v.number(), v.check(even)), 3).startswith("3 is odd.\n\nValue: 3.0\n")
        assert accepts(v.pipe(v.number(), v.check(even)), 4)

    def test_a_union_of_pipes_takes_the_one_that_passes(self) -> None:
        union = v.union(v.pipe(v.number(), v.max(0)), v.pipe(v.number(), v.min(10)))
        assert accepts(union, -1)
        assert accepts(union, 11)
        assert not accepts(union, 5)


class TestGeneratedSource:
    def test_deep_validators_compile(self) -> None:
        validator: Validator = v.string()
        value: Any = "x"
        for depth in range(40):
            kind = depth % 4
            if kind == 0:
                validator, value = v.object({"a": v.optional(validator)}), {"a": value}
            elif kind == 1:
                validator, value = v.array(validator), [value]
            elif kind == 2:
                validator, value = v.record(v.string(), validator), {"k": value}
            else:
                validator, value = v.union(v.null(), validator), value
        assert accepts(validator, value)

    def test_many_fields_compile(self) -> None:
        validator = v.object({f"f{n}": v.optional(v.number()) for n in range(1000)})
        assert accepts(validator, {f"f{n}": n for n in range(0, 1000, 7)})
        assert not accepts(validator, {"f1000": 1})

    @pytest.mark.parametrize("text", ['"', "'", "\\", "\n", '"""', "{x}", "'); raise SystemExit #"])
    def test_no_text_of_a_user_becomes_code(self, text: str) -> None:
        for validator in (v.literal(text), v.union(v.literal(text), v.literal("b")), v.pipe(v.string(), v.length(1))):
            assert accepts(validator, text)
        assert not accepts(v.id(text), text)

    def test_field_names_that_are_keywords_or_names_of_the_generator(self) -> None:
        names = ["class", "from", "x", "tables", "field_1", "MISSING", "Int64", "type", "__class__"]
        validator = v.object({name: v.string() for name in names})
        assert accepts(validator, dict.fromkeys(names, ""))
        assert not accepts(validator, dict.fromkeys(names, 1))

    def test_a_union_of_objects_finds_its_member(self) -> None:
        shapes = v.union(
            v.object({"kind": v.literal("circle"), "radius": v.number()}),
            v.object({"radius": v.string(), "kind": v.literal("square"), "side": v.optional(v.number())}),
        )
        assert accepts(shapes, {"kind": "circle", "radius": 1})
        assert accepts(shapes, {"kind": "square", "radius": ""})
        assert accepts(shapes, {"kind": "square", "radius": "", "side": 1})
        assert not accepts(shapes, {"kind": "circle", "radius": ""})
        assert not accepts(shapes, {"kind": "circle"})


def test_without_tables_no_id_matches() -> None:
    with pytest.raises(ValidationFailed, match=r"^Value does not match validator\."):
        compile_check(v.id("users"))(USER, NO_TABLES)
