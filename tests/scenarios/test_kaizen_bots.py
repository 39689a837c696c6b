"""The bots of `./kaizen --demo`: they come by themselves, get on in the game, and outlive a restart of it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.kaizen_process import KaizenProcess
from tests.scenarios.server_process import PATIENCE_S, ROOT

DEMO_NAMES = ("Aiko the Patient", "Bjorn One-Percent")


@pytest.fixture
def game(tmp_path: Path) -> Iterator[KaizenProcess]:
    process = KaizenProcess(tmp_path, "--demo")
    try:
        yield process.start()
    finally:
        process.close()


def players(game: KaizenProcess) -> list[dict[str, Any]]:
    answer = game.call("query", "leaderboard:top", {"paginationOpts": {"numItems": 100, "cursor": None}})
    assert answer["status"] == "success", answer
    return list(answer["value"]["page"])  # type: ignore[index, call-overload]


def total(rows: list[dict[str, Any]]) -> float:
    return float(sum(row["score"] for row in rows))


def wait_for(game: KaizenProcess, what: str, holds: Any) -> None:
    deadline = time.monotonic() + 2 * PATIENCE_S
    while not holds(rows := players(game)):
        assert time.monotonic() < deadline, f"{what}, but there are {rows}"
        time.sleep(0.2)


def test_two_bots_come_by_themselves_and_get_on(game: KaizenProcess) -> None:
    wait_for(game, "two bots were to come", lambda rows: len(rows) == 2)
    start = max(row["score"] for row in players(game))
    wait_for(game, "one of them was to get on", lambda rows: max(row["score"] for row in rows) > start)
    assert game.stop() == 0
    assert "The bots stopped" not in game.log
    assert "Traceback" not in game.log


def test_a_crowd_counts_what_it_did_and_waits_out_a_restart(game: KaizenProcess) -> None:
    crowd = subprocess.Popen(
        [sys.executable, "-m", "kaizen.bots", game.url, "--count", "5", "--secret-key", game.secret_key],
        cwd=ROOT,
        env={**game._environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert crowd.stdout is not None
        assert crowd.stdout.readline() == "5 bots play.\n"
        wait_for(game, "five bots and the two of the demo were to come", lambda rows: len(rows) >= 7)
        game.restart()
        before = total(players(game))
        wait_for(game, "the game was to go on", lambda rows: total(rows) > before)
        # Those of the demo are the ones that were there before the restart.
        names = Counter(row["name"] for row in players(game))
        assert {name: names[name] for name in DEMO_NAMES} == dict.fromkeys(DEMO_NAMES, 1)
        crowd.terminate()
        told = crowd.communicate(timeout=PATIENCE_S)[0].split()
    finally:
        crowd.kill()
        crowd.communicate()
    counts = dict(zip(told[::2], map(int, told[1::2]), strict=True))
    assert counts["done"] > 5
