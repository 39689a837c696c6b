"""Places are named as their user knows them."""

from __future__ import annotations

from parabola.functions.places import module_file, place_of, shown_file, without_loaded_names


def test_a_file_is_named_from_the_functions_folder_on() -> None:
    assert shown_file("/p/backend/lib/m.py", "/p/backend") == "backend/lib/m.py"
    assert shown_file("/p/rules/costs.py", "/p/backend") == "rules/costs.py"


def test_a_file_elsewhere_or_without_a_folder_is_named_alone() -> None:
    assert shown_file("/elsewhere/m.py", "/p/backend") == "m.py"
    assert shown_file("/pp/m.py", "/p/backend") == "m.py"
    assert shown_file("/p/backend/m.py", "") == "m.py"
    assert shown_file("/m.py", "/backend") == "m.py"


def test_a_special_module_lies_at_the_root_of_the_folder() -> None:
    assert [module_file("crons", "/p/backend"), module_file("crons", "")] == ["backend/crons.py", "crons.py"]


def test_a_function_is_where_its_code_begins() -> None:
    def here() -> None: ...

    assert place_of(here, "") == f"test_places.py:{here.__code__.co_firstlineno}"
    assert place_of(len, "") is None


def test_names_of_the_loader_are_left_out() -> None:
    assert without_loaded_names("<class '_parabola_functions_12.lib.m.Thing'>") == "<class 'lib.m.Thing'>"
    assert without_loaded_names("_parabola_functions_1_beside.rules.costs") == "rules.costs"
    assert without_loaded_names("plain") == "plain"
