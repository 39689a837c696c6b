"""Every limit, named with its unit last, with what breaks above it (semantics 20, wire 3.6).

All are settings: `Limits(user_time_s=5.0)` overrides one. The defaults are the ones Convex publishes, so that an
application that fits there fits here.
"""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one backend."""

    # Values: above these a single document would make every copy, key and message slow.
    document_bytes_max: int = MIB
    document_nesting_max: int = 16
    value_bytes_max: int = 32 * MIB
    value_nesting_max: int = 64
    array_length_max: int = 8192
    object_fields_max: int = 1024

    # Calls: arguments and results travel in one message.
    arguments_bytes_max: int = 16 * MIB
    result_bytes_max: int = 16 * MIB
    call_depth_max: int = 8

    # Time a handler may run before it is stopped; one handler holds up all others.
    user_time_s: float = 1.0
    # Time from the start of a query or mutation to its end, also where it waits for something: a session's mutations
    # and updates wait with it.
    total_time_s: float = 16.0
    action_time_s: float = 600.0
    # Time that an action may compute, or block in a call, without awaiting anything.
    action_step_time_s: float = 5.0

    # One transaction: a larger read set makes conflicts, and a larger write set makes one slow commit for everybody.
    documents_read_max: int = 32_000
    bytes_read_max: int = 16 * MIB
    index_ranges_read_max: int = 4096
    documents_written_max: int = 16_000
    bytes_written_max: int = 16 * MIB
    functions_scheduled_max: int = 1000
    scheduled_arguments_bytes_max: int = 16 * MIB
    page_items_max: int = 32_000
    query_operators_max: int = 256

    # Schema.
    tables_max: int = 10_000
    indexes_per_table_max: int = 32
    fields_per_index_max: int = 16

    # Retries of a conflicting mutation, after the first attempt.
    mutation_retries_max: int = 4

    # Logs: lines of one run that are kept.
    log_lines_max: int = 256
    log_line_bytes_max: int = 32_768

    # Scheduled functions: how many run at once, how far ahead they may be asked for, how long their rows are kept.
    scheduled_functions_parallel_max: int = 8
    scheduled_horizon_s: float = 5 * 365 * 86_400.0
    scheduled_functions_retention_s: float = 7 * 86_400.0

    # One connection: what one client may have waiting.
    pending_mutations_max: int = 1000
    running_actions_max: int = 1000
    # Queries that one client follows: all of them may be due at once, and run while everybody waits.
    followed_queries_max: int = 10_000
    followed_queries_bytes_max: int = 64 * MIB
    # What a client has sent and nobody has come to yet: above it, nothing more is read from its socket for a while.
    waiting_bytes_max: int = 64 * MIB
    websocket_message_bytes_max: int = 64 * MIB
    # One Transition: clients in Python refuse a longer message.
    transition_bytes_max: int = 64 * MIB
    http_body_bytes_max: int = 16 * MIB + 2000
    # One request for several queries: their answers are kept until all are there.
    batched_queries_max: int = 1000
    batch_bytes_max: int = 32 * MIB

    # The whole server.
    connections_max: int = 10_000
    query_cache_bytes_max: int = 100 * MIB
    storage_cache_bytes_max: int = 256 * MIB

    # How long old versions stay readable, and mutation outcomes stay known.
    retention_s: float = 240.0
    session_requests_retention_s: float = 14 * 86_400.0


DEFAULT_LIMITS = Limits()
