"""Returns over HTTP: the shapes of both routes, and figures worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.edges import sample_views
from tests.edges.memory_book import Desk, freshness
from tests.edges.test_http_queries import RESTS_ON, shape
from tidebook.api.samples import examples
from tidebook.book.series import PortfolioDay
from tidebook.engine.views import SeriesView
from tidebook.model.facts import Rate

ZERO = Decimal(0)
MARCH = {"as_of_date": "2025-03-11"}
TWR, MWR = "/portfolios/P-1/performance", "/portfolios/P-1/performance/mwr"


def with_days(*days: PortfolioDay) -> Desk:
    desk = sample_views.desk()
    desk.reader.kept_series["P-1"] = SeriesView(
        sample_views.PORTFOLIO, freshness(days[-1].on), days[0].on, days
    )
    return desk


def answered(path: str, body: object, desk: Desk | None = None) -> Any:  # noqa: ANN401 - JSON
    answer = (desk or sample_views.desk()).client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_deposit_is_no_return() -> None:
    # 10,000 become 10,200 (2 %), and these 10,500: 10,500 / 10,200 - 1 = 2.9411764706 %.
    body = answered(
        TWR,
        {
            "scope": {**MARCH, "net_or_gross": "NET"},
            "periods": [{"name": "Month To Date", "type": "MTD", "breakdown": "DAILY"}],
            "options": {"include_attributes": True},
        },
    )
    assert body["scope"] == {"as_of_date": "2025-03-11", "net_or_gross": "NET"}
    assert body["summary"] == {
        "Month To Date": {
            "start_date": "2025-03-10",
            "end_date": "2025-03-11",
            "cumulative_return": 5.0,
            "annualized_return": 5.0,
            "attributes": {
                "begin_market_value": "0",
                "end_market_value": "10500",
                "total_cashflow": "10000",
                "bod_cashflow": "10000",
                "eod_cashflow": "0",
                "fees": "0",
            },
            "n": 2,
            "coverage": "1",
        }
    }
    assert body["breakdowns"]["Month To Date"] == {
        "breakdown_type": "DAILY",
        "results": [
            {
                "start_date": "2025-03-10",
                "end_date": "2025-03-10",
                "cumulative_return": 2.0,
                "dailyReturn": 2.0,
            },
            {
                "start_date": "2025-03-11",
                "end_date": "2025-03-11",
                "cumulative_return": 2.9411764706,
                "dailyReturn": 2.9411764706,
            },
        ],
    }
    assert body["freshness"] == {"as_of": "2025-03-11", **RESTS_ON, "coverage": "1"}
    assert body["conventions"]["unit"] == "percent"


def test_the_documented_examples_have_the_shapes_of_the_answers() -> None:
    body = answered(TWR, examples()["performance_request"])
    documented = shape(examples()["performance"])
    assert shape(body["summary"]["Month To Date"]) == documented["summary"]["Month To Date"]
    assert shape(body["breakdowns"]) == documented["breakdowns"]
    assert body["conventions"] == examples()["performance"]["conventions"]
    rates = answered(MWR, {"scope": MARCH, "periods": [{"type": "SI", "name": "January"}]})
    assert shape(rates) == shape(examples()["mwr"])
    assert rates["conventions"] == examples()["mwr"]["conventions"]


def test_names_may_be_in_camel_case() -> None:
    body = answered(
        TWR,
        {
            "scope": {"asOfDate": "2025-03-11", "netOrGross": "GROSS", "reportingCurrency": "USD"},
            "periods": [{"type": "si"}],
            "options": {"includeAnnualized": False, "includeCumulative": True},
        },
    )
    assert body["scope"]["net_or_gross"] == "GROSS"
    assert body["summary"]["SI"]["cumulative_return"] == 5.0
    assert "annualized_return" not in body["summary"]["SI"]


def test_fees_are_in_the_net_return_and_not_in_the_gross() -> None:
    # 1,000 pay a fee of 10: 990 / 1,000 - 1 = -1 % net, 0 % gross.
    desk = with_days(
        PortfolioDay(date(2025, 3, 10), ZERO, Decimal(1000), ZERO, Decimal(1000), ZERO, ZERO),
        PortfolioDay(
            date(2025, 3, 11), Decimal(1000), ZERO, Decimal(-10), Decimal(990), Decimal(10), ZERO
        ),
    )
    periods = [{"type": "SI"}]
    net = answered(TWR, {"scope": MARCH, "periods": periods}, desk)
    gross = answered(TWR, {"scope": {**MARCH, "net_or_gross": "GROSS"}, "periods": periods}, desk)
    assert net["summary"]["SI"]["cumulative_return"] == -1.0
    assert gross["summary"]["SI"]["cumulative_return"] == 0.0


def test_a_withdrawal_is_no_fee() -> None:
    desk = with_days(
        PortfolioDay(date(2025, 3, 10), ZERO, Decimal(10500), ZERO, Decimal(10500), ZERO, ZERO),
        PortfolioDay(
            date(2025, 3, 11), Decimal(10500), ZERO, Decimal(-5000), Decimal(5500), ZERO, ZERO
        ),
    )
    body = answered(
        TWR,
        {
            "scope": MARCH,
            "periods": [{"type": "SI"}],
            "options": {"include_attributes": True},
        },
        desk,
    )
    assert body["summary"]["SI"]["cumulative_return"] == 0.0
    assert body["summary"]["SI"]["attributes"]["eod_cashflow"] == "-5000"
    assert body["summary"]["SI"]["attributes"]["fees"] == "0"


def test_the_first_price_of_a_position_is_no_gain_on_its_cost() -> None:
    # 600 in cash and 400 unpriced at cost, then 1,010 all priced: 1 %, not 68 %.
    desk = with_days(
        PortfolioDay(
            date(2025, 3, 10), ZERO, Decimal(1000), ZERO, Decimal(600), ZERO, Decimal(400)
        ),
        PortfolioDay(date(2025, 3, 11), Decimal(600), ZERO, ZERO, Decimal(1010), ZERO, ZERO),
    )
    body = answered(TWR, {"scope": MARCH, "periods": [{"type": "SI"}]}, desk)
    assert body["summary"]["SI"]["cumulative_return"] == 1.0
    assert body["summary"]["SI"]["coverage"] == "0.6"
    assert body["freshness"]["coverage"] == "1"


def test_a_yearly_rate_is_a_fraction() -> None:
    # 1,000 are 1,100 after the 365 days from 1 January to 31 December of a leap year.
    desk = with_days(
        PortfolioDay(date(2024, 1, 1), ZERO, Decimal(1000), ZERO, Decimal(1000), ZERO, ZERO),
        PortfolioDay(date(2024, 12, 31), Decimal(1000), ZERO, ZERO, Decimal(1100), ZERO, ZERO),
    )
    periods = [{"type": "EXPLICIT", "name": "2024", "from": "2024-01-01", "to": "2024-12-31"}]
    body = answered(MWR, {"scope": {"as_of_date": "2025-01-31"}, "periods": periods}, desk)
    assert body["summary"]["2024"] == {
        "start_date": "2024-01-01",
        "end_date": "2024-12-31",
        "mwr": 0.1,
        "mwr_annualized": 0.1,
        "attributes": {
            "begin_market_value": "0",
            "end_market_value": "1100",
            "external_contributions": "1000",
            "external_withdrawals": "0",
            "cashflow_count": 1,
        },
        # The deposit and the closing value.
        "n": 2,
        "coverage": "1",
    }


def test_a_fee_is_no_flow_of_the_investor() -> None:
    # 1,000 earn 110 and pay a fee of 10 in 365 days: 10 %, and one flow.
    desk = with_days(
        PortfolioDay(date(2024, 1, 1), ZERO, Decimal(1000), ZERO, Decimal(1000), ZERO, ZERO),
        PortfolioDay(
            date(2024, 12, 31), Decimal(1000), ZERO, Decimal(-10), Decimal(1100), Decimal(10), ZERO
        ),
    )
    body = answered(MWR, {"scope": {"as_of_date": "2024-12-31"}, "periods": [{"type": "SI"}]}, desk)
    assert body["summary"]["SI"]["mwr"] == 0.1
    assert body["summary"]["SI"]["attributes"]["cashflow_count"] == 1


def test_what_is_undefined_is_null_with_its_reason() -> None:
    body = answered(
        TWR,
        {
            "scope": MARCH,
            "periods": [{"type": "YEAR", "year": 2024}],
            "options": {"include_annualized": False},
        },
    )
    assert body["summary"]["YEAR"] == {
        "start_date": None,
        "end_date": "2024-12-31",
        "cumulative_return": None,
        "n": 0,
        "coverage": None,
        "reason": {
            "figure": "cumulative_return",
            "code": "no-data",
            "sentence": "there is no day of the portfolio in the period",
        },
    }


def test_a_short_period_is_not_annualised_in_money_weighted_terms() -> None:
    body = answered(MWR, {"scope": MARCH, "periods": [{"type": "SI"}]})
    assert body["summary"]["SI"]["mwr_annualized"] is None
    assert body["summary"]["SI"]["reason"]["code"] == "under-one-year"
    short = answered(
        MWR, {"scope": MARCH, "periods": [{"type": "SI"}], "options": {"annualize": False}}
    )
    assert "mwr_annualized" not in short["summary"]["SI"]
    assert "reason" not in short["summary"]["SI"]


def test_a_portfolio_without_history_has_no_return() -> None:
    desk = Desk()
    desk.reader.kept["P-1"] = sample_views.PORTFOLIO
    for path in (TWR, MWR):
        body = answered(path, {"periods": [{"type": "YTD"}, {"type": "SI"}]}, desk)
        assert body["summary"]["YTD"]["reason"]["code"] == "no-data"
        assert body["freshness"]["coverage"] is None


def test_the_day_asked_for_is_today_where_the_portfolio_is() -> None:
    desk = sample_views.desk()
    # Noon of 30 June in UTC is already 1 July on Kiritimati, 14 hours ahead.
    portfolio = sample_views.PORTFOLIO._replace(time_zone="Pacific/Kiritimati")
    desk.reader.kept_series["P-1"] = sample_views.SERIES._replace(portfolio=portfolio)
    body = answered(TWR, {"periods": [{"type": "SI"}]}, desk)
    assert body["scope"]["as_of_date"] == "2025-07-01"


def test_known_at_reaches_the_reader() -> None:
    desk = sample_views.desk()
    scope = {**MARCH, "known_at": "2025-03-12T00:00:00Z"}
    answered(TWR, {"scope": scope, "periods": [{"type": "SI"}]}, desk)
    assert str(desk.reader.asked) == (
        "[(None, None, datetime.datetime(2025, 3, 12, 0, 0, tzinfo=datetime.timezone.utc))]"
    )


def two_days_of_a_thousand() -> Desk:
    return with_days(
        PortfolioDay(date(2025, 3, 10), ZERO, Decimal(1000), ZERO, Decimal(1000), ZERO, ZERO),
        PortfolioDay(date(2025, 3, 11), Decimal(1000), ZERO, ZERO, Decimal(1100), ZERO, ZERO),
    )


def test_another_reporting_currency_takes_the_rate_of_each_day() -> None:
    # 1,000 USD are 900 CHF on the 10th, 1,100 USD are 880 CHF on the 11th: 880 / 900 - 1.
    desk = two_days_of_a_thousand()
    desk.reader.kept_rates = [
        Rate("USD", "CHF", date(2025, 3, 10), Decimal("0.9")),
        Rate("USD", "CHF", date(2025, 3, 11), Decimal("0.8")),
    ]
    scope = {**MARCH, "reporting_currency": "CHF"}
    options = {"include_attributes": True}
    body = answered(TWR, {"scope": scope, "periods": [{"type": "SI"}], "options": options}, desk)
    assert body["currency"] == "CHF"
    assert body["summary"]["SI"]["cumulative_return"] == -2.2222222222
    assert body["summary"]["SI"]["attributes"]["end_market_value"] == "880"
    assert body["summary"]["SI"]["attributes"]["total_cashflow"] == "900"


@pytest.mark.parametrize("path", [TWR, MWR])
def test_a_reporting_currency_without_a_rate_is_refused(path: str) -> None:
    desk = two_days_of_a_thousand()
    desk.reader.kept_rates = [Rate("USD", "CHF", date(2025, 3, 11), Decimal("0.8"))]
    body = {"scope": {"reporting_currency": "CHF"}, "periods": [{"type": "SI"}]}
    answer = desk.client.post(path, json=body)
    assert answer.status_code == 422
    assert answer.json()["code"] == "performance.reporting-currency"
    assert "2025-03-10" in answer.json()["detail"]
    assert "POST /ingest/fx-rates" in answer.json()["hint"]


def test_a_rolling_period_and_one_since_the_last_restatement() -> None:
    # The last day alone is 10 %; nothing is restated in this book.
    periods = [{"type": "ROLLING", "days": 1, "name": "day"}, {"type": "SINCE_RESTATEMENT"}]
    desk = two_days_of_a_thousand()
    desk.reader.kept_restatements = []
    body = answered(TWR, {"scope": MARCH, "periods": periods}, desk)
    assert body["summary"]["day"]["cumulative_return"] == 10.0
    never = body["summary"]["SINCE_RESTATEMENT"]
    assert never["cumulative_return"] is None
    assert never["reason"]["code"] == "never-restated"


def test_returns_of_each_portfolio_are_told_by_themselves() -> None:
    desk = two_days_of_a_thousand()
    desk.reader.kept["P-2"] = sample_views.PORTFOLIO._replace(portfolio_id="P-2")
    scope = {**MARCH, "portfolio_ids": ["P-1", "P-2"], "each": True}
    body = answered("/portfolios/performance", {"scope": scope, "periods": [{"type": "SI"}]}, desk)
    first, second = body["results"]
    assert first["portfolio_id"] == "P-1"
    assert first["summary"]["SI"]["cumulative_return"] == 10.0
    assert first["summary"]["SI"]["coverage"] == "1"
    assert first["generation"] == 7
    assert second["summary"]["SI"]["cumulative_return"] is None
    assert second["summary"]["SI"]["reason"]["code"] == "no-data"
    assert second["summary"]["SI"]["coverage"] is None


@pytest.mark.parametrize(
    ("path", "change", "pointer"),
    [
        ("/portfolios/performance", {"reporting_currency": "CHF"}, "/scope/reporting_currency"),
        ("/portfolios/performance", {"sector": "Energy"}, "/scope/each"),
        ("/portfolios/performance/mwr", {}, "/scope/each"),
        ("/portfolios/risk", {}, "/scope/each"),
    ],
)
def test_what_is_not_told_of_each_is_refused(
    path: str, change: dict[str, str], pointer: str
) -> None:
    scope = {**MARCH, "portfolio_ids": ["P-1"], "each": True, **change}
    answer = sample_views.desk().client.post(
        path, json={"scope": scope, "periods": [{"type": "SI"}]}
    )
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


def test_a_what_if_begins_with_no_restatement() -> None:
    body = {"cancellations": [], "periods": [{"type": "SINCE_RESTATEMENT"}]}
    answer = sample_views.desk().client.post("/portfolios/P-1/what-if", json=body)
    assert answer.status_code == 422


def test_several_portfolios_are_measured_as_one() -> None:
    # P-1 brings 1,000 and gains 100; P-2 brings 3,000 and loses 100: 4,000 stay 4,000.
    desk = two_days_of_a_thousand()
    second = sample_views.PORTFOLIO._replace(portfolio_id="P-2", cif_id="C-2")
    desk.reader.kept["P-2"] = second
    first, last = date(2025, 3, 10), date(2025, 3, 11)
    desk.reader.kept_series["P-2"] = SeriesView(
        second,
        freshness(last),
        first,
        (
            PortfolioDay(first, ZERO, Decimal(3000), ZERO, Decimal(3000), ZERO, ZERO),
            PortfolioDay(last, Decimal(3000), ZERO, ZERO, Decimal(2900), ZERO, ZERO),
        ),
    )
    request = {"scope": {**MARCH, "portfolio_ids": ["P-1", "P-2"]}, "periods": [{"type": "SI"}]}
    body = answered("/portfolios/performance", request, desk)
    assert body["summary"]["SI"]["cumulative_return"] == 0.0
    assert body["scope"]["portfolio_ids"] == ["P-1", "P-2"]
    rates = answered("/portfolios/performance/mwr", request, desk)
    assert rates["summary"]["SI"]["attributes"]["external_contributions"] == "4000"
    request["scope"] = {**MARCH, "client_id": "C-2"}
    # P-2 alone: 2,900 of 3,000.
    body = answered("/portfolios/performance", request, desk)
    assert body["summary"]["SI"]["cumulative_return"] == -3.3333333333


@pytest.mark.parametrize(
    ("scope", "pointer", "code"),
    [
        ({}, "/scope/portfolio_ids", "scope.portfolios"),
        ({"all": True, "client_id": "C-1"}, "/scope/all", "scope.portfolios"),
        ({"portfolio_ids": []}, "/scope/portfolio_ids", "scope.portfolio-ids"),
        ({"portfolio_ids": [1]}, "/scope/portfolio_ids", "scope.portfolio-ids"),
    ],
)
def test_a_group_is_said_once(scope: object, pointer: str, code: str) -> None:
    request = {"scope": scope, "periods": [{"type": "SI"}]}
    answer = sample_views.desk().client.post("/portfolios/performance", json=request)
    assert answer.status_code == 422
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]


def test_a_client_without_portfolios_is_not_found() -> None:
    request = {"scope": {"client_id": "nobody"}, "periods": [{"type": "SI"}]}
    answer = sample_views.desk().client.post("/portfolios/performance", json=request)
    assert answer.status_code == 404
    assert answer.json()["code"] == "scope.no-portfolios"


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/periods", "field.missing"),
        ({"periods": []}, "/periods", "periods.count"),
        ({"periods": [{"type": "SI"}] * 101}, "/periods", "periods.count"),
        ({"periods": {"type": "SI"}}, "/periods", "list.expected"),
        ({"periods": ["SI"]}, "/periods/0", "row.expected"),
        ({"periods": [{"type": "DECADE"}]}, "/periods/0/type", "input.period"),
        ({"periods": [{"name": "x"}]}, "/periods/0/type", "field.missing"),
        ({"periods": [{"type": "YEAR"}]}, "/periods/0/type", "input.period"),
        ({"periods": [{"type": "YEAR", "year": 20.5}]}, "/periods/0/year", "year.unusable"),
        (
            {"periods": [{"type": "EXPLICIT", "from": "2025-01-02", "to": "2025-01-01"}]},
            "/periods/0/type",
            "input.period",
        ),
        ({"periods": [{"type": "SI", "too": "x"}]}, "/periods/0/too", "field.unknown"),
        ({"periods": [{"type": "SI"}, {"type": "SI"}]}, "/periods/1/name", "period.name-doubled"),
        (
            {"periods": [{"type": "SI", "breakdown": "HOURLY"}]},
            "/periods/0/breakdown",
            "word.unknown",
        ),
        ({"scope": {"asof": "x"}, "periods": [{"type": "SI"}]}, "/scope/asof", "field.unknown"),
        (
            {"scope": {"net_or_gross": "BOTH"}, "periods": [{"type": "SI"}]},
            "/scope/net_or_gross",
            "word.unknown",
        ),
        ({"scope": [], "periods": [{"type": "SI"}]}, "/scope", "object.expected"),
        (
            {"options": {"annualize": "often"}, "periods": [{"type": "SI"}]},
            "/options/annualize",
            "flag.unreadable",
        ),
    ],
)
def test_a_request_with_one_fault(body: object, pointer: str, code: str) -> None:
    answer = sample_views.desk().client.post(TWR, json=body)
    assert answer.status_code == 422
    faults = [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]
    assert faults == [(pointer, code)]


def test_an_unknown_portfolio_has_no_return() -> None:
    body = {"periods": [{"type": "SI"}]}
    answer = sample_views.desk().client.post("/portfolios/P-9/performance", json=body)
    assert answer.json()["code"] == "portfolio.unknown"


@pytest.mark.parametrize(
    ("breakdown", "name", "parts"),
    [
        ("WEEKLY", "weeklyReturn", [("2025-03-10", "2025-03-11", 5.0)]),
        ("MONTHLY", "monthlyReturn", [("2025-03-10", "2025-03-11", 5.0)]),
        ("QUARTERLY", "quarterlyReturn", [("2025-03-10", "2025-03-11", 5.0)]),
        ("YEARLY", "yearlyReturn", [("2025-03-10", "2025-03-11", 5.0)]),
    ],
)
def test_breakdowns(breakdown: str, name: str, parts: list[tuple[str, str, float]]) -> None:
    body = answered(TWR, {"scope": MARCH, "periods": [{"type": "SI", "breakdown": breakdown}]})
    results = body["breakdowns"]["SI"]["results"]
    assert [(one["start_date"], one["end_date"], one[name]) for one in results] == parts
