"""How Kaizen's page feels while two hundred bots play: `python -m benchmarks.kaizen_crowd --help`.

The game runs as `./kaizen` starts it, the bots in a process of their own, and one player's page in headless Chromium:
first the campaign with a fight, then the character page, where an upgrade is bought every half second. Measured are
the page's frames, how long a click takes to be shown and to be confirmed, and the server's CPU and memory over time.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, sync_playwright

from benchmarks.measure import CpuClock, percentile, resident_megabytes
from tests.browser.browser import launch, new_profile
from tests.browser.kaizen_players import game_with

ROOT: Final = Path(__file__).resolve().parent.parent
SAMPLE_S: Final = 5.0
WARM_UP_S: Final = 30.0
SETTLED_AFTER_S: Final = 300.0
"""The write log reaches back four minutes and the caches fill meanwhile: growth is counted after that."""

FRAMES = """(seconds) => new Promise((resolve) => {
    const frames = [];
    let long = 0;
    const observer = new PerformanceObserver((list) => { long += list.getEntries().length; });
    observer.observe({ entryTypes: ["longtask"] });
    let last = performance.now();
    const end = last + 1000 * seconds;
    const step = (now) => {
        frames.push(now - last);
        last = now;
        if (now < end) requestAnimationFrame(step);
        else { observer.disconnect(); resolve({ frames: frames.slice(1), long }); }
    };
    requestAnimationFrame(step);
})"""

CLICKS = """(seconds) => new Promise((resolve) => {
    const level = document.querySelector('[data-testid="level-gold_strength_flat"]');
    const button = document.querySelector('[data-testid="buy-gold_strength_flat"]');
    const shown = [], confirmed = [];
    let began = 0;
    new MutationObserver(() => { if (began && shown.length < clicks) shown.push(performance.now() - began); })
        .observe(level, { subtree: true, childList: true, characterData: true });
    let clicks = 0;
    const end = performance.now() + 1000 * seconds;
    const click = () => {
        if (performance.now() > end) return void resolve({ shown, confirmed });
        clicks += 1;
        began = performance.now();
        button.click();
        const look = () => {
            if (kaizenPending.waiting() === 0) { confirmed.push(performance.now() - began); setTimeout(click, 500); }
            else setTimeout(look, 1);
        };
        look();
    };
    click();
})"""


def watch_page(page: Page, address: str, seconds: float) -> dict[str, float]:
    """Half the time on the campaign page, half on the character page."""
    page.goto(f"{address}/campaign")
    page.get_by_test_id("fight-toggle").click()
    page.wait_for_timeout(2_000)
    frames: dict[str, Any] = page.evaluate(FRAMES, seconds / 2)
    page.goto(f"{address}/character")
    page.get_by_test_id("level-gold_strength_flat").wait_for()
    clicks: dict[str, Any] = page.evaluate(CLICKS, seconds / 2)
    result = {"frames_per_s": 1000 * len(frames["frames"]) / sum(frames["frames"]), "long_tasks": frames["long"]}
    for name, values in (("frame", frames["frames"]), ("shown", clicks["shown"]), ("confirmed", clicks["confirmed"])):
        for share in (0.5, 0.99):
            result[f"{name}_p{round(100 * share)}_ms"] = percentile(values, share)
    return result


def sample(pid: int, seconds: float) -> list[tuple[float, float, float]]:
    """(seconds, CPU seconds, megabytes) of the server, every few seconds."""
    clock, began = CpuClock([pid]), time.monotonic()
    samples = []
    while (passed := time.monotonic() - began) < seconds:
        samples.append((passed, clock.seconds(), resident_megabytes([pid])))
        print(f"{passed:6.0f} s  {samples[-1][2]:7.1f} MB", file=sys.stderr, flush=True)
        time.sleep(SAMPLE_S)
    return samples


def growth_per_minute(samples: list[tuple[float, float, float]]) -> float:
    """The slope of a line through the memory samples, in MB a minute."""
    times, sizes = [each[0] / 60 for each in samples], [each[2] for each in samples]
    mean_time, mean_size = sum(times) / len(times), sum(sizes) / len(sizes)
    spread = sum((each - mean_time) ** 2 for each in times)
    return sum((t - mean_time) * (s - mean_size) for t, s in zip(times, sizes, strict=True)) / spread


def run(bots: int, minutes: float) -> dict[str, float]:
    """The whole measurement; figures by name."""
    with (
        tempfile.TemporaryDirectory(prefix="kaizen-crowd-") as folder,
        game_with(Path(folder), {"watched": {"gold": 1e12}}) as (game, players),
        sync_playwright() as playwright,
    ):
        player = players["watched"]
        crowd = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "kaizen.bots",
                game.url,
                "--count",
                str(bots),
                "--secret-key",
                player.secret_key,
            ],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT / "apps")},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert crowd.stdout is not None
        assert crowd.stdout.readline().startswith(f"{bots} bots play"), "the bots did not start"
        time.sleep(WARM_UP_S)
        began = time.monotonic()
        browser = launch(playwright)
        context, _ = new_profile(browser)
        page = context.new_page()
        player.sign_in(page)
        result = watch_page(page, game.url, min(60.0, 30 * minutes))
        page.goto(f"{game.url}/campaign")
        samples = sample(game.pid, max(60.0, 60 * minutes - (time.monotonic() - began)))
        browser.close()
        crowd.send_signal(signal.SIGINT)
        counts = crowd.communicate(timeout=60)[0].split()
        settled = [each for each in samples if each[0] >= SETTLED_AFTER_S] or samples
        (first_at, first_cpu, _), (last_at, last_cpu, _) = samples[0], samples[-1]
        result |= {
            "server_cpu_share": (last_cpu - first_cpu) / (last_at - first_at),
            "memory_first_mb": samples[0][2],
            "memory_settled_mb": settled[0][2],
            "memory_last_mb": settled[-1][2],
            "memory_growth_mb_per_min": growth_per_minute(settled),
            "minutes": (settled[-1][0] - settled[0][0]) / 60,
        }
        result |= {f"bots_{name}": float(count) for name, count in zip(counts[::2], counts[1::2], strict=True)}
    return result


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kaizen_crowd", description=__doc__)
    parser.add_argument("--bots", type=int, default=200)
    parser.add_argument(
        "--minutes", type=float, default=15.0, help="how long memory is watched, the first five count not"
    )
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    result = run(options.bots, options.minutes)
    for name, value in result.items():
        print(f"{name:<26} {value:,.2f}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
