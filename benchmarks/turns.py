"""Taking turns: two systems that are compared are both up, and only one of them is measured at any time.

The speed of a virtual machine drifts over minutes. Measured one after the other, one of the two systems may have the
faster minutes; going back and forth every few seconds, both have the same. Each system has a load generator of its own
(`benchmarks.load`), which asks for its turn on its standard output and is given it on its standard input.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

WANTED = "turn wanted"
GIVEN = "turn given"
OVER = "turn over"


@asynccontextmanager
async def turn() -> AsyncIterator[None]:
    """In a load generator: waits for this generator's turn, which lasts as long as the block."""
    print(WANTED, flush=True)
    line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    assert line.strip() == GIVEN, f"expected {GIVEN!r}, got {line!r}"
    yield
    print(OVER, flush=True)


def take_turns(commands: Sequence[Sequence[str]], cwd: str) -> list[str]:
    """Runs load generators, one turn of each after the other; returns what each printed last."""
    generators = [
        subprocess.Popen(command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for command in commands
    ]
    results: dict[int, str] = {}
    try:
        # What a generator does before its first turn, and between two, is not measured: it may overlap.
        while len(results) < len(generators):
            for number, generator in enumerate(generators):
                if number in results:
                    continue
                said = _line_of(generator)
                if said != WANTED:
                    results[number] = said
                    continue
                assert generator.stdin is not None
                generator.stdin.write(GIVEN + "\n")
                generator.stdin.flush()
                said = _line_of(generator)
                if said != OVER:
                    raise RuntimeError(f"A load generator said {said!r} during its turn.")
        return [results[number] for number in range(len(generators))]
    finally:
        for generator in generators:
            generator.kill()
            generator.wait()


def _line_of(generator: subprocess.Popen[str]) -> str:
    assert generator.stdout is not None
    line = generator.stdout.readline()
    if not line:
        raise RuntimeError(f"A load generator ended with exit code {generator.wait()} before it had a result.")
    return line.strip()
