"""From a folder of files to a deployment (design 1, semantics 3.2, 22.3 items 37 and 38)."""

from __future__ import annotations

import ast
import gc
import sys
from pathlib import Path

import pytest

from parabola.errors import LoadError
from parabola.functions.loader import load_folder
from parabola.functions.time_limit import LOADED_MODULE_PREFIX
from tests.unit.functions.harness import Engine, message_of, value_of, write_folder

MESSAGES = """
    from parabola import internal_mutation, mutation, query
    from .lib.text import shout

    @query
    async def list_all(ctx):
        return shout("listed")

    @mutation
    async def send_message(ctx, body: str): ...

    @internal_mutation
    async def wipe(ctx): ...

    async def helper(ctx): ...
"""
TEXT = "def shout(text):\n    return text.upper()\n"


def folder_with(tmp_path: Path, **files: str) -> Path:
    return write_folder(tmp_path / "backend", {name.replace("__", "/") + ".py": text for name, text in files.items()})


def test_every_decorated_top_level_function_is_found_under_its_path(tmp_path: Path) -> None:
    deployment = load_folder(
        folder_with(tmp_path, messages=MESSAGES, lib__text=TEXT, a__b__deep=MESSAGES.replace(".lib", "...lib"))
    )
    assert list(deployment.functions) == [
        "a/b/deep:list_all",
        "a/b/deep:send_message",
        "a/b/deep:wipe",
        "messages:list_all",
        "messages:send_message",
        "messages:wipe",
    ]


def test_the_special_modules_give_schema_routes_providers_and_crons(tmp_path: Path) -> None:
    deployment = load_folder(
        folder_with(
            tmp_path,
            schema="from parabola import *\nschema = define_schema(t=define_table(a=v.string()))\n",
            auth_config="""
                from parabola import auth
                providers = [auth.oidc(domain='https://a.b', application_id='convex')]
            """,
            http="""
                import http.client
                from parabola import HttpRouter, Response, http_action
                http_status = http.client.OK
                http = HttpRouter()
                @http.route(path="/x", method="GET")
                @http_action
                async def x(ctx, request):
                    return Response("x")
            """,
            crons="""
                from parabola import Crons, internal_mutation
                crons = Crons()
                @internal_mutation
                async def sweep(ctx): ...
                crons.interval("sweep", sweep, minutes=1)
            """,
        )
    )
    assert deployment.schema is not None
    assert list(deployment.schema.tables) == ["t"]
    assert deployment.auth_providers[0].application_id == "convex"
    assert deployment.http is not None
    assert deployment.http.lookup("/x", "GET") is not None
    assert [(job.identifier, job.path) for job in deployment.cron_jobs] == [("sweep", "crons:sweep")]
    assert [*deployment.functions] == ["crons:sweep"]


@pytest.mark.parametrize(
    "imports",
    [
        "from .lib.text import shout",
        "from backend.lib.text import shout",
        "from backend.lib import text\nshout = text.shout",
        "import backend.lib.text\nshout = backend.lib.text.shout",
        "import os, backend.lib.text as t\nshout = t.shout",
    ],
)
def test_helpers_are_imported_relatively_or_by_the_folders_name(tmp_path: Path, imports: str) -> None:
    source = f"{imports}\nfrom parabola import query\n\n@query\nasync def f(ctx):\n    return shout('hi')\n"
    deployment = load_folder(folder_with(tmp_path, m=source, lib__text=TEXT))
    assert value_of(Engine(deployment).query("m:f")) == "HI"
    assert "backend" not in sys.modules


def test_a_module_beside_the_folder_is_imported_with_one_more_dot_and_fresh_with_each_load(tmp_path: Path) -> None:
    source = """
        from {dots}lexicon.text import shout
        from parabola import query

        @query
        async def f(ctx):
            return shout("hi")
    """
    folder = folder_with(tmp_path, m=source.format(dots=".."), deep__m=source.format(dots="..."))
    lexicon = folder.parent / "lexicon"
    lexicon.mkdir()
    for answer in ("'HI'", "'hello'"):
        (lexicon / "text.py").write_text("from .words import shout\n")
        (lexicon / "words.py").write_text(f"def shout(text):\n    return {answer}\n")
        engine = Engine(load_folder(folder))
        assert value_of(engine.query("m:f")) == value_of(engine.query("deep/m:f")) == ast.literal_eval(answer)
    assert "lexicon" not in sys.modules


def test_a_missing_module_beside_the_folder_is_named_as_it_was_written(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"backend/m\.py:1: ModuleNotFoundError: No module named 'rulez'"):
        load_folder(folder_with(tmp_path, m="from ..rulez import answer\n"))


def test_what_is_beside_the_folder_is_forgotten_with_the_load(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, m="from ..rules import answer\n")
    (folder.parent / "rules.py").write_text("answer = 42\n")
    before = set(sys.modules)
    deployment = load_folder(folder)
    assert any(name.endswith("_beside.rules") for name in set(sys.modules) - before)
    del deployment
    gc.collect()
    assert not [name for name in set(sys.modules) - before if name.endswith("_beside.rules")]


def test_a_helper_imported_inside_a_handler_is_of_the_same_load(tmp_path: Path) -> None:
    source = """
        from parabola import query

        @query
        async def f(ctx):
            from backend.lib.text import shout
            return shout('hi')
    """
    folder = folder_with(tmp_path, m=source, lib__text=TEXT)
    old = load_folder(folder)
    (folder / "lib/text.py").write_text("def shout(text):\n    return text + '?'\n")
    new = load_folder(folder)
    assert [value_of(Engine(d).query("m:f")) for d in (old, new)] == ["HI", "hi?"]


def test_a_change_is_seen_however_soon_after_the_last_load_it_comes(tmp_path: Path) -> None:
    source = "from parabola import query\nX = {n}\n\n@query\nasync def f(ctx):\n    return X\n"
    folder = tmp_path / "backend"
    for n in range(5):
        write_folder(folder, {"m.py": source.format(n=n)})
        assert value_of(Engine(load_folder(folder)).query("m:f")) == n
    assert not list(folder.rglob("*.pyc"))


def test_two_backends_with_folders_of_the_same_name_do_not_meet(tmp_path: Path) -> None:
    source = (
        "from backend.lib.text import WHO\nfrom parabola import query\n\n@query\nasync def f(ctx):\n    return WHO\n"
    )
    first = load_folder(write_folder(tmp_path / "1/backend", {"m.py": source, "lib/text.py": "WHO = 1"}))
    second = load_folder(write_folder(tmp_path / "2/backend", {"m.py": source, "lib/text.py": "WHO = 2"}))
    assert [value_of(Engine(d).query("m:f")) for d in (first, second)] == [1, 2]


def test_a_function_imported_from_another_module_belongs_to_that_module_only(tmp_path: Path) -> None:
    deployment = load_folder(
        folder_with(
            tmp_path, a="from parabola import query\n\n@query\nasync def f(ctx): ...\n", b="from .a import f\ng = f\n"
        )
    )
    assert list(deployment.functions) == ["a:f"]


def test_a_definition_made_by_a_helper_belongs_to_the_module_that_names_it(tmp_path: Path) -> None:
    lib = """
        from parabola import query

        def constant(value):
            @query
            async def f(ctx):
                return value
            return f
    """
    deployment = load_folder(
        folder_with(
            tmp_path, lib__make=lib, m="from .lib.make import constant\none = constant(1)\n_two = constant(2)\n"
        )
    )
    assert list(deployment.functions) == ["m:one"]
    assert value_of(Engine(deployment).query("m:one")) == 1


def test_generated_and_private_files_and_tests_are_not_modules_of_the_backend(tmp_path: Path) -> None:
    broken = "raise RuntimeError('imported')\n"
    files = {
        "_generated/api.py": broken,
        "_draft.py": broken,
        "test_m.py": broken,
        "conftest.py": broken,
        ".hidden/x.py": broken,
    }
    assert load_folder(write_folder(tmp_path / "backend", {**files, "notes.txt": "x"})).functions == {}


def test_two_names_that_coincide_in_camel_case_are_refused_naming_both(tmp_path: Path) -> None:
    source = "from parabola import query\n\n@query\nasync def send_it(ctx): ...\n\n@query\nasync def sendIt(ctx): ...\n"
    with pytest.raises(LoadError, match="m:sendIt and m:send_it are the same function on the wire") as refusal:
        load_folder(folder_with(tmp_path, m=source))
    assert refusal.value.message.startswith("backend/m.py:3: ")
    assert "m:sendIt is at backend/m.py:6." in refusal.value.message


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("x = 1\ndef f(:\n", "backend/m.py:2: SyntaxError: invalid syntax\n    def f(:"),
        (
            "x = 1\n\nundefined_name\n",
            "backend/m.py:3: NameError: name 'undefined_name' is not defined\n    undefined_name",
        ),
        ("from .lib.nope import x\n", "backend/m.py:1: ModuleNotFoundError: No module named 'backend.lib'"),
        (
            "import os\nX = os.environ['NOT_SET_ANYWHERE']\n",
            "backend/m.py:2: the environment variable NOT_SET_ANYWHERE is not set.",
        ),
        (
            "from parabola import query\n\n@query\nasync def f(): ...\n",
            "backend/m.py:3: m:f cannot be used: f takes no context.",
        ),
    ],
)
def test_a_folder_that_cannot_be_loaded_says_where_and_why(tmp_path: Path, source: str, text: str) -> None:
    before = [name for name in sys.modules if name.startswith(LOADED_MODULE_PREFIX)]
    with pytest.raises(LoadError) as failure:
        load_folder(folder_with(tmp_path, m=source))
    assert text in failure.value.message
    assert str(tmp_path) not in failure.value.message
    assert [name for name in sys.modules if name.startswith(LOADED_MODULE_PREFIX)] == before


def test_an_error_in_a_helper_names_the_helper(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"backend/lib/bad\.py:2: ZeroDivisionError"):
        load_folder(folder_with(tmp_path, a="from .lib.bad import x\n", lib__bad="x = 1\ny = 1 / 0\n"))


@pytest.mark.parametrize(
    ("module", "source", "text"),
    [
        ("schema", "x = 1\n", "backend/schema.py must define `schema`, a Schema"),
        ("http", "http = 1\n", "backend/http.py must define `http`, a HttpRouter"),
        ("auth_config", "x = 1\n", "backend/auth_config.py must define `providers`, a list"),
        ("auth_config", "providers = [{}]\n", "is not a provider. Use auth.oidc"),
    ],
)
def test_a_special_module_without_its_declaration_is_refused(
    tmp_path: Path, module: str, source: str, text: str
) -> None:
    with pytest.raises(LoadError) as failure:
        load_folder(folder_with(tmp_path, **{module: source}))
    assert text in failure.value.message


def test_a_cron_job_that_cannot_be_is_said_to_be_in_the_functions_folder(tmp_path: Path) -> None:
    source = "from parabola import Crons\n\ncrons = Crons()\ncrons.interval('tick', 'm:gone', hours=1)\n"
    with pytest.raises(LoadError, match=r"^backend/crons\.py: the cron job 'tick' calls m:gone, which does not exist"):
        load_folder(folder_with(tmp_path, crons=source))


def test_a_file_whose_name_cannot_be_a_module_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="'my-file' cannot be the name of a module"):
        load_folder(write_folder(tmp_path / "backend", {"my-file.py": ""}))
    with pytest.raises(LoadError, match="There is no functions folder"):
        load_folder(tmp_path / "nowhere")


def test_modules_are_forgotten_when_nobody_holds_their_deployment(tmp_path: Path) -> None:
    deployment = load_folder(folder_with(tmp_path, messages=MESSAGES, lib__text=TEXT))
    module = deployment.functions["messages:list_all"].__module__
    assert module in sys.modules
    del deployment
    gc.collect()
    assert module not in sys.modules


def test_error_texts_show_files_from_the_functions_folder_on(tmp_path: Path) -> None:
    source = "from parabola import query\n\n@query\nasync def f(ctx):\n    return {}['x']\n"
    outcome = Engine(load_folder(folder_with(tmp_path, lib__m=source))).query("lib/m:f")
    assert outcome.error is not None
    assert outcome.error.message == "Uncaught KeyError: 'x'"
    assert outcome.error.traceback == "    at f (backend/lib/m.py:5)\n"


def test_a_module_that_ends_the_process_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"backend/a\.py:1: SystemExit: 3"):
        load_folder(folder_with(tmp_path, a="import sys; sys.exit(3)"))


def test_a_module_and_a_folder_of_one_name_are_told_apart_by_nobody(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"backend/a\.py and the folder backend/a/ have one name"):
        load_folder(folder_with(tmp_path, a=MESSAGES.replace("from .lib.text import shout", ""), a__b="x = 1"))


@pytest.mark.parametrize("name", ["grün", "f" * 65])
def test_a_function_that_no_client_could_name_is_refused(tmp_path: Path, name: str) -> None:
    text = f"from parabola import query\n@query\nasync def {name}(ctx): ...\n"
    with pytest.raises(LoadError, match="no client could call a:"):
        load_folder(folder_with(tmp_path, a=text))


def test_no_text_shows_what_the_loader_called_a_module(tmp_path: Path) -> None:
    source = """
        from parabola import mutation

        class Thing:
            pass

        @mutation
        async def returns(ctx):
            print(Thing(), Thing)
            return [Thing(), Thing]

        @mutation
        async def stores(ctx):
            await ctx.db.insert("t", {"a": Thing()})

        @mutation
        async def raises(ctx):
            raise ValueError(Thing)
    """
    engine = Engine(load_folder(write_folder(tmp_path / "backend", {"lib/m.py": source})))
    outcomes = [engine.mutation(f"lib/m:{name}") for name in ("returns", "stores", "raises")]
    texts = [message_of(outcome) for outcome in outcomes]
    assert [text for text in (*texts, *outcomes[0].log_lines) if LOADED_MODULE_PREFIX in text] == []
    assert "Thing <lib.m.Thing object> is not a supported Convex type" in texts[0]
    assert "Thing <lib.m.Thing object> is not a supported Convex type" in texts[1]
    assert texts[2] == "Uncaught ValueError: <class 'lib.m.Thing'>"


def test_errors_name_modules_as_their_user_does(tmp_path: Path) -> None:
    text = "from parabola import query\n@query\nasync def f(ctx, x: set): ...\n"
    with pytest.raises(LoadError, match=r"^backend/a\.py:2: a:f cannot be used: f has a parameter `x`"):
        load_folder(folder_with(tmp_path, a=text))
