"""Kaizen's tables: who plays, their hero, the upgrades they own, and what the server knows beyond that."""

from __future__ import annotations

from parabola import define_schema, define_table, v

# Gold upgrades and prestige upgrades keep the same three fields; they are two tables because they are read apart.
_upgrade = {"id": v.string(), "currentLevel": v.number(), "userId": v.id("users")}

schema = define_schema(
    users=define_table(name=v.string(), tokenIdentifier=v.string()).index("by_token", ["tokenIdentifier"]),
    # Exactly the fields of the original: its client takes the whole document for its state.
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
    # The fight as the server keeps it. Times are milliseconds since 1970; `epoch` grows by one with each prestige.
    runState=define_table(
        {
            "userId": v.id("users"),
            "enemyHp": v.number(),
            "fighting": v.boolean(),
            "lastSimAt": v.number(),
            "leftoverMs": v.number(),
            "rngSeed": v.number(),
            "attackCount": v.number(),
            "killCount": v.number(),
            "swiftUntil": v.number(),
            "runStartedAt": v.number(),
            "epoch": v.number(),
            # What happened while nobody looked, until `combat:sync` has told it once.
            "away": v.optional(v.object({"elapsedMs": v.number(), "kills": v.number(), "gold": v.number()})),
            # Where the fight stood at `lastSimAt`, of a player who has been away since and whom the sweep has moved on
            # up to `until`; `gold` is what that has paid. See `lib/battles.py`.
            "absence": v.optional(
                v.object(
                    {
                        "until": v.number(),
                        "gold": v.number(),
                        "stage": v.number(),
                        "wave": v.number(),
                        "enemyHp": v.number(),
                        "attackCount": v.number(),
                        "killCount": v.number(),
                        "leftoverMs": v.number(),
                    }
                )
            ),
        }
    )
    .index("by_user", ["userId"])
    .index("by_fighting", ["fighting", "lastSimAt"]),
    milestones=define_table({"userId": v.id("users"), "id": v.string(), "achievedAt": v.number()})
    .index("by_user", ["userId"])
    .index("by_user_and_id", ["userId", "id"]),
    # Every change of a balance. `kind` is "gold.…" or "cores.…"; the amounts of one currency add up to its balance.
    ledger=define_table(
        {
            "userId": v.id("users"),
            "kind": v.string(),
            "amount": v.number(),
            "balance": v.number(),
            "at": v.number(),
            "requestId": v.optional(v.string()),
            # What the request was answered, for when it is sent again.
            "result": v.optional(v.any()),
        }
    )
    .index("by_user_at", ["userId", "at"])
    .index("by_user_request", ["userId", "requestId"]),
    leaderboard=define_table(
        {
            "userId": v.id("users"),
            "name": v.string(),
            "score": v.number(),
            # The time of the achievement, negative: of two equal scores the earlier one is the higher in the index.
            "tieBreak": v.number(),
            "prestigeLevel": v.number(),
            "bestStage": v.number(),
            "bestWave": v.number(),
        }
    )
    .index("by_score", ["score", "tieBreak"])
    .index("by_user", ["userId"]),
    # The way so far, for a chart: so many points a player and no more, thinned out as they grow old. `count` is how
    # many there were when the point was written, itself included.
    history=define_table(
        {
            "userId": v.id("users"),
            "at": v.number(),
            "gold": v.number(),
            "stage": v.number(),
            "wave": v.number(),
            "prestigeLevel": v.number(),
            "count": v.number(),
        }
    ).index("by_user_at", ["userId", "at"]),
    # When a player lately did what may be done so often only.
    rateLimits=define_table({"userId": v.id("users"), "action": v.string(), "times": v.array(v.number())}).index(
        "by_user_and_action", ["userId", "action"]
    ),
)
