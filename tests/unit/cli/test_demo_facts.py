"""The demo's facts: plausible lives, exact amounts, and one correction that matters."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tidebook.cli.demo_facts import demo_requests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidebook.cli.demo_facts import Request
    from tidebook.cli.demo_plan import Row

RECEIVED = {"DEPOSIT", "INTEREST", "DIVIDEND", "SELL"}


@pytest.fixture(scope="module", name="requests")
def fixture_requests() -> list[Request]:
    return demo_requests()


def of(requests: Iterable[Request], path: str) -> list[Row]:
    return [
        row
        for request in requests
        if request.path == path
        for rows in request.body.values()
        for row in rows
    ]


def corrected(requests: list[Request]) -> list[Row]:
    """Return the transactions as the book knows them in the end, oldest first."""
    latest = {row["transaction_id"]: row for row in of(requests, "/ingest/transactions")}
    return sorted(latest.values(), key=lambda row: (row["transaction_date"], row["transaction_id"]))


def found(rows: Iterable[Row], portfolio_id: str, kind: str, security_id: str, day: str) -> Row:
    (row,) = (
        row
        for row in rows
        if (row["portfolio_id"], row["transaction_type"], row["security_id"])
        == (portfolio_id, kind, security_id)
        and str(row["transaction_date"]).startswith(day)
    )
    return row


def lowest_balances(rows: Iterable[Row], portfolio_id: str, *, auto: bool) -> dict[str, Decimal]:
    """Count shares and money by hand; money also moves with a trade when settlement is auto."""
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    lowest: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["portfolio_id"] != portfolio_id:
            continue
        kind, what = str(row["transaction_type"]), str(row["security_id"])
        quantity, fee = Decimal(str(row["quantity"])), Decimal(str(row["trade_fee"]))
        gross = Decimal(str(row["gross_transaction_amount"]))
        if what.startswith("CASH_"):
            explicit_sign = {"BUY": 1, "SELL": -1}.get(kind, 1 if kind in RECEIVED else -1)
            held[what] += explicit_sign * gross
        else:
            held[what] += {"BUY": quantity, "TRANSFER_IN": quantity, "SELL": -quantity}.get(
                kind, Decimal(0)
            )
            if auto and kind != "TRANSFER_IN":
                account = f"CASH_{row['currency']}"
                held[account] += gross - fee if kind in RECEIVED else -(gross + fee)
        for name, amount in held.items():
            lowest[name] = min(lowest[name], amount)
    return lowest


def test_requests_go_out_in_the_order_in_which_facts_depend_on_each_other(
    requests: list[Request],
) -> None:
    assert list(dict.fromkeys(request.path for request in requests)) == [
        "/ingest/portfolios",
        "/ingest/instruments",
        "/ingest/business-dates",
        "/ingest/market-prices",
        "/ingest/fx-rates",
        "/ingest/transactions",
    ]


def test_no_request_is_longer_than_the_door_allows(requests: list[Request]) -> None:
    assert max(len(rows) for r in requests for rows in r.body.values()) == 5000
    assert all(len(r.body) == 1 for r in requests)


def test_bodies_survive_json_unchanged(requests: list[Request]) -> None:
    assert all(json.loads(json.dumps(r.body)) == r.body for r in requests)


def test_the_same_package_gives_the_same_requests(requests: list[Request]) -> None:
    assert demo_requests() == requests


def test_every_row_of_the_example_data_is_sent_once(requests: list[Request]) -> None:
    prices = of(requests, "/ingest/market-prices")
    rates = of(requests, "/ingest/fx-rates")
    days = of(requests, "/ingest/business-dates")

    assert len({(row["securityId"], row["priceDate"]) for row in prices}) == len(prices) == 27_676
    assert len({(row["toCurrency"], row["rateDate"]) for row in rates}) == len(rates) == 10_232
    assert [row["businessDate"] for row in days[:3]] == ["2013-01-02", "2013-01-03", "2013-01-04"]
    assert len(days) == 2516
    assert prices[0] == {
        "securityId": "AAPL",
        "priceDate": "2013-01-02",
        "price": "16.814",
        "currency": "USD",
    }
    assert rates[0] == {
        "fromCurrency": "EUR",
        "toCurrency": "USD",
        "rateDate": "2013-01-02",
        "rate": "1.3262",
    }


def test_the_three_portfolios_differ_in_currency_and_settlement(requests: list[Request]) -> None:
    portfolios = of(requests, "/ingest/portfolios")

    assert [(p["portfolioId"], p["baseCurrency"], p["settlement"]) for p in portfolios] == [
        ("DEMO-001", "EUR", "auto"),
        ("DEMO-002", "USD", "auto"),
        ("DEMO-003", "USD", "explicit"),
    ]


def test_isins_carry_their_check_digit(requests: list[Request]) -> None:
    isins = [str(i["isin"]) for i in of(requests, "/ingest/instruments") if "isin" in i]

    assert len(isins) == 9
    for isin in isins:
        # ISO 6166: letters become 10 to 35, then Luhn's sum over all digits ends in zero.
        digits = [int(d) for d in "".join(str(int(c, 36)) for c in isin)][::-1]
        doubled = [sum(divmod(2 * d, 10)) if n % 2 else d for n, d in enumerate(digits)]
        assert sum(doubled) % 10 == 0, isin


def test_everything_traded_is_an_introduced_instrument(requests: list[Request]) -> None:
    known = {row["securityId"] for row in of(requests, "/ingest/instruments")}

    assert {row["security_id"] for row in of(requests, "/ingest/transactions")} <= known
    assert {row["securityId"] for row in of(requests, "/ingest/market-prices")} <= known


def test_trades_happen_on_business_days_at_an_instant_with_offset(requests: list[Request]) -> None:
    days = {row["businessDate"] for row in of(requests, "/ingest/business-dates")}

    for row in of(requests, "/ingest/transactions"):
        at = datetime.fromisoformat(str(row["transaction_date"]))
        assert at.utcoffset() is not None
        assert at.date().isoformat() in days


def test_a_purchase_pays_the_close_of_the_day(requests: list[Request]) -> None:
    # 300 at the close of 16.044; five hundredths of a percent are 2.4066.
    assert found(corrected(requests), "DEMO-001", "BUY", "AAPL", "2013-01-07") == {
        "transaction_id": "DEMO-001-0004",
        "portfolio_id": "DEMO-001",
        "instrument_id": "AAPL",
        "security_id": "AAPL",
        "transaction_date": "2013-01-07T15:30:00Z",
        "transaction_type": "BUY",
        "quantity": "300",
        "price": "16.044",
        "gross_transaction_amount": "4813.200",
        "trade_currency": "USD",
        "currency": "USD",
        "trade_fee": "2.41",
    }


def test_an_exchange_of_currency_leaves_one_account_and_reaches_the_other(
    requests: list[Request],
) -> None:
    # The European Central Bank's rate of 2013-01-03 is 1.3102: 26,000 EUR are 34,065.20 USD.
    paid = found(corrected(requests), "DEMO-001", "WITHDRAWAL", "CASH_EUR", "2013-01-03")
    came = found(corrected(requests), "DEMO-001", "DEPOSIT", "CASH_USD", "2013-01-03")

    assert paid["gross_transaction_amount"] == "26000"
    assert came["gross_transaction_amount"] == came["quantity"] == "34065.20"
    assert came["price"] == "1"


def test_shares_moved_in_arrive_at_market_value_free_of_charge(requests: list[Request]) -> None:
    row = found(corrected(requests), "DEMO-001", "TRANSFER_IN", "JNJ", "2016-03-14")

    assert (row["quantity"], row["price"], row["trade_fee"]) == ("40", "88.747", "0")
    assert row["gross_transaction_amount"] == "3549.880"


def test_a_dividend_is_the_illustrative_rate_on_the_shares_held(requests: list[Request]) -> None:
    # 80 JNJ at 1.50 on Monday the 11th, the 10th being a Sunday.
    row = found(corrected(requests), "DEMO-001", "DIVIDEND", "JNJ", "2013-03-11")

    assert (row["quantity"], row["gross_transaction_amount"]) == ("0", "120.00")


def test_tax_withheld_is_fifteen_percent_of_the_year_s_dividends(requests: list[Request]) -> None:
    # 2013: JNJ 80 x 1.50, KO 120 x 0.60, JPM 120 x 0.90, XOM 60 x 1.20; PG came after June.
    # 120 + 72 + 108 + 72 = 372, of which 15 % are 55.80.
    row = found(corrected(requests), "DEMO-001", "TAX", "CASH_USD", "2013-12-20")

    assert row["gross_transaction_amount"] == "55.80"


def test_an_explicit_trade_is_paid_by_its_own_cash_leg(requests: list[Request]) -> None:
    # 200 AAPL at 41.327 are 8,265.40; the fee of five hundredths of a percent is 4.13.
    legs = [
        (row["transaction_date"], row["quantity"], row["price"])
        for row in corrected(requests)
        if (row["portfolio_id"], row["security_id"], row["transaction_type"])
        == ("DEMO-003", "CASH_USD", "SELL")
    ]

    assert legs[0] == ("2018-01-08T15:30:00Z", "8269.530", "1")


def test_an_explicit_sale_brings_in_the_proceeds_less_the_fee(requests: list[Request]) -> None:
    # 60 AAPL at 110.967 are 6,658.02; the fee of five hundredths of a percent is 3.33.
    leg = found(corrected(requests), "DEMO-003", "BUY", "CASH_USD", "2020-09-08")

    assert leg["gross_transaction_amount"] == "6654.690"


def test_automatic_settlement_is_not_sent_cash_legs(requests: list[Request]) -> None:
    traded = {
        row["portfolio_id"]
        for row in of(requests, "/ingest/transactions")
        if str(row["security_id"]).startswith("CASH_")
        and row["transaction_type"] in {"BUY", "SELL"}
    }

    assert traded == {"DEMO-003"}


@pytest.mark.parametrize(
    ("portfolio_id", "auto"), [("DEMO-001", True), ("DEMO-002", True), ("DEMO-003", False)]
)
def test_nobody_sells_or_spends_what_is_not_there(
    requests: list[Request], portfolio_id: str, auto: bool
) -> None:
    first = of(requests[:-1], "/ingest/transactions")
    for rows in (first, corrected(requests)):
        lowest = lowest_balances(rows, portfolio_id, auto=auto)
        assert lowest
        assert all(amount >= 0 for amount in lowest.values()), lowest


def test_every_kind_of_transaction_occurs(requests: list[Request]) -> None:
    kinds = Counter(row["transaction_type"] for row in of(requests, "/ingest/transactions"))

    assert set(kinds) == {
        "BUY",
        "SELL",
        "DEPOSIT",
        "WITHDRAWAL",
        "DIVIDEND",
        "INTEREST",
        "FEE",
        "TAX",
        "TRANSFER_IN",
    }
    assert 150 <= kinds.total() <= 300


def test_amounts_are_what_the_door_accepts(requests: list[Request]) -> None:
    for row in of(requests, "/ingest/transactions"):
        assert Decimal(str(row["gross_transaction_amount"])) > 0
        assert min(Decimal(str(row[f])) for f in ("quantity", "price", "trade_fee")) >= 0
        if row["transaction_type"] != "DIVIDEND":
            product = Decimal(str(row["quantity"])) * Decimal(str(row["price"]))
            assert Decimal(str(row["gross_transaction_amount"])) == product


def test_the_last_request_restores_a_digit_and_brings_a_forgotten_dividend(
    requests: list[Request],
) -> None:
    before = of(requests[:-1], "/ingest/transactions")
    amended, forgotten = of(requests[-1:], "/ingest/transactions")
    (mistyped,) = (r for r in before if r["transaction_id"] == amended["transaction_id"])

    # 300 at 2.14 had been entered as 30; one dollar is the least that the broker charges.
    assert mistyped["quantity"] == "30"
    assert mistyped["gross_transaction_amount"] == "64.20"
    assert amended == {
        **mistyped,
        "quantity": "300",
        "gross_transaction_amount": "642.00",
    }
    assert str(amended["transaction_date"]).startswith("2016-02-01")
    # KO by April 2018: 120, 60 and 100 bought, at 0.60 a share.
    assert forgotten["transaction_type"] == "DIVIDEND"
    assert forgotten["gross_transaction_amount"] == "168.00"
    assert forgotten["transaction_id"] not in {r["transaction_id"] for r in before}


def test_only_the_correction_repeats_an_id(requests: list[Request]) -> None:
    before = of(requests[:-1], "/ingest/transactions")

    assert len({row["transaction_id"] for row in before}) == len(before)


def test_the_reference_counts_what_is_sent(requests: list[Request]) -> None:
    reference = (Path(__file__).parents[3] / "docs" / "reference" / "demo.md").read_text("utf-8")
    sent = of(requests, "/ingest/transactions")
    booked = Counter(row["portfolio_id"] for row in corrected(requests))

    assert f": {len(requests)} requests" in reference.replace("\n", " ")
    assert f"| transactions | {len(sent)} |" in reference
    for portfolio in of(requests, "/ingest/portfolios"):
        name = str(portfolio["name"]).partition(",")[0]
        (row,) = (
            line for line in reference.splitlines() if f"| `{portfolio['portfolioId']}`" in line
        )
        assert row.split(" | ")[:4] == [
            f"| `{portfolio['portfolioId']}` {name}",
            portfolio["baseCurrency"],
            portfolio["settlement"],
            str(booked[portfolio["portfolioId"]]),
        ]
