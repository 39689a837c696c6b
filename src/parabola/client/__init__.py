"""Clients of a Parabola server, for Python programs: live queries, mutations in order, sign-in, optimistic updates.

    from parabola.client import Client

    client = Client("http://127.0.0.1:3210")
    client.mutation("messages:send", {"body": "hi"})
    for messages in client.subscribe("messages:list"):
        print(messages)

`AsyncClient` is the same for asyncio, and `parabola.client.http.HttpClient` makes single calls without a connection.
They speak the protocol of the official clients, so they work with Convex, too.
"""

from __future__ import annotations

from parabola.client.asyncio_client import AsyncClient, AsyncPagination, Subscription
from parabola.client.blocking_client import BlockingPagination, BlockingSubscription, BlockingWatch, Client
from parabola.client.optimistic import LocalStore, OptimisticUpdate
from parabola.client.pagination import PaginatedState, Pagination, PaginationStatus
from parabola.client.runtime import TokenFetcher
from parabola.client.session import Session, Stop, Watch
from parabola.client.states import QueryState, QueryStatus
from parabola.errors import CallFailed, ClientClosed, ClientError, ConnectionLost, ConvexError
from parabola.sync.client_peer import ConnectionState
from parabola.values.kinds import UNDEFINED, Int64

__all__ = [
    "UNDEFINED",
    "AsyncClient",
    "AsyncPagination",
    "BlockingPagination",
    "BlockingSubscription",
    "BlockingWatch",
    "CallFailed",
    "Client",
    "ClientClosed",
    "ClientError",
    "ConnectionLost",
    "ConnectionState",
    "ConvexError",
    "Int64",
    "LocalStore",
    "OptimisticUpdate",
    "PaginatedState",
    "Pagination",
    "PaginationStatus",
    "QueryState",
    "QueryStatus",
    "Session",
    "Stop",
    "Subscription",
    "TokenFetcher",
    "Watch",
]
