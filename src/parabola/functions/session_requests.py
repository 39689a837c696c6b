"""The records of what mutations answered, by (session id, request id): what makes a mutation that is sent twice
happen once.

A record is rows of `_session_requests`, one unless the answer is larger than a document may be. Their pieces, in
order of creation, are the log lines as JSON, a line feed (which JSON text never contains), and the value in its wire
form.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import orjson

from parabola.database.system_tables import SESSION_REQUESTS
from parabola.database.transaction import Transaction

SessionRequest = tuple[str, int]

# At most four bytes a character: below the limit of a document in any case.
_PIECE_CHARACTERS: Final = 200_000


class Record(NamedTuple):
    """What was answered."""

    value_json: bytes
    log_lines: list[str]


def find_record(tx: Transaction, request: SessionRequest) -> Record | None:
    """The record of an earlier sending. Looking leaves evidence: two sendings that race conflict."""
    session_id, request_id = request
    rows = (
        tx.system_query(SESSION_REQUESTS.name)
        .with_index("by_session", lambda q: q.eq("sessionId", session_id).eq("requestId", request_id))
        .collect()
    )
    if not rows:
        return None
    log_lines, _, value_json = "".join(row["answer"] for row in rows).partition("\n")
    return Record(value_json.encode(), orjson.loads(log_lines))


def write_record(tx: Transaction, request: SessionRequest, record: Record) -> None:
    """Notes what is being answered, in the transaction that does it."""
    session_id, request_id = request
    answer = orjson.dumps(record.log_lines).decode() + "\n" + record.value_json.decode()
    for start in range(0, len(answer), _PIECE_CHARACTERS):
        piece = answer[start : start + _PIECE_CHARACTERS]
        tx.system_insert(SESSION_REQUESTS.name, {"sessionId": session_id, "requestId": request_id, "answer": piece})
