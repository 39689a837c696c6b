"""Outcomes as clients may see them: texts, redaction, and the answers of mutations and actions."""

from __future__ import annotations

from parabola.errors import InvalidValue
from parabola.functions.errors_text import error_text
from parabola.functions.outcome import Outcome
from parabola.sync import codec
from parabola.sync.results import QueryResult
from parabola.values.wire import encode_wire


class Presenter:
    """Turns outcomes into what goes out on sockets. With `redact`, details and log lines stay here (wire 4.2)."""

    def __init__(self, *, redact: bool) -> None:
        self.redact = redact

    def query_result(self, outcome: Outcome, request_id: str) -> QueryResult:
        """The result that all followers of this run are sent."""
        lines = [] if self.redact else outcome.log_lines
        error = outcome.error
        if error is None:
            return QueryResult.success(outcome.value_json, lines, outcome.journal)
        return QueryResult.failure(
            error_text(error, request_id, redact=self.redact),
            comparable=error_text(error, "", redact=self.redact),
            data=_error_data(outcome),
            log_lines=lines,
            journal=outcome.journal,
        )

    def mutation_answer(self, request_id: int, outcome: Outcome, text_id: str) -> bytes:
        """The MutationResponse. `text_id` is the request id that appears in error texts."""
        lines = b"[]" if self.redact else codec.lines_json(outcome.log_lines)
        error = outcome.error
        if error is None:
            return codec.write_mutation_success(request_id, outcome.value_json, outcome.ts, lines)
        text = codec.text_json(error_text(error, text_id, redact=self.redact))
        return codec.write_mutation_failure(request_id, text, _error_data(outcome), lines)

    def action_answer(self, request_id: int, outcome: Outcome, text_id: str) -> bytes:
        """The ActionResponse."""
        lines = b"[]" if self.redact else codec.lines_json(outcome.log_lines)
        error = outcome.error
        if error is None:
            return codec.write_action_success(request_id, outcome.value_json, lines)
        text = codec.text_json(error_text(error, text_id, redact=self.redact))
        return codec.write_action_failure(request_id, text, _error_data(outcome), lines)


def _error_data(outcome: Outcome) -> bytes | None:
    """The data of a ConvexError as JSON; None for a plain error."""
    error = outcome.error
    if error is None or not error.has_data():
        return None
    try:
        return encode_wire(error.data)
    except (InvalidValue, TypeError):
        # The runner refuses such data; if it ever does not, the client still learns that there was some.
        return b"null"
