"""Kaizen's tables: who plays, their hero, and the upgrades they own."""

from __future__ import annotations

from parabola import define_schema, define_table, v

# Gold upgrades and prestige upgrades keep the same three fields; they are two tables because they are read apart.
_upgrade = {"id": v.string(), "currentLevel": v.number(), "userId": v.id("users")}

schema = define_schema(
    users=define_table(name=v.string(), tokenIdentifier=v.string()).index("by_token", ["tokenIdentifier"]),
    character=define_table(
        {
            "id": v.string(),
            "userId": v.id("users"),
            "prestigeLevel": v.number(),
            "prestigeMultipliers": v.object(
                {"strength": v.number(), "intelligence": v.number(), "endurance": v.number()}
            ),
            "prestigeCores": v.number(),
            "gold": v.number(),
            "currentStage": v.number(),
            "currentWave": v.number(),
        }
    )
    .index("by_user", ["userId"])
    .index("by_user_and_id", ["userId", "id"]),
    goldUpgrades=define_table(_upgrade).index("by_user", ["userId"]).index("by_user_and_id", ["userId", "id"]),
    prestigeUpgrades=define_table(_upgrade).index("by_user", ["userId"]).index("by_user_and_id", ["userId", "id"]),
)
