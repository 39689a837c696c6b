"""Runs the benchmarks and prints each question with its answer: `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.postgres import PostgresMissing
from benchmarks.systems import ROOT, SYSTEMS, System
from benchmarks.turns import take_turns
from benchmarks.workloads import REPETITIONS, WORKLOADS

Result = dict[str, float]


@dataclass(frozen=True)
class Plan:
    """One question: which workload, on how many accounts, against whom."""

    group: str
    workload: str
    accounts: int
    systems: tuple[str, ...] = ("parabola", "fastapi")


BOTH = ("parabola", "fastapi")
ALONE = ("parabola",)
PLANS = [
    Plan("b1", "transfer", 10_000, BOTH),
    Plan("b1", "transfer", 100_000, ALONE),
    Plan("b4", "latency", 10_000, BOTH),
    Plan("b5", "fan_out", 10_000, BOTH),
    Plan("b5", "fan_out_distinct", 10_000, ALONE),
    Plan("b6", "read_one_http", 10_000, BOTH),
    Plan("b6", "read_one_socket", 10_000, ALONE),
    Plan("b6", "read_hundred_http", 10_000, BOTH),
    Plan("b6", "read_hundred_socket", 10_000, ALONE),
    Plan("b8", "ten_queries_untouched", 20_000, ALONE),
    Plan("b8", "ten_thousand_queries_untouched", 20_000, ALONE),
    Plan("b8", "ten_queries_touched", 20_000, ALONE),
    Plan("b8", "ten_thousand_queries_touched", 20_000, ALONE),
]


def measure(systems: Sequence[System], plan: Plan, seconds: float) -> dict[str, Result]:
    """What a workload found of each of the `systems`, which are all up and take turns."""
    commands = [
        [
            *(sys.executable, "-m", "benchmarks.load", system.name, plan.workload, str(system.port)),
            *(str(plan.accounts), str(seconds)),
            *map(str, system.pids),
        ]
        for system in systems
    ]
    printed = take_turns(commands, str(ROOT))
    return {
        system.name: {name: float(value) for name, value in json.loads(text).items()}
        for system, text in zip(systems, printed, strict=True)
    }


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def question(plan: Plan) -> str:
    text = " ".join((WORKLOADS[plan.workload].__doc__ or "").split())
    return f"{text} ({plan.accounts:,} accounts)"


def report(plan: Plan, results: dict[str, Result]) -> None:
    print(f"\n{question(plan)}")
    for system, result in results.items():
        print(f"  {system:<9}", "  ".join(f"{name} {number(value)}" for name, value in result.items()))
    if len(results) == 2:
        ours, theirs = results["parabola"], results["fastapi"]
        shared = [name for name in ours if name in theirs and theirs[name] and name not in ("spread", "received")]
        print(f"  {'ratio':<9}", "  ".join(f"{name} {ours[name] / theirs[name]:.2f}x" for name in shared))
    sys.stdout.flush()


def report_growth(answers: dict[tuple[str, int], dict[str, Result]]) -> None:
    """B8's answer is a quotient of two workloads."""
    for kind in ("untouched", "touched"):
        few = answers.get((f"ten_queries_{kind}", 20_000))
        many = answers.get((f"ten_thousand_queries_{kind}", 20_000))
        if few and many:
            ratio = many["parabola"]["server_cpu_us"] / few["parabola"]["server_cpu_us"]
            print(f"\nB8: a commit beside 10,000 live queries ({kind}) costs {ratio:.2f}x one beside 10.")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    groups = sorted({plan.group for plan in PLANS})
    parser.add_argument(
        "groups", nargs="*", metavar="GROUP", help=f"which to run: {', '.join(groups)}; all if left out"
    )
    parser.add_argument("--seconds", type=float, default=4.0, help=f"length of one repetition, of {REPETITIONS}")
    parser.add_argument("--only", choices=sorted(SYSTEMS), help="leave the other system out")
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    options = parser.parse_args()
    unknown = set(options.groups) - set(groups)
    if unknown:
        parser.error(f"no such group: {', '.join(sorted(unknown))}; there are {', '.join(groups)}")

    print(f"{platform.python_implementation()} {platform.python_version()} on {platform.machine()}, loopback")
    answers: dict[tuple[str, int], dict[str, Result]] = {}
    for plan in PLANS:
        if options.groups and plan.group not in options.groups:
            continue
        with ExitStack() as stack:
            systems: list[System] = []
            for name in plan.systems:
                if options.only and name != options.only:
                    continue
                try:
                    systems.append(stack.enter_context(SYSTEMS[name](plan.accounts)))
                except PostgresMissing as missing:
                    print(f"\n{missing}\nRunning without the baseline: --only parabola", file=sys.stderr)
                    options.only = "parabola"
            results = measure(systems, plan, options.seconds)
        if results:
            answers[plan.workload, plan.accounts] = results
            report(plan, results)
    report_growth(answers)
    if options.json:
        rows = [
            {"workload": workload, "accounts": accounts, **results} for (workload, accounts), results in answers.items()
        ]
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
