"""Laws of validators: the generated predicate and the explaining walk agree, and what is wider accepts more."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from parabola.schema.changes import is_wider
from parabola.schema.check import ValidationFailed, compile_check
from parabola.schema.explain import find_problem
from parabola.schema.predicates import compile_predicate
from parabola.schema.tables import Schema
from parabola.schema.validators import ArrayValidator, ObjectValidator, Validator, v, validator_from_json
from parabola.testing.strategies import USERS_TABLE_NUMBER, schemas, validators, values, values_matching

modest = settings(max_examples=150, deadline=None)


class Tables:
    def table_name(self, number: int) -> str | None:
        return "users" if number == USERS_TABLE_NUMBER else None


@modest
@given(validators, values)
def test_the_predicate_and_the_explanation_agree(validator: Validator, value: Any) -> None:
    problem = find_problem(validator, value, Tables(), "")
    assert compile_predicate(validator)(value, Tables()) == (problem is None)


@modest
@given(validators, st.data())
def test_what_was_made_to_match_does(validator: Validator, data: st.DataObject) -> None:
    strategy = values_matching(validator)
    assume(not strategy.is_empty)
    value = data.draw(strategy)
    compile_check(validator)(value, Tables())
    assert find_problem(validator, value, Tables(), "") is None


def widened(old: Validator) -> st.SearchStrategy[Validator]:
    """Validators that are wider than `old` in one of the ways a schema grows, and some that are not."""
    choices = [st.just(v.any()), st.just(v.string()), validators, validators.map(lambda other: v.union(other, old))]
    if isinstance(old, ObjectValidator):
        choices.append(st.just(old.partial()))
        choices.append(validators.map(lambda extra: old.extend(extra_field=v.optional(extra))))
        choices.append(validators.map(lambda extra: old.extend(extra_field=extra)))
    if isinstance(old, ArrayValidator):
        choices.append(widened(old.element).map(v.array))
    return st.one_of(choices)


@modest
@given(validators, st.data())
def test_a_wider_validator_accepts_what_the_narrower_one_did(old: Validator, data: st.DataObject) -> None:
    new = data.draw(widened(old))
    if not is_wider(new, old):
        return
    strategy = values_matching(old)
    assume(not strategy.is_empty)
    compile_check(new)(data.draw(strategy), Tables())


@modest
@given(validators)
def test_every_validator_is_as_wide_as_itself_and_any_is_the_widest(validator: Validator) -> None:
    assert is_wider(validator, validator)
    assert is_wider(validator_from_json({"type": "any"}), validator)


@modest
@given(validators)
def test_a_validator_survives_its_json_form(validator: Validator) -> None:
    again = validator_from_json(validator.to_json())
    assert again == validator
    assert hash(again) == hash(validator)
    assert str(again) == str(validator)


@modest
@given(schemas)
def test_a_schema_survives_its_json_form(schema: Schema) -> None:
    assert Schema.from_json(schema.to_json()) == schema


@modest
@given(validators, values)
def test_a_refusal_always_has_a_text(validator: Validator, value: Any) -> None:
    if not compile_predicate(validator)(value, Tables()):
        with pytest.raises(ValidationFailed, match=r"."):
            compile_check(validator)(value, Tables())
