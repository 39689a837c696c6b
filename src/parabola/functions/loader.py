"""Loading a functions folder: from files to a `Deployment` that can be run, or to one error that says where and why.

A load is all or nothing. It makes a fresh set of modules (`functions.modules`), collects what they declare, and only
a complete deployment is returned; whoever serves an older one goes on serving it until then. The order is fixed, so
that two loads of the same files agree: `schema` first, then every other module by name.
"""

from __future__ import annotations

import linecache
import os
import traceback
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from parabola.definitions.auth_config import CustomJWTProviderConfig, OIDCProviderConfig, ProviderConfig
from parabola.definitions.crons import Crons
from parabola.definitions.functions import FunctionDefinition
from parabola.definitions.routes import HttpRouter
from parabola.errors import LoadError
from parabola.functions.cron_jobs import resolve_crons
from parabola.functions.modules import LoadedPackage, beside, module_files, remove_package
from parabola.functions.registry import RegisteredFunction, Registry
from parabola.schema import Schema

MODULES_MAX: Final = 4096
# Modules with a meaning of their own, by their name at the root of the folder.
SCHEMA_MODULE: Final = "schema"
HTTP_MODULE: Final = "http"
CRONS_MODULE: Final = "crons"
AUTH_MODULE: Final = "auth_config"

Definition = FunctionDefinition[Any, Any]


class Deployment:
    """One version of a backend's code: its functions, schema, routes and providers. Immutable; a run uses one from
    start to end.
    """

    def __init__(
        self,
        functions: Mapping[str, Definition],
        *,
        schema: Schema | None = None,
        auth_providers: Iterable[ProviderConfig] = (),
        http: HttpRouter | None = None,
        crons: Crons | None = None,
        folder: str = "",
    ) -> None:
        """`functions` by canonical path. Raises LoadError for two that coincide on the wire, and for a cron job that
        could never run.
        """
        self.functions: Mapping[str, Definition] = dict(functions)
        self.registry = Registry(self.functions, folder)
        self.schema = schema
        self.auth_providers: tuple[ProviderConfig, ...] = tuple(auth_providers)
        self.http = http
        self.crons = crons
        self.cron_jobs = resolve_crons(crons, self.registry, folder)
        self.folder = folder
        # How this load differs from others in the same process: rises with each.
        self.version = _next_version()

    def find(self, path: str) -> RegisteredFunction | None:
        """The function that `path` names in any spelling."""
        return self.registry.find(path)

    def __repr__(self) -> str:
        return f"<deployment {self.version}, {len(self.functions)} functions>"


class _Versions:
    last = 0


def _next_version() -> int:
    _Versions.last += 1
    return _Versions.last


def load_folder(folder: str | os.PathLike[str]) -> Deployment:
    """Imports every module of `folder` afresh and gives the deployment that they declare.

    Raises LoadError, naming file, line and reason, for anything that keeps it from being one; nothing is left behind
    then.
    """
    root = Path(folder).resolve()
    if not root.is_dir():
        raise LoadError(f"There is no functions folder at {folder}. Create it, or name another.")
    package = LoadedPackage(root)
    try:
        deployment = _load(package, root)
    except BaseException:
        package.remove()
        raise
    # The modules stay importable (also from inside handlers) as long as somebody holds the deployment.
    weakref.finalize(deployment, remove_package, package.name)
    return deployment


def _load(package: LoadedPackage, root: Path) -> Deployment:
    files = module_files(root)
    if len(files) > MODULES_MAX:
        raise LoadError(
            f"{root.name} has {len(files)} modules. At most {MODULES_MAX} are supported: move helpers elsewhere."
        )
    files.sort(key=lambda file: (file != Path(f"{SCHEMA_MODULE}.py"), file.parts))
    linecache.checkcache()
    modules: dict[str, ModuleType] = {}
    for file in files:
        modules["/".join(file.with_suffix("").parts)] = _imported(package, root, file)
    return Deployment(
        _functions_of(modules, root),
        schema=_special(modules, SCHEMA_MODULE, "schema", Schema, root, "schema = define_schema(…)"),
        auth_providers=_providers(modules.get(AUTH_MODULE), root),
        http=_special(modules, HTTP_MODULE, "http", HttpRouter, root, "http = HttpRouter()"),
        crons=_special(modules, CRONS_MODULE, "crons", Crons, root, "crons = Crons()"),
        folder=str(root),
    )


def _imported(package: LoadedPackage, root: Path, file: Path) -> ModuleType:
    for part in file.with_suffix("").parts:
        if not part.isidentifier():
            raise LoadError(
                f"{root.name}/{file.as_posix()}: {part!r} cannot be the name of a module. "
                "Rename it to letters, digits and underscores."
            )
    _refuse_one_name_for_two(root, file)
    try:
        return package.module(".".join(file.with_suffix("").parts))
    except (LoadError, KeyboardInterrupt):
        raise
    except BaseException as error:
        # Also `sys.exit()` at the top of a module: it would end the server, which has a good version to go on with.
        raise LoadError(_explained(error, root, file, package.name)) from error


def _refuse_one_name_for_two(root: Path, file: Path) -> None:
    """Raises LoadError for `a/b.py` beside `a.py`: in Python a name is a module or a folder, not both."""
    for folder in file.parents:
        if folder.parts and (root / folder).with_suffix(".py").is_file():
            raise LoadError(
                f"{root.name}/{folder.as_posix()}.py and the folder {root.name}/{folder.as_posix()}/ have one name, "
                "which Python cannot tell apart. Rename one of them."
            )


def _explained(error: BaseException, root: Path, file: Path, package: str) -> str:
    """`backend/messages.py:3: NameError: …`, for whatever importing a module raised."""
    if isinstance(error, SyntaxError) and error.filename:
        where = f"{_shown(Path(error.filename), root)}:{error.lineno}"
        line = (error.text or "").strip()
        return f"{where}: {type(error).__name__}: {error.msg}" + (f"\n    {line}" if line else "")
    where, line = f"{root.name}/{file.as_posix()}", ""
    for frame in traceback.extract_tb(error.__traceback__):
        if Path(frame.filename).is_relative_to(root):
            where, line = f"{_shown(Path(frame.filename), root)}:{frame.lineno}", frame.line or ""
    missing = _missing_variable(error)
    if missing is not None:
        return (
            f"{where}: the environment variable {missing} is not set. "
            f"Set it before starting the backend, or read it with os.environ.get({missing!r}) where it is optional."
        )
    text = f"{type(error).__name__}: {error}".removesuffix(": ")
    text = text.replace(f"{beside(package)}.", "").replace(f"{package}.", f"{root.name}.")
    return f"{where}: {text}" + (f"\n    {line}" if line else "")


def _missing_variable(error: BaseException) -> str | None:
    """The variable's name, if the error is that of `os.environ[…]`."""
    if not isinstance(error, KeyError) or not error.args or error.__traceback__ is None:
        return None
    last = error.__traceback__
    while last.tb_next is not None:
        last = last.tb_next
    return str(error.args[0]) if last.tb_frame.f_globals.get("__name__") == "os" else None


def _shown(file: Path, root: Path) -> str:
    return f"{root.name}/{file.relative_to(root).as_posix()}" if file.is_relative_to(root) else file.name


def _functions_of(modules: Mapping[str, ModuleType], root: Path) -> dict[str, Definition]:
    """Every definition that is a top-level name of a module, by canonical path.

    A definition that a module imported from another belongs to that other one only.
    """
    homes: dict[str, str] = {module.__name__: path for path, module in modules.items()}
    seen: dict[int, list[tuple[str, str, Definition]]] = {}
    for path, module in modules.items():
        for name, member in vars(module).items():
            if isinstance(member, FunctionDefinition) and not name.startswith("_") and member.kind != "http":
                seen.setdefault(id(member), []).append((path, name, member))
    functions: dict[str, Definition] = {}
    for places in seen.values():
        home = homes.get(places[0][2].__module__)
        at_home = [place for place in places if place[0] == home]
        for path, name, definition in at_home or places:
            full = f"{path}:{name}"
            if definition.path is None:
                definition.path = full
            functions[full] = definition
    return dict(sorted(functions.items()))


def _special(
    modules: Mapping[str, ModuleType], module: str, name: str, kind: type[Any], root: Path, example: str
) -> Any:
    loaded = modules.get(module)
    if loaded is None:
        return None
    value = getattr(loaded, name, None)
    if not isinstance(value, kind):
        raise LoadError(f"{root.name}/{module}.py must define `{name}`, a {kind.__name__}: write `{example}`.")
    return value


def _providers(module: ModuleType | None, root: Path) -> list[ProviderConfig]:
    if module is None:
        return []
    providers: Any = getattr(module, "providers", None)
    if not isinstance(providers, (list, tuple)):
        raise LoadError(
            f"{root.name}/{AUTH_MODULE}.py must define `providers`, a list: write `providers = [auth.oidc(…)]`."
        )
    for provider in providers:
        if not isinstance(provider, (OIDCProviderConfig, CustomJWTProviderConfig)):
            raise LoadError(
                f"{root.name}/{AUTH_MODULE}.py: {provider!r} is not a provider. Use auth.oidc(…) or auth.custom_jwt(…)."
            )
    return list(providers)
