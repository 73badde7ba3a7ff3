"""What is stated of accounts over HTTP, and what it changes in what the rules say.

u1 holds 100 ACME bought at 50 on 3 January 2024 and sold at 40 on 1 February: a loss of 1,000. It
is noon of 20 February.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.edges.test_http_compliance import BUY, SELL, Desk, order, sale_of

PATH = "/portfolios/user:u1/compliance/policy"


@pytest.fixture(name="desk")
def traded() -> Desk:
    desk = Desk()
    desk.ask("post", "/trades", BUY, 201)
    desk.ask("post", "/trades", SELL, 201)
    return desk


def state(desk: Desk, **fields: object) -> Any:  # noqa: ANN401 - JSON
    return desk.ask("put", PATH, fields)


def wash_of(desk: Desk, trade_id: str) -> dict[str, Any]:
    audits = desk.ask("get", "/users/u1/compliance?not_applicable=true&limit=1000")["audits"]
    (found,) = [each for each in audits if each["id"] == f"{trade_id}:wash_sale_us"]
    return found


def test_what_is_stated_from_a_day_on_stands_before_what_was_stated_earlier(desk: Desk) -> None:
    state(desk, account_type="margin")
    state(desk, account_type="cash", effective_from="2024-02-01")
    body = state(desk, account_type="portfolio_margin", effective_from="2024-03-01")
    assert body["policy"]["account_type"] == "portfolio_margin"
    earlier = [(each["account_type"], each["effective_from"]) for each in body["earlier"]]
    assert earlier == [("cash", "2024-02-01"), ("margin", None)]
    # What is stated for the same day or an earlier one takes the place of all that follows.
    again = state(desk, account_type="cash", effective_from="2024-01-15")
    assert [each["effective_from"] for each in again["earlier"]] == [None]
    assert desk.ask("get", PATH) == again


def test_under_an_election_of_section_475_no_loss_is_washed(desk: Desk) -> None:
    desk.trade(qty=60, price=41, executed_at="2024-02-15T15:30:00Z", external_id="b2")
    sale = wash_sale_id(desk)
    assert wash_of(desk, sale)["status"] == "flag"
    state(desk, mark_to_market_from="2024-02-02")
    assert wash_of(desk, sale)["status"] == "flag"
    state(desk, mark_to_market_from="2024-02-01")
    found = wash_of(desk, sale)
    assert found["status"] == "not_applicable"
    assert "475(f)" in found["reason"]


def wash_sale_id(desk: Desk) -> str:
    audits = desk.ask("get", "/users/u1/compliance?limit=1000")["audits"]
    return next(each["trade_id"] for each in audits if each["trade_date"] == "2024-02-01")


def test_a_law_on_digital_assets_is_a_day_in_the_policy(desk: Desk) -> None:
    coin = {"symbol": "BTC", "asset_class": "crypto", "qty": 1}
    desk.trade(**coin, price=50, executed_at="2024-01-03T15:30:00Z", external_id="c1")
    sold = desk.trade(
        **coin, price=40, side="sell", executed_at="2024-02-05T15:30:00Z", external_id="c2"
    )
    desk.trade(**coin, price=41, executed_at="2024-02-10T15:30:00Z", external_id="c3")
    assert wash_of(desk, sold)["status"] == "not_applicable"
    state(desk, digital_assets_from="2024-02-06")
    assert wash_of(desk, sold)["status"] == "not_applicable"
    state(desk, digital_assets_from="2024-02-05")
    found = wash_of(desk, sold)
    assert found["status"] == "flag"
    assert found["metadata"]["amounts"]["disallowed"]["value"] == "10"


def test_a_window_may_be_stated_longer_than_the_laws_and_not_shorter(desk: Desk) -> None:
    # 1 February and 40 days are 12 March.
    asked = order("buy", 10, "41")
    at = "2024-03-12T15:30:00Z"
    assert desk.check(asked, at=at)["orders"][0]["would_wash"] is False
    state(desk, params={"wash_sale_us.window_days": "40"})
    assert desk.check(asked, at=at)["orders"][0]["would_wash"] is True
    assert desk.check(asked, at="2024-03-13T15:30:00Z")["orders"][0]["would_wash"] is False
    state(desk, params={"wash_sale_us.window_days": "1"})
    assert desk.check(asked, at="2024-03-02T15:30:00Z")["orders"][0]["would_wash"] is True


def test_a_contract_of_section_1256_is_washed_by_nothing(desk: Desk) -> None:
    desk.trade(qty=60, price=41, executed_at="2024-02-15T15:30:00Z", external_id="b2")
    sale = wash_sale_id(desk)
    state(desk, securities={"ACME": {"section_1256": True}})
    assert "1256" in wash_of(desk, sale)["reason"]


def test_fills_that_the_policy_names_as_one_order_are_one_spread(desk: Desk) -> None:
    legs: list[str] = []
    for side, hour in (("buy", 15), ("sell", 16)):
        for minute, leg in enumerate(("C50", "C60")):
            at = f"2024-02-06T{hour}:0{minute}:00Z"
            legs.append(desk.trade(symbol=leg, side=side, executed_at=at, external_id=leg + side))
    counts = "day_trades_in_window"

    def counted() -> str:
        audits = desk.ask("get", "/users/u1/compliance?limit=1000")["audits"]
        last = next(each for each in audits if each["id"] == f"{legs[-1]}:pattern_day_trading")
        return last["metadata"]["amounts"][counts]["value"]

    assert counted() == "2"
    # Both legs were bought by one order and sold by another: the spread is one day trade.
    state(desk, orders={legs[0]: "in", legs[1]: "in", legs[2]: "out", legs[3]: "out"})
    assert counted() == "1"


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (
            {"params": {"position_size_limit.limit": "5"}},
            "/params/position_size_limit.limit",
            "param.unknown",
        ),
        ({"securities": {"ACME": 5}}, "/securities/ACME", "object.expected"),
        (
            {"securities": {"ACME": {"leverage_factor": 0}}},
            "/securities/ACME/leverage_factor",
            "number.not-positive",
        ),
        (
            {"pattern_day_trader": {"resets": [{"on": "2024-01-02", "actor": "x", "reason": " "}]}},
            "/pattern_day_trader/resets/0/reason",
            "field.missing",
        ),
        ({"effective_from": "soon"}, "/effective_from", "date.unreadable"),
        ({"orders": {"t": 5}}, "/orders/t", "id.unusable"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    desk: Desk, body: dict[str, object], pointer: str, code: str
) -> None:
    problem = desk.ask("put", PATH, body, 422)
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [(pointer, code)]


def test_open_orders_count_as_day_trades_that_may_be(desk: Desk) -> None:
    asked = order("buy", 10, "41")
    body = {"orders": [asked], "open_orders": [order("sell", 10, "45")]}
    (checked,) = desk.ask("post", "/users/u1/compliance/check", body)["orders"]
    assert (checked["would_be_day_trade"], checked["potential_day_trades"]) == (True, 1)
    (alone,) = desk.check(asked)["orders"]
    assert (alone["would_be_day_trade"], alone["potential_day_trades"]) == (False, 0)


def test_shares_that_an_open_order_sells_cannot_be_closed_twice(desk: Desk) -> None:
    desk.trade(qty=10, external_id="more", executed_at="2024-02-15T15:30:00Z")
    state(desk, restricted=[{"symbol": "ACME", "why": "blackout"}], equity_elsewhere="0")
    sale = order("sell", 10, "45")
    alone = desk.check(sale)
    assert (alone["allowed"], alone["orders"][0]["reduce_only"]) == (True, True)
    # With 4 of the 10 sold by the open order, 4 of these would be sold short.
    body = {"orders": [sale], "open_orders": [order("sell", 4, "45")]}
    answer = desk.ask("post", "/users/u1/compliance/check", body)
    (checked,) = answer["orders"]
    assert (answer["allowed"], checked["reduce_only"]) == (False, False)
    (found,) = [one for one in checked["checks"] if one["check_name"] == "restricted_list"]
    assert found["status"] == "fail"
    assert found["reason"].endswith("; open orders are counted")


def test_open_purchases_take_their_room_under_a_limit(desk: Desk) -> None:
    state(desk, equity_elsewhere="100000")
    # 100,000 elsewhere, 10,000 that come with the open order and 12,000 with this one: the room
    # is 20 % of 122,000 less 10,000, which are 144 units at 100, and not 224.
    body = {"orders": [order("buy", 120, "100")], "open_orders": [order("buy", 100, "100")]}
    (checked,) = desk.ask("post", "/users/u1/compliance/check", body)["orders"]
    assert checked["max_additional_qty"] == "144"
    (alone,) = desk.check(order("buy", 120, "100"))["orders"]
    assert alone["max_additional_qty"] == "224"


def test_two_orders_of_one_id_are_refused_even_if_one_is_open(desk: Desk) -> None:
    body = {
        "orders": [order("buy", 1, "41", order_id="a")],
        "open_orders": [order("buy", 1, "41", order_id="a")],
    }
    problem = desk.ask("post", "/users/u1/compliance/check", body, 422)
    assert problem["errors"][0]["code"] == "orders.same-id"


def test_a_policy_is_no_verdict_and_an_unknown_portfolio_has_none(desk: Desk) -> None:
    assert desk.ask("get", "/portfolios/none/compliance/policy", code=404)["code"]
    assert desk.ask("get", PATH)["is_stated"] is False
    assert sale_of(desk)
