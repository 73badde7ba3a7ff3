"""Contribution, attribution and the bridge over HTTP, of a book of two trades."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.edges import sample_views
from tests.edges.memory_book import freshness
from tests.edges.test_http_queries import shape
from tidebook.api.samples import examples
from tidebook.book.whole import Facts
from tidebook.engine.book_facts import BookFacts, rebuilt, rebuilt_series
from tidebook.engine.measuring.breakdowns import Breakdowns
from tidebook.engine.measuring.measured import Scope
from tidebook.engine.measuring.parts import Dimension
from tidebook.engine.measuring.performance import NamedPeriod
from tidebook.engine.queries import FactQuery
from tidebook.engine.views import SeriesView, TransactionView
from tidebook.model.facts import Price, Rate, Transaction, TransactionType as T
from tidebook.model.instruments import Instrument
from tidebook.model.markets import price_table, rate_table
from tidebook.model.periods import PeriodRequest, PeriodType

if TYPE_CHECKING:
    from tests.edges.memory_book import Desk

D = Decimal
PF = "/portfolios/P-1"
FIRST, LAST = date(2025, 3, 10), date(2025, 3, 11)
NOON = datetime(2025, 3, 10, 12, tzinfo=UTC)
SCOPE = {"as_of_date": "2025-03-11"}
SI = [{"type": "SI"}]


def trade(identity: str, kind: T, security_id: str, quantity: str, price: str) -> Transaction:
    gross = D(quantity) * D(price)
    return Transaction(
        identity, "P-1", security_id, kind, NOON, None, D(quantity), D(price), gross, "USD", "USD"
    )


def desk() -> Desk:
    """Give a book: 1,000 come in, 600 buy shares at 10 that rise to 11, 300 a bond at 100."""
    found = sample_views.desk()
    reader = found.reader
    reader.kept_instruments = [
        Instrument("SHARE", "Share", "USD", "Equity", asset_class="Equity", sector="Energy"),
        Instrument("BOND", "Bond", "USD", "Bond", asset_class="Bond"),
    ]
    trades = [
        trade("D", T.DEPOSIT, "CASH_USD", "1000", "1"),
        trade("B1", T.BUY, "SHARE", "60", "10"),
        trade("B2", T.BUY, "BOND", "3", "100"),
    ]
    reader.kept_transactions = [
        TransactionView(fact, 1, FIRST, NOON, "BOOKED", (), ()) for fact in trades
    ]
    reader.kept_prices = [
        Price("SHARE", FIRST, D(10), "USD"),
        Price("SHARE", LAST, D(11), "USD"),
        Price("BOND", FIRST, D(100), "USD"),
        Price("BOND", LAST, D(99), "USD"),
    ]
    instruments = {one.security_id: one for one in reader.kept_instruments}
    facts = Facts({"P-1": sample_views.PORTFOLIO}, instruments, trades, rate_table([]))
    made = rebuilt(BookFacts(facts, price_table(reader.kept_prices), (), {}, {}))
    days = rebuilt_series(made, "P-1")
    reader.kept_series["P-1"] = SeriesView(sample_views.PORTFOLIO, freshness(LAST), FIRST, days)
    return found


def answered(path: str, body: object, of: Desk | None = None) -> Any:  # noqa: ANN401 - JSON
    answer = (of or desk()).client.post(PF + path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_contributions_by_asset_class_add_up() -> None:
    # Shares gain 60, the bonds lose 3: 6 % and -0.3 % of 1,000, in all 5.7 %.
    body = answered(
        "/contribution", {"scope": SCOPE, "periods": SI, "options": {"by": "ASSET_CLASS"}}
    )
    found = body["results"]["SI"]
    rows = {row["group"]: row for row in found["contributions"]}
    assert found["cumulative_return"] == pytest.approx(5.7, abs=1e-9)
    assert set(rows) == {"Bond", "Cash", "Equity"}
    assert rows["Equity"]["contribution"] == pytest.approx(6.0, abs=1e-9)
    assert rows["Equity"]["gain"] == "60"
    assert rows["Equity"]["return"] == pytest.approx(10.0, abs=1e-9)
    assert rows["Bond"]["contribution"] == pytest.approx(-0.3, abs=1e-9)
    assert rows["Cash"]["contribution"] == 0.0
    assert rows["Cash"]["end_market_value"] == "100"
    assert rows["Equity"]["average_weight"] == pytest.approx(0.6, abs=1e-9)


def books_made(of: Desk) -> int:
    """Return how often the facts of a book were asked for, to be made into one."""
    return sum(isinstance(asked, FactQuery) for asked in of.reader.asked)


def test_a_book_is_made_once_in_each_state() -> None:
    of, by_class = desk(), {"scope": SCOPE, "periods": SI, "options": {"by": "ASSET_CLASS"}}
    first = answered("/contribution", by_class, of)
    year = answered("/contribution", {**by_class, "periods": [{"type": "YTD"}]}, of)
    assert answered("/contribution", by_class, of) == first
    assert year["results"]["YTD"]["contributions"] == first["results"]["SI"]["contributions"]
    assert books_made(of) == 1
    answered("/contribution", {"scope": SCOPE, "periods": SI}, of)
    assert books_made(of) == 2
    of.reader.kept_prices = [*of.reader.kept_prices[:3], Price("BOND", LAST, D(100), "USD")]
    of.reader.kept_state = "7.6.6"
    rows = answered("/contribution", by_class, of)["results"]["SI"]["contributions"]
    assert books_made(of) == 3
    assert [row["gain"] for row in rows if row["group"] == "Bond"] == ["0"]


def test_a_book_that_is_being_restated_is_made_each_time() -> None:
    of, asked = desk(), {"scope": SCOPE, "periods": SI}
    of.reader.kept_state = None
    assert answered("/contribution", asked, of) == answered("/contribution", asked, of)
    assert books_made(of) == 2


def test_what_is_kept_of_books_is_bounded() -> None:
    # Three groups over two days are six days: two breakdowns do not fit into eleven.
    of = desk()
    kept = Breakdowns(days_max=11)
    scope, periods = Scope(("P-1",)), (NamedPeriod("SI", PeriodRequest(PeriodType.SI)),)
    for dimension in (Dimension.ASSET_CLASS, Dimension.SECTOR, Dimension.SECTOR):
        found = kept.of(of.reader, scope, periods, dimension)
        assert sum(len(sleeve.days) for sleeve in found.sleeves) == 6
    assert books_made(of) == 2
    kept.of(of.reader, scope, periods, Dimension.ASSET_CLASS)
    assert books_made(of) == 3
    none = Breakdowns(days_max=5)
    for _ in range(2):
        none.of(of.reader, scope, periods, Dimension.SECTOR)
    assert books_made(of) == 5


def shared_desk() -> Desk:
    """Give the book above with its bonds and their money in a portfolio of their own."""
    found = desk()
    reader = found.reader
    other = sample_views.PORTFOLIO._replace(portfolio_id="P-2")
    portfolios = {"P-1": sample_views.PORTFOLIO, "P-2": other}
    reader.kept.update(portfolios)
    moved = {
        "D": {"quantity": D(700), "gross": D(700)},
        "B2": {"portfolio_id": "P-2"},
    }
    trades = [
        view.transaction._replace(**moved.get(view.transaction.transaction_id, {}))
        for view in reader.kept_transactions
    ]
    trades.append(trade("D2", T.DEPOSIT, "CASH_USD", "300", "1")._replace(portfolio_id="P-2"))
    reader.kept_transactions = [
        TransactionView(fact, 1, FIRST, NOON, "BOOKED", (), ()) for fact in trades
    ]
    instruments = {one.security_id: one for one in reader.kept_instruments}
    facts = Facts(portfolios, instruments, trades, rate_table([]))
    made = rebuilt(BookFacts(facts, price_table(reader.kept_prices), (), {}, {}))
    for portfolio_id, portfolio in portfolios.items():
        days = rebuilt_series(made, portfolio_id)
        reader.kept_series[portfolio_id] = SeriesView(portfolio, freshness(LAST), FIRST, days)
    return found


def test_a_group_of_portfolios_is_broken_down_as_one() -> None:
    # The same holdings in two portfolios have the figures that they have in one.
    options = {"by": "ASSET_CLASS"}
    scope = {**SCOPE, "portfolio_ids": ["P-1", "P-2"]}
    groups = [
        {"group": "Equity", "weight": 0.5, "return": 0.08},
        {"group": "Bond", "weight": 0.5, "return": 0.02},
    ]
    of_one = {"scope": SCOPE, "periods": SI, "options": options}
    of_both = {**of_one, "scope": scope}
    client = shared_desk().client
    added = client.post("/portfolios/contribution", json=of_both).json()
    assert added["scope"]["portfolio_ids"] == ["P-1", "P-2"]
    found = added["results"]["SI"]
    assert found == answered("/contribution", of_one)["results"]["SI"]
    # 60 and -3 on 1,000.
    assert found["cumulative_return"] == pytest.approx(5.7, abs=1e-9)
    told = client.post("/portfolios/attribution", json={**of_both, "benchmark": groups}).json()
    alone = answered("/attribution", {**of_one, "benchmark": groups})
    assert told["results"]["SI"] == alone["results"]["SI"]


@pytest.mark.parametrize("route", ["contribution", "attribution"])
def test_parts_of_each_portfolio_are_asked_for_one_by_one(route: str) -> None:
    scope = {**SCOPE, "portfolio_ids": ["P-1"], "each": True}
    body: dict[str, object] = {"scope": scope, "periods": SI}
    if route == "attribution":
        body["benchmark"] = [{"group": "Equity", "weight": 1, "return": 0}]
    answer = desk().client.post(f"/portfolios/{route}", json=body)
    assert answer.status_code == 422
    assert [one["code"] for one in answer.json()["errors"]] == ["each.not-here"]


@pytest.mark.parametrize(
    ("scope", "earned"),
    [
        ({"security_id": "SHARE"}, 10.0),
        ({"asset_class": "Bond"}, -1.0),
        ({"sector": "Energy"}, 10.0),
        # Everything is in dollars.
        ({"currency": "USD"}, 5.7),
    ],
)
def test_a_part_is_measured_as_a_portfolio_is(scope: dict[str, str], earned: float) -> None:
    body = answered("/performance", {"scope": {**SCOPE, **scope}, "periods": SI})
    assert body["summary"]["SI"]["cumulative_return"] == pytest.approx(earned, abs=1e-9)
    assert scope.items() <= body["scope"].items()


def test_a_part_that_was_never_held_is_refused_with_what_there_is() -> None:
    scope = {**SCOPE, "asset_class": "Gold"}
    answer = desk().client.post(PF + "/risk", json={"scope": scope, "periods": SI})
    assert answer.status_code == 404
    assert answer.json()["code"] == "scope.no-such-part"
    assert "Bond, Cash, Equity" in answer.json()["hint"]


def test_attribution_against_returns() -> None:
    # Weights 0.6, 0.3 and 0.1 cash, against 0.5 and 0.5 that earned 8 % and 2 %: B = 5 %.
    groups = [
        {"group": "Equity", "weight": 0.5, "return": 0.08},
        {"group": "Bond", "weight": 0.5, "return": 0.02},
    ]
    found = answered("/attribution", {"scope": SCOPE, "periods": SI, "benchmark": groups})
    period = found["results"]["SI"]
    rows = {row["group"]: row for row in period["effects"]}
    assert period["active_return"] == pytest.approx(0.7, abs=1e-9)
    # 0.1 (0.08 - 0.05), -0.2 (0.02 - 0.05), and cash 0.1 (0 - 0.05), whose own return is its
    # benchmark's.
    assert rows["Equity"]["allocation"] == pytest.approx(0.3, abs=1e-9)
    assert rows["Bond"]["allocation"] == pytest.approx(0.6, abs=1e-9)
    assert rows["Cash"]["allocation"] == pytest.approx(-0.5, abs=1e-9)
    assert rows["Equity"]["selection"] == pytest.approx(1.0, abs=1e-9)
    assert rows["Bond"]["selection"] == pytest.approx(-1.5, abs=1e-9)
    told = sum(row["total"] for row in rows.values()) + period["other"]
    assert told == pytest.approx(period["active_return"], abs=1e-9)


def test_attribution_against_indices_adds_up_day_by_day() -> None:
    # The indices are the holdings themselves: nothing is selected, and what is left is that 0.6
    # and 0.3 are held of what the benchmark holds in halves.
    groups = [
        {"group": "Equity", "weight": 0.5, "security_id": "SHARE"},
        {"group": "Bond", "weight": 0.5, "security_id": "BOND"},
    ]
    of = desk()
    first = Price("SHARE", date(2025, 3, 9), D(10), "USD")
    of.reader.kept_prices += [first, first._replace(security_id="BOND", price=D(100))]
    period = {"type": "EXPLICIT", "name": "P", "from": "2025-03-11", "to": "2025-03-11"}
    found = answered(
        "/attribution", {"scope": SCOPE, "periods": [period], "benchmark": groups}, of
    )["results"]["P"]
    rows = {row["group"]: row for row in found["effects"]}
    assert found["benchmark_return"] == pytest.approx(4.5, abs=1e-9)
    assert rows["Equity"]["selection"] == pytest.approx(0.0, abs=1e-9)
    # A tenth more is held of what earned 10 % than the whole, which earned 4.5 %.
    assert rows["Equity"]["allocation"] == pytest.approx(0.55, abs=1e-9)
    assert sum(row["total"] for row in rows.values()) == pytest.approx(1.2, abs=1e-9)


@pytest.mark.parametrize(
    ("benchmark", "code"),
    [
        ([], "benchmark.count"),
        ([{"group": "A", "weight": 1}], "benchmark.group"),
        ([{"group": "A", "weight": 0.5, "return": 0}], "benchmark.weights"),
        ([{"group": "A", "weight": 0.5, "return": 0}] * 2, "benchmark.group-doubled"),
        (
            [
                {"group": "A", "weight": 0.5, "return": 0},
                {"group": "B", "weight": 0.5, "security_id": "X"},
            ],
            "benchmark.mixed",
        ),
    ],
)
def test_a_benchmark_that_does_not_add_up_is_refused(benchmark: object, code: str) -> None:
    body = {"scope": SCOPE, "periods": SI, "benchmark": benchmark}
    answer = desk().client.post(PF + "/attribution", json=body)
    assert answer.status_code == 422
    assert code in {one["code"] for one in answer.json()["errors"]}


def desk_abroad() -> Desk:
    """Give 500 USD beside a share of 500 EUR, which rises by a fifth and the euro by a tenth."""
    found = desk()
    reader = found.reader
    reader.kept_instruments = [
        Instrument("SHARE", "Share", "EUR", "Equity"),
        Instrument("EURX", "An index", "EUR", "Index"),
        Instrument("USDX", "An index", "USD", "Index"),
    ]
    abroad = {"trade_currency": "EUR", "currency": "EUR"}
    trades = [
        trade("D", T.DEPOSIT, "CASH_USD", "500", "1"),
        trade("E", T.DEPOSIT, "CASH_EUR", "500", "1")._replace(**abroad),
        trade("B", T.BUY, "SHARE", "100", "5")._replace(**abroad),
    ]
    reader.kept_transactions = [
        TransactionView(fact, 1, FIRST, NOON, "BOOKED", (), ()) for fact in trades
    ]
    reader.kept_prices = [
        Price(name, on, D(value), currency)
        for name, currency, first, last in (
            ("SHARE", "EUR", 5, 6), ("EURX", "EUR", 100, 105), ("USDX", "USD", 100, 102),
        )
        for on, value in ((FIRST, first), (LAST, last))
    ]  # fmt: skip
    reader.kept_rates = [
        Rate("EUR", "USD", FIRST, D(1)),
        Rate("EUR", "USD", LAST, D("1.1")),
    ]
    instruments = {one.security_id: one for one in reader.kept_instruments}
    rates = rate_table(reader.kept_rates)
    facts = Facts({"P-1": sample_views.PORTFOLIO}, instruments, trades, rates)
    made = rebuilt(BookFacts(facts, price_table(reader.kept_prices), (), {}, {}))
    days = rebuilt_series(made, "P-1")
    reader.kept_series["P-1"] = SeriesView(sample_views.PORTFOLIO, freshness(LAST), FIRST, days)
    return found


WITH_INDICES = [
    {"group": "EUR", "weight": 0.4, "security_id": "EURX"},
    {"group": "USD", "weight": 0.6, "security_id": "USDX"},
]
WITH_RETURNS = [
    {"group": "EUR", "weight": 0.4, "return": 0.155, "local_return": 0.055},
    {"group": "USD", "weight": 0.6, "return": 0.02, "local_return": 0.02},
]


@pytest.mark.parametrize("benchmark", [WITH_INDICES, WITH_RETURNS])
def test_what_currencies_did_is_told_apart(benchmark: object) -> None:
    # The share: 500 become 660, 32 %, of which the rate made 10 % of the capital; so 16 % of all.
    # The index: 1.05 x 1.1 - 1 = 15.5 %, of which 10 % is of the rate. B = 0.4 x 15.5 + 0.6 x 2
    # = 7.4 %, without rates 0.4 x 5.5 + 0.6 x 2 = 3.4 %.
    period = {"type": "EXPLICIT", "name": "P", "from": "2025-03-11", "to": "2025-03-11"}
    body = {
        "scope": SCOPE,
        "periods": [period],
        "benchmark": benchmark,
        "options": {"by": "CURRENCY", "currency_effects": True},
    }
    answer = answered("/attribution", body, desk_abroad())
    found = answer["results"]["P"]
    assert found["active_return"] == pytest.approx(16.0 - 7.4, abs=1e-9)
    rows = {row["group"]: row for row in found["effects"]}
    # 0.1 (5.5 - 3.4), 0.4 (22 - 5.5), 0.1 (22 - 5.5), 0.5 x 10 - 0.4 x 10.
    abroad = (0.21, 6.6, 1.65, 1.0)
    # -0.1 (2 - 3.4), 0.6 (0 - 2), -0.1 (0 - 2), and no rate.
    at_home = (0.14, -1.2, 0.2, 0.0)
    for group, expected in (("EUR", abroad), ("USD", at_home)):
        told = tuple(
            rows[group][name] for name in ("allocation", "selection", "interaction", "currency")
        )
        assert told == pytest.approx(expected, abs=1e-9)
    whole = sum(row["total"] for row in rows.values()) + found["other"]
    assert whole == pytest.approx(found["active_return"], abs=1e-9)
    assert "w·c - v·c" in answer["conventions"]["currency_effects"]


@pytest.mark.parametrize(
    ("groups", "with_currency"),
    [
        ([{"group": "A", "weight": 1, "return": 0.1, "local_return": 0.1}], False),
        ([{"group": "A", "weight": 1, "return": 0.1}], True),
        ([{"group": "A", "weight": 1, "security_id": "X", "local_return": 0.1}], True),
    ],
)
def test_a_local_return_stands_where_it_decides(groups: object, with_currency: object) -> None:
    options = {"currency_effects": with_currency}
    body = {"scope": SCOPE, "periods": SI, "benchmark": groups, "options": options}
    answer = desk().client.post(PF + "/attribution", json=body)
    assert answer.status_code == 422
    assert [one["code"] for one in answer.json()["errors"]] == ["benchmark.local-return"]


def test_the_bridge_is_exact() -> None:
    # 1,000 came in, 60 - 3 were gained by price.
    answer = desk().client.get(PF + "/bridge", params={"period": "SI", "as_of": "2025-03-11"})
    body = answer.json()
    lines = {name: D(body[name]) for name in ("start", "flows", "price", "currency", "income")}
    assert lines == {
        "start": D(0),
        "flows": D(1000),
        "price": D(57),
        "currency": D(0),
        "income": D(0),
    }
    assert (body["fees"], body["taxes"], body["unexplained"]) == ("0", "0", "0")
    assert body["end"] == "1057"


def test_a_bridge_over_no_day_is_not_found() -> None:
    answer = desk().client.get(PF + "/bridge", params={"period": "2024"})
    assert answer.status_code == 404
    assert answer.json()["code"] == "period.empty"


def test_the_documented_examples_have_the_shapes_of_the_answers() -> None:
    documented: Any = examples()
    told = answered("/contribution", {**documented["contribution_request"], "scope": SCOPE})
    expected = documented["contribution"]
    rows = told["results"]["SI"]["contributions"], expected["results"]["SI"]["contributions"]
    assert shape(rows[0][0]) == shape(rows[1][0])
    assert told["conventions"] == expected["conventions"]
    effects = answered("/attribution", {**documented["attribution_request"], "scope": SCOPE})
    rows = (
        effects["results"]["SI"]["effects"],
        documented["attribution"]["results"]["SI"]["effects"],
    )
    assert shape(rows[0][0]) == shape(rows[1][0])
    bridge = desk().client.get(PF + "/bridge", params={"period": "SI"}).json()
    assert set(bridge) == set(documented["bridge"])
