"""`python -m kaizen`, with the folder `apps` on the path; `./kaizen` at the root of the repository does that."""

from __future__ import annotations

import sys

try:
    from parabola.cli.starting import start
except KeyboardInterrupt:
    sys.exit(130)  # what `start` gives, before there is one

sys.exit(start("kaizen.command", "main"))
