"""The command line's manners: slips, help and exit codes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from parabola.cli.main import main


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No project, no server, no key, and a wide plain terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PARABOLA_URL", "http://127.0.0.1:1")
    monkeypatch.delenv("PARABOLA_ADMIN_KEY", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["rnu"], "No such command 'rnu'. Did you mean 'run'?"),
        (["run"], "Missing argument 'FN'."),
        (["run", "m:f", "{"], "cannot be read as JSON"),
        (["run", "m:f", '{"n": 1e400}'], "n is 1e400 at character 7"),
        (["run", "m:f", "[]"], "must be one JSON object"),
        (["run", "m:f", "--identity", "{}"], 'needs "subject" and "issuer"'),
        (["data", "--limt", "3"], "--limit"),
        (["data", "--order", "up"], "--order"),
        (["dev", "--port", "many"], "--port"),
        (["run", "m:f", "--url", "ftp://x"], "must start with http:// or https://"),
        (["data", "--url", "localhost:3210"], "must start with http:// or https://"),
        (["data", "--url", "http://"], "'http://' is not the address of a server"),
        (["run", "m:f", "--url", "http://[::1"], "'http://[::1' is not the address of a server"),
        (["run", "m:f", "--url", "http://127.0.0.1:99999"], "is not the address of a server"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_slip_is_answered_in_three_lines_with_exit_code_2(
    arguments: Sequence[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    usage, hint, *_, last = capsys.readouterr().err.splitlines()
    assert usage.startswith("Usage: parabola")
    assert hint.startswith("Try 'parabola")
    assert hint.endswith("--help' for help.")
    assert error in last


@pytest.mark.parametrize("command", ["init", "dev", "serve", "run", "data", "admin-key"])
def test_help_teaches_with_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    printed = capsys.readouterr().out
    assert "Examples" in printed
    assert f"parabola {command}" in printed


def test_help_fills_the_width_of_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    main(["dev", "--help"])
    lines = capsys.readouterr().out.splitlines()
    [prose] = [line for line in lines if "A saved file is live" in line]
    assert "with clerk-js" in prose
    examples = [line.strip() for line in lines if line.strip().startswith("parabola dev")]
    assert examples[:2] == ["parabola dev", "parabola dev my-chat --port 4000"]


@pytest.mark.parametrize("arguments", [["init", "taken"], ["init", "taken/deeper"], ["admin-key", "--data", "taken"]])
def test_a_path_that_cannot_be_used_is_a_failure_that_names_it(
    arguments: Sequence[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("a file")
    assert main(arguments) == 1
    first, *rest = capsys.readouterr().err.splitlines()
    assert first.startswith("Error: taken")
    assert "cannot be used" in first
    assert len(rest) == 1
    assert (tmp_path / "taken").read_text() == "a file"


def test_help_names_defaults_that_depend_on_the_surroundings(capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "--help"])
    printed = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "[default: PARABOLA_URL, else http://127.0.0.1:3210]" in printed


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    printed = capsys.readouterr()
    assert "parabola init my-app" in printed.out + printed.err


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("parabola ")


def test_a_failure_names_the_way_out_with_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "m:f"]) == 1
    error, advice = capsys.readouterr().err.splitlines()
    assert error.startswith("Error: No admin key was given, and there is no project here")
    assert "--admin-key or PARABOLA_ADMIN_KEY" in advice


def test_no_project_is_a_failure_that_names_init(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve"]) == 1
    assert "parabola init" in capsys.readouterr().err


def test_no_server_is_a_failure_that_names_dev(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "m:f", "--admin-key", "parabola|x"]) == 1
    assert "No Parabola server answers at http://127.0.0.1:1" in capsys.readouterr().err
    assert main(["run", "m:f", "--admin-key", "parabola|x", "--watch"]) == 1
    assert "parabola dev" in capsys.readouterr().err
