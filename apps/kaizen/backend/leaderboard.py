"""Who has come furthest. For everybody to see, by name only."""

from __future__ import annotations

from typing import Any

from parabola import QueryCtx, pagination_opts_validator, query


@query(args={"paginationOpts": pagination_opts_validator})
async def top(ctx: QueryCtx, args: dict[str, Any]) -> dict[str, Any]:
    """One page of the players, the best first; of equal ones the earlier first."""
    result = await ctx.db.query("leaderboard").with_index("by_score").order("desc").paginate(args["paginationOpts"])
    rank = 1 + await _rows_before(ctx, result["page"])
    page = [
        {"rank": rank + place, **{name: row[name] for name in ("name", "score", "bestStage", "prestigeLevel")}}
        for place, row in enumerate(result["page"])
    ]
    return {**result, "page": page}


async def _rows_before(ctx: QueryCtx, page: list[dict[str, Any]]) -> int:
    """How many are better than the first of a page: a page knows where it begins, but not how far down that is."""
    count = 0
    if page:
        best_first = ctx.db.query("leaderboard").with_index("by_score").order("desc")
        async for row in best_first:
            if row["_id"] == page[0]["_id"]:
                break
            count += 1
    return count
