"""A warning in the log of a run that came close to a limit, while it is still only a warning (semantics 3.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from parabola.database.usage import ByteMeter
    from parabola.functions.levels import TransactionRun

# Above four fifths of a limit.
_SHARE: Final = (4, 5)

_READ_ADVICE: Final = (
    "Consider using smaller limits in your queries, paginating your queries, or using indexed queries with a selective "
    "index range expressions."
)


def warn_of_heavy_use(run: TransactionRun) -> None:
    """Adds a WARN line for each limit that the run used more than 80 % of."""
    usage, limits = run.tx.usage, run.services.limits
    # Nearly every run is far below all of them, which is told without a call: less than a tenth used.
    if (
        usage.documents_read * 10 < limits.documents_read_max
        and usage.documents_written * 10 < limits.documents_written_max
        and usage.bytes_read.bound * 10 < limits.bytes_read_max
        and usage.bytes_written.bound * 10 < limits.bytes_written_max
        and not usage.functions_scheduled
    ):
        return
    if usage.documents_read > _most(limits.documents_read_max):
        _warn(run, "documents read", usage.documents_read, limits.documents_read_max, "", _READ_ADVICE)
    if _is_above(usage.bytes_read, _most(limits.bytes_read_max)):
        _warn(run, "bytes read", usage.bytes_read.total(), limits.bytes_read_max, " bytes", _READ_ADVICE)
    if usage.documents_written > _most(limits.documents_written_max):
        _warn(run, "documents written", usage.documents_written, limits.documents_written_max, "", "")
    if _is_above(usage.bytes_written, _most(limits.bytes_written_max)):
        _warn(run, "bytes written", usage.bytes_written.total(), limits.bytes_written_max, " bytes", "")
    if usage.functions_scheduled > _most(limits.functions_scheduled_max):
        _warn(run, "functions scheduled", usage.functions_scheduled, limits.functions_scheduled_max, "", "")
    if usage.scheduled_bytes > _most(limits.scheduled_arguments_bytes_max):
        what = "bytes in the arguments of scheduled functions"
        _warn(run, what, usage.scheduled_bytes, limits.scheduled_arguments_bytes_max, " bytes", "")


def _most(limit: int) -> int:
    return limit * _SHARE[0] // _SHARE[1]


def _is_above(meter: ByteMeter, limit: int) -> bool:
    # The bound is there at once; the exact total is worked out only where it could matter.
    return meter.bound > limit and meter.total() > limit


def _warn(run: TransactionRun, what: str, actual: int, limit: int, unit: str, advice: str) -> None:
    text = f"Many {what} in a single function execution (actual: {actual}{unit}, limit: {limit}{unit})."
    run.log.add("WARN", f"{text} {advice}".rstrip())
