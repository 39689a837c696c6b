"""The records of what mutations answered, by (session id, request id): what makes a mutation that is sent twice
happen once.

A record is documents of `_session_requests`, one unless the answer is larger than a document may be. Their ids are made
of the session, the request and a piece number, so they are found without an index, and those of one session lie side
by side. Their pieces are the commit timestamp, which the commit itself puts there, the log lines as JSON, and the value
in its wire form, with line feeds (which JSON text never contains) in between.

Nearly every request is new. Clients count their requests upwards, and only this process writes records; so for the
sessions seen last it remembers the highest request that was ever recorded, or is about to be, and above that nothing
has to be looked up.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from typing import Final, NamedTuple

import orjson

from parabola.database.system_tables import SESSION_REQUESTS
from parabola.database.transaction import UNSTAMPED, Transaction
from parabola.values.ids import decode_id, encode_id

SessionRequest = tuple[str, int]
"""Session id and request id; the latter has 32 bits."""

SESSIONS_MAX: Final = 20_000

# At most four bytes a character: below the limit of a document in any case.
_PIECE_CHARACTERS: Final = 200_000

_REQUEST_ID_MAX: Final = 2**32 - 1
_PIECE_MAX: Final = 2**16 - 1


class Record(NamedTuple):
    """What was answered."""

    value_json: bytes
    log_lines: list[str]
    ts: int = 0
    """When the mutation was committed; known of a record that was found."""


class _Session:
    """What is known of one session."""

    __slots__ = ("_first_id", "_first_id_of", "newest", "prefix")

    def __init__(self, prefix: bytes) -> None:
        self.prefix = prefix
        # No request above this one has a record, nor an attempt under way that could commit one.
        self.newest = -1
        # The id worked out last: a request is looked for, and then recorded.
        self._first_id_of = -1
        self._first_id = ""

    def document_id(self, request_id: int, piece: int = 0) -> str:
        """Ids of one session sort by request and piece."""
        if piece == 0 and request_id == self._first_id_of:
            return self._first_id
        internal = self.prefix + (request_id << 16 | piece).to_bytes(6, "big")
        document_id = encode_id(SESSION_REQUESTS.number, internal)
        if piece == 0:
            self._first_id_of, self._first_id = request_id, document_id
        return document_id


class SessionRecords:
    """Finds and writes records. One for each database: it must hear of every record that is written."""

    def __init__(self, sessions_max: int = SESSIONS_MAX) -> None:
        self._sessions_max = sessions_max
        # The session used longest ago is first.
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    def find(self, tx: Transaction, request: SessionRequest) -> Record | None:
        """The record of an earlier sending. Looking leaves evidence: two sendings that race conflict."""
        session_id, request_id = request
        session = self._session(tx, session_id)
        document_id = session.document_id(request_id)
        if request_id > session.newest:
            tx.system_note_absent(SESSION_REQUESTS.name, document_id)
            return None
        pieces: list[str] = []
        while (row := tx.system_get(SESSION_REQUESTS.name, document_id)) is not None:
            pieces.append(row["answer"])
            document_id = session.document_id(request_id, len(pieces))
        if not pieces:
            return None
        ts, log_lines, value_json = "".join(pieces).split("\n", 2)
        return Record(value_json.encode(), orjson.loads(log_lines), int(ts))

    def write(self, tx: Transaction, request: SessionRequest, record: Record) -> None:
        """Notes what is being answered, in the transaction that does it and that found no record before."""
        session_id, request_id = request
        session = self._session(tx, session_id)
        session.newest = max(session.newest, request_id)
        log_lines = orjson.dumps(record.log_lines).decode() if record.log_lines else "[]"
        answer = f"{UNSTAMPED}\n{log_lines}\n{record.value_json.decode()}"
        tx.stamped = session.document_id(request_id)
        for piece, start in enumerate(range(0, len(answer), _PIECE_CHARACTERS)):
            part = answer[start : start + _PIECE_CHARACTERS]
            document_id = session.document_id(request_id, piece)
            tx.system_insert(SESSION_REQUESTS.name, {"answer": part}, document_id, plain=True)

    def _session(self, tx: Transaction, session_id: str) -> _Session:
        sessions = self._sessions
        session = sessions.get(session_id)
        if session is not None:
            sessions.move_to_end(session_id)
            return session
        prefix = blake2b(session_id.encode("utf-8", "surrogatepass"), digest_size=10).digest()
        session = _Session(prefix)
        session.newest = _newest_recorded(tx, session)
        sessions[session_id] = session
        if len(sessions) > self._sessions_max:
            sessions.popitem(last=False)
        return session


def _newest_recorded(tx: Transaction, session: _Session) -> int:
    """The highest request of the session that has a record, or -1."""
    first = session.document_id(0)
    last = session.document_id(_REQUEST_ID_MAX, _PIECE_MAX)
    newest = (
        tx.system_query(SESSION_REQUESTS.name)
        .with_index("by_id", lambda q: q.gte("_id", first).lte("_id", last))
        .order("desc")
        .first()
    )
    if newest is None:
        return -1
    return int.from_bytes(decode_id(newest["_id"])[1][10:14], "big")
