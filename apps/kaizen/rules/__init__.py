"""The rules of the game as pure functions: no clock, no chance, no database.

The backend computes with them, the pages show with them, and the tests hold every worked number against them. All
arithmetic is that of IEEE doubles in the order written: a float that is a hair under 0.15 is shown as 0.14.
"""
