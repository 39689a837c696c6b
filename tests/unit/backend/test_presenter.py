"""What clients may see of an outcome."""

from __future__ import annotations

import orjson
import pytest

from parabola.backend.presenter import Presenter
from parabola.functions.outcome import FunctionError, Outcome
from parabola.sync.versions import encode_ts
from parabola.values.model import Int64

SUCCESS = Outcome(function="a:b", kind="mutation", value_json=b'{"n":1}', ts=5, log_lines=["[LOG] 'x'"])


def failed(**more: object) -> Outcome:
    error = FunctionError("Uncaught ValueError: boom", code="x", traceback="    at f (backend/a.py:1)\n", **more)  # type: ignore[arg-type]
    return Outcome(function="a:b", kind="mutation", error=error, log_lines=["[LOG] 'x'"])


def test_a_success_carries_its_json_as_it_is() -> None:
    assert orjson.loads(Presenter(redact=False).mutation_answer(3, SUCCESS, "id")) == {
        "type": "MutationResponse",
        "requestId": 3,
        "success": True,
        "result": {"n": 1},
        "ts": encode_ts(5),
        "logLines": ["[LOG] 'x'"],
    }


def test_a_failure_in_development_shows_everything() -> None:
    answer = orjson.loads(Presenter(redact=False).action_answer(3, failed(), "1f"))
    assert answer == {
        "type": "ActionResponse",
        "requestId": 3,
        "success": False,
        "result": "[Request ID: 1f] Server Error\nUncaught ValueError: boom\n    at f (backend/a.py:1)\n",
        "logLines": ["[LOG] 'x'"],
    }


def test_a_failure_in_production_shows_its_request_id_alone() -> None:
    answer = orjson.loads(Presenter(redact=True).mutation_answer(3, failed(), "1f"))
    assert answer["result"] == "[Request ID: 1f] Server Error"
    assert answer["logLines"] == []


@pytest.mark.parametrize("redact", [False, True])
@pytest.mark.parametrize(("data", "shown"), [(None, None), ("x", "x"), (Int64(1), {"$integer": "AQAAAAAAAAA="})])
def test_application_data_is_shown_always(redact: bool, data: object, shown: object) -> None:
    answer = orjson.loads(Presenter(redact=redact).mutation_answer(3, failed(data=data), "1f"))
    assert answer["errorData"] == shown


def test_two_failures_with_other_request_ids_are_the_same_result() -> None:
    presenter = Presenter(redact=False)
    first, second = presenter.query_result(failed(), "1"), presenter.query_result(failed(), "2")
    assert first.fragment(0) != second.fragment(0)
    assert first.fingerprint == second.fingerprint
    assert presenter.query_result(failed(data="x"), "1").fingerprint != first.fingerprint
