"""The public names, exactly. A change here is a change for users: it needs a note in `changes/`."""

from __future__ import annotations

import subprocess
import sys

import pytest

import parabola

PUBLIC = {
    "ActionCtx",
    "Backend",
    "ConvexError",
    "Crons",
    "DatabaseReader",
    "DatabaseWriter",
    "FunctionDefinition",
    "FunctionReference",
    "Headers",
    "HttpRouter",
    "Id",
    "Int64",
    "Limits",
    "MutationCtx",
    "ParabolaError",
    "QueryCtx",
    "Request",
    "Response",
    "Scheduler",
    "UNDEFINED",
    "action",
    "api",
    "auth",
    "compare_values",
    "create_function_handle",
    "define_schema",
    "define_table",
    "env",
    "get_convex_size",
    "get_document_size",
    "get_function_name",
    "http_action",
    "internal",
    "internal_action",
    "internal_mutation",
    "internal_query",
    "make_function_reference",
    "mutation",
    "pagination_opts_validator",
    "pagination_result_validator",
    "query",
    "v",
}


def test_the_public_names_are_exactly_these() -> None:
    assert set(parabola.__all__) == PUBLIC


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_each_public_name_is_there(name: str) -> None:
    assert getattr(parabola, name) is not None


def test_an_unknown_name_is_an_ordinary_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'parabola' has no attribute 'nope'"):
        parabola.nope  # noqa: B018


def test_backend_is_the_one_of_the_backend_package() -> None:
    from parabola.backend import Backend

    assert parabola.Backend is Backend


def test_importing_parabola_does_not_import_the_server() -> None:
    program = "import sys, parabola; print(sorted(m for m in sys.modules if m.startswith('parabola.')))"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    for package in ("backend", "server", "live", "functions", "database", "storage", "sync", "cli", "auth."):
        assert f"'parabola.{package}" not in shown, shown
