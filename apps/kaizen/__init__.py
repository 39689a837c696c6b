"""Kaizen: an idle RPG about small daily steps, and Parabola's reference application."""
