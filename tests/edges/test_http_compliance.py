"""Rules over HTTP: verdicts on trades, orders before they are sent, and what is stated of accounts.

u1 buys 100 ACME at 50 on 3 January 2024 and sells them at 40 on 1 February: a loss of 1,000, whose
window is open to 2 March. It is noon of 20 February.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.edges.test_http_queries import shape
from tests.unit.cli.memory_book import MemoryBook
from tidebook.api import create_app
from tidebook.api.samples import examples

BUY = {
    "user_id": "u1",
    "symbol": "ACME",
    "side": "buy",
    "qty": 100,
    "price": 50,
    "executed_at": "2024-01-03T15:30:00Z",
    "external_id": "b1",
}
SELL = BUY | {
    "side": "sell",
    "price": 40,
    "executed_at": "2024-02-01T15:30:00Z",
    "external_id": "s1",
}


class Noon:
    """A clock that stands still."""

    def now(self) -> datetime:
        return datetime(2024, 2, 20, 12, tzinfo=UTC)


class Desk:
    """A client over a book in memory."""

    def __init__(self) -> None:
        self.book = MemoryBook()
        self.book.today = Noon().now().date()
        self.client = TestClient(
            create_app(self.book, self.book, clock=Noon()), raise_server_exceptions=False
        )

    def trade(self, **fields: object) -> str:
        return self.ask("post", "/trades", BUY | fields, 201)["id"]

    def ask(self, method: str, path: str, body: object = None, code: int = 200) -> Any:  # noqa: ANN401 - JSON
        answer = self.client.request(method, path, json=body)
        assert answer.status_code == code, answer.text
        return answer.json()

    def check(self, *orders: dict[str, object], **whole: object) -> Any:  # noqa: ANN401 - JSON
        body = {"orders": list(orders)} | whole
        return self.ask("post", "/users/u1/compliance/check", body)


@pytest.fixture(name="desk")
def traded() -> Desk:
    desk = Desk()
    desk.ask("post", "/trades", BUY, 201)
    desk.ask("post", "/trades", SELL, 201)
    return desk


def sale_of(desk: Desk) -> str:
    audits = desk.ask("get", "/users/u1/compliance")["audits"]
    return audits[0]["trade_id"]


def without_rate(desk: Desk) -> str:
    """Send a trade in euros, of which no rate is known, and return its id."""
    abroad = {
        "securityId": "EURO",
        "name": "Euro plc",
        "instrumentCurrency": "EUR",
        "productType": "Equity",
    }
    desk.ask("post", "/ingest/instruments", {"instruments": [abroad]}, 202)
    return desk.trade(symbol="EURO", external_id="e1", executed_at="2024-02-05T15:30:00Z")


def order(side: str, qty: int, price: object, **more: object) -> dict[str, object]:
    return {"symbol": "ACME", "side": side, "qty": qty, "price": price} | more


def test_the_documented_examples_have_the_shape_of_the_answers(desk: Desk) -> None:
    sale = sale_of(desk)
    known = examples()
    desk.trade(symbol="OTHER", external_id="o1", executed_at="2024-02-15T15:30:00Z")
    without_rate(desk)
    answers = {
        "compliance_accounts": desk.ask("get", "/users/u1/compliance/accounts"),
        "compliance_rules": desk.ask("get", "/compliance/rules"),
        "user_compliance": desk.ask("get", "/users/u1/compliance"),
        "compliance_history": desk.ask("get", f"/users/u1/compliance/trades/{sale}"),
        "compliance_check": desk.ask(
            "post", "/users/u1/compliance/check", known["compliance_check_request"]
        ),
        "compliance_policy": desk.ask(
            "put", "/portfolios/user:u1/compliance/policy", known["compliance_policy_request"]
        ),
        "compliance_acknowledgement": desk.ask(
            "post",
            "/users/u1/compliance/acknowledgements",
            known["compliance_acknowledgement_request"] | {"trade_id": sale},
            201,
        ),
    }
    seen = desk.ask("get", "/users/u1/compliance/acknowledgements")
    answers["compliance_acknowledgements"] = seen
    for name, answer in answers.items():
        assert shape(known[name]) == shape(answer), name


def test_the_totals_are_those_of_all_checks_whatever_is_listed(desk: Desk) -> None:
    body = desk.ask("get", "/users/u1/compliance?limit=1")
    assert len(body["audits"]) == 1
    summary = body["summary"]
    assert summary["trades"] == 2
    # Nine rules apply to each trade; the purchase is all of its account, and the loss is open.
    assert summary["total_checks"] == 18
    assert (summary["passed"], summary["flagged"], summary["failed"]) == (16, 1, 0)
    assert summary["provisional"] == 1


def test_the_checks_have_the_names_that_clients_know(desk: Desk) -> None:
    audits = desk.ask("get", "/users/u1/compliance")["audits"]
    names = {audit["check_name"] for audit in audits}
    assert {
        "pattern_day_trading",
        "wash_sale",
        "position_size_limit",
        "leverage_limit",
    } <= names
    assert "cash_account" not in names
    everything = desk.ask("get", "/users/u1/compliance?not_applicable=true")["audits"]
    assert "cash_account" in {audit["check_name"] for audit in everything}


def test_every_audit_names_its_rule_its_version_and_its_source(desk: Desk) -> None:
    body = desk.ask("get", "/users/u1/compliance")
    assert body["disclaimer"] == "This is not legal or tax advice."
    wash = next(each for each in body["audits"] if each["check_name"] == "wash_sale")
    assert (wash["rule_id"], wash["rule_version"]) == ("wash_sale_us", "1")
    assert wash["source_url"].startswith("https://")
    assert wash["clears_on"] == "2024-03-03"


def test_four_day_trades_in_five_days_are_a_pattern(desk: Desk) -> None:
    for number, day in enumerate((5, 6, 7, 8)):
        for side, hour in (("buy", 15), ("sell", 16)):
            at = f"2024-02-0{day}T{hour}:00:00Z"
            symbol = f"S{number}"
            desk.trade(symbol=symbol, side=side, executed_at=at, external_id=f"{symbol}{side}")
    audits = desk.ask("get", "/users/u1/compliance")["audits"]
    last = next(each for each in audits if each["check_name"] == "pattern_day_trading")
    # What the user has besides is not in the book, so the equity may be enough.
    assert last["status"] == "flag"
    *made, designated = last["metadata"]["evidence"]
    assert [each["note"] for each in made] == ["S0", "S1", "S2", "S3"]
    assert (designated["kind"], designated["on"]) == ("designated", "2024-02-08")
    desk.ask("put", "/portfolios/user:u1/compliance/policy", {"equity_elsewhere": "24999"})
    audits = desk.ask("get", "/users/u1/compliance")["audits"]
    last = next(each for each in audits if each["check_name"] == "pattern_day_trading")
    assert last["status"] == "fail"


def test_an_order_that_would_wash_a_loss_is_told_with_the_day_from_which_it_would_not(
    desk: Desk,
) -> None:
    (checked,) = desk.check(order("buy", 60, "41"))["orders"]
    assert (checked["would_wash"], checked["earliest_clean_date"]) == (True, "2024-03-03")
    assert checked["wash"]["disallowed"] == "600"
    assert checked["allowed"] is True
    late = desk.check(order("buy", 60, "41"), at="2024-03-03T15:30:00Z")["orders"][0]
    assert late["would_wash"] is False
    # Nothing was kept of it.
    assert desk.ask("get", "/users/u1/compliance")["summary"]["trades"] == 2


def test_a_sale_says_what_it_would_lose_and_from_when_it_would_not(desk: Desk) -> None:
    # 30 OLD held since August at 60, 10 bought ten days ago: a sale of 30 at 45 loses 450, and
    # the 10 new shares replace a third of it until 31 days after they were bought.
    old = {"symbol": "OLD", "qty": 30, "price": 60, "executed_at": "2023-08-01T15:30:00Z"}
    new = {"symbol": "OLD", "qty": 10, "price": 46, "executed_at": "2024-02-10T15:30:00Z"}
    desk.trade(**old, external_id="old")
    desk.trade(**new, external_id="new")
    (checked,) = desk.check(order("sell", 30, "45", symbol="OLD"))["orders"]
    assert (checked["wash"]["loss"], checked["wash"]["disallowed"]) == ("450", "150")
    assert checked["earliest_clean_date"] == "2024-03-12"
    assert checked["clean_qty"] == "0"
    assert checked["reduce_only"] is True


def test_a_canadian_sale_says_what_would_be_denied_and_what_would_not(desk: Desk) -> None:
    # 30 OLD held since August at 60, 10 bought ten days ago and kept: 10 / 30 of the loss of 450,
    # until 31 days after they were bought. Who sells all 40 keeps none, and nothing is denied.
    desk.ask("put", "/portfolios/user:u1/compliance/policy", {"jurisdiction": "CA"})
    old = {"symbol": "OLD", "qty": 30, "price": 60, "executed_at": "2023-08-01T15:30:00Z"}
    new = {"symbol": "OLD", "qty": 10, "price": 46, "executed_at": "2024-02-10T15:30:00Z"}
    desk.trade(**old, external_id="old")
    desk.trade(**new, external_id="new")
    (some,) = desk.check(order("sell", 30, "45", symbol="OLD"))["orders"]
    assert (some["wash"]["loss"], some["wash"]["disallowed"]) == ("450", "150")
    assert (some["earliest_clean_date"], some["clean_qty"]) == ("2024-03-12", "0")
    (whole,) = desk.check(order("sell", 40, "45", symbol="OLD"))["orders"]
    assert (whole["would_wash"], whole["clean_qty"]) == (False, "40")
    # ACME was sold at a loss of 1,000 on 1 February: 60 of 100 bought back deny 600 of it.
    (back,) = desk.check(order("buy", 60, "41"))["orders"]
    assert (back["wash"]["disallowed"], back["clean_qty"]) == ("600", "0")
    assert (back["earliest_clean_date"], back["wash"]["sell_from"]) == ("2024-03-03", "2024-03-22")


def test_what_is_sold_beyond_what_is_held_washes_nothing(desk: Desk) -> None:
    desk.trade(qty=20, price=41, executed_at="2024-02-15T15:30:00Z", external_id="b2")
    (checked,) = desk.check(order("sell", 50, 45))["orders"]
    assert (checked["would_wash"], checked["clean_qty"]) == (False, "50")


def test_contracts_are_counted_and_not_the_shares_that_they_are_for(desk: Desk) -> None:
    call = "OTHER 240621C00040000"
    desk.trade(symbol=call, qty=2, price=3, executed_at="2024-01-08T15:30:00Z", external_id="o1")
    sell: dict[str, object] = {"symbol": call, "side": "sell", "qty": 2, "price": 4}
    (checked,) = desk.check(sell)["orders"]
    assert checked["clean_qty"] == "2"
    (bought,) = desk.check(sell | {"side": "buy", "qty": 3})["orders"]
    assert bought["clean_qty"] == "3"


def test_a_basket_is_judged_one_order_after_the_other(desk: Desk) -> None:
    first, second = desk.check(
        order("buy", 10, "41", order_id="in"), order("sell", 10, "41", order_id="out")
    )["orders"]
    assert first["would_be_day_trade"] is False
    assert second["would_be_day_trade"] is True
    assert second["reduce_only"] is True


def test_what_only_reduces_is_not_blocked_by_limits(desk: Desk) -> None:
    desk.trade(qty=1000, external_id="much", executed_at="2024-02-05T15:30:00Z")
    policy = {
        "limits": [{"limit_id": "tiny", "max_value": "1", "blocks": True}],
        "restricted": [{"symbol": "ACME"}],
        "equity_elsewhere": "0",
    }
    desk.ask("put", "/portfolios/user:u1/compliance/policy", policy)
    more, less = (desk.check(order(side, 10, "50")) for side in ("buy", "sell"))
    assert more["allowed"] is False
    assert less["allowed"] is True


def test_a_limit_says_how_much_more_it_takes(desk: Desk) -> None:
    policy = {"equity_elsewhere": "100000"}
    desk.ask("put", "/portfolios/user:u1/compliance/policy", policy)
    # 100,000 elsewhere and 300 x 100 that come in with the order: 20 % are 26,000.
    (checked,) = desk.check(order("buy", 300, "100"))["orders"]
    assert checked["max_additional_qty"] == "260"
    size = next(each for each in checked["checks"] if each["check_name"] == "position_size_limit")
    assert size["status"] == "flag"


def test_an_order_without_a_price_takes_the_last_one_known(desk: Desk) -> None:
    body = {"symbol": "ACME", "side": "buy", "qty": 1}
    problem = desk.ask("post", "/users/u1/compliance/check", body, 422)
    assert problem["errors"][0]["code"] == "price.unknown"
    price = {"securityId": "ACME", "priceDate": "2024-02-19", "price": "42", "currency": "USD"}
    desk.ask("post", "/ingest/market-prices", {"market_prices": [price]}, 202)
    (checked,) = desk.ask("post", "/users/u1/compliance/check", body)["orders"]
    assert (checked["price"], checked["price_date"]) == ("42", "2024-02-19")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"orders": []}, "orders.number"),
        ({"orders": [{"symbol": "X", "side": "hold", "qty": 1}]}, "word.unknown"),
        ({"symbol": "X", "side": "buy", "qty": -1}, "number.not-positive"),
        ({"orders": [order("buy", 1, 1, order_id="a")] * 2}, "orders.same-id"),
    ],
)
def test_an_order_that_cannot_be_read_is_refused(desk: Desk, body: object, code: str) -> None:
    problem = desk.ask("post", "/users/u1/compliance/check", body, 422)
    assert code in {fault["code"] for fault in problem["errors"]}


def test_an_acknowledgement_needs_a_reason_and_stands_beside_the_verdict(desk: Desk) -> None:
    sale = sale_of(desk)
    said = {"trade_id": sale, "rule_id": "wash_sale", "actor": "ann", "reason": " "}
    path = "/users/u1/compliance/acknowledgements"
    assert desk.ask("post", path, said, 422)["errors"][0]["pointer"] == "/reason"
    desk.ask("post", path, said | {"reason": "no purchase is planned"}, 201)
    audits = desk.ask("get", "/users/u1/compliance")["audits"]
    wash = next(each for each in audits if each["id"] == f"{sale}:wash_sale_us")
    assert wash["status"] == "provisional"
    assert wash["acknowledgement"]["reason"] == "no purchase is planned"


def test_an_acknowledgement_is_of_what_the_verdict_said_then(desk: Desk) -> None:
    sale, path = sale_of(desk), "/users/u1/compliance/acknowledgements"
    said = {"trade_id": sale, "rule_id": "wash_sale", "actor": "ann", "reason": "seen"}
    kept = desk.ask("post", path, said, 201)
    assert "a loss of 1000 USD counts so far" in kept["said"]

    def acknowledged() -> Any:  # noqa: ANN401 - JSON
        audits = desk.ask("get", "/users/u1/compliance")["audits"]
        (wash,) = [one for one in audits if one["id"] == f"{sale}:wash_sale_us"]
        return wash["acknowledgement"]

    assert acknowledged()["is_current"] is True
    # 60 of the 100 shares are bought back: the verdict is another one, and nobody has seen it.
    desk.trade(qty=60, price=41, executed_at="2024-02-10T15:30:00Z", external_id="b2")
    assert acknowledged()["is_current"] is False
    desk.ask("post", path, said | {"actor": "bob"}, 201)
    assert (acknowledged()["actor"], acknowledged()["is_current"]) == ("bob", True)
    listed = desk.ask("get", path)
    assert listed["total"] == 2
    assert [one["actor"] for one in listed["acknowledgements"]] == ["bob", "ann"]
    assert len(desk.ask("get", f"{path}?limit=1&skip=1")["acknowledgements"]) == 1


def test_an_audit_has_the_keys_that_clients_know(desk: Desk) -> None:
    keys = {"id", "user_id", "trade_id", "check_name", "status", "reason", "metadata", "created_at"}
    for audit in desk.ask("get", "/users/u1/compliance")["audits"]:
        assert keys <= audit.keys()
        assert audit["user_id"] == "u1"


def test_a_trade_that_is_not_booked_is_said_to_be_judged_by_nobody(desk: Desk) -> None:
    waiting = without_rate(desk)
    body = desk.ask("get", "/users/u1/compliance")
    assert waiting not in {audit["trade_id"] for audit in body["audits"]}
    (said,) = [one for one in body["not_booked"] if one["trade_id"] == waiting]
    assert said["code"] == "rate.missing"
    assert "EUR to USD" in said["reason"]
    rate = {"fromCurrency": "EUR", "toCurrency": "USD", "rateDate": "2024-02-05", "rate": "1.1"}
    desk.ask("post", "/ingest/fx-rates", {"fx_rates": [rate]}, 202)
    body = desk.ask("get", "/users/u1/compliance")
    assert body["not_booked"] == []
    assert waiting in {audit["trade_id"] for audit in body["audits"]}


def test_what_is_not_there_is_said(desk: Desk) -> None:
    assert desk.ask("get", "/users/nobody/compliance", code=404)["code"] == "user.unknown"
    missing = desk.ask("get", "/users/u1/compliance/trades/none", code=404)
    assert missing["code"] == "compliance.verdict-unknown"


def test_the_rules_of_a_day_are_marked(desk: Desk) -> None:
    body = desk.ask("get", "/compliance/rules?as_of=2026-06-04")
    in_force = {each["rule_id"]: each for each in body["rules"] if each["in_force"]}
    assert in_force["intraday_margin"]["effective_from"] == "2026-06-04"
    assert in_force["pattern_day_trading"]["effective_to"] == "2027-10-20"
    assert in_force["superficial_loss_ca"]["jurisdiction"] == "CA"
    assert in_force["position_size_limit"]["params"] == {
        "limit_pct": {"value": "20", "unit": "percent"}
    }


def test_sales_of_a_year_are_the_rows_of_the_form(desk: Desk) -> None:
    desk.trade(qty=60, price=41, executed_at="2024-02-15T15:30:00Z", external_id="b2")
    body = desk.ask("get", "/users/u1/tax/form-8949?year=2024")
    assert shape(examples()["form_8949"]) == shape(body)
    (report,) = body["reports"]
    assert report["rows"] == [
        {
            "box": "C",
            "description": "100 ACME",
            "date_acquired": "2024-01-03",
            "date_sold": "2024-02-01",
            "proceeds": "4000",
            "cost_or_other_basis": "5000",
            "code": "W",
            "adjustment": "600",
            "gain_or_loss": "-400",
        }
    ]
    answer = desk.client.get("/users/u1/tax/form-8949?year=2024&format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.splitlines()[1] == (
        "C,100 ACME,2024-01-03,2024-02-01,4000.00,5000.00,W,600.00,-400.00,USD,"
        "This is not legal or tax advice."
    )
    assert desk.ask("get", "/users/u1/tax/form-8949?year=2023")["reports"][0]["rows"] == []


def test_an_account_that_another_country_taxes_is_on_no_form_and_is_named(desk: Desk) -> None:
    desk.trade(qty=60, price=41, executed_at="2024-02-15T15:30:00Z", external_id="b2")
    desk.ask("put", "/portfolios/user:u1/compliance/policy", {"jurisdiction": "CA"})
    (report,) = desk.ask("get", "/users/u1/tax/form-8949?year=2024")["reports"]
    assert report["rows"] == []
    (told,) = report["left_out"]
    assert "user:u1 is taxed by CA" in told
    (report,) = desk.ask("get", "/users/u1/tax/lots")["reports"]
    assert report["lots"] == []
    assert set(report["totals"].values()) == {"0"}
    # With an account in the United States its sales are on the form, those of the other are not.
    at = {"account_id": "us", "symbol": "OTHER"}
    desk.trade(**at, external_id="b3")
    desk.trade(**at, external_id="s3", side="sell", price=40, executed_at="2024-02-01T15:30:00Z")
    (report,) = desk.ask("get", "/users/u1/tax/form-8949?year=2024")["reports"]
    assert [row["description"] for row in report["rows"]] == ["100 OTHER"]


def test_a_call_bought_by_its_symbol_replaces_the_stock(desk: Desk) -> None:
    call = "ACME  240621C00045000"
    desk.trade(symbol=call, qty=1, price=3, executed_at="2024-02-15T15:30:00Z", external_id="o1")
    audits = desk.ask("get", "/users/u1/compliance")["audits"]
    (sale,) = [
        one
        for one in audits
        if one["check_name"] == "wash_sale" and one["trade_date"] == "2024-02-01"
    ]
    # One contract is for 100 shares: the whole loss of 1,000 waits.
    assert sale["status"] == "flag"
    assert sale["metadata"]["amounts"]["disallowed"]["value"] == "1000"


def test_open_lots_carry_what_was_deferred(desk: Desk) -> None:
    desk.trade(qty=60, price=41, executed_at="2024-02-15T15:30:00Z", external_id="b2")
    body = desk.ask("get", "/users/u1/tax/lots")
    assert shape(examples()["tax_lots"]) == shape(body)
    (report,) = body["reports"]
    (lot,) = report["lots"]
    # 60 x 41 = 2,460 and the 600 that wait; held 29 days longer than since 15 February.
    assert (lot["cost"], lot["deferred"], lot["basis"]) == ("2460", "600", "3060")
    assert lot["held_since"] == "2024-01-17"
    assert (report["totals"]["recognised"], report["totals"]["deferred"]) == ("-400", "600")


def test_a_purchase_in_another_account_is_a_difference_that_a_broker_rightly_has(
    desk: Desk,
) -> None:
    desk.trade(
        qty=60,
        price=41,
        account_id="second",
        executed_at="2024-02-15T15:30:00Z",
        external_id="b2",
    )
    body = desk.ask("get", "/users/u1/tax/broker-differences?year=2024")
    assert shape(examples()["broker_differences"]) == shape(body)
    (report,) = body["reports"]
    (sale,) = report["sales"]
    assert (sale["disallowed"], sale["disallowed_by_broker"]) == ("600", "0")
    assert sale["why"] == ["other_account"]
    assert (
        desk.ask("get", "/users/u1/tax/broker-differences?year=2023")["reports"][0]["sales"] == []
    )
