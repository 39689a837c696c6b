"""What one transaction has used of its limits (semantics 7.5).

Sizes in Convex bytes cost a walk over every value, which is more than reading the document costs. But the limits are
far away in nearly all transactions, and the stored form bounds the size: no value is more than five times as large as
its JSON (the worst is `0,` in a list: two bytes that count as nine). So documents are noted as they pass, and
measured only when that bound could cross the limit, or when somebody asks for metrics. The answer is exact at all
times.

A limit, once crossed, stays crossed: user code may catch the error, but each later read or write fails as well.
"""

from __future__ import annotations

from typing import Final

from parabola.errors import LimitExceeded
from parabola.limits import MIB, Limits
from parabola.values.documents import decode_document
from parabola.values.size import document_size

SIZE_PER_STORED_BYTE_MAX: Final = 5

_READ_ADVICE: Final = (
    "Consider using smaller limits in your queries, paginating your queries, or using indexed queries with a selective "
    "index range expressions."
)


class ByteMeter:
    """Counts Convex bytes of stored documents, measuring as late as it can."""

    __slots__ = ("_measured", "bound", "limit", "waiting")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._measured = 0
        self.waiting: list[bytes] = []
        self.bound = 0
        """At least what was counted."""

    def add_all(self, documents: list[bytes]) -> bool:
        """The same for many."""
        self.waiting += documents
        self.bound += sum(map(len, documents)) * SIZE_PER_STORED_BYTE_MAX
        return self.bound > self.limit and self.total() > self.limit

    def reached(self) -> bool:
        """Whether nothing more fits."""
        return self.bound >= self.limit and self.total() >= self.limit

    def exceeded(self) -> bool:
        return self.bound > self.limit and self.total() > self.limit

    def total(self) -> int:
        """Exactly how many bytes, so far."""
        if self.waiting:
            self._measured += sum([document_size(decode_document(data)) for data in self.waiting])
            self.waiting.clear()
        self.bound = self._measured
        return self._measured

    def set_total(self, total: int) -> None:
        """Back to an earlier total: what was counted since has been undone."""
        self.waiting.clear()
        self._measured = self.bound = total


class Usage:
    """Counters, and the errors that crossing a limit raises."""

    __slots__ = (
        "_limits",
        "bytes_read",
        "bytes_written",
        "documents_read",
        "documents_written",
        "functions_scheduled",
        "queries",
        "scheduled_bytes",
    )

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.documents_read = 0
        self.bytes_read = ByteMeter(limits.bytes_read_max)
        self.queries = 0
        self.documents_written = 0
        self.bytes_written = ByteMeter(limits.bytes_written_max)
        self.functions_scheduled = 0
        self.scheduled_bytes = 0

    @property
    def limits(self) -> Limits:
        """What holds now. A nested call may be given tighter ones for its time."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits
        self.bytes_read.limit = limits.bytes_read_max
        self.bytes_written.limit = limits.bytes_written_max

    def count_read(self, data: bytes) -> None:
        """One document was read. It counts also when it is the one too many."""
        self.documents_read += 1
        meter = self.bytes_read
        meter.waiting.append(data)
        meter.bound += len(data) * SIZE_PER_STORED_BYTE_MAX
        if meter.bound > meter.limit or self.documents_read > self._limits.documents_read_max:
            self.check_reads()

    def count_reads(self, documents: list[bytes]) -> None:
        """The same for many, in order."""
        if self.documents_read + len(documents) > self._limits.documents_read_max:
            for data in documents:
                self.count_read(data)
            return
        self.documents_read += len(documents)
        if self.bytes_read.add_all(documents):
            self.check_reads()

    def check_reads(self) -> None:
        """Raises once a read limit has been crossed."""
        limits = self._limits
        if self.documents_read > limits.documents_read_max:
            raise LimitExceeded(
                "Too many documents read in a single function execution "
                f"(limit: {limits.documents_read_max}). {_READ_ADVICE}",
                code="TooManyDocumentsRead",
            )
        if self.bytes_read.exceeded():
            raise LimitExceeded(
                "Too many bytes read in a single function execution "
                f"(limit: {limits.bytes_read_max} bytes). {_READ_ADVICE}",
                code="TooManyBytesRead",
            )

    def reads_exhausted(self) -> bool:
        """Whether one more document would cross a limit for certain."""
        return self.documents_read >= self._limits.documents_read_max or self.bytes_read.reached()

    def ranges_error(self) -> LimitExceeded:
        return LimitExceeded(
            "Too many reads in a single function execution "
            f"(limit: {self._limits.index_ranges_read_max}). {_READ_ADVICE}",
            code="TooManyReads",
        )

    def count_write(self, data: bytes) -> None:
        """One document was written, or deleted: `data` is its new stored form, or the one that it had."""
        limits = self._limits
        meter = self.bytes_written
        self.documents_written += 1
        meter.waiting.append(data)
        meter.bound += len(data) * SIZE_PER_STORED_BYTE_MAX
        if meter.bound <= meter.limit and self.documents_written <= limits.documents_written_max:
            return
        too_large = meter.exceeded()
        if self.documents_written > limits.documents_written_max:
            raise LimitExceeded(
                f"Too many writes in a single function execution (limit: {limits.documents_written_max})",
                code="TooManyWrites",
            )
        if too_large:
            raise LimitExceeded(
                "Too many bytes written in a single function execution "
                f"(limit: {_mebibytes(limits.bytes_written_max)})",
                code="TooManyBytesWritten",
            )

    def count_scheduled(self, argument_bytes: int) -> None:
        """One function was scheduled with arguments of `argument_bytes` Convex bytes."""
        limits = self._limits
        self.functions_scheduled += 1
        self.scheduled_bytes += argument_bytes
        if self.functions_scheduled > limits.functions_scheduled_max:
            raise LimitExceeded(
                f"Too many functions scheduled by this mutation (limit: {limits.functions_scheduled_max})",
                code="TooManyFunctionsScheduled",
            )
        if self.scheduled_bytes > limits.scheduled_arguments_bytes_max:
            raise LimitExceeded(
                "Too large total size of the arguments of scheduled functions from this mutation "
                f"(limit: {limits.scheduled_arguments_bytes_max} bytes)",
                code="ScheduledFunctionsArgumentsTooLarge",
            )

    def metrics(self) -> dict[str, dict[str, int]]:
        """What `getTransactionMetrics` answers: used and remaining, for each limit."""
        limits = self._limits

        def line(used: int, limit: int) -> dict[str, int]:
            return {"used": used, "remaining": max(0, limit - used)}

        return {
            "bytesRead": line(self.bytes_read.total(), limits.bytes_read_max),
            "bytesWritten": line(self.bytes_written.total(), limits.bytes_written_max),
            "databaseQueries": line(self.queries, limits.index_ranges_read_max),
            "documentsRead": line(self.documents_read, limits.documents_read_max),
            "documentsWritten": line(self.documents_written, limits.documents_written_max),
            "functionsScheduled": line(self.functions_scheduled, limits.functions_scheduled_max),
            "scheduledFunctionArgsBytes": line(self.scheduled_bytes, limits.scheduled_arguments_bytes_max),
        }

    def mark(self) -> tuple[int, int, int, int]:
        """The write counters, to be restored when a nested call is undone."""
        return (
            self.documents_written,
            self.bytes_written.total(),
            self.functions_scheduled,
            self.scheduled_bytes,
        )

    def restore(self, mark: tuple[int, int, int, int]) -> None:
        """Undoes the counting of writes since `mark`. What was read stays counted."""
        self.documents_written, written, self.functions_scheduled, self.scheduled_bytes = mark
        self.bytes_written.set_total(written)


def _mebibytes(count: int) -> str:
    return f"{count // MIB} MiB" if count % MIB == 0 else f"{count} bytes"
