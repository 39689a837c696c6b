"""For operators: putting a hero somewhere, to try what lies ahead without a week of play.

`parabola run operators:placeHero '{"player": "Ada", "stage": 20, "cores": 10}'`
"""

from __future__ import annotations

from typing import Any

from parabola import MutationCtx, internal_mutation, v

from ..rules.heroes import starting_hero, unlawful_field
from ..rules.upgrades import UPGRADES_BY_ID
from .lib.placing import placing
from .lib.players import Row, set_level
from .lib.refusals import refusal
from .lib.settling import settle_or_begin

# What an operator may say, and the field of a hero that it is about.
_FIELDS = {
    "stage": "currentStage",
    "wave": "currentWave",
    "gold": "gold",
    "cores": "prestigeCores",
    "prestigeLevel": "prestigeLevel",
}


@internal_mutation(
    args={
        "player": v.string(),
        **dict.fromkeys(_FIELDS, v.optional(v.number())),
        "levels": v.optional(v.record(v.string(), v.number())),
    }
)
async def place_hero(ctx: MutationCtx, args: dict[str, Any]) -> dict[str, Any]:
    """Puts the hero of `player`, a name or a user's id, where the other arguments say; what they leave out stays. A
    stage without a wave is its first. Returns the hero.
    """
    user = await _user_called(ctx, args["player"])
    player = await settle_or_begin(ctx, user)
    said = {field: args[name] for name, field in _FIELDS.items() if name in args}
    if "stage" in args:
        said = {"currentWave": 1, **said}
    field = unlawful_field({**player.character, **said})
    if field is not None:
        raise refusal(f"Invalid value: {field}", field=field)
    levels: dict[str, float] = args.get("levels", {})
    for upgrade_id, level in levels.items():
        if upgrade_id not in UPGRADES_BY_ID:
            raise refusal("Unknown upgrade", upgradeId=upgrade_id)
        if UPGRADES_BY_ID[upgrade_id].counted(level) != level:
            raise refusal("Invalid value: currentLevel", field="currentLevel", upgradeId=upgrade_id)
    async with placing(ctx, user):
        await ctx.db.patch(player.character["_id"], said)
        for upgrade_id, level in levels.items():
            await set_level(ctx, player, UPGRADES_BY_ID[upgrade_id].currency, upgrade_id, level)
    placed = {**player.character, **said}
    return {name: placed[name] for name in starting_hero()}


async def _user_called(ctx: MutationCtx, player: str) -> Row:
    user_id = ctx.db.normalize_id("users", player)
    user: Row | None = None if user_id is None else await ctx.db.get(user_id)
    if user is not None:
        return user
    named = await ctx.db.query("users").filter(lambda q: q.eq(q.field("name"), player)).take(2)
    if not named:
        raise refusal(f'Unknown player: nobody is called "{player}"', player=player)
    if len(named) > 1:
        raise refusal(f'Ambiguous player: several are called "{player}". Give the id of one in `users`', player=player)
    return named[0]
