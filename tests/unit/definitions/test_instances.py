"""What a handler returns as an instance of a class goes out under the names that would build it again."""

import dataclasses
from typing import Any

import msgspec
import pydantic

from parabola import query
from parabola.definitions.instances import to_value
from tests.unit.functions.harness import Engine, message_of, value_of


@dataclasses.dataclass
class Point:
    x: float
    tags: list[str] = dataclasses.field(default_factory=list)
    computed: int = dataclasses.field(init=False, default=0)


class Upgrade(msgspec.Struct, rename="camel", tag="upgrade"):
    upgrade_id: str
    at: Point | None = None


class Order(pydantic.BaseModel):
    code: str = pydantic.Field(alias="orderCode")
    point: Point


def test_instances_become_dicts_at_any_depth() -> None:
    upgrade = Upgrade("a", Point(1.0))
    assert to_value({"found": [upgrade, None], "n": 1}) == {
        "found": [{"type": "upgrade", "upgradeId": "a", "at": {"x": 1.0, "tags": []}}, None],
        "n": 1,
    }
    order = Order(orderCode="ab", point=Point(2.0, ["t"]))
    assert to_value(order)["orderCode"] == "ab"


def test_a_handler_may_return_what_its_annotation_names() -> None:
    @query
    async def one(ctx: Any) -> Point:
        return Point(1.0)

    @query
    async def several(ctx: Any) -> dict[str, list[Upgrade]]:
        return {"all": [Upgrade("a"), Upgrade("b", Point(2.0))]}

    @query
    async def as_dict(ctx: Any) -> Point:
        return {"x": 3.0}  # type: ignore[return-value]

    @query
    async def wrong(ctx: Any) -> Point:
        return Point("1")  # type: ignore[arg-type]

    @query
    async def without_annotation(ctx: Any):
        return Point(1.0)

    functions = {"one": one, "several": several, "dict": as_dict, "wrong": wrong, "without": without_annotation}
    engine = Engine({f"m:{name}": function for name, function in functions.items()})
    assert value_of(engine.query("m:one")) == {"x": 1.0, "tags": []}
    assert value_of(engine.query("m:several"))["all"][1]["at"] == {"x": 2.0, "tags": []}
    assert value_of(engine.query("m:dict")) == {"x": 3.0}
    problem = message_of(engine.query("m:wrong"))
    assert problem.startswith("ReturnsValidationError: Value does not match validator.\nPath: .x")
    assert "Use dataclasses.asdict(...)." in message_of(engine.query("m:without"))
