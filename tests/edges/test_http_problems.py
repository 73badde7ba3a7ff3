"""Every refusal is a problem document, with one id in header, body and log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.edges.memory_book import AN_ID, Desk
from tidebook import errors
from tidebook.api.problems import STATUS, problem_of, status_of
from tidebook.api.routes.reference import error_classes
from tidebook.errors import StoreError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx2 import Response

MEMBERS = {
    "type",
    "title",
    "status",
    "detail",
    "instance",
    "code",
    "hint",
    "correlation_id",
    "errors",
}
JSON = {"Content-Type": "application/json"}
REQUESTS: dict[str, tuple[int, str, Callable[[Desk], Any]]] = {
    "unknown route": (404, "route.unknown", lambda d: d.client.get("/nowhere")),
    "wrong method": (405, "method.not-allowed", lambda d: d.client.delete("/portfolios/P-1")),
    "unknown portfolio": (
        404,
        "portfolio.unknown",
        lambda d: d.client.get("/portfolios/P-9/positions"),
    ),
    "unknown parameter": (
        400,
        "query.unknown",
        lambda d: d.client.get("/portfolios/?portfolioid=1"),
    ),
    "doubled parameter": (
        400,
        "query.unknown",
        lambda d: d.client.get("/portfolios/?cif_id=1&cif_id=2"),
    ),
    "unreadable parameter": (
        422,
        "request.invalid",
        lambda d: d.client.get("/portfolios/P-1/positions?as_of=yesterday"),
    ),
    "missing parameter": (422, "request.invalid", lambda d: d.client.get("/prices/")),
    "no JSON": (
        400,
        "body.malformed",
        lambda d: d.client.post("/ingest/portfolios", content="{", headers=JSON),
    ),
    "no media type": (
        415,
        "body.media-type",
        lambda d: d.client.post("/ingest/portfolios", content="{}"),
    ),
    "bad row": (
        422,
        "request.invalid",
        lambda d: d.client.post("/ingest/portfolios", json={"portfolios": [{}]}),
    ),
}


def assert_is_problem(answer: Response, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert set(body) >= MEMBERS
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"/docs/problems#{code}"
    assert body["correlation_id"] == answer.headers["X-Correlation-ID"]
    assert all(body[member] for member in ("title", "detail", "hint", "instance"))


@pytest.mark.parametrize("name", REQUESTS)
def test_refusals_are_problem_documents(name: str) -> None:
    status, code, send = REQUESTS[name]
    assert_is_problem(send(Desk()), status, code)


def test_a_wrong_method_names_the_right_one() -> None:
    answer = Desk().client.delete("/portfolios/P-1")
    assert answer.headers["Allow"] == "GET"
    assert "GET" in answer.json()["hint"]


def test_an_unknown_parameter_is_named_with_those_there_are() -> None:
    body = Desk().client.get("/portfolios/?portfolioid=1").json()
    assert "'portfolioid'" in body["detail"]
    assert "portfolio_id, cif_id, booking_center" in body["hint"]


@pytest.mark.parametrize(
    ("query", "pointer", "said"),
    [
        ("as_of=2024-02-30", "/query/as_of", "2024-01-02"),
        ("known_at=2024-01-02T10:00:00", "/query/known_at", "time zone"),
        ("known_at=2024-01-02T10:00:00+01:00", "/query/known_at", "%2B"),
        ("include_closed=perhaps", "/query/include_closed", "boolean"),
    ],
)
def test_an_unreadable_parameter_is_pointed_at(query: str, pointer: str, said: str) -> None:
    answer = Desk().client.get(f"/portfolios/P-1/positions?{query}")
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == pointer
    assert said in fault["detail"]


def test_an_unforeseen_error_tells_nothing() -> None:
    desk = Desk()
    desk.reader.fault = RuntimeError('relation "entries" does not exist at a/secret/path')
    answer = desk.served.get("/portfolios/")
    assert_is_problem(answer, 500, "internal")
    assert "entries" not in answer.text
    assert "secret" not in answer.text


def test_an_unforeseen_error_reaches_the_log_of_the_server_once_with_its_id() -> None:
    desk = Desk()
    desk.reader.fault = RuntimeError("no such thing")
    with pytest.raises(RuntimeError, match="no such thing") as raised:
        desk.client.get("/portfolios/")
    assert raised.value.__notes__ == [f"GET /portfolios/, correlation id QRY:{AN_ID}"]


def test_an_unforeseen_error_under_a_page_is_a_page() -> None:
    desk = Desk()
    desk.reader.fault = RuntimeError("no such thing")
    answer = desk.served.get("/ui/")
    assert answer.status_code == 500
    assert answer.text.startswith("<!doctype html>")
    assert answer.headers["X-Correlation-ID"] == f"QRY:{AN_ID}"


def test_an_error_of_the_store_tells_nothing_of_its_inside() -> None:
    desk = Desk()
    desk.reader.fault = StoreError('syntax error at or near "SELECT"', hint="see the log")
    answer = desk.served.get("/portfolios/")
    assert_is_problem(answer, 500, "internal")
    assert "SELECT" not in answer.text


def test_a_store_out_of_reach_is_not_ready_but_alive() -> None:
    desk = Desk()
    desk.reader.fault = StoreUnavailableError("no connection", hint="start the database")
    for path in ("/health/ready", "/health/startup", "/portfolios/"):
        answer = desk.client.get(path)
        assert_is_problem(answer, 503, "store.unavailable")
        assert answer.headers["Retry-After"] == "5"
    assert desk.client.get("/health/live").json() == {"status": "alive"}


def test_health_and_version() -> None:
    client = Desk().client
    assert client.get("/health/ready").json() == {
        "status": "ready",
        "dependencies": {"database": "ok"},
    }
    assert client.get("/health/startup").status_code == 200
    assert client.get("/version").json() == {"name": "tidebook", "version": "0.1.0"}


@pytest.mark.parametrize(
    ("sent", "used"),
    [
        ("abc-123", "abc-123"),
        ("x" * 200, "x" * 200),
        ("x" * 201, f"QRY:{AN_ID}"),
        ("a b", f"QRY:{AN_ID}"),
        ("", f"QRY:{AN_ID}"),
    ],
)
def test_a_correlation_id_is_echoed_when_it_is_fit(sent: str, used: str) -> None:
    answer = Desk().client.get("/nowhere", headers={"X-Correlation-ID": sent})
    assert answer.headers["X-Correlation-ID"] == used
    assert answer.json()["correlation_id"] == used


def test_a_correlation_id_travels_with_the_facts() -> None:
    desk = Desk()
    desk.client.post(
        "/ingest/portfolios", json={"portfolios": []}, headers={"X-Correlation-ID": "mine"}
    )
    assert desk.commands.correlation_ids == ["mine"]


@pytest.mark.parametrize("kind", error_classes(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_of_its_branch(kind: type[errors.TidebookError]) -> None:
    branch = [parent for parent in kind.__mro__ if parent in STATUS]
    assert branch[0] is not errors.TidebookError or kind is errors.TidebookError
    assert 400 <= status_of(kind) <= 599


def test_the_table_of_statuses() -> None:
    assert {kind.__name__: status_of(kind) for kind in STATUS} == {
        "TidebookError": 500,
        "InputError": 422,
        "MalformedBodyError": 400,
        "UnknownParameterError": 400,
        "BodyTooLargeError": 413,
        "MediaTypeError": 415,
        "NotAcceptableError": 406,
        "NotFoundError": 404,
        "ConflictError": 409,
        "StoreError": 500,
        "StoreUnavailableError": 503,
        "FencedError": 503,
        "OverloadedError": 429,
        "StagesAwayError": 503,
        "AnalyticsError": 422,
        "MarketDataError": 503,
        "ServerError": 502,
        "UnsafeNonceError": 500,
        "BusError": 503,
    }


def test_a_refusal_carries_sentence_and_remedy() -> None:
    problem = problem_of(errors.UnknownPortfolioError("P-9"))
    assert problem.detail == "portfolio 'P-9' is not in the book"
    assert problem.hint.startswith("check the id")
