"""The settings of one backend, checked and completed in one place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from parabola.limits import DEFAULT_LIMITS, Limits
from parabola.storage.contract import Storage

StorageKind = Literal["sqlite", "memory"]
DATA_FOLDER: Final = ".parabola"
ADMIN_KEY_FILE: Final = "admin_key"
DATABASE_FOLDER: Final = "database"
DEFAULT_NAME: Final = "parabola"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class BackendConfig:
    """What a `Backend` was asked to be.

    `storage` is a kind, or a ready storage (tests, simulation). `data_dir` is None only where nothing is kept: then
    the admin key is made anew each time, unless `admin_key` gives one. `redact` hides error texts and log lines from
    clients.
    """

    folder: Path | None
    data_dir: Path | None
    storage: StorageKind | Storage
    name: str = DEFAULT_NAME
    admin_key: str | None = None
    redact: bool = False
    limits: Limits = DEFAULT_LIMITS
    environment: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"{self.name!r} cannot be the name of a deployment. Use up to 63 lower-case letters, digits and "
                "hyphens."
            )
        if isinstance(self.storage, str) and self.storage not in ("sqlite", "memory"):
            raise ValueError(f"storage={self.storage!r} is not known. Pass 'sqlite' or 'memory'.")
        if self.storage == "sqlite" and self.data_dir is None:
            raise ValueError("storage='sqlite' needs a data_dir to keep its files in. Pass one, or storage='memory'.")

    @property
    def database_dir(self) -> Path:
        """Where SQLite keeps its files: a folder of its own, beside the admin key."""
        assert self.data_dir is not None, "checked when the configuration was made"
        return self.data_dir / DATABASE_FOLDER

    @property
    def admin_key_path(self) -> Path | None:
        """Where the admin key is kept, if anywhere."""
        return None if self.data_dir is None else self.data_dir / ADMIN_KEY_FILE


def default_data_dir(folder: Path) -> Path:
    """`.parabola/` beside the functions folder."""
    return folder.resolve().parent / DATA_FOLDER
