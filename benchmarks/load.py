"""The load generator's process: `python -m benchmarks.load SYSTEM WORKLOAD PORT ACCOUNTS SECONDS PID…` prints JSON."""

from __future__ import annotations

import random
import sys

import orjson
import uvloop

from benchmarks.clients import CLIENTS
from benchmarks.measure import CpuClock
from benchmarks.workloads import WORKLOADS, Setting


def main() -> None:
    system, workload, port, accounts, seconds, *pids = sys.argv[1:]
    numbers = [int(pid) for pid in pids]

    async def run() -> dict[str, float]:
        client = CLIENTS[system](int(port))
        setting = Setting(client, numbers, int(accounts), float(seconds), CpuClock(numbers), random.Random(7))
        return await WORKLOADS[workload](setting)

    print(orjson.dumps(uvloop.run(run())).decode())


if __name__ == "__main__":
    main()
