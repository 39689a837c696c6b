"""`ClerkAuthService`: the bridge from `ClerkService` to `parabola.ui`, which asks it for tokens."""

from __future__ import annotations

from kaizen.web.services.clerk import clerk_service


class ClerkAuthService:
    """The auth provider of a page: `use_parabola(address, auth=ClerkAuthService, template="convex")`."""

    def __init__(self) -> None:
        self._clerk = clerk_service()

    def is_loaded(self) -> bool:
        return self._clerk.loaded()

    def is_signed_in(self) -> bool:
        return self._clerk.user() is not None

    async def get_token(self, *, template: str | None = None, skip_cache: bool = False) -> str | None:
        return await self._clerk.get_token(template=template, skip_cache=skip_cache)
