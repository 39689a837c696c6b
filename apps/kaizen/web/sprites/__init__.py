"""Pixel art as code: creatures, hero, coins and scenes, drawn into the pictures under `web/static/sprites`."""
