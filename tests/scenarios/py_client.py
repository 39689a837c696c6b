"""The official Python client with a limit on its patience: every wait ends in a result or in a failed test."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from convex import ConvexClient

from tests.scenarios.js_client import PATIENCE_S, Following

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T]) -> T:
    """Runs a call that may block for ever on a thread of its own, and fails the test if it does."""
    answers: queue.Queue[tuple[bool, Any]] = queue.Queue()

    def run() -> None:
        try:
            answers.put((True, call()))
        except BaseException as error:  # raised again below, in the test's thread
            answers.put((False, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        succeeded, answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise AssertionError(f"The Python client did not answer within {seconds} s") from None
    if succeeded:
        return answer  # type: ignore[no-any-return]
    raise answer


class PyClient:
    """`convex.ConvexClient`, one WebSocket."""

    def __init__(self, url: str) -> None:
        self.client: ConvexClient = within(PATIENCE_S, lambda: ConvexClient(url))

    def subscribe(self, path: str, args: dict[str, Any] | None = None) -> Following:
        subscription = within(PATIENCE_S, lambda: self.client.subscribe(path, args or {}))
        following = Following()

        def follow() -> None:
            while True:
                try:
                    following.put(next(subscription))
                except StopIteration:
                    return
                except Exception as error:  # a failed query is a result, and the next may succeed
                    following.put(error)
                    if "dropped" in str(error):
                        return

        threading.Thread(target=follow, daemon=True).start()
        return following

    def query(self, path: str, args: dict[str, Any] | None = None, timeout: float = PATIENCE_S) -> Any:
        return within(timeout, lambda: self.client.query(path, args))

    def mutation(self, path: str, args: dict[str, Any] | None = None, timeout: float = PATIENCE_S) -> Any:
        return within(timeout, lambda: self.client.mutation(path, args))

    def action(self, path: str, args: dict[str, Any] | None = None, timeout: float = PATIENCE_S) -> Any:
        return within(timeout, lambda: self.client.action(path, args))
