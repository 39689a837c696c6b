"""What a class has against a value is reported where the value was found."""

import dataclasses
from typing import Annotated, Any

from parabola import query, v
from parabola.definitions.refusals import Refused
from tests.unit.functions.harness import Engine, message_of


@dataclasses.dataclass
class Positive:
    number: float

    def __post_init__(self) -> None:
        if self.number <= 0:
            raise ValueError("number must be positive")
        if self.number > 9:
            raise KeyError("nine")


def test_a_refusal_is_told_from_further_outside() -> None:
    refusal = Refused("no", "", {"a": 1}, "Thing").inside("[2]").inside(".things")
    assert refusal.message == "no.\nPath: .things[2]\nValue: {a: 1.0}\nValidator: Thing"


def test_a_class_that_refuses_its_arguments_is_an_argument_validation_error() -> None:
    @query
    async def take(ctx: Any, pairs: dict[str, list[Positive]], name: Annotated[str, v.length(1)] = "x") -> None: ...

    engine = Engine({"m:take": take})
    assert message_of(engine.query("m:take", {"pairs": {"a": [{"number": 1}, {"number": -1}]}})) == (
        "ArgumentValidationError: number must be positive.\nPath: .pairs.a[1]\n"
        "Value: {number: -1.0}\nValidator: Positive"
    )
    outcome = engine.query("m:take", {"pairs": {"a": [{"number": 10}]}})
    assert message_of(outcome).startswith("ArgumentValidationError: KeyError: 'nine'.\nPath: .pairs.a[0]")
    assert outcome.error is not None
    assert outcome.error.code == "ArgumentValidationError"
