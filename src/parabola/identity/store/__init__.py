"""Where accounts are kept: one SQLite file, one thread, one transaction at a time."""
