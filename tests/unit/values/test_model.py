"""The door for values: semantics 1.1 to 1.5 and the traps of 22.2."""

from __future__ import annotations

import copy
import dataclasses
import enum
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from parabola.errors import InvalidValue
from parabola.limits import Limits
from parabola.values.careful import nesting_of
from parabola.values.model import UNDEFINED, Int64, Undefined, normalize, normalize_document


class Color(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Point:
    x: int


class Meters(float):
    pass


def nested(depth: int) -> Any:
    value: Any = {} if depth % 2 else []
    for _ in range(depth - 1):
        value = {"a": value} if isinstance(value, list) else [value]
    return value


class TestInt64:
    def test_it_is_an_int_that_keeps_its_type(self) -> None:
        assert Int64(5) == 5
        assert repr(Int64(5)) == "Int64(5)"
        assert str(Int64(5)) == f"{Int64(5)}" == "5"

    def test_arithmetic_gives_a_plain_int(self) -> None:
        assert type(Int64(1) + 1) is int
        assert type(Int64(1) + Int64(1)) is int

    @pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
    def test_it_must_fit_into_64_bits(self, number: int) -> None:
        with pytest.raises(InvalidValue, match=f"^Int64 {number} does not fit into a 64-bit signed integer.$"):
            Int64(number)

    @pytest.mark.parametrize("given", [True, 1.0, "1", None])
    def test_it_is_made_of_ints_only(self, given: Any) -> None:
        with pytest.raises(InvalidValue, match=r"Int64\(\) takes an int"):
            Int64(given)

    def test_it_survives_pickling_and_copying(self) -> None:
        for again in (pickle.loads(pickle.dumps(Int64(7))), copy.deepcopy(Int64(7))):
            assert type(again) is Int64
            assert again == 7


def test_undefined_is_one_object_and_false() -> None:
    assert not UNDEFINED
    assert repr(UNDEFINED) == "UNDEFINED"
    assert isinstance(UNDEFINED, Undefined)
    assert copy.copy(UNDEFINED) is copy.deepcopy(UNDEFINED) is pickle.loads(pickle.dumps(UNDEFINED)) is UNDEFINED


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (Color.RED, str),
        (Level.HIGH, int),
        (Meters(1.5), float),
        (bytearray(b"ab"), bytes),
        (memoryview(b"ab"), bytes),
        (2**53, int),
        (Int64(2**62), Int64),
        (True, bool),
    ],
)
def test_subclasses_and_buffers_become_the_plain_type(given: Any, kind: type) -> None:
    for value in (normalize(given), normalize({"a": given})["a"], normalize([given])[0]):
        assert type(value) is kind
        assert value == given


def test_field_names_become_plain_strings() -> None:
    (name,) = normalize({Color.RED: 1})
    assert type(name) is str
    # Also once the shape is known.
    assert normalize({"red": 1}) == {"red": 1}
    (name,) = normalize({Color.RED: 1})
    assert type(name) is str


def test_nothing_is_shared_with_the_caller() -> None:
    given: dict[str, Any] = {"list": [1, {"a": 2}], "buffer": bytearray(b"x")}
    value = normalize(given)
    given["list"][1]["a"] = 3
    given["buffer"][0] = 0
    assert value == {"list": [1, {"a": 2}], "buffer": b"x"}


def test_undefined_fields_drop_out_at_every_level() -> None:
    assert normalize({"a": UNDEFINED, "b": {"c": UNDEFINED, "d": [{"e": UNDEFINED}]}}) == {"b": {"d": [{}]}}


def test_undefined_in_an_array_is_an_error_with_its_path() -> None:
    with pytest.raises(InvalidValue) as refusal:
        normalize({"a": [1, UNDEFINED]})
    assert refusal.value.message == (
        "undefined is not a valid Convex value (present at path .a[1] in original object {'a': [1, UNDEFINED]})."
    )


def test_undefined_alone_is_no_value() -> None:
    with pytest.raises(InvalidValue, match=r"^undefined is not a valid Convex value\.$"):
        normalize(UNDEFINED)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((1, 2), "tuple (1, 2) is not a supported Convex type. Use a list."),
        ({1}, "set {1} is not a supported Convex type. Use a list, or an object with a field for each member."),
        (
            Decimal(1),
            "Decimal Decimal('1') is not a supported Convex type. Store a string, or an Int64 of the smallest",
        ),
        (
            datetime(2026, 1, 1, tzinfo=UTC),
            "datetime datetime.datetime(2026, 1, 1, 0, 0, tzinfo=datetime.timezone.utc) is",
        ),
        (1j, "complex 1j is not a supported Convex type."),
        (Point(1), "Point Point(x=1) is not a supported Convex type. Use dataclasses.asdict(...)."),
        (Point, "type <class"),
    ],
)
def test_what_is_not_a_value_is_named(given: Any, message: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        normalize(given)
    assert refusal.value.message.startswith(message)


def test_the_path_leads_to_what_is_not_a_value() -> None:
    with pytest.raises(InvalidValue) as refusal:
        normalize({"a": {"b": [0, (1,)]}})
    assert refusal.value.message == (
        "tuple (1,) is not a supported Convex type (present at path .a.b[1] in original object "
        "{'a': {'b': [0, (1,)]}}). Use a list."
    )


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, pytest.param(10**5000, id="too long to print")])
def test_an_integer_that_no_double_holds_is_refused(number: int) -> None:
    for given in (number, {"a": number}, [number]):
        with pytest.raises(InvalidValue, match="beyond ±2\\*\\*53, where numbers lose precision"):
            normalize(given)


@pytest.mark.parametrize("given", ["\ud800", {"a": "x\udfff"}, ["\ud800"]])
def test_unpaired_surrogates_are_refused(given: Any) -> None:
    with pytest.raises(InvalidValue, match="unpaired surrogate, which is not valid Unicode"):
        normalize(given)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("$x", "Field name $x starts with '$', which is reserved."),
        ("é", "Field name é has invalid character 'é': Field names can only contain non-control ASCII characters"),
        (
            "a\n",
            "Field name a\\n has invalid character '\\n': Field names can only contain non-control ASCII characters",
        ),
        ("x" * 1025, "Field name " + "x" * 200 + " exceeds maximum field name length 1024."),
    ],
)
def test_bad_field_names_are_refused(name: str, message: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        normalize({"a": {name: 1}})
    assert refusal.value.message == message


@pytest.mark.parametrize("name", ["", "a b", "-", "_x", "x" * 1024, "~"])
def test_field_names_need_not_be_identifiers(name: str) -> None:
    assert normalize({name: 1}) == {name: 1}


@pytest.mark.parametrize("name", [1, None, (1,), True])
def test_field_names_must_be_strings(name: Any) -> None:
    with pytest.raises(InvalidValue, match="must be a string"):
        normalize({name: 1})


def test_nesting_is_counted_as_levels_of_arrays_and_objects() -> None:
    assert [nesting_of(value) for value in (1, [], {}, [[]], {"a": [1]}, {"a": [{}]})] == [0, 1, 1, 2, 2, 3]


def test_values_may_be_64_deep_and_no_deeper() -> None:
    assert nesting_of(normalize(nested(64))) == 64
    with pytest.raises(InvalidValue) as refusal:
        normalize(nested(65))
    assert refusal.value.message == "Value is too nested (nested 65 levels deep > maximum nesting 64)"
    assert refusal.value.code == "TooNestedError"


def test_a_cycle_is_nested_too_deeply() -> None:
    cycle: dict[str, Any] = {}
    cycle["a"] = [cycle]
    with pytest.raises(InvalidValue, match="too nested"):
        normalize(cycle)
    with pytest.raises(InvalidValue, match="too nested"):
        normalize_document(cycle)


def test_arrays_and_objects_are_limited() -> None:
    assert len(normalize([0] * 8192)) == 8192
    with pytest.raises(InvalidValue, match=r"^Array length is too long \(8193 > maximum length 8192\)$") as array:
        normalize([0] * 8193)
    assert array.value.code == "ArrayTooLong"
    with pytest.raises(InvalidValue, match=r"^Object has too many fields \(1025 > maximum number 1024\)$") as fields:
        normalize({str(n): 0 for n in range(1025)})
    assert fields.value.code == "TooManyFieldsError"


def test_fields_that_drop_out_do_not_count() -> None:
    assert len(normalize({str(n): 0 if n < 1024 else UNDEFINED for n in range(1030)})) == 1024


def test_a_value_is_limited_in_size() -> None:
    with pytest.raises(InvalidValue) as refusal:
        normalize({"a": "x" * 2000}, limits=Limits(value_bytes_max=1024))
    assert refusal.value.message == "Value is too large (1.96 KiB > maximum size 1 KiB)"
    assert refusal.value.code == "ValueTooLargeError"


class TestDocuments:
    def test_a_plain_document_is_reported_as_plain_with_its_size(self) -> None:
        document, size, plain = normalize_document({"name": "é", "tags": ["a"], "n": 1})
        assert document == {"name": "é", "tags": ["a"], "n": 1}
        assert size == 2 + (5 + 4) + (5 + 5) + (2 + 9) + 38 + 23
        assert plain

    @pytest.mark.parametrize("special", [Int64(1), b"x", float("nan"), float("inf"), float("-inf"), -0.0])
    def test_one_special_value_anywhere_makes_it_not_plain(self, special: Any) -> None:
        assert not normalize_document({"a": special}).plain
        assert not normalize_document({"a": [1, {"b": special}]}).plain

    def test_system_fields_are_the_only_ones_with_an_underscore(self) -> None:
        assert normalize_document({"_id": "x", "_creationTime": 1, "a": {"_b": 1}}).document["a"] == {"_b": 1}
        with pytest.raises(InvalidValue) as refusal:
            normalize_document({"_other": 1})
        assert refusal.value.message == (
            "Field '_other' starts with an underscore, which is only allowed for system fields like '_id'"
        )
        assert refusal.value.code == "InvalidDocumentError"

    def test_a_document_may_be_16_deep_and_no_deeper(self) -> None:
        normalize_document({"a": nested(15)})
        for depth in (17, 20, 64):
            with pytest.raises(InvalidValue) as refusal:
                normalize_document({"a": nested(depth - 1)})
            assert refusal.value.message == (
                f"Document is too nested (nested {depth} levels deep > maximum nesting 16)"
            )

    def test_a_document_may_have_one_mebibyte_with_its_system_fields(self) -> None:
        room = 1024 * 1024 - 61 - 2 - 2 - 2
        assert normalize_document({"a": "x" * room}).size == 1024 * 1024
        with pytest.raises(InvalidValue, match=r"^Value is too large \(1048577 B > maximum size 1 MiB\)$"):
            normalize_document({"a": "x" * (room + 1)})

    @pytest.mark.parametrize("given", [None, [], "x", 1])
    def test_a_document_is_an_object(self, given: Any) -> None:
        with pytest.raises(InvalidValue, match="must be an object"):
            normalize_document(given)

    def test_undefined_fields_drop_out(self) -> None:
        assert normalize_document({"a": UNDEFINED, "b": 1}).document == {"b": 1}
