# ruff: noqa: F821 - a string in the brackets of Id is the name of a table, and no annotation.
"""Arguments and results from annotations: design 1, "Arguments".

This module does not postpone its annotations; `postponed_handlers.py` beside it does.
"""

import dataclasses
import datetime
import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, NewType, NotRequired, Optional, Required, TypedDict, Unpack

import msgspec
import pydantic
import pytest

from parabola import query
from parabola.definitions.annotations import translate
from parabola.definitions.arguments import UnsupportedAnnotation, arguments_from_signature, returns_from_signature
from parabola.errors import DeveloperError
from parabola.schema import Id, ValidationFailed, compile_check, v
from parabola.schema.validators import ObjectValidator, Validator
from parabola.values import Int64, encode_id
from tests.unit.definitions import postponed_handlers

INTEGER = v.pipe(v.number(), v.integer())
USER = encode_id(10001, bytes(16))
UserName = NewType("UserName", str)


class Tables:
    def table_name(self, number: int) -> str | None:
        return "users" if number == 10001 else None


@dataclasses.dataclass
class Point:
    x: int
    y: float = 2.0
    tags: list[str] = dataclasses.field(default_factory=list)
    computed: int = dataclasses.field(init=False, default=0)


@dataclasses.dataclass
class FromText:
    text: dataclasses.InitVar[str]
    length: int = 0

    def __post_init__(self, text: str) -> None:
        self.length = len(text)


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Positive:
    number: float

    def __post_init__(self) -> None:
        if self.number <= 0:
            raise ValueError("number must be positive")


class Upgrade(msgspec.Struct, rename="camel", kw_only=True):
    upgrade_id: str
    levels: list[int] = []
    current_level: Annotated[int, msgspec.Meta(ge=1, le=9)]


class Circle(msgspec.Struct, tag="circle"):
    radius: float


class Square(msgspec.Struct, tag="square"):
    side: int


class Options(TypedDict):
    name: Required[str]
    count: NotRequired[int]


class Partial(TypedDict, total=False):
    a: str
    b: Required[None]


class Order(pydantic.BaseModel):
    count: Annotated[int, pydantic.Field(ge=1)]
    code: str = pydantic.Field(min_length=2, alias="orderCode")
    note: str | None = None
    point: Point | None = None

    @pydantic.field_validator("note")
    @classmethod
    def no_shouting(cls, note: str | None) -> str | None:
        if note is not None and note.isupper():
            raise ValueError("do not shout")
        return note


class Anything(pydantic.BaseModel, extra="allow"):
    a: int


class Numbers(pydantic.RootModel[list[int]]):
    pass


class Tree:
    pass


@dataclasses.dataclass
class Node:
    children: "list[Node]"


@pytest.mark.parametrize(
    ("annotation", "validator"),
    [
        (str, v.string()),
        (float, v.number()),
        (int, INTEGER),
        (bool, v.boolean()),
        (bytes, v.bytes()),
        (None, v.null()),
        (Int64, v.int64()),
        (Any, v.any()),
        (object, v.any()),
        (Id["users"], v.id("users")),
        (list[str], v.array(v.string())),
        (list, v.array(v.any())),
        (Sequence[bool], v.array(v.boolean())),
        (list[Id["users"]], v.array(v.id("users"))),
        (dict[str, float], v.record(v.string(), v.number())),
        (dict[Id["users"], bool], v.record(v.id("users"), v.boolean())),
        (dict, v.record(v.string(), v.any())),
        (Mapping[str, None], v.record(v.string(), v.null())),
        (str | None, v.union(v.string(), v.null())),
        (Optional[str], v.union(v.string(), v.null())),  # noqa: UP045
        (str | bytes | None, v.union(v.string(), v.bytes(), v.null())),
        (int | float, v.number()),
        (float | int | None, v.union(v.number(), v.null())),
        (Literal["a"], v.literal("a")),
        (Literal["a", 1, True, None], v.union(v.literal("a"), v.literal(1), v.literal(True), v.null())),
        (Literal["a", "b"] | None, v.union(v.literal("a"), v.literal("b"), v.null())),
        (UserName, v.string()),
        (Annotated[str, "a note"], v.string()),
        (Annotated[str, v.id("users")], v.id("users")),
        (Annotated[str, v.length(1, 40)], v.pipe(v.string(), v.length(1, 40))),
        (Annotated[int, v.min(1), v.max(100)], v.pipe(v.number(), v.integer(), v.min(1), v.max(100))),
        (list[Annotated[float, v.min(0)]], v.array(v.pipe(v.number(), v.min(0)))),
        (Annotated[float, msgspec.Meta(ge=1, le=2)], v.pipe(v.number(), v.min(1), v.max(2))),
        (Annotated[str, pydantic.Field(min_length=2)], v.pipe(v.string(), v.length(2))),
        (Options, v.object({"name": v.string(), "count": v.optional(INTEGER)})),
        (Partial, v.object({"a": v.optional(v.string()), "b": v.null()})),
        (
            Point,
            v.object({"x": INTEGER, "y": v.optional(v.number()), "tags": v.optional(v.array(v.string()))}),
        ),
        (
            Upgrade,
            v.object(
                {
                    "upgradeId": v.string(),
                    "levels": v.optional(v.array(INTEGER)),
                    "currentLevel": v.pipe(v.number(), v.integer(), v.min(1), v.max(9)),
                }
            ),
        ),
        (Circle, v.object({"type": v.literal("circle"), "radius": v.number()})),
        (Numbers, v.array(INTEGER)),
        (Anything, ObjectValidator({"a": INTEGER}, is_open=True)),
        (v.string(), v.string()),
    ],
)
def test_what_each_annotation_stands_for(annotation: Any, validator: Validator) -> None:
    assert translate(annotation).validator == validator


def call(handler: Callable[..., Any], args: dict[str, Any]) -> dict[str, Any]:
    """What the handler would get for these arguments. Raises `ValidationFailed`."""
    validator, convert = arguments_from_signature(handler)
    compile_check(validator)(args, Tables())
    return args if convert is None else convert(args)


def test_parameters_after_the_context_are_the_arguments() -> None:
    async def handler(ctx: Any, name: str, *, count: int = 1, anything=None) -> None: ...  # type: ignore[no-untyped-def]

    validator, _ = arguments_from_signature(handler)
    assert validator == v.object({"name": v.string(), "count": v.optional(INTEGER), "anything": v.optional(v.any())})


def test_a_default_makes_an_argument_optional_and_not_nullable() -> None:
    async def handler(ctx: Any, name: str = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013

    assert call(handler, {}) == {}
    with pytest.raises(ValidationFailed, match=r"Path: \.name"):
        call(handler, {"name": None})


def test_a_handler_without_arguments_takes_none() -> None:
    async def handler(ctx: Any) -> None: ...

    validator, convert = arguments_from_signature(handler)
    assert validator == v.object({})
    assert convert is None


def test_an_integer_arrives_as_an_int() -> None:
    async def handler(ctx: Any, n: int, ns: list[int], by: dict[str, int], maybe: int | None = None) -> None: ...

    kwargs = call(handler, {"n": 3.0, "ns": [1.0, 2], "by": {"a": 4.0}, "maybe": 5.0})
    assert repr(kwargs) == repr({"n": 3, "ns": [1, 2], "by": {"a": 4}, "maybe": 5})
    assert call(handler, {"n": 3, "ns": [], "by": {}, "maybe": None})["maybe"] is None
    with pytest.raises(ValidationFailed) as refusal:
        call(handler, {"n": 3.5, "ns": [], "by": {}})
    assert refusal.value.message == (
        "Value must be an integer.\nPath: .n\nValue: 3.5\nValidator: v.pipe(v.float64(), v.integer())"
    )
    for wrong in (True, Int64(3), "3", float("nan")):
        with pytest.raises(ValidationFailed):
            call(handler, {"n": wrong, "ns": [], "by": {}})


def test_dataclasses_structs_and_models_arrive_as_instances() -> None:
    async def handler(ctx: Any, point: Point, upgrades: list[Upgrade], order: Order, numbers: Numbers) -> None: ...

    kwargs = call(
        handler,
        {
            "point": {"x": 1.0},
            "upgrades": [{"upgradeId": "a", "currentLevel": 2.0}],
            "order": {"count": 1.0, "orderCode": "ab", "point": {"x": 2.0}},
            "numbers": [1.0],
        },
    )
    assert kwargs["point"] == Point(1)
    assert type(kwargs["point"].x) is int
    assert kwargs["upgrades"] == [Upgrade(upgrade_id="a", current_level=2)]
    assert kwargs["order"] == Order(count=1, orderCode="ab", point=Point(2))
    assert kwargs["numbers"].root == [1]


def test_what_a_class_itself_refuses_is_a_validation_error() -> None:
    async def handler(ctx: Any, order: Order | None = None, positive: Positive | None = None) -> None: ...

    with pytest.raises(ValidationFailed) as model:
        call(handler, {"order": {"count": 1, "orderCode": "ab", "note": "HELLO"}})
    assert model.value.message == ('Value error, do not shout.\nPath: .order.note\nValue: "HELLO"\nValidator: Order')
    with pytest.raises(ValidationFailed) as dataclass:
        call(handler, {"positive": {"number": -1}})
    assert dataclass.value.message == (
        "number must be positive.\nPath: .positive\nValue: {number: -1.0}\nValidator: Positive"
    )


def test_the_fields_of_classes_are_checked_like_any_other() -> None:
    async def handler(ctx: Any, order: Order) -> None: ...

    with pytest.raises(ValidationFailed, match=r"^Object contains extra field `nope`"):
        call(handler, {"order": {"count": 1, "orderCode": "ab", "nope": 1}})
    with pytest.raises(ValidationFailed, match=r"^Value must be at least 1\.\nPath: \.order\.count\n"):
        call(handler, {"order": {"count": 0, "orderCode": "ab"}})
    with pytest.raises(ValidationFailed, match=r"^Length must be at least 2\.\nPath: \.order\.orderCode\n"):
        call(handler, {"order": {"count": 1, "orderCode": "a"}})


def test_a_union_builds_the_member_that_matches() -> None:
    async def handler(ctx: Any, shape: Circle | Square | Id["users"] | int | None) -> None: ...

    assert call(handler, {"shape": {"type": "circle", "radius": 2}})["shape"] == Circle(2)
    assert call(handler, {"shape": {"type": "square", "side": 2.0}})["shape"] == Square(2)
    assert call(handler, {"shape": USER})["shape"] == USER
    assert call(handler, {"shape": None})["shape"] is None
    assert type(call(handler, {"shape": 1.0})["shape"]) is int


def test_typed_dicts_stay_dicts_with_their_fields_converted() -> None:
    async def handler(ctx: Any, options: Options) -> None: ...

    given = {"options": {"name": "a", "count": 2.0}}
    assert repr(call(handler, given)) == repr({"options": {"name": "a", "count": 2}})
    assert given["options"]["count"] == 2.0
    assert type(given["options"]["count"]) is float


def test_a_handler_whose_only_parameter_is_named_args_takes_the_object_whole() -> None:
    async def anything(ctx: Any, args) -> None: ...  # type: ignore[no-untyped-def]
    async def typed(ctx: Any, args: Options) -> None: ...

    assert arguments_from_signature(anything) == (v.any(), None)
    validator, convert = arguments_from_signature(typed)
    assert validator == translate(Options).validator
    assert convert is not None
    assert convert({"name": "a", "count": 1.0}) == {"args": {"name": "a", "count": 1}}


def test_keywords_that_are_not_named_accept_anything() -> None:
    async def handler(ctx: Any, **rest: Any) -> None: ...
    async def mixed(ctx: Any, n: int, **rest: Any) -> None: ...

    assert arguments_from_signature(handler) == (v.any(), None)
    assert call(mixed, {"n": 1.0, "other": [None]}) == {"n": 1, "other": [None]}
    with pytest.raises(ValidationFailed, match="required field `n`"):
        call(mixed, {"other": 1})


def test_arguments_by_position_are_refused() -> None:
    async def star(ctx: Any, *rest: str) -> None: ...
    async def positional(ctx: Any, name: str, /) -> None: ...

    for handler in (star, positional):
        with pytest.raises(UnsupportedAnnotation, match="by position, and arguments arrive by name"):
            arguments_from_signature(handler)


@pytest.mark.parametrize("annotation", [Tree, set[str], tuple[int, int], complex, Callable[[], None], 5])
def test_what_stands_for_no_value_is_refused_with_the_name_of_the_parameter(annotation: Any) -> None:
    async def handler(ctx: Any, tree: Any) -> None: ...

    handler.__annotations__["tree"] = annotation
    with pytest.raises(DeveloperError, match=r"handler has a.*") as refusal:
        arguments_from_signature(handler)
    assert isinstance(refusal.value, UnsupportedAnnotation)
    assert "tree" in refusal.value.message or "not a type" in refusal.value.message


def test_a_class_that_contains_itself_is_refused() -> None:
    with pytest.raises(UnsupportedAnnotation, match="Node contains itself"):
        translate(Node)


class TestReturns:
    def test_the_return_annotation_is_a_validator(self) -> None:
        async def nothing(ctx: Any) -> None: ...
        async def names(ctx: Any) -> list[str] | None: ...

        assert returns_from_signature(nothing).validator == v.null()
        assert returns_from_signature(names).validator == v.union(v.array(v.string()), v.null())

    def test_no_annotation_or_any_asks_for_nothing(self) -> None:
        async def silent(ctx: Any): ...  # type: ignore[no-untyped-def]
        async def anything(ctx: Any) -> Any: ...

        assert returns_from_signature(silent).validator is None
        assert returns_from_signature(anything).validator is None

    def test_one_that_cannot_be_checked_is_refused(self) -> None:
        async def handler(ctx: Any) -> set[str]: ...

        with pytest.raises(UnsupportedAnnotation, match="has a return annotation that cannot be checked"):
            returns_from_signature(handler)


class TestPostponedAnnotations:
    def test_they_are_resolved_in_their_module_except_for_the_context(self) -> None:
        validator, _ = arguments_from_signature(postponed_handlers.good)
        assert validator == v.object(
            {
                "user": v.id("users"),
                "settings": v.optional(v.object({"volume": INTEGER, "theme": v.optional(v.string())})),
                "item": v.optional(v.object({"count": INTEGER})),
            }
        )
        assert returns_from_signature(postponed_handlers.good).validator == v.nullable(v.string())
        kwargs = call(postponed_handlers.good, {"user": USER, "item": {"count": 2.0}})
        assert kwargs["item"] == postponed_handlers.Item(2)

    def test_a_name_that_is_not_there_is_an_error_that_says_so(self) -> None:
        with pytest.raises(UnsupportedAnnotation) as refusal:
            arguments_from_signature(postponed_handlers.bad)
        assert refusal.value.message == (
            "tests.unit.definitions.postponed_handlers.bad has a parameter `thing` with an annotation that cannot be "
            "resolved: 'Nowhere' (name 'Nowhere' is not defined). Its names must be defined at the top level of the "
            "module, "
            "and not only under `if TYPE_CHECKING:`."
        )
        with pytest.raises(UnsupportedAnnotation, match="has a return annotation that cannot be resolved"):
            returns_from_signature(postponed_handlers.bad)


class TestHandlersThatCannotBeCalled:
    def test_a_context_that_was_forgotten_is_missed(self) -> None:
        @query
        async def get(id: str) -> None: ...  # type: ignore[no-untyped-def, unused-ignore]

        with pytest.raises(UnsupportedAnnotation, match="has id: str where its context belongs"):
            get.signature  # noqa: B018

    def test_a_context_of_any_kind_is_fine(self) -> None:
        async def annotated(ctx: str) -> None: ...
        async def double(context: dict[str, Any]) -> None: ...

        for handler in (annotated, double):
            assert query(handler).signature.style == "nothing"

    def test_args_that_is_no_object_is_refused(self) -> None:
        async def handler(ctx: Any, args: list[str]) -> None: ...

        with pytest.raises(UnsupportedAnnotation, match="takes all its arguments as one object, since"):
            arguments_from_signature(handler)

    def test_declared_fields_and_parameters_must_agree(self) -> None:
        async def handler(ctx: Any, a: str, b: str = "") -> None: ...

        assert query(args={"a": v.string()})(handler).signature.args == v.object({"a": v.string()})
        with pytest.raises(UnsupportedAnnotation, match="has no parameter for the field `from` of its args="):
            query(args={"a": v.string(), "from": v.string()})(handler).signature  # noqa: B018
        with pytest.raises(UnsupportedAnnotation, match="has a parameter `a` that its args= do not declare"):
            query(args={"b": v.string()})(handler).signature  # noqa: B018

    def test_the_rest_of_the_keywords_may_hold_any_declared_field(self) -> None:
        async def handler(ctx: Any, **rest: Any) -> None: ...

        assert query(args={"from": v.string()})(handler).signature.style == "keywords"

    def test_what_is_wrong_with_a_validator_names_the_parameter(self) -> None:
        async def handler(ctx: Any, counts: dict[int, int]) -> None: ...

        with pytest.raises(
            UnsupportedAnnotation, match=r"`counts` .*dict\[int, int\] has keys of another kind than str"
        ):
            arguments_from_signature(handler)


class TestKeywords:
    def test_annotated_keywords_are_a_record(self) -> None:
        async def handler(ctx: Any, **counts: int) -> None: ...

        validator, _ = arguments_from_signature(handler)
        assert validator == v.record(v.string(), INTEGER)
        assert type(call(handler, {"a": 1.0})["a"]) is int

    def test_an_unpacked_typed_dict_gives_the_fields(self) -> None:
        async def handler(ctx: Any, id: str, **options: Unpack[Options]) -> None: ...

        validator, _ = arguments_from_signature(handler)
        assert validator == v.object({"id": v.string(), "name": v.string(), "count": v.optional(INTEGER)})
        assert type(call(handler, {"id": "a", "name": "b", "count": 2.0})["count"]) is int

    def test_annotated_keywords_beside_others_are_refused(self) -> None:
        async def handler(ctx: Any, id: str, **counts: int) -> None: ...

        with pytest.raises(UnsupportedAnnotation, match=r"annotation on \*\*counts beside other parameters"):
            arguments_from_signature(handler)


def test_what_only_the_constructor_of_a_dataclass_takes_is_a_field_too() -> None:
    async def handler(ctx: Any, given: FromText) -> None: ...

    assert call(handler, {"given": {"text": "abc"}})["given"].length == 3


@pytest.mark.parametrize(
    ("annotation", "hint"),
    [
        (set[int], "Write list"),
        (datetime.datetime, "milliseconds since 1970"),
        (Colour, "Write Literal"),
        (Id, "Name the table"),
    ],
)
def test_an_annotation_that_stands_for_no_value_says_what_to_write(annotation: Any, hint: str) -> None:
    with pytest.raises(UnsupportedAnnotation, match=hint):
        translate(annotation)
