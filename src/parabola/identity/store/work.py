"""What a flow may read and write, inside one transaction of `store.Store`.

Records are decoded afresh by every read; a change is stored by the `save_…` of its kind. Unique values are refused by
the database itself, and the refusal names the field.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final, Literal, TypeVar

import msgspec

from parabola.identity.failures import identifier_exists
from parabola.identity.records import (
    Attempt,
    Client,
    EmailAddress,
    ProfileImage,
    Session,
    SignIn,
    SigningKey,
    SignUp,
    User,
)

CredentialKind = Literal["cookie", "dev_browser"]
R = TypeVar("R")

_UNIQUE_FIELDS: Final = {
    "email_addresses.address": "email_address",
    "users.username": "username",
    "users.external_id": "external_id",
}
_ATTEMPTS: Final = msgspec.json.Decoder(SignIn | SignUp)


def _decode(body: bytes, kind: type[R]) -> R:
    return msgspec.json.decode(body, type=kind)


class Work:
    """One transaction's view of the store."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    # Settings

    def setting(self, name: str) -> str | None:
        row = self._one("SELECT value FROM settings WHERE name = ?", name)
        return None if row is None else row[0]

    def set_setting(self, name: str, value: str) -> None:
        self._run("INSERT INTO settings VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", name, value)

    # Users

    def user(self, user_id: str) -> User | None:
        return self._record(User, "SELECT body FROM users WHERE id = ?", user_id)

    def save_user(self, user: User) -> None:
        """Raises 422 `form_identifier_exists` if its user name or external id is another user's."""
        self._save(
            "INSERT INTO users VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET username = excluded.username, "
            "external_id = excluded.external_id, body = excluded.body",
            user.id, user.username, user.external_id, user.created_at, msgspec.json.encode(user),
        )  # fmt: skip

    def delete_user(self, user_id: str) -> None:
        """Also everything that belongs to the user."""
        self._run("DELETE FROM users WHERE id = ?", user_id)

    def find_users(
        self,
        *,
        ids: Sequence[str] = (),
        addresses: Sequence[str] = (),
        usernames: Sequence[str] = (),
        external_ids: Sequence[str] = (),
        query: str | None = None,
        newest_first: bool = True,
        limit: int = 10,
        offset: int = 0,
    ) -> list[User]:
        """Users that match every filter that is given, in order of creation."""
        where, values = _user_filter(ids, addresses, usernames, external_ids, query)
        order = "DESC" if newest_first else "ASC"
        rows = self._all(
            f"SELECT body FROM users {where} ORDER BY created_at {order}, id {order} LIMIT ? OFFSET ?",
            *values, limit, offset,
        )  # fmt: skip
        return [_decode(row[0], User) for row in rows]

    def count_users(
        self,
        *,
        ids: Sequence[str] = (),
        addresses: Sequence[str] = (),
        usernames: Sequence[str] = (),
        external_ids: Sequence[str] = (),
        query: str | None = None,
    ) -> int:
        where, values = _user_filter(ids, addresses, usernames, external_ids, query)
        row = self._one(f"SELECT count(*) FROM users {where}", *values)
        return 0 if row is None else int(row[0])

    # E-mail addresses and passwords

    def email_address(self, email_address_id: str) -> EmailAddress | None:
        return self._record(EmailAddress, "SELECT body FROM email_addresses WHERE id = ?", email_address_id)

    def email_by_address(self, address: str) -> EmailAddress | None:
        return self._record(EmailAddress, "SELECT body FROM email_addresses WHERE address = ?", address)

    def emails_of(self, user_id: str) -> list[EmailAddress]:
        rows = self._all("SELECT body FROM email_addresses WHERE user_id = ? ORDER BY created_at, id", user_id)
        return [_decode(row[0], EmailAddress) for row in rows]

    def save_email(self, email: EmailAddress) -> None:
        """Raises 422 `form_identifier_exists` if the address is somebody else's."""
        self._save(
            "INSERT INTO email_addresses VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            email.id, email.user_id, email.address, email.created_at, msgspec.json.encode(email),
        )  # fmt: skip

    def delete_email(self, email_address_id: str) -> None:
        self._run("DELETE FROM email_addresses WHERE id = ?", email_address_id)

    def password_hash(self, user_id: str) -> str | None:
        row = self._one("SELECT hash FROM password_hashes WHERE user_id = ?", user_id)
        return None if row is None else row[0]

    def set_password_hash(self, user_id: str, password_hash: str | None) -> None:
        if password_hash is None:
            self._run("DELETE FROM password_hashes WHERE user_id = ?", user_id)
            return
        self._run(
            "INSERT INTO password_hashes VALUES (?, ?) ON CONFLICT DO UPDATE SET hash = excluded.hash",
            user_id, password_hash,
        )  # fmt: skip

    # Clients and what identifies them

    def client(self, client_id: str) -> Client | None:
        return self._record(Client, "SELECT body FROM clients WHERE id = ?", client_id)

    def save_client(self, client: Client) -> None:
        self._run(
            "INSERT INTO clients VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            client.id, client.created_at, msgspec.json.encode(client),
        )  # fmt: skip

    def delete_client(self, client_id: str) -> None:
        """Also its credentials and attempts. Its sessions stay as a record of what was."""
        self._run("DELETE FROM clients WHERE id = ?", client_id)

    def credential(self, secret_hash: str, kind: CredentialKind, now_ms: int) -> tuple[str | None] | None:
        """`(client id or None,)` of a credential that is valid now, else None."""
        row = self._one(
            "SELECT client_id FROM credentials WHERE hash = ? AND kind = ? AND expires_at > ?",
            secret_hash,
            kind,
            now_ms,
        )
        return None if row is None else (row[0],)

    def add_credential(self, secret_hash: str, kind: CredentialKind, client_id: str | None, expires_at: int) -> None:
        self._run("INSERT INTO credentials VALUES (?, ?, ?, ?)", secret_hash, kind, client_id, expires_at)

    def link_credential(self, secret_hash: str, client_id: str) -> None:
        self._run("UPDATE credentials SET client_id = ? WHERE hash = ?", client_id, secret_hash)

    def shorten_credential(self, secret_hash: str, expires_at: int) -> None:
        self._run("UPDATE credentials SET expires_at = min(expires_at, ?) WHERE hash = ?", expires_at, secret_hash)

    def extend_credential(self, secret_hash: str, expires_at: int) -> None:
        self._run("UPDATE credentials SET expires_at = max(expires_at, ?) WHERE hash = ?", expires_at, secret_hash)

    # Sessions

    def session(self, session_id: str) -> Session | None:
        return self._record(Session, "SELECT body FROM sessions WHERE id = ?", session_id)

    def save_session(self, session: Session) -> None:
        self._run(
            "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "status = excluded.status, updated_at = excluded.updated_at, body = excluded.body",
            session.id, session.client_id, session.user_id, session.status, session.created_at, session.updated_at,
            msgspec.json.encode(session),
        )  # fmt: skip

    def active_sessions_of_client(self, client_id: str) -> list[Session]:
        """By stored status: settle them before use."""
        return self.find_sessions(client_id=client_id, status="active", newest_first=False, limit=-1)

    def active_sessions_of_user(self, user_id: str) -> list[Session]:
        return self.find_sessions(user_id=user_id, status="active", newest_first=False, limit=-1)

    def find_sessions(
        self,
        *,
        user_id: str | None = None,
        client_id: str | None = None,
        status: str | None = None,
        newest_first: bool = True,
        limit: int = 10,
        offset: int = 0,
    ) -> list[Session]:
        """Sessions that match every filter that is given; a negative `limit` means all."""
        given = [
            (column, value)
            for column, value in (("user_id", user_id), ("client_id", client_id), ("status", status))
            if value is not None
        ]
        where = "WHERE " + " AND ".join(f"{column} = ?" for column, _ in given) if given else ""
        order = "DESC" if newest_first else "ASC"
        rows = self._all(
            f"SELECT body FROM sessions {where} ORDER BY created_at {order}, id {order} LIMIT ? OFFSET ?",
            *(value for _, value in given), limit, offset,
        )  # fmt: skip
        return [_decode(row[0], Session) for row in rows]

    # Attempts

    def sign_in(self, attempt_id: str | None) -> SignIn | None:
        found = self._attempt(attempt_id)
        return found if isinstance(found, SignIn) else None

    def sign_up(self, attempt_id: str | None) -> SignUp | None:
        found = self._attempt(attempt_id)
        return found if isinstance(found, SignUp) else None

    def save_attempt(self, attempt: Attempt) -> None:
        self._run(
            "INSERT INTO attempts VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            attempt.id, attempt.client_id, attempt.abandon_at, msgspec.json.encode(attempt),
        )  # fmt: skip

    def delete_attempt(self, attempt_id: str | None) -> None:
        if attempt_id is not None:
            self._run("DELETE FROM attempts WHERE id = ?", attempt_id)

    def _attempt(self, attempt_id: str | None) -> Attempt | None:
        row = None if attempt_id is None else self._one("SELECT body FROM attempts WHERE id = ?", attempt_id)
        return None if row is None else _ATTEMPTS.decode(row[0])

    # Signing keys and pictures

    def signing_keys(self) -> list[SigningKey]:
        """Newest first."""
        rows = self._all("SELECT body FROM signing_keys ORDER BY created_at DESC, rowid DESC")
        return [_decode(row[0], SigningKey) for row in rows]

    def save_signing_key(self, key: SigningKey) -> None:
        self._run(
            "INSERT INTO signing_keys VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            key.id, key.created_at, msgspec.json.encode(key),
        )  # fmt: skip

    def delete_signing_key(self, key_id: str) -> None:
        self._run("DELETE FROM signing_keys WHERE id = ?", key_id)

    def profile_image(self, image_id: str) -> ProfileImage | None:
        row = self._one("SELECT id, user_id, media_type, content FROM profile_images WHERE id = ?", image_id)
        return None if row is None else ProfileImage(*row)

    def replace_profile_image(self, user_id: str, image: ProfileImage | None) -> None:
        self._run("DELETE FROM profile_images WHERE user_id = ?", user_id)
        if image is not None:
            self._run(
                "INSERT INTO profile_images VALUES (?, ?, ?, ?)", image.id, user_id, image.media_type, image.content
            )

    def prune(self, now_ms: int, keep_ended_ms: int, keep_idle_clients_ms: int) -> None:
        """Drops what nobody will ask for again."""
        self._run("DELETE FROM credentials WHERE expires_at <= ?", now_ms)
        self._run("DELETE FROM attempts WHERE abandon_at <= ?", now_ms)
        self._run("DELETE FROM sessions WHERE status <> 'active' AND updated_at <= ?", now_ms - keep_ended_ms)
        self._run(
            "DELETE FROM clients WHERE created_at <= ? AND id NOT IN (SELECT client_id FROM sessions) "
            "AND id NOT IN (SELECT client_id FROM attempts)",
            now_ms - keep_idle_clients_ms,
        )

    # Plumbing

    def _run(self, sql: str, *values: Any) -> None:
        self._connection.execute(sql, values)

    def _save(self, sql: str, *values: Any) -> None:
        try:
            self._connection.execute(sql, values)
        except sqlite3.IntegrityError as error:
            for column, field in _UNIQUE_FIELDS.items():
                if column in str(error):
                    raise identifier_exists(field) from error
            raise

    def _one(self, sql: str, *values: Any) -> Any:
        return self._connection.execute(sql, values).fetchone()

    def _all(self, sql: str, *values: Any) -> list[Any]:
        return self._connection.execute(sql, values).fetchall()

    def _record(self, kind: type[R], sql: str, key: str) -> R | None:
        row = self._one(sql, key)
        return None if row is None else _decode(row[0], kind)


def _user_filter(
    ids: Sequence[str],
    addresses: Sequence[str],
    usernames: Sequence[str],
    external_ids: Sequence[str],
    query: str | None,
) -> tuple[str, list[str]]:
    """A WHERE clause over `users`, and its values."""
    conditions: list[str] = []
    values: list[str] = []
    for column, wanted in (("id", ids), ("username", usernames), ("external_id", external_ids)):
        if wanted:
            conditions.append(f"{column} IN ({_marks(wanted)})")
            values += wanted
    if addresses:
        conditions.append(f"id IN (SELECT user_id FROM email_addresses WHERE address IN ({_marks(addresses)}))")
        values += [address.lower() for address in addresses]
    if query:
        like = "%" + query.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        conditions.append(
            "(id LIKE ? ESCAPE '\\' OR username LIKE ? ESCAPE '\\' "
            "OR lower(coalesce(json_extract(body, '$.first_name'), '') || ' ' || "
            "coalesce(json_extract(body, '$.last_name'), '')) LIKE ? ESCAPE '\\' "
            "OR id IN (SELECT user_id FROM email_addresses WHERE address LIKE ? ESCAPE '\\'))"
        )
        values += [like] * 4
    return ("WHERE " + " AND ".join(conditions) if conditions else ""), values


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
