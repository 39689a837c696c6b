"""The records of what mutations answered, by (session id, request id): what makes a mutation that is sent twice
happen once.

A record is a document of `_session_requests` (`database.receipt`: the commit puts its timestamp there), and further
ones for an answer that is larger than a document may be. Their ids are made of the day, the session, the request and a
piece number, so they are found without an index, those of one session and day lie side by side, and the oldest come
first. Their pieces are the commit timestamp, the log lines as JSON, and the value in its wire form, with line feeds
(which JSON text never contains) in between.

Nearly every request is new. Clients count their requests upwards, and only this process writes records; so for the
sessions seen last it remembers the highest request that was ever recorded, or is about to be, and above that nothing
has to be looked up.

Two sendings that race must meet, also over midnight: what they look for, and leave, is a key of the session and the
request alone.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import orjson

from parabola.database.receipt import TIMESTAMP_DIGITS, Receipt
from parabola.database.system_tables import SESSION_REQUESTS, by_id_index_number
from parabola.database.transaction import Transaction
from parabola.values.ids import IdSeries, decode_id, encode_id

SessionRequest = tuple[str, int]
"""Session id and request id; the latter has 32 bits."""

SESSIONS_MAX: Final = 20_000

# At most four bytes a character: below the limit of a document in any case.
_PIECE_CHARACTERS: Final = 200_000

_TABLE: Final = SESSION_REQUESTS.number
_BY_ID: Final = by_id_index_number(_TABLE)
_TOUCHED: Final = (_BY_ID, _BY_ID)
_DAY_NS: Final = 86_400_000_000_000
_DAY_BYTES: Final = 2
_SESSION_BYTES: Final = 9
_AFTER_DAY: Final = b"\xff" * (16 - _DAY_BYTES)

# What follows the timestamp in the record of a mutation that returned and printed nothing, as most do.
_NOTHING_TAIL: Final = b'\\n[]\\nnull"}'


class Record(NamedTuple):
    """What was answered."""

    value_json: bytes
    log_lines: list[str]
    ts: int = 0
    """When the mutation was committed; known of a record that was found."""


class _Session:
    """What is known of one session."""

    __slots__ = ("_day", "_evidence", "_series", "name", "newest")

    def __init__(self, session_id: str) -> None:
        self.name = blake2b(session_id.encode("utf-8", "surrogatepass"), digest_size=_SESSION_BYTES).digest()
        # The key of an id that no document has, so that a conflict over it can be told as one over a document.
        self._evidence = b"\x10" + self.name.hex().encode()
        # No request above this one has a record, nor an attempt under way that could commit one.
        self.newest = -1
        # The ids of the day in which it recorded something last.
        self._day = -1
        self._series: IdSeries

    def evidence(self, request_id: int) -> bytes:
        """What whoever looks for a record reads, and whoever leaves one touches."""
        return b"%b%08x\x00" % (self._evidence, request_id)

    def document_id(self, day: int, request_id: int, piece: int = 0) -> str:
        """Ids sort by day, and those of one session and day by request and piece."""
        if day != self._day:
            self._day, self._series = day, IdSeries(_TABLE, _day_bytes(day) + self.name)
        return self._series.text(request_id, piece)

    def bounds(self, day: int) -> tuple[str, str]:
        """The lowest and the highest id that a record of this session may have on that day."""
        prefix = _day_bytes(day) + self.name
        rest = 16 - len(prefix)
        return encode_id(_TABLE, prefix + b"\x00" * rest), encode_id(_TABLE, prefix + b"\xff" * rest)


class SessionRecords:
    """Finds and writes records. One for each database: it must hear of every record that is written."""

    def __init__(self, sessions_max: int = SESSIONS_MAX) -> None:
        self._sessions_max = sessions_max
        # The session used longest ago is first.
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        # The days of which there may be records; None until they were looked up.
        self._days: set[int] | None = None

    def find(self, tx: Transaction, request: SessionRequest) -> Record | None:
        """The record of an earlier sending. Looking leaves evidence: two sendings that race conflict."""
        session_id, request_id = request
        session = self._session(tx, session_id)
        tx.note_no_receipt(_BY_ID, session.evidence(request_id))
        if request_id > session.newest:
            return None
        for day in self._days_of(tx):
            pieces: list[str] = []
            while True:
                row = tx.system_get(SESSION_REQUESTS.name, session.document_id(day, request_id, len(pieces)))
                if row is None:
                    break
                pieces.append(row["answer"])
            if pieces:
                ts, log_lines, value_json = "".join(pieces).split("\n", 2)
                return Record(value_json.encode(), orjson.loads(log_lines), int(ts))
        return None

    def write(self, tx: Transaction, request: SessionRequest, record: Record) -> None:
        """Notes what is being answered, in the transaction that does it and that found no record before."""
        session_id, request_id = request
        session = self._session(tx, session_id)
        if request_id > session.newest:
            session.newest = request_id
        now_ns = tx.now_ns
        day = now_ns // _DAY_NS
        days = self._days
        if days is None or day not in days:
            self._days_of(tx)
            assert self._days is not None
            self._days.add(day)
        value_json = record.value_json
        if value_json == b"null" and not record.log_lines:
            tail = _NOTHING_TAIL
        else:
            log_lines = orjson.dumps(record.log_lines).decode() if record.log_lines else "[]"
            answer = f"\n{log_lines}\n{value_json.decode()}"
            first = _PIECE_CHARACTERS - TIMESTAMP_DIGITS
            for piece, start in enumerate(range(first, len(answer), _PIECE_CHARACTERS), 1):
                part = answer[start : start + _PIECE_CHARACTERS]
                document_id = session.document_id(day, request_id, piece)
                tx.system_insert(SESSION_REQUESTS.name, {"answer": part}, document_id, plain=True)
            tail = orjson.dumps(answer[:first])[1:] + b"}"
        document_id = session.document_id(day, request_id)
        head = b'{"_creationTime":%b,"_id":"%b","answer":"' % (repr(now_ns / 1_000_000).encode(), document_id.encode())
        evidence = session.evidence(request_id)
        tx.receipt = Receipt(_TABLE, _TOUCHED, document_id, evidence, head, tail)

    def _session(self, tx: Transaction, session_id: str) -> _Session:
        sessions = self._sessions
        session = sessions.get(session_id)
        if session is not None:
            sessions.move_to_end(session_id)
            return session
        session = _Session(session_id)
        session.newest = self._newest_recorded(tx, session)
        sessions[session_id] = session
        if len(sessions) > self._sessions_max:
            sessions.popitem(last=False)
        return session

    def _newest_recorded(self, tx: Transaction, session: _Session) -> int:
        """The highest request of the session that has a record, or -1."""
        newest = -1
        for day in self._days_of(tx):
            found = _last_between(tx, *session.bounds(day))
            if found is not None:
                newest = max(newest, int.from_bytes(decode_id(found["_id"])[1][11:15], "big"))
        return newest

    def _days_of(self, tx: Transaction) -> list[int]:
        """The days of which there may be records, the newest first."""
        if self._days is None:
            self._days = set()
            after = encode_id(_TABLE, b"\x00" * 16)
            while True:
                found = _first_after(tx, after)
                if found is None:
                    break
                prefix = decode_id(found["_id"])[1][:_DAY_BYTES]
                self._days.add(int.from_bytes(prefix, "big"))
                after = encode_id(_TABLE, prefix + _AFTER_DAY)
        return sorted(self._days, reverse=True)


def _first_after(tx: Transaction, document_id: str) -> dict[str, Any] | None:
    return tx.system_query(SESSION_REQUESTS.name).with_index("by_id", lambda q: q.gt("_id", document_id)).first()


def _last_between(tx: Transaction, lowest: str, highest: str) -> dict[str, Any] | None:
    found = tx.system_query(SESSION_REQUESTS.name).with_index(
        "by_id", lambda q: q.gte("_id", lowest).lte("_id", highest)
    )
    return found.order("desc").first()


def first_id_of_day(now_ns: int) -> str:
    """All records of the days before the one of `now_ns` have lower ids."""
    return encode_id(_TABLE, _day_bytes(now_ns // _DAY_NS) + b"\x00" * (16 - _DAY_BYTES))


def _day_bytes(day: int) -> bytes:
    """Good until the year 2149."""
    return (day & 0xFFFF).to_bytes(_DAY_BYTES, "big")
