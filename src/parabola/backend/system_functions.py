"""Functions that every backend has: what the command line and the official tools read (wire 2.7).

They are ordinary internal queries, entered beside the user's under `_system/…`: so only administrators reach them, they
can be subscribed to, and they are paginated like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from parabola.database.system_tables import CRON_JOBS, TABLES
from parabola.definitions.contexts import QueryCtx
from parabola.definitions.functions import FunctionDefinition, internal_query
from parabola.definitions.paths import display_path
from parabola.functions.loader import Deployment
from parabola.schema.validators import v

_page_options = v.object(
    {
        "numItems": v.number(),
        "cursor": v.nullable(v.string()),
        "endCursor": v.optional(v.nullable(v.string())),
        "maximumRowsRead": v.optional(v.number()),
        "maximumBytesRead": v.optional(v.number()),
        "id": v.optional(v.number()),
    }
)


@internal_query(args={"paginationOpts": _page_options})
async def tables(ctx: QueryCtx, args: dict[str, Any]) -> dict[str, Any]:
    """The names of the tables that hold or may hold documents, as a page of `{name}`."""
    transaction = _transaction_of(ctx)
    page: dict[str, Any] = transaction.system_query(TABLES.name).with_index("by_name").paginate(args["paginationOpts"])
    return {**page, "page": [{"name": row["name"]} for row in page["page"]]}


@internal_query(
    args={
        "table": v.string(),
        "order": v.optional(v.union(v.literal("asc"), v.literal("desc"))),
        "paginationOpts": _page_options,
    }
)
async def table_data(ctx: QueryCtx, args: dict[str, Any]) -> dict[str, Any]:
    """One page of the documents of a table, in the order of their creation; system tables too."""
    table: str = args["table"]
    order: Literal["asc", "desc"] = args.get("order", "asc")
    if table == CRON_JOBS.name:
        # Closed to functions; an operator wants to see when jobs run next, and how they ran lately.
        rows = _transaction_of(ctx).system_query(table).order(order)
        crons: dict[str, Any] = rows.paginate(args["paginationOpts"])
        return crons
    db = ctx.db.system if table.startswith("_") else ctx.db
    return await db.query(table).order(order).paginate(args["paginationOpts"])


@internal_query(args={})
async def functions(ctx: QueryCtx, args: dict[str, Any]) -> list[dict[str, Any]]:
    """The functions of the deployment by name, each as `{name, kind, visibility}`; those of this module left out."""
    declared: Mapping[str, FunctionDefinition[Any, Any]] = _level_of(ctx).run.deployment.functions
    return [
        {"name": display_path(path), "kind": definition.kind, "visibility": definition.visibility}
        for path, definition in sorted(declared.items())
        if not path.startswith(SYSTEM_PREFIX)
    ]


SYSTEM_PREFIX: Final = "_system/"
SYSTEM_FUNCTIONS: Final[Mapping[str, FunctionDefinition[Any, Any]]] = {
    "_system/cli/tables:default": tables,
    "_system/cli/tableData:default": table_data,
    "_system/cli/functions:default": functions,
}
"""By canonical path."""


class ExtendedDeployment(Deployment):
    """A deployment with further functions, by canonical path, beside those that it declares."""

    def __init__(self, declared: Deployment, further: Mapping[str, FunctionDefinition[Any, Any]]) -> None:
        super().__init__(
            {**declared.functions, **further},
            schema=declared.schema,
            auth_providers=declared.auth_providers,
            http=declared.http,
            crons=declared.crons,
            folder=declared.folder,
        )
        # The modules of a loaded folder stay importable as long as somebody holds the deployment that loading gave.
        self.declared = declared


def with_system_functions(deployment: Deployment) -> Deployment:
    """The same deployment with the functions of this module."""
    return ExtendedDeployment(deployment, SYSTEM_FUNCTIONS)


def _transaction_of(ctx: Any) -> Any:
    """The transaction behind a context: the catalog's own tables are closed to `ctx.db`."""
    return _level_of(ctx).tx


def _level_of(ctx: Any) -> Any:
    return ctx._level
