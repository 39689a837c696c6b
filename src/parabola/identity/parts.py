"""What every flow of one identity server shares, in one value."""

from __future__ import annotations

from dataclasses import dataclass

from parabola.identity.chance import Chance
from parabola.identity.mail import Post
from parabola.identity.passwords import Passwords
from parabola.identity.records import User
from parabola.identity.settings import IdentitySettings
from parabola.identity.store.store import Store
from parabola.identity.throttle import Throttle
from parabola.identity.upkeep import Upkeep
from parabola.seams import Clock


@dataclass(frozen=True, slots=True)
class Parts:
    """The settings, the store, and the ways in which time, chance, hashing and mail come in."""

    settings: IdentitySettings
    store: Store
    clock: Clock
    chance: Chance
    passwords: Passwords
    post: Post
    throttle: Throttle
    upkeep: Upkeep

    def now_ms(self) -> int:
        return self.clock.now_ns() // 1_000_000

    def image_url(self, user: User) -> str:
        """A short URL on this server: it works offline, and a token that carries it stays small."""
        name = f"images/{user.profile_image_id}" if user.profile_image_id else f"avatars/{user.id}.svg"
        return f"{self.settings.public_url}/__clerk/{name}"
