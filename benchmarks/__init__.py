"""What Parabola costs, beside what a Python team would build instead. `benchmarks/README.md` says how to run it."""
