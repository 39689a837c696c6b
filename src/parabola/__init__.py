# The layers, from the top. A module imports from its own layer and from those below it, never upward; the import
# contract in pyproject.toml holds this, and runs with the tests.
#
#   cli | testing                 what a person runs; what a user's tests use
#   server                        ASGI: bytes in, bytes out
#   backend                       where the parts are joined: deploys, scheduling, the sync driver
#   live                          which answers a commit may have changed; one run shared by all who asked
#   functions                     loading and running the user's Python
#   database                      transactions, read sets, the one committer
#   storage | auth | sync         leaves: the ordered log of documents; who is asking; the protocol without I/O
#   definitions                   what a user's module declares; running it comes later
#   schema                        what a table's documents must look like
#   values                        what a document may hold
#   seams | limits                how time and chance come in; every limit, by name
#   errors                        every exception, the tree drawn at the top
#
# Importing any part of a package runs this file, so it reaches no further up than `definitions`. `Backend` is found
# on first use.
"""Parabola: a real-time backend for Python that every Convex client can talk to.

A backend is a folder of modules that import from here::

    from parabola import MutationCtx, QueryCtx, mutation, query, v

    @query
    async def list_messages(ctx: QueryCtx):
        return await ctx.db.query("messages").collect()

    @mutation
    async def send(ctx: MutationCtx, body: str):
        await ctx.db.insert("messages", {"body": body})
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from parabola.definitions import auth_config as auth
from parabola.definitions.contexts import ActionCtx, DatabaseReader, DatabaseWriter, MutationCtx, QueryCtx, Scheduler
from parabola.definitions.crons import Crons
from parabola.definitions.environment import env
from parabola.definitions.functions import (
    FunctionDefinition,
    action,
    http_action,
    internal_action,
    internal_mutation,
    internal_query,
    mutation,
    pagination_opts_validator,
    pagination_result_validator,
    query,
)
from parabola.definitions.http_messages import Headers, Request, Response
from parabola.definitions.references import (
    FunctionReference,
    api,
    create_function_handle,
    get_function_name,
    internal,
    make_function_reference,
)
from parabola.definitions.routes import HttpRouter
from parabola.errors import ConvexError, ParabolaError
from parabola.limits import Limits
from parabola.schema import Id, define_schema, define_table, v
from parabola.values.model import UNDEFINED, Int64
from parabola.values.order import compare_values
from parabola.values.size import get_convex_size, get_document_size

if TYPE_CHECKING:
    from parabola.backend.backend import Backend

__version__ = "0.1.0"

__all__ = [
    "UNDEFINED",
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
]


def __getattr__(name: str) -> Any:
    if name == "Backend":
        # The one name from above `definitions`: looked up when it is asked for, so that importing a client stays light.
        return importlib.import_module("parabola.backend.backend").Backend
    raise AttributeError(f"module 'parabola' has no attribute {name!r}")
