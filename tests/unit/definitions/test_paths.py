"""Function paths in all their spellings (wire 4.1)."""

from __future__ import annotations

import pytest

from parabola.definitions.paths import InvalidFunctionPath, canonical_path, colon_advice, display_path, wire_name


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        ("messages:list", "messages:list"),
        ("messages.js:list", "messages:list"),
        ("a/b/c:page", "a/b/c:page"),
        ("listMessages", "listMessages:default"),
        ("listMessages.js:default", "listMessages:default"),
        ("a.b/c_d:e_1", "a.b/c_d:e_1"),
        ("a.b.js:c", "a.b.js:c"),
    ],
)
def test_a_path_has_one_canonical_form(sent: str, canonical: str) -> None:
    assert canonical_path(sent) == canonical
    assert canonical_path(canonical) == canonical


@pytest.mark.parametrize(
    "sent",
    [
        "",
        ":",
        "a:",
        ":b",
        "a//b:c",
        "/a:b",
        "a/:b",
        "a b:c",
        "a:b-c",
        "../a:b",
        "a:b:c",
        "messages.py:list",
        "messages.js.py:list",
        "a/messages.ts",
        ".py:list",
        "..js:list",
        "a:1b",
        "é:b",
        "a" * 65 + ":b",
        # These come from anybody, and are refused in no time: a pattern that backtracks would take hours.
        "a" * 1_000_000 + "!:b",
        "a:" + "b" * 1_000_000 + "!",
        "a/" * 1000 + "a:b",
    ],
)
def test_what_no_function_could_be_called_is_refused(sent: str) -> None:
    with pytest.raises(InvalidFunctionPath, match="is not a function path"):
        canonical_path(sent)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gold_upgrades:get_gold_upgrades", "goldUpgrades:getGoldUpgrades"),
        ("a_b/c_d:e_f", "aB/cD:eF"),
        ("m:get_2_things", "m:get2Things"),
        ("m:_private_thing", "m:_privateThing"),
    ],
)
def test_both_spellings_share_one_name_on_the_wire(one: str, other: str) -> None:
    assert wire_name(one) == wire_name(other)


def test_different_functions_do_not_share_a_name() -> None:
    assert wire_name("m:getgold") != wire_name("m:get_gold")


def test_default_is_left_out_for_people() -> None:
    assert (display_path("m:default"), display_path("m:f")) == ("m", "m:f")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("messages.list", "messages:list"),
        ("api.messages.list", "messages:list"),
        ("internal.a.b.list", "a/b:list"),
        ("a/b.list", "a/b:list"),
    ],
)
def test_a_name_with_dots_is_answered_with_the_one_that_has_a_colon(text: str, meant: str) -> None:
    assert colon_advice(text) == f" Names have a colon before the function: write '{meant}'."


@pytest.mark.parametrize("text", ["", "messages", "messages.js", "messages:list", "a.b:c", "no. path", "a..b"])
def test_nothing_is_added_where_a_colon_would_not_help(text: str) -> None:
    assert colon_advice(text) == ""
