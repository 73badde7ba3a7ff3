"""Risk over HTTP: every option is honoured or refused, and figures worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.edges import sample_views
from tests.edges.memory_book import freshness
from tests.edges.test_http_queries import shape
from tidebook.api.samples import examples
from tidebook.book.series import PortfolioDay
from tidebook.engine.views import SeriesView
from tidebook.model.facts import Price
from tidebook.model.instruments import Instrument

if TYPE_CHECKING:
    from tests.edges.memory_book import Desk

ZERO = Decimal(0)
PATH = "/portfolios/P-1/risk"
MONDAY = date(2025, 3, 10)
# From 1,000: +10 %, -10 %, +10 %, -10 %, that is 1,100, 990, 1,089, 980.10.
VALUES = ("1000", "1100", "990", "1089", "980.1")


def desk_with(values: tuple[str, ...] = VALUES, *, first: date = MONDAY) -> Desk:
    desk = sample_views.desk()
    days: list[PortfolioDay] = []
    before = ZERO
    for number, value in enumerate(values):
        start = Decimal(value) if number == 0 else ZERO
        on = first + timedelta(days=number)
        days.append(PortfolioDay(on, before, start, ZERO, Decimal(value), ZERO, ZERO))
        before = Decimal(value)
    last = days[-1].on
    desk.reader.kept_series["P-1"] = SeriesView(
        sample_views.PORTFOLIO, freshness(last), first, tuple(days)
    )
    return desk


def ask(desk: Desk, metrics: list[str], **more: object) -> Any:  # noqa: ANN401 - JSON
    answer = desk.client.post(PATH, json=request(metrics, **more))
    assert answer.status_code == 200, answer.text
    return answer.json()


def request(metrics: list[str], **options: object) -> dict[str, object]:
    # The first day brings the money in and returns nothing, so the week starts on the second.
    period = {"type": "EXPLICIT", "name": "W", "from": "2025-03-11", "to": "2025-03-16"}
    return {
        "scope": {"as_of_date": "2025-03-14"},
        "periods": [period],
        "metrics": metrics,
        "options": options,
    }


def metric(desk: Desk, name: str, **options: object) -> Any:  # noqa: ANN401 - JSON
    return ask(desk, [name], **options)["results"]["W"]["metrics"][name]


def test_volatility_is_that_of_the_days() -> None:
    # Four returns of 0.1 in size around 0: sd = sqrt(4 * 0.01 / 3) = 0.11547005, times sqrt(252).
    found = metric(desk_with(), "VOLATILITY")
    assert found["value"] == pytest.approx(1.8330302780, abs=1e-9)
    assert found["n"] == 4
    assert found["unit"] == "fraction per year"


def test_another_year_is_honoured() -> None:
    found = metric(desk_with(), "VOLATILITY", annualization_factor=4)
    assert found["value"] == pytest.approx(0.2309401077, abs=1e-9)


def test_log_returns_are_honoured() -> None:
    # ln 1.1 = 0.0953101798 and ln 0.9 = -0.1053605157, twice each: their distance is
    # 0.2006706955, so that sd = 0.2006706955 / 2 * sqrt(4 / 3).
    found = metric(desk_with(), "VOLATILITY", use_log_returns=True, annualization_factor=1)
    assert found["value"] == pytest.approx(0.1158572801, abs=1e-9)


def test_the_deviation_of_a_population_is_honoured() -> None:
    # sd = sqrt(4 * 0.01 / 4) = 0.1.
    options = {"deviation": "POPULATION", "annualization_factor": 1}
    body = ask(desk_with(), ["VOLATILITY"], **options)
    assert body["results"]["W"]["metrics"]["VOLATILITY"]["value"] == 0.1
    assert body["conventions"]["deviation"] == "of a population, over n"


def test_weeks_are_honoured() -> None:
    # One week, from Tuesday to Friday: 980.1 / 1000 - 1 is its one return.
    body = ask(desk_with(), ["VOLATILITY", "WORST_RETURN"], frequency="WEEKLY")
    metrics = body["results"]["W"]["metrics"]
    assert metrics["WORST_RETURN"]["value"] == -0.0199
    assert metrics["VOLATILITY"]["value"] is None
    assert metrics["VOLATILITY"]["reason"]["code"] == "too-few-returns"
    assert body["conventions"]["periods_per_year"] == 52.0


def test_the_drawdown_is_dated_and_negative() -> None:
    # 1.1 falls to 0.9801: 0.9801 / 1.1 - 1 = -0.109.
    found = metric(desk_with(), "DRAWDOWN", include_underwater=True)
    assert found["value"] == -0.109
    details = found["details"]
    assert details["peak_date"] == "2025-03-11"
    assert details["trough_date"] == "2025-03-14"
    assert details["recovery_date"] is None
    assert details["is_open"] is True
    assert len(details["worst"]) == 1
    assert [one["value"] for one in details["underwater"]] == [0.0, -0.1, -0.01, -0.109]


def test_value_at_risk_and_shortfall_over_a_horizon() -> None:
    # The quantile at 0.25 of -0.1, -0.1, 0.1, 0.1 is -0.1 (type 7: place 0.75 between the first
    # and the second); over four days twice that. The tail is one return.
    var = {"confidence": 0.75, "horizon_days": 4}
    found = metric(desk_with(), "VAR", var=var)
    assert found["value"] == pytest.approx(20.0, abs=1e-9)
    assert found["unit"] == "percent"
    details = found["details"]
    assert details["expected_shortfall"] == pytest.approx(20.0, abs=1e-9)
    assert details["tail_observations"] == 1.0
    assert details["horizon_days"] == 4.0
    without = metric(desk_with(), "VAR", var={**var, "include_expected_shortfall": False})
    assert "expected_shortfall" not in without["details"]


def test_a_rate_without_risk_is_honoured() -> None:
    # Simple: 0.04 a year in four periods is 0.01 a period; the mean return is 0.
    options = {
        "annualization_factor": 4,
        "risk_free_annual_rate": 0.04,
        "risk_free_compounding": "simple",
    }
    found = metric(desk_with(), "SHARPE", **options)
    # The mean beyond it is -0.01, the deviation 0.11547005; a year is twice their quotient.
    assert found["value"] == pytest.approx(-0.1732050808, abs=1e-9)
    downside = metric(desk_with(), "SORTINO", annualization_factor=4)
    assert downside["value"] == pytest.approx(0.0, abs=1e-12)


def indexed(desk: Desk, prices: tuple[str, ...]) -> Desk:
    desk.reader.kept_instruments.append(Instrument("INDEX", "An index", "USD", "Index"))
    desk.reader.kept_prices.extend(
        Price("INDEX", MONDAY + timedelta(days=number), Decimal(price), "USD")
        for number, price in enumerate(prices)
    )
    return desk


def test_a_benchmark_of_the_book() -> None:
    # The index moves by half as much each day: beta 2, correlation 1, and the tracking error is
    # the deviation of 0.05 in size around 0: sqrt(4 * 0.0025 / 3), in percent.
    desk = indexed(desk_with(), ("100", "105", "99.75", "104.7375", "99.500625"))
    names = ["BETA", "CORRELATION", "TRACKING_ERROR", "VOLATILITY"]
    body = ask(desk, names, benchmark_security_id="INDEX", annualization_factor=1)
    metrics = body["results"]["W"]["metrics"]
    assert metrics["BETA"]["value"] == pytest.approx(2.0, abs=1e-9)
    assert metrics["CORRELATION"]["value"] == pytest.approx(1.0, abs=1e-9)
    assert metrics["TRACKING_ERROR"]["value"] == pytest.approx(5.7735026919, abs=1e-8)
    assert metrics["TRACKING_ERROR"]["unit"] == "percent"
    assert body["benchmark"]["benchmark"] == "INDEX"
    assert body["benchmark"]["parts"][0]["data_source"] == "book"
    assert body["results"]["W"]["n_benchmark"] == 4
    # A benchmark changes no figure of the portfolio alone.
    alone = ask(desk, ["VOLATILITY"], annualization_factor=1)
    assert metrics["VOLATILITY"] == alone["results"]["W"]["metrics"]["VOLATILITY"]


def test_a_benchmark_that_rests_a_day_is_linked_over_it() -> None:
    # Without a level on Wednesday the pairs are Tuesday, then Wednesday with Thursday, Friday.
    desk = indexed(desk_with(), ("100", "105", "99.75", "104.7375", "99.500625"))
    desk.reader.kept_prices = [
        one for one in desk.reader.kept_prices if one.on != date(2025, 3, 12)
    ]
    found = metric(desk, "BETA", benchmark_security_id="INDEX")
    assert found["n"] == 3


def test_without_a_benchmark_there_is_no_beta() -> None:
    found = metric(desk_with(), "BETA")
    assert found["value"] is None
    assert found["reason"]["code"] == "no-benchmark"


def test_all_measures_are_told_where_none_is_named() -> None:
    body = request([])
    del body["metrics"]
    answer = desk_with().client.post(PATH, json=body)
    metrics = answer.json()["results"]["W"]["metrics"]
    assert {"DRAWDOWN", "VAR", "VOLATILITY", "OMEGA", "ULCER_INDEX", "STARR"} <= set(metrics)
    assert "BETA" not in metrics
    assert all({"value", "unit", "n"} <= set(one) for one in metrics.values())


def test_days_without_capital_are_left_out() -> None:
    # All is withdrawn on Tuesday and comes back on Thursday: Wednesday has no return.
    desk = desk_with()
    view = desk.reader.kept_series["P-1"]
    days = list(view.days)
    days[1] = days[1]._replace(eod_cashflow=Decimal(-1100), eod_market_value=ZERO)
    days[2] = days[2]._replace(bod_market_value=ZERO, eod_market_value=ZERO)
    days[3] = days[3]._replace(bod_market_value=ZERO, bod_cashflow=Decimal(990))
    desk.reader.kept_series["P-1"] = view._replace(days=tuple(days))
    results = ask(desk, ["VOLATILITY"])["results"]["W"]
    assert (results["n"], results["n_without_capital"]) == (3, 1)


def test_several_portfolios_have_one_risk() -> None:
    desk = desk_with()
    body = request(["DRAWDOWN"])
    body["scope"] = {"portfolio_ids": ["P-1"], "as_of_date": "2025-03-14"}
    answer = desk.client.post("/portfolios/risk", json=body)
    assert answer.json()["results"]["W"]["metrics"]["DRAWDOWN"]["value"] == -0.109


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"metrics": ["LUCK"]}, "/metrics", "metric.unknown"),
        ({"metrics": []}, "/metrics", "metrics.count"),
        ({"options": {"frequency": "HOURLY"}}, "/options/frequency", "word.unknown"),
        (
            {"options": {"annualization_factor": 0}},
            "/options/annualization_factor",
            "number.not-positive",
        ),
        (
            {"options": {"risk_free_annual_rate": -1}},
            "/options/risk_free_annual_rate",
            "rate.below-total-loss",
        ),
        (
            {"options": {"risk_free_mode": "ZERO", "risk_free_annual_rate": 0.02}},
            "/options/risk_free_annual_rate",
            "risk-free.contradicts",
        ),
        (
            {"options": {"use_log_returns": True, "risk_free_compounding": "simple"}},
            "/options/risk_free_compounding",
            "compounding.contradicts",
        ),
        (
            {"options": {"var": {"confidence": 1}}},
            "/options/var/confidence",
            "confidence.unusable",
        ),
        (
            {"options": {"var": {"horizon_days": 0}}},
            "/options/var/horizon_days",
            "horizon.unusable",
        ),
        ({"options": {"var": {"method": "GUESS"}}}, "/options/var/method", "word.unknown"),
        (
            {"options": {"benchmark": "X", "benchmark_security_id": "X"}},
            "/options/benchmark",
            "benchmark.doubled",
        ),
        (
            {"options": {"benchmark_rebalancing": "daily"}},
            "/options/benchmark_rebalancing",
            "benchmark.no-blend",
        ),
        (
            {"periods": [{"type": "SI", "breakdown": "DAILY"}]},
            "/periods/0/breakdown",
            "breakdown.not-here",
        ),
        ({"options": {"speed": 1}}, "/options/speed", "field.unknown"),
    ],
)
def test_what_cannot_be_honoured_is_refused(
    change: dict[str, object], pointer: str, code: str
) -> None:
    answer = desk_with().client.post(PATH, json={**request(["VOLATILITY"]), **change})
    assert answer.status_code == 422
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]


def test_the_documented_examples_have_the_shapes_of_the_answers() -> None:
    client = sample_views.desk().client
    answer = client.post(PATH, json=examples()["risk_request"])
    assert shape(answer.json()) == shape(examples()["risk"])
    assert answer.json()["conventions"] == examples()["risk"]["conventions"]
    several = client.post(
        "/portfolios/risk",
        json={**examples()["risk_request"], "scope": {"portfolio_ids": ["P-1"]}},
    )
    assert shape(several.json()) == shape(examples()["risk_of_several"])
