"""Every storage of ours passes the suite that we ask of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from parabola.storage.contract import Storage
from parabola.storage.memory import MemoryStorage
from parabola.storage.sqlite import SQLiteStorage
from parabola.testing.storage_suite import StorageMaker, StorageSuite


class TestMemoryStorage(StorageSuite):
    @pytest.fixture
    def make_storage(self) -> StorageMaker:
        return StorageMaker(open=MemoryStorage, is_persistent=False)


def settle(storage: Storage) -> None:
    assert isinstance(storage, SQLiteStorage)
    storage.catch_up()


class TestSQLiteStorage(StorageSuite):
    @pytest.fixture
    def make_storage(self, tmp_path: Path) -> StorageMaker:
        return StorageMaker(open=lambda: SQLiteStorage(tmp_path / "data"), settle=settle)


class TestSQLiteStorageWithHardlyAnyCache(StorageSuite):
    @pytest.fixture
    def make_storage(self, tmp_path: Path) -> StorageMaker:
        return StorageMaker(open=lambda: SQLiteStorage(tmp_path / "data", cache_bytes_max=20_000), settle=settle)
