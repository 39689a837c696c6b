"""Random clients on a real engine, each of whose Transitions is checked against the queries run fresh at its timestamp.

The model is short: what a client shows after a Transition equals each of its queries, run anew as the client's identity
at the Transition's end timestamp; versions join up; time does not go back; an answered mutation is reflected by the
next Transition and happened once. The schedule is long: queries are added and removed, identities change, sockets break
and come back, writers write, flushes lag, sockets clog, queries wait in the middle. Everything comes from one seed.
"""

from __future__ import annotations

import asyncio
import math
import random
from dataclasses import replace
from typing import Any

import orjson

from parabola import ConvexError, define_schema, define_table, mutation, query, v
from parabola.auth import AdminIdentity, identity_from_attributes
from parabola.database.flusher import InlineFlusher, ManualFlusher
from parabola.functions.outcome import Call, Outcome
from parabola.limits import DEFAULT_LIMITS
from parabola.sync.versions import decode_ts, encode_ts
from tests.sync_world import ADMIN_KEY, MemorySocket, World

# The limit of a handler's time goes by the real clock, which has no say in a simulation: the same seed, the same story.
PATIENT = replace(DEFAULT_LIMITS, user_time_s=math.inf)

GROUPS = ["a", "b", "c", "d"]
USERS = ["ann", "bob"]

schema = define_schema(
    items=define_table(group=v.string(), n=v.number(), tag=v.string())
    .index("by_group", ["group", "n"])
    .index("by_n", ["n"])
    .index("by_tag", ["tag"]),
)


def shown(row: Any) -> Any:
    return None if row is None else [row["group"], row["n"], row["tag"]]


@query
async def in_group(ctx: Any, group: str) -> Any:
    rows = await ctx.db.query("items").with_index("by_group", lambda q: q.eq("group", group)).collect()
    return [shown(row) for row in rows]


@query
async def largest(ctx: Any, group: str) -> Any:
    found = ctx.db.query("items").with_index("by_group", lambda q: q.eq("group", group)).order("desc")
    return shown(await found.first())


@query
async def between(ctx: Any, low: int, high: int) -> Any:
    rows = await ctx.db.query("items").with_index("by_n", lambda q: q.gte("n", low).lt("n", high)).take(4)
    return [shown(row) for row in rows]


@query
async def one(ctx: Any, id: str) -> Any:
    return shown(await ctx.db.get(id))


@query
async def whose(ctx: Any, group: str) -> Any:
    identity = await ctx.auth.get_user_identity()
    rows = await ctx.db.query("items").with_index("by_group", lambda q: q.eq("group", group)).take(2)
    return [None if identity is None else identity["subject"], len(rows)]


@query
async def odd_fails(ctx: Any, group: str) -> Any:
    rows = await ctx.db.query("items").with_index("by_group", lambda q: q.eq("group", group)).collect()
    if len(rows) % 2:
        raise ConvexError(len(rows))
    return len(rows)


@query
async def slow(ctx: Any, group: str) -> Any:
    first = await ctx.db.query("items").with_index("by_group", lambda q: q.eq("group", group)).first()
    await asyncio.sleep(0)
    rows = await ctx.db.query("items").with_index("by_group", lambda q: q.eq("group", group)).take(3)
    return [shown(first), [shown(row) for row in rows]]


@query
async def page(ctx: Any, group: str) -> Any:
    found = ctx.db.query("items").with_index("by_group", lambda q: q.eq("group", group))
    result = await found.paginate({"numItems": 3, "cursor": None})
    return [shown(row) for row in result["page"]]


@mutation
async def put(ctx: Any, group: str, n: int, tag: str) -> Any:
    if await ctx.db.query("items").with_index("by_tag", lambda q: q.eq("tag", tag)).first() is not None:
        raise ConvexError(f"{tag} was put twice")
    return await ctx.db.insert("items", {"group": group, "n": n, "tag": tag})


@mutation
async def move(ctx: Any, id: str, group: str, n: int) -> Any:
    if await ctx.db.get(id) is not None:
        await ctx.db.patch(id, {"group": group, "n": n})


@mutation
async def drop(ctx: Any, id: str) -> Any:
    if await ctx.db.get(id) is not None:
        await ctx.db.delete(id)


@mutation
async def refuse(ctx: Any) -> Any:
    raise ConvexError("no")


FUNCTIONS = {
    "q:in_group": in_group,
    "q:largest": largest,
    "q:between": between,
    "q:one": one,
    "q:whose": whose,
    "q:odd_fails": odd_fails,
    "q:slow": slow,
    "q:page": page,
    "m:put": put,
    "m:move": move,
    "m:drop": drop,
    "m:refuse": refuse,
}


class Violation(AssertionError):
    """The model and the server disagree."""


def expect(holds: bool, what: str) -> None:
    if not holds:
        raise Violation(what)


class SimulatedClient:
    """A client that does as the official ones do, and believes nothing it is told."""

    def __init__(self, simulation: Simulation, number: int) -> None:
        self.simulation = simulation
        self.session = f"session-{number}"
        self.next_query_id = 0
        self.next_request_id = 0
        self.wanted: dict[int, tuple[str, dict[str, Any]]] = {}
        self.user: str | None = None
        # Sent and not answered, by request id.
        self.unanswered: dict[int, tuple[str, dict[str, Any]]] = {}
        self.observed_ts = 0
        self.connections = 0
        self.socket: MemorySocket
        self.paused = False
        self.connect()

    def connect(self) -> None:
        """A new socket, on which everything is said again, in the order of the official clients."""
        self.socket = self.simulation.world.connect()
        self.paused = False
        self.version: dict[str, Any] = {"querySet": 0, "identity": 0, "ts": encode_ts(0)}
        self.results: dict[int, Any] = {}
        # What the server will have been told at each version of the query set and identity.
        self.query_sets: list[dict[int, tuple[str, dict[str, Any]]]] = [{}]
        self.identities: list[str | None] = [None]
        # Answered mutations that the next Transition has to reflect.
        self.answered_ts = 0
        more = {"maxObservedTimestamp": encode_ts(self.observed_ts)} if self.observed_ts else {}
        self.socket.send("Connect", sessionId=self.session, connectionCount=self.connections, **more)
        self.connections += 1
        if self.user is not None:
            self.sign_in(self.user)
        self.modify(self.wanted, [])
        for request_id, (path, args) in self.unanswered.items():
            self.socket.send("Mutation", requestId=request_id, udfPath=path, args=[args])

    def modify(self, added: dict[int, tuple[str, dict[str, Any]]], removed: list[int]) -> None:
        modifications: list[dict[str, Any]] = [
            {"type": "Add", "queryId": query_id, "udfPath": path, "args": [args]}
            for query_id, (path, args) in added.items()
        ]
        modifications += [{"type": "Remove", "queryId": query_id} for query_id in removed]
        base = len(self.query_sets) - 1
        queries = {**self.query_sets[-1], **added}
        for query_id in removed:
            del queries[query_id]
        self.query_sets.append(queries)
        self.socket.send("ModifyQuerySet", baseVersion=base, newVersion=base + 1, modifications=modifications)

    def sign_in(self, user: str | None) -> None:
        base = len(self.identities) - 1
        self.user = user
        self.identities.append(user)
        if user is None:
            self.socket.send("Authenticate", baseVersion=base, tokenType="None")
        else:
            acting_as = {"issuer": "https://i", "subject": user}
            self.socket.send(
                "Authenticate", baseVersion=base, tokenType="Admin", value=ADMIN_KEY, impersonating=acting_as
            )

    def follow(self, path: str, args: dict[str, Any]) -> None:
        query_id, self.next_query_id = self.next_query_id, self.next_query_id + 1
        self.wanted = {**self.wanted, query_id: (path, args)}
        self.modify({query_id: (path, args)}, [])

    def forget(self, query_id: int) -> None:
        self.wanted = {known: query for known, query in self.wanted.items() if known != query_id}
        self.modify({}, [query_id])

    def mutate(self, path: str, args: dict[str, Any]) -> None:
        request_id, self.next_request_id = self.next_request_id, self.next_request_id + 1
        self.unanswered[request_id] = (path, args)
        self.socket.send("Mutation", requestId=request_id, udfPath=path, args=[args])

    def drop_connection(self) -> None:
        self.receive()
        self.socket.connection.lost()
        self.connect()

    def receive(self) -> None:
        """Reads everything that arrived, and checks it."""
        for message in self.socket.take():
            if message["type"] == "Transition":
                self.check_transition(message)
            elif message["type"] == "MutationResponse":
                self.check_answer(message)
            else:
                expect(message["type"] == "Ping", f"unexpected message {message}")
        expect(self.socket.closed is None, f"the server closed the socket: {self.socket.closed}")

    def check_answer(self, message: dict[str, Any]) -> None:
        expect(message["requestId"] in self.unanswered, f"request {message['requestId']} is answered twice")
        path, args = self.unanswered.pop(message["requestId"])
        if path == "m:refuse":
            expect(message["success"] is False and message["errorData"] == "no", f"a refusal went wrong: {message}")
            return
        expect(message["success"] is True, f"{path} {args} failed: {message}")
        self.answered_ts = max(self.answered_ts, decode_ts(message["ts"]))
        self.observed_ts = max(self.observed_ts, self.answered_ts)

    def check_transition(self, message: dict[str, Any]) -> None:
        start, end = message["startVersion"], message["endVersion"]
        expect(start == self.version, f"a transition starts at {start}, but the last one ended at {self.version}")
        start_ts, end_ts = decode_ts(start["ts"]), decode_ts(end["ts"])
        expect(end_ts >= start_ts, "time went back")
        expect(end_ts >= self.observed_ts, "the client is told of a state older than one it has seen")
        expect(end_ts >= self.answered_ts, "a transition does not reflect a mutation that was answered before it")
        self.version = end
        self.observed_ts = max(self.observed_ts, end_ts)
        queries = self.query_sets[end["querySet"]]
        seen: list[int] = []
        for change in message["modifications"]:
            query_id = change["queryId"]
            seen.append(query_id)
            if change["type"] == "QueryRemoved":
                expect(query_id not in queries, f"query {query_id} is said to be removed")
                self.results.pop(query_id, None)
            elif change["type"] == "QueryFailed":
                self.results[query_id] = {"failed": change["errorData"]}
            else:
                self.results[query_id] = change["value"]
        expect(seen == sorted(set(seen)), f"modifications are out of order: {seen}")
        expect(set(self.results) == set(queries), f"queries {set(self.results)} are shown, not {set(queries)}")
        user = self.identities[end["identity"]]
        for query_id, (path, args) in queries.items():
            known = self.socket.connection.peer.queries.get(query_id)
            journal = known.journal if path == "q:page" and known is not None else None
            if path == "q:page" and known is None:
                continue
            fresh = self.simulation.fresh(path, args, user, end_ts, journal)
            expect(
                self.results[query_id] == fresh,
                f"{path} {args} shows {self.results[query_id]} at {end_ts}, but is {fresh}",
            )
        self.simulation.transitions += 1


class Simulation:
    """One schedule, decided by `seed`."""

    def __init__(self, seed: int, *, clients: int = 12) -> None:
        self.random = random.Random(seed)
        self.transitions = 0
        self.answers: dict[tuple[Any, ...], Any] = {}
        self.answers_ts = 0
        lagging = self.random.random() < 0.5
        self.world = World(FUNCTIONS, seed=seed, flusher=ManualFlusher if lagging else InlineFlusher, limits=PATIENT)
        self.flush()
        change = self.world.database.prepare_schema(schema)
        while not change.step():
            self.flush()
        change.finish(lambda result: None)
        self.flush()
        self.tags = 0
        self.clients = [SimulatedClient(self, number) for number in range(clients)]

    def flush(self) -> None:
        flusher = self.world.flusher
        if isinstance(flusher, ManualFlusher):
            flusher.flush()

    def fresh(self, path: str, args: dict[str, Any], user: str | None, ts: int, journal: str | None) -> Any:
        """What the query answers when run now, as of `ts`. Remembered for clients that are told the same."""
        if ts != self.answers_ts:
            self.answers.clear()
            self.answers_ts = ts
        key = (path, tuple(args.items()), user, journal)
        if key not in self.answers:
            self.answers[key] = self.run_fresh(path, args, user, ts, journal)
        return self.answers[key]

    def run_fresh(self, path: str, args: dict[str, Any], user: str | None, ts: int, journal: str | None) -> Any:
        identity = None
        if user is not None:
            identity = AdminIdentity(identity_from_attributes({"issuer": "https://i", "subject": user}))
        if path == "q:slow":
            path = "q:slow_at_once"
        outcome = self.world.runner.run_query(
            Call(path, dict(args), identity=identity, visibility="internal"), ts=ts, journal=journal
        )
        assert isinstance(outcome, Outcome), "the check does not wait"
        if outcome.error is not None:
            assert outcome.error.has_data(), outcome.error.message
            return {"failed": outcome.error.data}
        return orjson.loads(outcome.value_json)

    def some_id(self) -> str | None:
        """The id of some item, or None while there is none."""
        tx = self.world.database.begin_query()
        rows = self.rows(tx)
        return self.random.choice(rows)["_id"] if rows else None

    def rows(self, tx: Any) -> list[dict[str, Any]]:
        found = self.world.storage.scan_table(
            tx.catalog.table("items").number, "", None, tx.begin_ts, descending=False, limit=60
        )
        return [orjson.loads(row.document) for row in found]

    def act(self) -> None:
        """One random event."""
        chance = self.random
        client = chance.choice(self.clients)
        roll = chance.random()
        if roll < 0.45:
            self.write(client)
        elif roll < 0.62:
            if len(client.wanted) < 6:
                self.follow(client)
            else:
                client.forget(chance.choice(list(client.wanted)))
        elif roll < 0.68 and client.wanted:
            client.forget(chance.choice(list(client.wanted)))
        elif roll < 0.73:
            client.sign_in(chance.choice([None, *USERS]))
        elif roll < 0.76:
            client.drop_connection()
        elif roll < 0.80 and not client.paused:
            client.paused = True
            client.socket.connection.pause_writing()
        elif roll < 0.86 and client.paused:
            client.paused = False
            client.socket.connection.resume_writing()
        else:
            self.world.clock.advance(chance.choice([0.001, 0.001, 0.01, 0.5]))

    def write(self, client: SimulatedClient) -> None:
        chance = self.random
        item = self.some_id()
        roll = chance.random()
        group, n = chance.choice(GROUPS), chance.randrange(20)
        if item is None or roll < 0.35:
            self.tags += 1
            client.mutate("m:put", {"group": group, "n": n, "tag": str(self.tags)})
        elif roll < 0.65:
            client.mutate("m:move", {"id": item, "group": group, "n": n})
        elif roll < 0.95:
            client.mutate("m:drop", {"id": item})
        else:
            client.mutate("m:refuse", {})

    def follow(self, client: SimulatedClient) -> None:
        chance = self.random
        path = chance.choice(["in_group", "largest", "between", "one", "whose", "odd_fails", "slow", "page"])
        args: dict[str, Any] = {"group": chance.choice(GROUPS)}
        if path == "between":
            low = chance.randrange(15)
            args = {"low": low, "high": low + chance.randrange(1, 8)}
        elif path == "one":
            item = self.some_id()
            if item is None:
                return
            args = {"id": item}
        client.follow(f"q:{path}", args)

    async def run(self, transitions: int) -> None:
        """Goes on until so many Transitions were checked. Raises `Violation`."""
        steps = 0
        while self.transitions < transitions:
            steps += 1
            for _ in range(self.random.randrange(1, 5)):
                self.act()
            if self.random.random() < 0.7:
                self.flush()
            if self.random.random() < 0.5:
                await asyncio.sleep(0)
            self.world.loop.step()
            for client in self.clients:
                client.receive()
            if steps % 50 == 0:
                await self.come_to_rest()
        await self.come_to_rest()

    async def come_to_rest(self) -> None:
        """Everything that can happen happens; then nothing may be owed to anybody."""
        for client in self.clients:
            if client.paused:
                client.paused = False
                client.socket.connection.resume_writing()
        for _ in range(100):
            self.flush()
            self.world.loop.advance(0.05)
            await asyncio.sleep(0)
            for client in self.clients:
                client.receive()
        self.world.settle()
        for client in self.clients:
            client.receive()
            expect(not client.unanswered, f"mutations were never answered: {client.unanswered}")
            expect(client.version["querySet"] == len(client.query_sets) - 1, "a query set was never covered")
            expect(client.version["identity"] == len(client.identities) - 1, "an identity was never covered")
            expect(decode_ts(client.version["ts"]) >= client.answered_ts, "an answered mutation is not reflected")
            for query_id, (path, args) in client.wanted.items():
                if path == "q:page":
                    continue
                now = self.run_fresh(path, args, client.user, self.world.live.ts, None)
                expect(
                    client.results[query_id] == now, f"{path} {args} still shows {client.results[query_id]}, not {now}"
                )
        self.world.database.set_retention(self.world.live.ts)


@query
async def slow_at_once(ctx: Any, group: str) -> Any:
    """What `slow` answers, for the check, which cannot wait."""
    found = ctx.db.query("items").with_index("by_group", lambda q: q.eq("group", group))
    first = await found.first()
    rows = await ctx.db.query("items").with_index("by_group", lambda q: q.eq("group", group)).take(3)
    return [shown(first), [shown(row) for row in rows]]


FUNCTIONS["q:slow_at_once"] = slow_at_once
