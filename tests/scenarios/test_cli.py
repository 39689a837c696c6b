"""The command line as a person types it: a new project, a server, and the tools around it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from parabola.cli.follow import CLOSE_TIMEOUT_S
from parabola.cli.init import init
from tests.scenarios.server_process import PATIENCE_S, ServerProcess, cpu_s, free_port, wait_for_end

ISSUER = "https://issuer.example"
EXTRA = """
import time
from parabola import ConvexError, MutationCtx, QueryCtx, internal_query, query

@query
async def fail(ctx: QueryCtx, args):
    print("about to fail")
    raise ConvexError({"code": 7}) if args.get("convex") else ValueError("out of ideas")

@query
async def whoami(ctx: QueryCtx):
    identity = await ctx.auth.get_user_identity()
    return identity and identity["tokenIdentifier"]

@internal_query
async def secret(ctx: QueryCtx):
    return 42

@query
async def page(ctx: QueryCtx, count: int):
    return "x" * count
"""


class Cli:
    """`parabola …` in the directory of a project, pointed at a server by the environment."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.directory = directory
        self.environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "120", **environment}

    def __call__(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Runs a command that must end with this exit code."""
        done = subprocess.run(
            self._command(*arguments),
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def json(self, *arguments: str) -> Any:
        """What a command prints, read as JSON."""
        return json.loads(self(*arguments).stdout)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command(*arguments),
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    @staticmethod
    def _command(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "parabola", *arguments]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("chat")
    init(directory)
    (directory / "backend" / "extra.py").write_text(EXTRA)
    return directory


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(project, project / ".parabola")
    try:
        yield process.start()
    finally:
        process.close()


@pytest.fixture
def cli(project: Path, server: ServerProcess) -> Cli:
    """The command line beside a running server whose tables are empty."""
    command = Cli(project, PARABOLA_URL=server.url)
    command("run", "messages:clear")
    return command


@pytest.fixture
def nowhere(tmp_path: Path) -> Cli:
    """The command line where there is no project and no server."""
    return Cli(tmp_path, PARABOLA_URL=f"http://127.0.0.1:{free_port()}")


def send(cli: Cli, body: str, author: str = "Ada") -> str:
    document_id: str = cli.json("run", "messages:send", json.dumps({"author": author, "body": body}))
    return document_id


# init


def test_a_new_project_is_made_served_and_called(tmp_path: Path) -> None:
    Cli(tmp_path)("init", "my-chat")
    process = ServerProcess(tmp_path / "my-chat", tmp_path / "my-chat" / ".parabola")
    cli = Cli(tmp_path / "my-chat", PARABOLA_URL=process.url)
    try:
        process.start()
        send(cli, "hello")
        assert [row["body"] for row in cli.json("run", "messages:list")] == ["hello"]
    finally:
        process.close()


def test_init_does_not_overwrite(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    assert "nothing was changed" in Cli(tmp_path)("init", code=1).stderr


# run


def test_run_prints_the_result_as_json_and_logs_beside_it(cli: Cli) -> None:
    document_id = send(cli, "hi")
    [row] = cli.json("run", "messages:list", '{"limit": 1}')
    assert (row["_id"], row["author"], row["body"]) == (document_id, "Ada", "hi")


def test_run_reaches_internal_functions(cli: Cli) -> None:
    assert cli.json("run", "extra:secret") == 42


def test_run_acts_as_a_user(cli: Cli) -> None:
    assert cli.json("run", "extra:whoami") is None
    identity = json.dumps({"subject": "ada", "issuer": ISSUER})
    assert cli.json("run", "extra:whoami", "--identity", identity) == f"{ISSUER}|ada"


def test_a_failing_function_is_an_error_with_its_log_and_data(cli: Cli) -> None:
    failed = cli("run", "extra:fail", code=1)
    assert failed.stdout == ""
    assert "out of ideas" in failed.stderr
    assert "[LOG] 'about to fail'" in failed.stderr
    assert 'Data: {"code": 7}' in cli("run", "extra:fail", '{"convex": true}', code=1).stderr


def test_an_unknown_function_is_a_failure(cli: Cli) -> None:
    assert "Could not find function for 'messages:nope'" in cli("run", "messages:nope", code=1).stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [("messages:lst", "Did you mean messages:list"), ("zzz:qqq", "The functions are: "), ("zzz:qqq", "messages:send")],
)
def test_an_unknown_function_is_answered_with_those_there_are(cli: Cli, name: str, words: str) -> None:
    printed = cli("run", name, code=1).stderr
    assert f"Could not find function for '{name}'.\n" in printed
    assert words in printed
    assert "convex dev" not in printed


def test_watching_an_unknown_query_is_answered_with_those_there_are(cli: Cli) -> None:
    watch = Watch(cli, "messages:lst")
    try:
        assert "Did you mean messages:list" in watch.error("Did you mean")
    finally:
        watch.close()


def test_an_operator_learns_what_a_redacting_server_hides_from_its_clients(project: Path, tmp_path: Path) -> None:
    server = ServerProcess(project, tmp_path / "data", command="serve")
    try:
        server.start()
        cli = Cli(project, PARABOLA_URL=server.url)
        cli.environment["PARABOLA_ADMIN_KEY"] = (tmp_path / "data" / "admin_key").read_text().strip()
        unknown = cli("run", "messages:lst", code=1).stderr
        assert "Could not find function for 'messages:lst'.\nDid you mean messages:list" in unknown
        for spelling in ("extra:fail", "extra.js:fail"):
            failed = cli("run", spelling, code=1).stderr
            assert "Could not find" not in failed
            assert "out of ideas" not in failed
            assert "look for the request id in its log, or start it with --no-redact" in failed
        watch = Watch(cli, "messages:lst")
        try:
            assert "Did you mean messages:list" in watch.error("Did you mean")
        finally:
            watch.close()
        assert str(server.call("query", "messages:lst")["errorMessage"]).endswith("Server Error")
    finally:
        server.close()


def test_wrong_arguments_are_a_failure_that_names_the_field(cli: Cli) -> None:
    failed = cli("run", "messages:send", '{"author": "Ada"}', code=1)
    assert "missing the required field `body`" in failed.stderr


def test_a_wrong_admin_key_is_a_failure_that_says_what_to_do(cli: Cli) -> None:
    failed = cli("run", "messages:list", "--admin-key", "parabola|wrong", code=1)
    assert "--admin-key or PARABOLA_ADMIN_KEY" in failed.stderr


def test_the_key_and_the_address_may_come_from_the_environment(cli: Cli, nowhere: Cli) -> None:
    nowhere.environment["PARABOLA_URL"] = cli.environment["PARABOLA_URL"]
    nowhere.environment["PARABOLA_ADMIN_KEY"] = cli("admin-key").stdout.strip()
    assert nowhere.json("run", "extra:secret") == 42


def test_without_a_server_or_a_key_the_way_out_is_named(nowhere: Cli) -> None:
    failed = nowhere("run", "messages:list", code=1).stderr
    assert "No admin key was given, and there is no project here" in failed
    failed = nowhere("run", "messages:list", "--admin-key", "parabola|x", code=1).stderr
    assert "No Parabola server answers at http://127.0.0.1" in failed
    assert "parabola dev" in failed


class Watch:
    """A running `parabola run --watch --json`, read line by line."""

    def __init__(self, cli: Cli, *arguments: str) -> None:
        self.process = cli.start("run", *arguments, "--watch", "--json")
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._collect)
        self._thread.start()

    def _collect(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line)
                self._changed.notify_all()

    def values(self, count: int) -> list[Any]:
        """The first `count` results, once they are there."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self.lines) >= count, timeout=PATIENCE_S)
            assert arrived, self.lines
            return [json.loads(line) for line in self.lines[:count]]

    def error(self, words: str) -> str:
        """What was printed to standard error, up to the line with these words."""
        assert self.process.stderr is not None
        printed = ""
        for line in self.process.stderr:
            printed += line
            if words in line:
                return printed
        raise AssertionError(f"it ended without {words!r}, and printed:\n{printed}")

    def interrupt(self) -> tuple[int, str, float]:
        """Ctrl-C: the exit code, what was printed to standard error, and how many seconds of CPU time it took."""
        before = cpu_s(self.process.pid)
        self.process.send_signal(signal.SIGINT)
        wait_for_end(self.process.pid)
        took = cpu_s(self.process.pid) - before
        assert self.process.stderr is not None
        return self.process.wait(), self.process.stderr.read(), took

    def close(self) -> None:
        """Ends the process if it still runs, and lets go of its pipes."""
        self.process.kill()
        self._thread.join()
        with self.process:
            pass


def test_watch_follows_a_query_until_ctrl_c_and_over_a_restart(project: Path, tmp_path: Path) -> None:
    server = ServerProcess(project, tmp_path / "data").start()
    cli = Cli(project, PARABOLA_URL=server.url)
    cli.environment["PARABOLA_ADMIN_KEY"] = (tmp_path / "data" / "admin_key").read_text().strip()
    watch = Watch(cli, "messages:list")
    try:
        assert watch.values(1) == [[]]
        send(cli, "one")
        assert [row["body"] for row in watch.values(2)[1]] == ["one"]
        server.restart()
        send(cli, "two")
        assert [row["body"] for row in watch.values(3)[2]] == ["one", "two"]
        code, errors, took_cpu_s = watch.interrupt()
        assert (code, "Traceback" in errors) == (130, False)
        # It ends within a second: what it does takes this much, and what it waits for is bounded by the other.
        assert took_cpu_s < 0.6
        assert took_cpu_s + CLOSE_TIMEOUT_S < 1
    finally:
        watch.close()
        server.close()


# data


def test_data_lists_tables_and_documents(cli: Cli) -> None:
    for body in ("one", "two", "three"):
        send(cli, body)
    assert "messages" in cli("data").stdout.split()
    assert [row["body"] for row in cli.json("data", "messages", "--json")] == ["three", "two", "one"]
    newest_two = cli("data", "messages", "--limit", "2", "--format", "jsonLines").stdout.splitlines()
    assert [json.loads(line)["body"] for line in newest_two] == ["three", "two"]
    oldest = cli.json("data", "messages", "--order", "asc", "--limit", "1", "--json")
    assert [row["body"] for row in oldest] == ["one"]


def test_data_prints_a_table_and_says_when_there_is_more(cli: Cli) -> None:
    for body in ("one", "two", "three"):
        send(cli, body)
    printed = cli("data", "messages", "--limit", "2")
    header, *rows = printed.stdout.splitlines()
    assert header.split() == ["_id", "_creationTime", "author", "body"]
    assert [row.split()[-1] for row in rows] == ["three", "two"]
    assert "these are 2" in printed.stderr


def test_an_unknown_table_is_a_failure_that_names_the_known_ones(cli: Cli) -> None:
    failed = cli("data", "mesages", code=1).stderr
    assert 'There is no table "mesages".' in failed
    assert "messages" in failed


# admin-key


def test_the_admin_key_is_made_kept_and_rotated(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    first = cli("admin-key", "--data", "here").stdout
    assert cli("admin-key", "--data", "here").stdout == first
    second = cli("admin-key", "--data", "here", "--rotate").stdout
    assert second != first
    assert json.loads(cli("admin-key", "--data", "here", "--json").stdout) == {"adminKey": second.strip()}


def test_a_key_file_that_was_cut_short_is_no_key(project: Path, tmp_path: Path) -> None:
    cli = Cli(tmp_path, PARABOLA_ADMIN_KEY="")
    whole = cli("admin-key", "--data", "here").stdout
    (tmp_path / "here" / "admin_key").write_bytes(whole.encode()[:-10])
    for command in (
        ("admin-key",),
        ("run", "messages:list"),
        ("serve", str(project), "--port", str(free_port())),
    ):
        failed = cli(*command, "--data", "here", code=1).stderr
        assert "does not hold a whole admin key" in failed
        assert "parabola admin-key --rotate" in failed
    renewed = cli("admin-key", "--data", "here", "--rotate").stdout
    assert renewed.partition("|")[0] == whole.partition("|")[0]


# serve


def test_serve_hides_errors_from_clients_and_logs_them_whole_as_json(project: Path, tmp_path: Path) -> None:
    server = ServerProcess(project, tmp_path / "data", command="serve")
    try:
        server.start()
        answer = server.call("query", "extra:fail")
        assert str(answer["errorMessage"]).endswith("Server Error")
        assert "out of ideas" not in json.dumps(answer)
        server.wait_for_log("out of ideas")
        entries = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
        assert any("out of ideas" in json.dumps(entry) for entry in entries)
        assert server.call("query", "extra:fail", {"convex": True})["errorData"] == {"code": 7.0}
        assert server.stop() == 0
        assert "Traceback" not in "".join(line for line in server.log.splitlines() if not line.startswith("{"))
    finally:
        server.close()


def test_serve_can_show_errors(project: Path, tmp_path: Path) -> None:
    server = ServerProcess(project, tmp_path / "data", command="serve", options=("--no-redact",))
    try:
        server.start()
        assert "out of ideas" in str(server.call("query", "extra:fail")["errorMessage"])
    finally:
        server.close()


def test_a_port_in_use_is_explained(project: Path, server: ServerProcess, tmp_path: Path) -> None:
    for command in ("dev", "serve"):
        failed = Cli(tmp_path)(command, str(project), "--port", str(server.port), "--data", "here", code=1).stderr
        assert f"Port {server.port} of 127.0.0.1 cannot be used" in failed
        assert "--port" in failed


def test_serve_refuses_a_broken_project_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "broken.py").write_text("\n\nimport nothing_of_that_name\n")
    failed = Cli(tmp_path)("serve", "--port", str(free_port()), code=1).stderr
    assert "backend/broken.py:3" in failed
    assert "nothing_of_that_name" in failed


def test_version_answers_as_soon_as_functions_can_be_called(server: ServerProcess) -> None:
    assert httpx.get(f"{server.url}/version", trust_env=False).status_code == 200


def test_a_closed_pipe_is_no_error(cli: Cli) -> None:
    with cli.start("run", "extra:page", '{"count": 1000000}') as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        process.wait(PATIENCE_S)
        assert process.stderr.read() == ""
