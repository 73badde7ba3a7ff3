"""Every amount of verdicts and tax reports has a tree down to entries, prices, rates and rules."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from tests.edges.test_every_figure_is_explained import wide_book
from tests.edges.test_http_compliance import BUY, SELL, Desk, Noon
from tests.fixtures.booking import portfolio, security, trade
from tests.fixtures.figure_walk import numbers_of, same, unexplained
from tests.unit.cli.memory_book import MemoryBook, Openings
from tests.unit.cli.terminal import terminal
from tidebook.api import create_app

if TYPE_CHECKING:
    from collections.abc import Callable


ALIKE_MAX = 2
"""How many amounts of one name, by one rule, are compared."""


def washed() -> TestClient:
    """Return a book in which 40 of 100 shares sold at a loss of 1,000 were bought back."""
    desk = Desk()
    desk.ask("post", "/trades", BUY, 201)
    desk.ask("post", "/trades", SELL, 201)
    rebuy = {"qty": 40, "price": 42, "executed_at": "2024-02-05T15:30:00Z", "external_id": "b2"}
    desk.trade(**rebuy)
    return desk.client


def with_cash() -> TestClient:
    """Return a book with cash, two currencies, a short sale and a broker's own parameter."""
    book = wide_book()
    book.owners["P1"] = book.owners["P1"]._replace(cif_id="u1")
    client = TestClient(create_app(book, book, clock=Noon()))
    policy = {"account_type": "margin", "params": {"position_size_limit.limit_pct": "7.5"}}
    answer = client.put("/portfolios/P1/compliance/policy", json=policy)
    assert answer.status_code == 200, answer.text
    return client


def explained(client: TestClient, **asked: object) -> dict[str, Any]:
    answer = client.get("/explain", params={"user_id": "u1", **asked})  # type: ignore[arg-type]
    assert answer.status_code == 200, (asked, answer.text)
    return answer.json()


@pytest.mark.parametrize("make", [washed, with_cash])
def test_every_amount_of_a_verdict_follows_from_its_tree(make: Callable[[], TestClient]) -> None:
    client = make()
    answer = client.get("/users/u1/compliance?limit=1000").json()
    found = numbers_of("/users/{user_id}/compliance", answer)
    assert unexplained(found) == []
    seen: Counter[tuple[object, ...]] = Counter()
    for field in found:
        if field.figure is None:
            continue
        around = field.around
        asked: dict[str, object] = {
            "figure": field.figure,
            "transaction_id": around["trade_id"],
            "rule_id": around["rule_id"],
        }
        if field.figure == "verdict.amount":
            asked["amount"] = field.path[-2]
        else:
            asked["row"] = field.path[-2]
        kind = field.figure, around["rule_id"], asked.get("amount"), field.value == "0"
        seen[kind] += 1
        if seen[kind] > ALIKE_MAX:
            continue
        told = explained(client, width=1, **asked)
        assert same(field.value, told["value"]), (field.path, field.value, told["value"])
        assert told["agrees"], (asked, told)
        assert told["recomputed"] == told["value"]
    assert len(seen) > 20


@pytest.mark.parametrize("make", [washed, with_cash])
@pytest.mark.parametrize("route", ["tax/lots", "tax/form-8949"])
def test_every_amount_of_a_tax_report_follows_from_its_tree(
    make: Callable[[], TestClient], route: str
) -> None:
    client = make()
    answer = client.get(f"/users/u1/{route}").json()
    answer.pop("year", None)
    found = numbers_of(f"/users/{{user_id}}/{route}", answer)
    assert unexplained(found) == []
    assert len({field.figure for field in found}) >= (9 if route == "tax/lots" else 4)
    for field in found:
        asked: dict[str, object] = {"figure": field.figure, "currency": field.around["currency"]}
        if "totals" not in field.path:
            asked["row"] = field.path[-2]
        if route != "tax/lots":
            asked["period"] = "2024"
        told = explained(client, width=1, **asked)
        assert same(field.value, told["value"]), (field.path, field.value, told["value"])
        assert told["agrees"], (asked, told)
        assert told["recomputed"] == told["value"]


def called_and_late() -> TestClient:
    """Return an account with a call and one with a deficit, of one user, at the end of their days.

    Four day trades designate P1, and 200,000 day traded with 40,000 are called for. P2 has 10,000
    under the later standard and buys 60,000 of stock.
    """
    book = MemoryBook()
    book.today = date(2026, 7, 1)
    pairs = [portfolio(cif_id="u1")._replace(portfolio_id=one) for one in ("P1", "P2")]
    book.ingest_portfolios(pairs, "test")
    book.ingest_instruments([security(one) for one in "ABCDXY"], "test")
    days = [("06", "A", 1), ("07", "B", 1), ("08", "C", 1), ("10", "D", 1), ("13", "X", 2000)]
    facts = [trade("in1", "DEPOSIT", "CASH", "2025-01-02", gross="40000")]
    for on, symbol, units in days:
        for side, hour in (("BUY", 15), ("SELL", 16)):
            at = f"2025-01-{on}T{hour}:00:00+00:00"
            named = f"{side}{symbol}"
            facts.append(trade(named, side, symbol, at, quantity=str(units), price="100"))
    abroad = [
        trade("in2", "DEPOSIT", "CASH", "2026-06-30", gross="10000"),
        trade("y", "BUY", "Y", "2026-07-01T15:00:00+00:00", quantity="600", price="100"),
    ]
    facts += [fact._replace(portfolio_id="P2") for fact in abroad]
    book.ingest_transactions(facts, "test")
    return TestClient(create_app(book, book, clock=Noon()))


@pytest.mark.parametrize(
    ("make", "as_of", "met_min"),
    [(washed, "2024-02-20", 6), (with_cash, "2024-02-20", 6), (called_and_late, "2025-01-13", 11)],
)
def test_every_figure_of_where_accounts_stand_follows_from_its_tree(
    make: Callable[[], TestClient], as_of: str, met_min: int
) -> None:
    client = make()
    days = [as_of, "2026-07-01"] if make is called_and_late else [as_of]
    met: set[str] = set()
    for day in days:
        answer = client.get(f"/users/u1/compliance/accounts?as_of={day}").json()
        found = numbers_of("/users/{user_id}/compliance/accounts", answer)
        assert unexplained(found) == []
        for field in found:
            if field.figure is None:
                continue
            asked: dict[str, object] = {"figure": field.figure, "as_of": day}
            if field.path[0] == "accounts":
                asked["portfolio_id"] = field.around["portfolio_id"]
            else:
                asked["currency"] = field.around["currency"]
            if isinstance(field.path[-2], int) and len(field.path) > 3:
                asked["row"] = field.path[-2]
            told = explained(client, width=1, **asked)
            assert same(field.value, told["value"]), (field.path, field.value, told["value"])
            assert told["agrees"], (asked, told)
            assert told["recomputed"] == told["value"]
            met.add(field.figure)
    assert len(met) >= met_min, met


def test_what_a_broker_would_report_follows_from_its_tree() -> None:
    desk = Desk()
    desk.ask("post", "/trades", BUY, 201)
    desk.ask("post", "/trades", SELL, 201)
    rebuy = {"qty": 40, "price": 42, "executed_at": "2024-02-05T15:30:00Z", "external_id": "b2"}
    desk.trade(**rebuy, account_id="ira")
    desk.trade(**rebuy | {"qty": 10, "external_id": "b3"})
    answer = desk.ask("get", "/users/u1/tax/broker-differences?year=2024")
    found = [
        one
        for one in numbers_of("/users/{user_id}/tax/broker-differences", answer)
        if one.path[0] == "reports"
    ]
    assert unexplained(found) == []
    # 50 of 100 shares by the law, the 10 of the same account by its broker: of a loss of 1,000.
    assert {one.figure: one.value for one in found} == {
        "broker_difference.disallowed": "500",
        "broker_difference.disallowed_by_broker": "100",
    }
    for field in found:
        asked = {"currency": "USD", "row": 0, "period": "2024"}
        told = explained(desk.client, figure=field.figure, width=1, **asked)
        assert told["value"] == told["recomputed"] == field.value
        assert told["agrees"]


@pytest.mark.parametrize("country", ["US", "CA"])
def test_every_amount_of_an_order_follows_from_its_tree(country: str) -> None:
    client = washed()
    for owned in client.get("/portfolios/").json()["portfolios"]:
        where = f"/portfolios/{owned['portfolio_id']}/compliance/policy"
        assert client.put(where, json={"jurisdiction": country}).status_code == 200
    orders = [
        {"order_id": "o1", "symbol": "ACME", "side": "sell", "qty": 10, "price": 30},
        {"order_id": "o2", "symbol": "ACME", "side": "buy", "qty": 5, "price": 31},
    ]
    request = {"orders": orders}
    answer = client.post("/users/u1/compliance/check", json=request).json()
    found = numbers_of("/users/{user_id}/compliance/check", answer)
    assert unexplained(found) == []
    met: set[str] = set()
    for field in found:
        if field.figure is None or (field.value is None and "wash" in field.path):
            continue
        body: dict[str, object] = {
            "figure": field.figure,
            "user_id": "u1",
            "group": field.around["order_id"],
            "request": request,
            "width": 1,
        }
        if "checks" in field.path:
            body["rule_id"] = field.around["rule_id"]
            named = "amount" if field.figure == "order.amount" else "row"
            body[named] = field.path[-2]
        elif "replace" in field.figure:
            body["row"] = field.path[-2]
        told = client.post("/explain", json=body).json()
        assert same(field.value, told["value"]), (field.path, field.value, told)
        assert told["agrees"], (body, told)
        met.add(field.figure)
    assert len(met) > 8


def leaves(tree: dict[str, Any]) -> list[dict[str, Any]]:
    below = [leaf for child in tree["children"] for leaf in leaves(child)]
    return below if tree["children"] else [tree]


def test_a_wash_sale_is_told_by_the_sale_and_what_replaced_it() -> None:
    client = washed()
    audits = client.get("/users/u1/compliance?limit=100").json()["audits"]
    (sale,) = {
        one["trade_id"]
        for one in audits
        if one["rule_id"] == "wash_sale_us" and "gain_before_rule" in one["metadata"]["amounts"]
    }
    asked = {"figure": "verdict.amount", "rule_id": "wash_sale_us", "amount": "disallowed"}
    told = explained(client, transaction_id=sale, depth=100, width=1000, **asked)
    # The loss is 1,000 on 100 shares, of which 40 were replaced: 400.
    assert (told["value"], told["unit"]) == ("400", "USD")
    sources = {leaf["source"]["kind"] for leaf in leaves(told["tree"]) if leaf["source"]}
    assert "entry" in sources
    values = {leaf["value"] for leaf in leaves(told["tree"])}
    assert values >= {"100", "40"}


def test_a_rule_s_own_numbers_are_leaves() -> None:
    client = with_cash()
    asked = {"rule_id": "position_size_limit", "transaction_id": "A1"}
    told = explained(client, figure="verdict.amount", amount="limit_pct", **asked)
    assert told["value"] == "7.5"
    (leaf,) = told["tree"]["children"]
    assert (leaf["source"]["kind"], leaf["source"]["id"]) == ("rule", "policy of P1")


def test_what_is_not_told_is_refused() -> None:
    client = washed()
    trade = client.get("/users/u1/compliance").json()["audits"][0]["trade_id"]
    asked = {"figure": "verdict.amount", "user_id": "u1", "rule_id": "wash_sale_us"}
    for more in ({"transaction_id": "X"}, {"transaction_id": trade}):
        answer = client.get("/explain", params={**asked, **more, "amount": "nothing"})
        assert (answer.status_code, answer.json()["code"]) == (404, "figure.subject-unknown")


def test_the_command_line_names_what_a_figure_is_of() -> None:
    book = wide_book()
    book.owners["P1"] = book.owners["P1"]._replace(cif_id="u1")
    terms = ["tax_total.economic", "--user", "u1", "--of", "currency=EUR"]
    told = terminal(Openings(book), "explain", *terms, "-o", "table")
    assert told.exit_code == 0, told.output
    assert "economic, EUR" in told.stdout
    wrong = terminal(Openings(book), "explain", "tax_total.economic", "--of", "colour=red")
    assert wrong.exit_code == 2
    assert "colour" in wrong.output
