"""Random histories of concurrent transactions, and the judgement whether they were serializable.

A history comes from a seed. Several transactions are under way at a time; at each step one of them, chosen by the
seed, makes its next statement, or commits. Each statement is recorded with its answer. Also recorded: queries at the
durable timestamp, and live queries that run again only when their read set is touched.

`violations(history)` is the judgement. It replays the committed transactions one after another, in the order of their
timestamps, on the plain model (`models.py`), and demands of every single statement the same answer, and at the end
the same table. Read-only ones are replayed at the timestamp that they read. A live query must show at each timestamp
what a fresh run would.

Transactions prefer few documents and few groups, so that they meet: lost updates, write skew and phantoms are all
within their reach. They also fail in the middle, and roll nested calls back after having read in them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from parabola.database.committer import CommitResult
from parabola.database.database import Database
from parabola.database.flusher import ManualFlusher
from parabola.database.ranges import IndexRangeBuilder
from parabola.database.read_set import ReadSet
from parabola.database.transaction import Transaction
from parabola.database.write_log import LogEntry
from parabola.errors import DeveloperError
from parabola.schema.tables import define_schema, define_table
from parabola.schema.validators import v
from parabola.seams import ManualClock, SeededEntropy
from parabola.storage.memory import MemoryStorage
from parabola.values.documents import decode_document
from parabola.values.model import UNDEFINED
from tests.simulation.models import NOTHING, Document, Items, Operation

SCHEMA = define_schema(
    items=define_table(group=v.number(), rank=v.optional(v.number()), value=v.number()).index(
        "by_group", ["group", "rank"]
    )
)


class GaveUp(Exception):
    """A transaction's own code failed."""


class Attempt:
    """One transaction on its way: what it did, and how it ended."""

    def __init__(self, number: int, tx: Transaction) -> None:
        self.number = number
        self.tx = tx
        self.operations: list[Operation] = []
        self.result: CommitResult | None = None

    # The statements. Each records itself.

    def get(self, document_id: str) -> Document | None:
        found = self.tx.get(document_id)
        self._note("get", (document_id,), found)
        return found

    def group(self, group: int, lowest: int | None, *, descending: bool, limit: int | None) -> list[Document]:
        def bounds(q: IndexRangeBuilder) -> IndexRangeBuilder:
            within = q.eq("group", group)
            return within if lowest is None else within.gte("rank", lowest)

        query = self.tx.query("items").with_index("by_group", bounds).order("desc" if descending else "asc")
        found = query.collect() if limit is None else query.take(limit)
        self._note("group", (group, lowest, descending, limit), found)
        return found

    def all(self, *, descending: bool, limit: int | None) -> list[Document]:
        query = self.tx.query("items").order("desc" if descending else "asc")
        found = query.collect() if limit is None else query.take(limit)
        self._note("all", (descending, limit), found)
        return found

    def insert(self, value: Document) -> str:
        document_id = self.tx.insert("items", value)
        # The model needs the creation time for the order; reading the document back would add evidence.
        data = self.tx.writes.by_id[document_id].data
        assert data is not None
        self._note("insert", (decode_document(data),), None)
        return document_id

    def patch(self, document_id: str, fields: Document, removed: tuple[str, ...] = ()) -> None:
        answer = _unless_missing(lambda: self.tx.patch(document_id, {**fields, **dict.fromkeys(removed, UNDEFINED)}))
        self._note("patch", (document_id, fields, removed), answer)

    def delete(self, document_id: str) -> None:
        answer = _unless_missing(lambda: self.tx.delete(document_id))
        self._note("delete", (document_id,), answer)

    def begin_nested(self) -> None:
        self.tx.begin_nested()
        self._note("begin_nested", (), None)

    def commit_nested(self) -> None:
        self.tx.commit_nested()
        self._note("commit_nested", (), None)

    def rollback_nested(self) -> None:
        self.tx.rollback_nested()
        self._note("rollback_nested", (), None)

    def _note(self, kind: str, arguments: tuple[Any, ...], answer: Any) -> None:
        self.operations.append(Operation(kind, arguments, answer))


def _unless_missing(write: Callable[[], None]) -> str | None:
    try:
        write()
    except DeveloperError as error:
        if error.code != "NonexistentDocument":
            raise
        return NOTHING
    return None


Program = Callable[[Attempt, random.Random, Sequence[str]], Iterator[None]]


def scripted(attempt: Attempt, chance: random.Random, known: Sequence[str]) -> Iterator[None]:
    """A transaction whose writes depend on what it reads. Yields between statements."""
    seen = 0
    mine: list[str] = []
    depth = 0
    for _ in range(chance.randint(2, 7)):
        kind = chance.choice(
            ["bump", "bump", "group", "group", "fill", "all", "insert", "move", "delete", "nest", "end", "fail"]
        )
        targets = [*mine, *known]
        group = chance.randrange(4)
        if kind == "bump" and targets:
            target = chance.choice(targets)
            found = attempt.get(target)
            seen += 0 if found is None else found["value"]
            yield
            attempt.patch(target, {"value": seen + 1})
        elif kind == "group":
            rows = attempt.group(
                group,
                chance.choice([None, None, 0, 2]),
                descending=chance.random() < 0.5,
                limit=chance.choice([None, None, 1, 2]),
            )
            seen += sum(row["value"] for row in rows)
        elif kind == "fill":
            # At most two of a group: the classic phantom.
            if len(attempt.group(group, None, descending=False, limit=2)) < 2:
                yield
                mine.append(attempt.insert({"group": group, "rank": chance.randrange(4), "value": seen}))
        elif kind == "all":
            rows = attempt.all(descending=chance.random() < 0.5, limit=chance.choice([1, 2, None]))
            seen += len(rows)
        elif kind == "insert":
            mine.append(attempt.insert({"group": group, "rank": chance.randrange(4), "value": seen}))
        elif kind == "move" and targets:
            removed = ("rank",) if chance.random() < 0.3 else ()
            fields = {"group": group} if removed else {"group": group, "rank": chance.randrange(4)}
            attempt.patch(chance.choice(targets), fields, removed)
        elif kind == "delete" and targets and chance.random() < 0.5:
            attempt.delete(chance.choice(targets))
        elif kind == "nest":
            attempt.begin_nested()
            depth += 1
        elif kind == "end" and depth:
            depth -= 1
            (attempt.rollback_nested if chance.random() < 0.5 else attempt.commit_nested)()
        elif kind == "fail" and chance.random() < 0.15:
            raise GaveUp
        yield
    while depth:
        depth -= 1
        (attempt.rollback_nested if chance.random() < 0.5 else attempt.commit_nested)()
        yield


class LiveQuery:
    """A query that is kept up to date by its read set alone."""

    def __init__(self, group: int, limit: int | None) -> None:
        self.group = group
        self.limit = limit
        self.shown: list[Document] = []
        self.read_set = ReadSet()

    def run(self, database: Database) -> None:
        attempt = Attempt(0, database.begin_query())
        self.shown = attempt.group(self.group, None, descending=False, limit=self.limit)
        self.read_set = attempt.tx.read_set

    def hear(self, database: Database, entries: Sequence[LogEntry]) -> None:
        if any(self.read_set.overlaps(entry) for entry in entries):
            self.run(database)


class History:
    """One simulated run; `attempts` are all transactions, however they ended."""

    def __init__(self, seed: int, database: Database, flusher: ManualFlusher) -> None:
        self.seed = seed
        self.database = database
        self.flusher = flusher
        self.attempts: list[Attempt] = []
        self.open: list[tuple[Attempt, Iterator[None]]] = []
        self.live = [LiveQuery(group, limit) for group in range(4) for limit in (None, 1)]
        self.sightings: list[tuple[int, int, int | None, list[Document]]] = []
        """(durable timestamp, group, limit, documents): what each live query showed whenever something became
        durable.
        """

    def hear(self, entries: Sequence[LogEntry]) -> None:
        for query in self.live:
            query.hear(self.database, entries)
            self.sightings.append((self.database.durable_ts, query.group, query.limit, query.shown))

    @property
    def conflicts(self) -> int:
        return sum(1 for one in self.attempts if one.result is not None and one.result.conflict is not None)

    @property
    def commits(self) -> int:
        return sum(1 for one in self.attempts if one.result is not None and one.result.conflict is None)


Prepare = Callable[[History], None]


def simulate(seed: int, *, transactions: int = 60, at_once: int = 4, prepare: Prepare | None = None) -> History:
    """Runs the history of `seed`. `prepare` may spoil the engine before it begins, to see whether that is noticed."""
    chance = random.Random(seed)
    clock = ManualClock()
    storage = MemoryStorage()
    flusher = ManualFlusher(storage)
    database = Database(storage, clock=clock, entropy=SeededEntropy(seed), flusher=flusher)
    database.open()
    database.prepare_schema(SCHEMA).run()
    flusher.flush()
    history = History(seed, database, flusher)
    if prepare is not None:
        prepare(history)
    known: list[str] = []
    for query in history.live:
        query.run(database)
    database.add_commit_listener(history.hear)

    started = 0
    while started < transactions or history.open:
        clock.advance(chance.random() * 0.001)
        if started < transactions and len(history.open) < at_once and (not history.open or chance.random() < 0.4):
            started += 1
            read_only = chance.random() < 0.15
            attempt = Attempt(started, database.begin_query() if read_only else database.begin_mutation())
            program = reading(attempt, chance) if read_only else scripted(attempt, chance, known[-6:])
            history.attempts.append(attempt)
            history.open.append((attempt, program))
        at = chance.randrange(len(history.open))
        attempt, program = history.open[at]
        try:
            next(program)
        except StopIteration:
            del history.open[at]
            _end(history, attempt)
            known += [
                operation.arguments[0]["_id"]
                for operation in attempt.operations
                if operation.kind == "insert" and chance.random() < 0.7
            ]
        except GaveUp:
            del history.open[at]
            attempt.tx.close()
        if chance.random() < 0.2:
            flusher.flush()
    flusher.flush()
    return history


def reading(attempt: Attempt, chance: random.Random) -> Iterator[None]:
    """A query."""
    for _ in range(3):
        attempt.group(chance.randrange(4), None, descending=False, limit=chance.choice([None, 1]))
        yield
        attempt.all(descending=True, limit=3)
        yield


def _end(history: History, attempt: Attempt) -> None:
    def done(result: CommitResult) -> None:
        assert attempt.result is None, "a commit is answered once"
        attempt.result = result

    history.database.commit(attempt.tx, done)


def violations(history: History) -> list[str]:
    """Every way in which the history is not that of a serializable database. Empty if all is well."""
    found: list[str] = []
    ended = [one for one in history.attempts if one.result is not None and one.result.conflict is None]
    writers = sorted((one for one in ended if one.result and _wrote(one)), key=lambda one: one.result.ts)  # type: ignore[union-attr]
    readers = [one for one in ended if not _wrote(one)]
    model = Items()
    states: list[tuple[int, Items]] = [(0, model.copy())]
    for attempt in writers:
        assert attempt.result is not None
        model = _replay(attempt, model, found)
        states.append((attempt.result.ts, model.copy()))
    for attempt in readers:
        assert attempt.result is not None
        _replay(attempt, _state_at(states, attempt.result.ts), found)
    final = Attempt(0, history.database.begin_query())
    if final.all(descending=False, limit=None) != model.do_all(False, None):
        found.append("the final table is not what the committed transactions make of it")
    for ts, group, limit, shown in history.sightings:
        expected = _state_at(states, ts).do_group(group, None, False, limit)
        if shown != expected:
            found.append(f"at {ts} the live query of group {group} shows {shown}, and {expected} is there")
    return found


def _wrote(attempt: Attempt) -> bool:
    return any(write.data != write.base for write in attempt.tx.writes.by_id.values())


def _state_at(states: list[tuple[int, Items]], ts: int) -> Items:
    return next(state for state_ts, state in reversed(states) if state_ts <= ts).copy()


def _replay(attempt: Attempt, model: Items, found: list[str]) -> Items:
    """Runs a committed transaction on the model, noting where it answers otherwise; returns the model afterwards."""
    saved: list[Items] = []
    for operation in attempt.operations:
        if operation.kind == "begin_nested":
            saved.append(model.copy())
        elif operation.kind == "commit_nested":
            saved.pop()
        elif operation.kind == "rollback_nested":
            model = saved.pop()
        else:
            expected = model.run(operation)
            if expected != operation.answer:
                found.append(
                    f"transaction {attempt.number}: {operation.kind}{operation.arguments} answered "
                    f"{operation.answer}, but in the order of commits it is {expected}"
                )
    return model


def report(history: History, found: Sequence[str]) -> str:
    """What to print when a history fails: the facts, and the command that shows it again."""
    shown = "\n".join(f"  - {line}" for line in found[:5])
    return (
        f"seed {history.seed}: {len(found)} violations\n{shown}\n"
        f"Again: PARABOLA_SEED={history.seed} pytest tests/simulation/test_serializability.py"
    )
