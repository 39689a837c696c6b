"""`api`, `internal` and names (semantics 3.2)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from parabola import api, create_function_handle, get_function_name, internal, make_function_reference, query
from parabola.errors import InvalidArgument


def test_a_tree_path_is_a_name() -> None:
    assert get_function_name(api.folder.module.fn) == "folder/module:fn"
    assert get_function_name(internal.module.fn) == "module:fn"
    assert get_function_name(api["module"]["fn"]) == "module:fn"


def test_a_name_is_itself_and_can_be_made_a_reference() -> None:
    assert get_function_name("module:fn") == "module:fn"
    assert get_function_name(make_function_reference("folder/module:fn")) == "folder/module:fn"
    assert make_function_reference("folder/module:fn") == api.folder.module.fn


def test_a_handle_is_a_string_that_stands_for_a_function() -> None:
    handle = create_function_handle(api.module.default)
    assert handle == "function://module"
    assert get_function_name(handle) == "module"


def test_too_short_a_path_is_explained() -> None:
    with pytest.raises(InvalidArgument) as failure:
        get_function_name(api.module)
    assert (
        failure.value.message
        == "API path is expected to be of the form `api.moduleName.functionName`. Found: `api.module`"
    )


@pytest.mark.parametrize("other", [1, None, {"a": 1}])
def test_what_is_no_reference_is_refused(other: Any) -> None:
    with pytest.raises(InvalidArgument, match="is not a functionReference"):
        get_function_name(other)


def test_a_decorated_function_is_a_reference_once_it_has_a_name() -> None:
    @query
    async def f(ctx: Any) -> None: ...

    with pytest.raises(InvalidArgument, match="has no name that it could be called by"):
        get_function_name(f)
    f.path = "module:f"
    assert get_function_name(f) == "module:f"


def test_calling_a_reference_says_what_to_write() -> None:
    with pytest.raises(TypeError, match=r"await ctx\.run_query\(api\.m\.f, \{\.\.\.\}\)"):
        api.m.f()


def test_a_tree_is_a_value() -> None:
    assert api.a.b == api.a.b
    assert len({api.a.b, api.a.b, api.a.c}) == 2
    assert repr(api.a.b) == "api.a.b"
    assert copy.copy(api.a.b) == api.a.b
