"""`python -m kaizen`, with the folder `apps` on the path; `./kaizen` at the root of the repository does that."""

from __future__ import annotations

import sys

from kaizen.command import main

sys.exit(main())
