"""Putting a new version of the functions and the schema in force, while the old one serves.

The order matters. The folder is loaded and its providers are checked first: what cannot be loaded changes nothing.
Then the schema goes through the database in small steps, between which requests are served by the old version
(semantics 2.4). Only when its switch is durable does the runner get the new functions; live queries then all run
again, since any of them may answer differently now. A failure at any point leaves the old version serving, as if
nothing had been tried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from parabola.auth import CustomJWTProvider, OIDCProvider, Provider
from parabola.database.committer import CommitResult
from parabola.database.database import Database
from parabola.database.schema_change import SchemaChange
from parabola.definitions.auth_config import OIDCProviderConfig, ProviderConfig
from parabola.errors import BadRequest, SystemFault
from parabola.functions.loader import AUTH_MODULE
from parabola.functions.places import module_file
from parabola.schema.tables import Schema, define_schema


def providers_of(configs: Sequence[ProviderConfig], folder: str = "") -> list[Provider]:
    """The providers that the `auth_config.py` of the functions in `folder` declares. Raises `BadRequest` for one that
    cannot be.
    """
    try:
        return [_provider_of(config) for config in configs]
    except BadRequest as error:
        raise BadRequest(f"{module_file(AUTH_MODULE, folder)}: {error.message}", code=error.code) from None


def _provider_of(config: ProviderConfig) -> Provider:
    if isinstance(config, OIDCProviderConfig):
        return OIDCProvider(config.domain, config.application_id)
    return CustomJWTProvider(config.issuer, config.jwks, config.algorithm, config.application_id)


async def put_schema_in_force(database: Database, schema: Schema | None) -> None:
    """Makes `schema` the one that writes are checked against, and builds its indexes. Returns once that is durable.

    A folder without a schema checks nothing and keeps no indexes of its own. Raises `SchemaError` if the schema
    cannot be or a document does not fit it.
    """
    wanted = schema if schema is not None else define_schema({}, schema_validation=False)
    if is_in_force(database, wanted):
        return
    change = database.prepare_schema(wanted)
    try:
        while not change.step():
            await asyncio.sleep(0)
        await _finish(change)
    except BaseException:
        # Also when the deploy is cancelled: a half-made change would check writes against a schema that nobody has.
        change.abandon()
        raise


def is_in_force(database: Database, schema: Schema) -> bool:
    """Whether deploying `schema` would change nothing."""
    catalog = database.catalog
    if catalog.schema is None or catalog.pending_schema is not None:
        return False
    return bool(catalog.schema.to_json() == schema.to_json())


async def _finish(change: SchemaChange) -> None:
    finished: asyncio.Future[CommitResult] = asyncio.get_running_loop().create_future()

    def done(result: CommitResult) -> None:
        if not finished.done():
            finished.set_result(result)

    change.finish(done)
    result = await finished
    if result.error is not None:
        raise result.error
    if result.conflict is not None:
        raise SystemFault(f"The schema could not be switched: {result.conflict.message} Deploy again.")
