"""Where `find_project` looks, in order, and what it says when there is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from parabola.backend.project import find_project, find_project_around
from parabola.errors import LoadError


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_backend_folder_is_the_default(tmp_path: Path) -> None:
    write(tmp_path / "backend" / "messages.py")
    project = find_project(tmp_path)
    assert (project.root, project.functions) == (tmp_path, tmp_path / "backend")


def test_pyproject_names_another_folder(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", '[tool.parabola]\nfunctions = "src/api"\n')
    write(tmp_path / "src" / "api" / "messages.py")
    write(tmp_path / "backend" / "not_this.py")
    assert find_project(tmp_path).functions == tmp_path / "src" / "api"


def test_the_data_lie_beside_the_functions_folder(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", '[tool.parabola]\nfunctions = "src/api"\n')
    write(tmp_path / "src" / "api" / "messages.py")
    assert find_project(tmp_path).data == tmp_path / "src" / ".parabola"


def test_the_functions_folder_itself_may_be_named(tmp_path: Path) -> None:
    write(tmp_path / "backend" / "schema.py")
    write(tmp_path / "functions" / "messages.py")
    assert find_project(tmp_path / "backend").functions == tmp_path / "backend"
    assert find_project(tmp_path / "functions").functions == tmp_path / "functions"


def test_without_a_directory_the_nearest_parent_with_a_project_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "backend" / "lib" / "auth.py")
    monkeypatch.chdir(tmp_path / "backend" / "lib")
    assert find_project().functions == tmp_path / "backend"


def test_a_directory_without_functions_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"No functions folder was found(?s:.)*parabola init"):
        find_project(tmp_path)


def test_a_directory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"There is no directory .*missing"):
        find_project(tmp_path / "missing")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[tool.parabola]\nfunctions = "missing"\n', "does not exist"),
        ("[tool.parabola]\nfunctions = 3\n", "must be the name of a folder"),
        ("[tool.parabola", "cannot be read"),
        ("tool = 5\n", "sets tool to 5, where a table was expected"),
        ('[tool]\nparabola = "backend"\n', "sets parabola to 'backend', where a table was expected"),
        ('[tool.parabola]\nfunctons = "backend"\n', "sets functons .*Did you mean functions?"),
    ],
)
def test_a_wrong_setting_is_explained(tmp_path: Path, text: str, why: str) -> None:
    write(tmp_path / "pyproject.toml", text)
    with pytest.raises(LoadError, match=why):
        find_project(tmp_path)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("backnd", "folder", 'If "backnd" is meant, rename it, or set functions = "backnd".'),
        ("backend", "file", "backend is there, but is no folder."),
    ],
)
def test_what_was_probably_meant_for_the_functions_folder_is_named(
    tmp_path: Path, name: str, kind: str, words: str
) -> None:
    if kind == "folder":
        (tmp_path / name).mkdir()
        (tmp_path / name / "messages.py").touch()
    else:
        (tmp_path / name).touch()
    with pytest.raises(LoadError) as refused:
        find_project(tmp_path)
    assert words in refused.value.message


@pytest.mark.parametrize("top", ["pyproject.toml", "setup.py", "setup.cfg", ".git", "tests/test_it.py"])
def test_the_files_of_a_whole_program_are_not_taken_for_functions(tmp_path: Path, top: str) -> None:
    write(tmp_path / "manage.py")
    write(tmp_path / top)
    with pytest.raises(LoadError) as refused:
        find_project(tmp_path)
    assert "No functions folder was found at" in refused.value.message
    assert f"are not taken for functions, since it holds {top.partition('/')[0]}. " in refused.value.message
    assert "parabola init" in refused.value.message


def test_a_schema_of_something_else_at_the_top_of_a_project_does_not_hide_its_backend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "pyproject.toml")
    write(tmp_path / "schema.py")
    functions = write(tmp_path / "backend" / "messages.py").parent
    monkeypatch.chdir(tmp_path)
    assert find_project().functions == find_project(tmp_path).functions == functions


IMPORTS = "from parabola import query\n"


def test_around_a_file_the_nearest_project_is_found(tmp_path: Path) -> None:
    write(tmp_path / ".git" / "HEAD")
    write(tmp_path / "backend" / "messages.py", IMPORTS)
    write(tmp_path / "inner" / "backend" / "lib" / "messages.py", IMPORTS)
    write(tmp_path / "named" / "pyproject.toml", '[tool.parabola]\nfunctions = "api"\n')
    write(tmp_path / "named" / "api" / "messages.py")
    write(tmp_path / "named" / "backend" / "messages.py", IMPORTS)
    for test, functions in {
        "tests/test_it.py": "backend",
        "backend/test_it.py": "backend",
        "inner/tests/unit/test_it.py": "inner/backend",
        "named/tests/test_it.py": "named/api",
    }.items():
        assert find_project_around(write(tmp_path / test)).functions == tmp_path / functions


def test_around_a_file_a_folder_counts_only_if_it_is_of_parabola(tmp_path: Path) -> None:
    write(tmp_path / "backend" / "messages.py", IMPORTS)
    django = tmp_path / "django"
    write(django / "pyproject.toml", "[project]\n")
    write(django / "schema.py", "import graphene\n")
    write(django / "backend" / "views.py", "import django\n")
    test = write(django / "tests" / "test_it.py")
    assert find_project_around(test, [tmp_path]).functions == tmp_path / "backend"


def test_around_a_file_nothing_is_looked_for_above_its_repository_and_the_given_folders(tmp_path: Path) -> None:
    write(tmp_path / "backend" / "messages.py", IMPORTS)
    test = write(tmp_path / "own" / "repository" / "tests" / "test_it.py")
    write(tmp_path / "own" / "repository" / ".git" / "HEAD")
    with pytest.raises(LoadError) as refused:
        find_project_around(test)
    lies, *looked, advice = refused.value.message.splitlines()
    assert f"{test} lies in no Parabola project" in lies
    assert [line.strip() for line in looked] == [str(test.parent), str(test.parents[1])]
    assert "override the fixture `backend`" in advice
    with pytest.raises(LoadError, match="lies in no Parabola project"):
        find_project_around(test, [tmp_path / "own"])
    assert find_project_around(test, [tmp_path]).functions == tmp_path / "backend"


def test_around_a_file_a_project_without_its_functions_folder_is_not_passed_by(tmp_path: Path) -> None:
    write(tmp_path / "backend" / "messages.py", IMPORTS)
    write(tmp_path / "mine" / "pyproject.toml", "[tool.parabola]\n")
    with pytest.raises(LoadError, match=r"No functions folder was found at .*mine"):
        find_project_around(write(tmp_path / "mine" / "test_it.py"), [tmp_path])
