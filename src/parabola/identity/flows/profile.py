"""What signed-in people change about themselves (clerk spec, 5.1 and 5.2)."""

from __future__ import annotations

from typing import Final

from parabola.identity import shapes
from parabola.identity.failures import (
    ClerkFailure,
    bad_parameter,
    missing_parameter,
    not_found,
    password_incorrect,
    user_locked,
)
from parabola.identity.flows import lock_out
from parabola.identity.flows.desk import Call, Desk, Reply
from parabola.identity.parts import Parts
from parabola.identity.passwords import check_new_password
from parabola.identity.records import ProfileImage, User
from parabola.identity.sign_up_rules import checked_metadata, checked_name, checked_username
from parabola.identity.store.work import Work

IMAGE_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


class Profile:
    """The acting user, through the session that the request names."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def get(self, call: Call) -> Reply:
        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            return desk.reply(desk.user_json(desk.acting_user()))

        return await self._parts.store.transact(step)

    async def update(self, call: Call) -> Reply:
        """Names, user name, the user's own metadata, and which address is the primary one."""
        changes: dict[str, object] = {}
        for name in ("first_name", "last_name"):
            if name in call.parameters:
                changes[name] = checked_name(call.parameters[name], name)
        if "username" in call.parameters:
            changes["username"] = checked_username(call.parameters["username"])
        if "unsafe_metadata" in call.parameters:
            changes["unsafe_metadata"] = checked_metadata(call.parameters["unsafe_metadata"])
        primary_id = call.given("primary_email_address_id")

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            user = desk.acting_user()
            if primary_id is not None:
                email = work.email_address(primary_id)
                if email is None or email.user_id != user.id:
                    raise not_found("e-mail address")
                if not email.is_verified and primary_id != user.primary_email_address_id:
                    raise bad_parameter("primary_email_address_id", "Verify this address first.")
                user.primary_email_address_id = primary_id
            for name, value in changes.items():
                setattr(user, name, value)
            return _changed(desk, user)

        return await self._parts.store.transact(step)

    async def change_password(self, call: Call) -> Reply:
        """Sets a new password; the current one is needed where there is one."""
        new = call.given("new_password")
        if new is None:
            raise missing_parameter("new_password")
        check_new_password(new, address=None, param="new_password")
        current = call.given("current_password")
        if current is not None and current == new:
            raise ClerkFailure(
                422,
                "form_new_password_matches_current",
                "New password cannot be the same as your current password.",
                param="new_password",
            )
        verified_against = await self._check_current(call, current)
        password_hash = await self._parts.passwords.hash(new)

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            acting = desk.acting_session()
            user = desk.user(acting.user_id)
            if work.password_hash(user.id) != verified_against:
                raise password_incorrect("current_password")
            work.set_password_hash(user.id, password_hash)
            user.password_enabled = True
            if call.flag("sign_out_of_other_sessions"):
                others = [other for other in work.active_sessions_of_user(user.id) if other.id != acting.id]
                desk.end_sessions(others, "revoked")
            return _changed(desk, user)

        return await self._parts.store.transact(step)

    async def remove_password(self, call: Call) -> Reply:
        """Leaves codes by e-mail as the only way in."""
        verified_against = await self._check_current(call, call.given("current_password"))

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            user = desk.acting_user()
            if work.password_hash(user.id) != verified_against:
                raise password_incorrect("current_password")
            work.set_password_hash(user.id, None)
            user.password_enabled = False
            return _changed(desk, user)

        return await self._parts.store.transact(step)

    async def _check_current(self, call: Call, password: str | None) -> str | None:
        """The stored hash that `password` was right for; None if the account has no password. Wrong tries count as
        they do at sign-in: an open browser must not be a place to guess.
        """

        def begin(work: Work) -> tuple[str, str | None]:
            desk = Desk(self._parts, work, call)
            user = desk.acting_user()
            stored = work.password_hash(user.id)
            if stored is not None:
                lock_out.count_try(desk, user)
            return user.id, stored

        user_id, stored = await self._parts.store.transact(begin)
        if stored is None:
            return None
        checked = await self._parts.passwords.verify(stored, password or "")

        def finish(work: Work) -> None:
            desk = Desk(self._parts, work, call)
            user = desk.user(user_id)
            if checked.is_right:
                lock_out.forgive(desk, user)
                return
            locked_s = lock_out.lock_if_due(desk, user)
            failure = password_incorrect("current_password") if locked_s is None else user_locked(locked_s)
            failure.keeps_changes = True
            raise failure

        await self._parts.store.transact(finish)
        return stored

    async def delete(self, call: Call) -> Reply:
        """Deletes the account and everything of it."""

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            user = desk.acting_user()
            if not self._parts.settings.delete_self:
                raise ClerkFailure(
                    403, "user_delete_self_not_allowed", "Accounts cannot be deleted by their owners here"
                )
            delete_user(desk, user)
            return desk.reply(shapes.deleted_shape("user", user.id))

        return await self._parts.store.transact(step)

    async def set_image(self, call: Call, content: bytes) -> Reply:
        """Stores a picture. Its type is what its first bytes say, whatever the form says."""
        media_type = sniffed_type(content)
        if media_type is None:
            raise bad_parameter("file", "Use a PNG, JPEG, GIF or WebP image.")

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            user = desk.acting_user()
            image = ProfileImage(self._parts.chance.id("img"), user.id, media_type, content)
            work.replace_profile_image(user.id, image)
            user.profile_image_id = image.id
            _changed(desk, user)
            url = self._parts.image_url(user)
            return desk.reply({"object": "image", "id": image.id, "name": None, "public_url": url})

        return await self._parts.store.transact(step)

    async def remove_image(self, call: Call) -> Reply:
        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            user = desk.acting_user()
            removed = user.profile_image_id
            if removed is None:
                raise not_found("profile image")
            work.replace_profile_image(user.id, None)
            user.profile_image_id = None
            _changed(desk, user)
            return desk.reply(shapes.deleted_shape("image", removed))

        return await self._parts.store.transact(step)

    async def active_sessions(self, call: Call) -> Reply:
        """The user's sessions on all devices, as a bare array."""

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            user = desk.acting_user()
            sessions = [session for session in work.active_sessions_of_user(user.id) if desk.now_ms < session.expire_at]
            return desk.bare(
                [shapes.session_activity_shape(session, f"act_{session.id[5:]}") for session in reversed(sessions)]
            )

        return await self._parts.store.transact(step)

    async def revoke_session(self, call: Call, session_id: str) -> Reply:
        """Ends one of the user's own sessions, on whichever device."""

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            user = desk.acting_user()
            session = work.session(session_id)
            if session is None or session.user_id != user.id or session.status != "active":
                raise not_found("session")
            desk.end_sessions([session], "revoked")
            desk.save_client()
            return desk.reply(shapes.session_activity_shape(session, f"act_{session.id[5:]}"))

        return await self._parts.store.transact(step)


def delete_user(desk: Desk, user: User) -> None:
    """Ends the sessions first, so that this browser's client forgets what led to them."""
    desk.end_sessions(desk.work.active_sessions_of_user(user.id), "revoked")
    desk.work.delete_user(user.id)
    desk.save_client()


def sniffed_type(content: bytes) -> str | None:
    """The media type of an image that browsers show as one and never run, or None."""
    for signature, media_type in IMAGE_SIGNATURES:
        if content.startswith(signature):
            return media_type
    return "image/webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None


def _changed(desk: Desk, user: User) -> Reply:
    user.updated_at = desk.now_ms
    desk.work.save_user(user)
    desk.save_client()
    return desk.reply(desk.user_json(user))
