"""Importing a functions folder as modules of its own, apart from everything else in the process.

Each load makes a package with a name that no other load has had, so that all modules are fresh together, the modules
of the last load stay whole for the runs that still use them, and two backends with folders of the same name do not
meet. Nothing is put on `sys.path`, so a file named `http.py` hides nothing.

Inside the folder both `from .lib.auth import x` and `from backend.lib.auth import x` (`backend` being the folder's
name) mean the module of the same load: absolute imports of the folder's name are rewritten in the syntax tree.
`from ..rules import x`, one step above the folder, means the module beside it, also a fresh one: what functions share
with the rest of a program.
Sources are always compiled from what is on disk now: a cached `.pyc` is trusted for a second or so after an edit,
which is too long for a reload.
"""

from __future__ import annotations

import ast
import importlib
import importlib.abc
import importlib.machinery
import itertools
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final

from parabola.functions.time_limit import LOADED_MODULE_PREFIX

_counter: Final = itertools.count(1)


class LoadedPackage:
    """The modules of one load. `remove` forgets them; until then they can import one another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"{LOADED_MODULE_PREFIX}{next(_counter)}"
        _finder.packages[self.name] = folder
        _finder.packages[beside(self.name)] = folder.parent
        # Loggers named after the modules (`logging.getLogger(__name__)`) log everything: their lines go to the run.
        logging.getLogger(self.name).setLevel(logging.DEBUG)

    def module(self, dotted: str) -> ModuleType:
        """Imports `dotted`, relative to the folder ("" is the folder itself). Raises whatever the module raises."""
        return importlib.import_module(f"{self.name}.{dotted}" if dotted else self.name)

    def remove(self) -> None:
        """Takes the modules out of the process's tables. Whoever holds one may keep it."""
        remove_package(self.name)


def remove_package(name: str) -> None:
    """The same, by the package's name."""
    for package in (name, beside(name)):
        _finder.packages.pop(package, None)
        for loaded in [module for module in sys.modules if module == package or module.startswith(f"{package}.")]:
            del sys.modules[loaded]


def names_beside(folder: Path) -> frozenset[str]:
    """What loads of `folder` in this process have imported from beside it, or tried to: the first parts of their
    names (`rules` for `from ..rules.numbers import x`). It also knows of loads that failed, so that a watch over the
    files notices when what made them fail is mended.
    """
    return frozenset(_finder.asked_beside.get(folder, ()))


def beside(name: str) -> str:
    """The package that stands for the directory in which the folder of the package `name` lies."""
    return f"{name}_beside"


class _FolderFinder(importlib.abc.MetaPathFinder):
    """Finds the modules of loaded packages, by name alone, and nothing else."""

    def __init__(self) -> None:
        self.packages: dict[str, Path] = {}
        # For each functions folder, the first names that were looked for beside it.
        self.asked_beside: dict[Path, set[str]] = {}

    def _note_beside(self, package: str, name: str) -> None:
        own = package.removesuffix(beside(""))
        if own != package and own in self.packages:
            self.asked_beside.setdefault(self.packages[own], set()).add(name)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        package, _, rest = fullname.partition(".")
        folder = self.packages.get(package)
        if folder is None:
            return None
        if rest:
            self._note_beside(package, rest.partition(".")[0])
        place = folder.joinpath(*rest.split(".")) if rest else folder
        file = place.with_suffix(".py") if rest else None
        if place.is_dir() and ((place / "__init__.py").is_file() or file is None or not file.is_file()):
            init = place / "__init__.py"
            loader = _FreshLoader(fullname, str(init), folder.name, package) if init.is_file() else None
            spec = importlib.machinery.ModuleSpec(
                fullname, loader, origin=str(init) if loader is not None else None, is_package=True
            )
            spec.submodule_search_locations = [str(place)]
            spec.has_location = loader is not None
            return spec
        if file is not None and file.is_file():
            spec = importlib.machinery.ModuleSpec(
                fullname, _FreshLoader(fullname, str(file), folder.name, package), origin=str(file)
            )
            spec.has_location = True
            return spec
        return None


class _FreshLoader(importlib.machinery.SourceFileLoader):
    """Compiles from source each time, with the folder's own name pointing at this load."""

    def __init__(self, fullname: str, path: str, folder_name: str, package: str) -> None:
        super().__init__(fullname, path)
        self._folder_name = folder_name
        self._package = package

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        tree = ast.parse(self.get_data(path), filename=path)
        depth = fullname.count(".") + self.is_package(fullname)
        tree = ast.fix_missing_locations(_OwnNameImports(self._folder_name, self._package, depth).visit(tree))
        code: CodeType = compile(tree, path, "exec", dont_inherit=True)
        return code


class _OwnNameImports(ast.NodeTransformer):
    """Turns imports of the folder by its own name, and those from beside it, into imports of this load."""

    def __init__(self, folder_name: str, package: str, depth: int) -> None:
        self._folder_name = folder_name
        self._package = package
        # How many packages are around the module: so many leading dots lead to the folder itself.
        self._depth = depth

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        if node.level == self._depth + 1 and node.module is not None and beside(self._package) in _finder.packages:
            node.level = 0
            node.module = f"{beside(self._package)}.{node.module}"
            return node
        if node.level == 0 and node.module is not None and self._is_own(node.module):
            node.module = self._package + node.module[len(self._folder_name) :]
        return node

    def visit_Import(self, node: ast.Import) -> Any:
        own = [alias for alias in node.names if self._is_own(alias.name)]
        if not own:
            return node
        result: list[ast.stmt] = []
        others = [alias for alias in node.names if not self._is_own(alias.name)]
        if others:
            result.append(ast.Import(names=others))
        for alias in own:
            name = self._package + alias.name[len(self._folder_name) :]
            if alias.asname is not None:
                result.append(ast.Import(names=[ast.alias(name=name, asname=alias.asname)]))
                continue
            # `import backend.lib.auth` binds `backend`.
            result.append(ast.Import(names=[ast.alias(name=name)]))
            result.append(ast.Import(names=[ast.alias(name=self._package, asname=self._folder_name)]))
        for statement in result:
            ast.copy_location(statement, node)
        return result

    def _is_own(self, name: str) -> bool:
        return name == self._folder_name or name.startswith(f"{self._folder_name}.")


_finder: Final = _FolderFinder()
sys.meta_path.insert(0, _finder)


def module_files(folder: Path) -> list[Path]:
    """The Python files of a functions folder that may hold functions, relative to it, in a fixed order.

    Left out: `_generated` and whatever else begins with an underscore or a dot, caches, and tests that live beside
    the code.
    """
    found: list[Path] = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(("_", ".")) and name != "node_modules")
        for name in sorted(files):
            if not name.endswith(".py") or name.startswith(("_", ".")):
                continue
            if name == "conftest.py" or name.startswith("test_") or name.endswith("_test.py"):
                continue
            found.append((Path(root) / name).relative_to(folder))
    return found
