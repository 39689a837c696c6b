"""One function, many spellings (semantics 22.3 item 38)."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from parabola import mutation, query, v
from parabola.errors import LoadError
from parabola.functions.registry import Registry
from tests.unit.functions.harness import Engine, message_of, value_of


@query
async def get_gold(ctx: Any, amount: Annotated[int, v.min(1)] = 5):
    return amount


@pytest.mark.parametrize(
    "path", ["gold_upgrades:get_gold", "goldUpgrades:getGold", "gold_upgrades:getGold", "goldUpgrades.js:get_gold"]
)
def test_every_spelling_finds_the_one_function(path: str) -> None:
    registry = Registry({"gold_upgrades:get_gold": get_gold})
    found = registry.find(path)
    assert found is not None
    assert (found.path, found.module_path) == ("gold_upgrades:get_gold", "gold_upgrades.js:get_gold")


@pytest.mark.parametrize("path", ["gold_upgrades", "gold_upgrades:nope", "Gold_upgrades:get_gold", "", "a b"])
def test_other_names_find_nothing(path: str) -> None:
    assert Registry({"gold_upgrades:get_gold": get_gold}).find(path) is None


def test_coinciding_names_are_refused_naming_both() -> None:
    with pytest.raises(LoadError, match="a_b:f and aB:f are the same function on the wire: both are reachable as aB:f"):
        Registry({"a_b:f": get_gold, "aB:f": get_gold})


def test_a_default_makes_an_argument_optional_and_annotations_are_checked() -> None:
    engine = Engine({"g:get": get_gold})
    assert [value_of(engine.query("g:get")), value_of(engine.query("g:get", {"amount": 7}))] == [5, 7]
    for refused in (0, 1.5, None, "1", True):
        assert message_of(engine.query("g:get", {"amount": refused})).startswith("ArgumentValidationError: ")


@pytest.mark.parametrize("explicit", [True, False])
def test_a_handler_that_takes_args_whole_may_have_arguments_of_any_name(explicit: bool) -> None:
    async def handler(ctx: Any, args: dict[str, Any]):
        return args["from"] + args["class"]

    definition = mutation(args={"from": v.number(), "class": v.number()})(handler) if explicit else mutation(handler)
    assert value_of(Engine({"m:f": definition}).mutation("m:f", {"from": 1, "class": 2})) == 3
