"""Kaizen in the browser: pages in Python, on the signals of `parabola.ui`."""
