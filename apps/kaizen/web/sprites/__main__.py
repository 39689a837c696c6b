"""Draws all pictures anew: `python -m kaizen.web.sprites`, with `apps` on the path.

The results are kept in the repository.
"""

from __future__ import annotations

from .sheets import FOLDER, write_all

print(f"{write_all()} pictures in {FOLDER}")
