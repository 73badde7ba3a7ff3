"""Rolling windows and bootstrap intervals over HTTP: figures by hand, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.edges.test_http_risk import PATH, ask, desk_with, indexed, request

HALF = ("100", "105", "99.75", "104.7375", "99.500625")


def test_each_window_is_told_by_the_day_it_ends_on() -> None:
    # 0.1 and -0.1 lie 0.1 from their mean of 0: sd = sqrt(2 * 0.01 / 1), a year has four: times 2.
    rolling = {"window": 2, "metrics": ["volatility"]}
    body = ask(desk_with(), ["VOLATILITY"], rolling=rolling, annualization_factor=4)
    found = body["results"]["W"]["rolling"]
    assert found["window"] == 2
    values = found["metrics"]["VOLATILITY"]["values"]
    assert [one["date"] for one in values] == ["2025-03-12", "2025-03-13", "2025-03-14"]
    assert [one["value"] for one in values] == pytest.approx([0.2828427125] * 3, abs=1e-9)
    assert found["metrics"]["VOLATILITY"]["unit"] == "fraction per year"


def test_a_window_beside_a_benchmark() -> None:
    # The portfolio moves by twice as much as the index each day.
    rolling = {"window": 3, "metrics": ["BETA", "BEST_RETURN"]}
    body = ask(indexed(desk_with(), HALF), ["BETA"], rolling=rolling, benchmark_security_id="INDEX")
    metrics = body["results"]["W"]["rolling"]["metrics"]
    assert [one["value"] for one in metrics["BETA"]["values"]] == pytest.approx([2.0, 2.0])
    assert [one["value"] for one in metrics["BEST_RETURN"]["values"]] == pytest.approx([0.1, 0.1])


def test_what_no_window_has_says_why() -> None:
    flat = desk_with(("1000", "1000", "1000", "1000", "1100"))
    rolling = {"window": 3, "metrics": ["SHARPE", "BETA"]}
    metrics = ask(flat, ["SHARPE"], rolling=rolling)["results"]["W"]["rolling"]["metrics"]
    first, last = metrics["SHARPE"]["values"]
    assert first["value"] is None
    assert first["reason"]["code"] == "zero-variance"
    assert last["value"] is not None
    assert metrics["BETA"]["values"] == []
    assert metrics["BETA"]["reason"]["code"] == "no-benchmark"
    long = ask(flat, ["SHARPE"], rolling={"window": 5, "metrics": ["SHARPE"]})
    told = long["results"]["W"]["rolling"]["metrics"]["SHARPE"]
    assert told["values"] == []
    assert told["reason"]["code"] == "shorter-than-window"


def test_one_long_block_is_the_series_itself() -> None:
    # Blocks of 10,000 returns wrap around the four there are: each history is a rotation of them,
    # with the same mean (0), the same best (0.1) and the same deviation (0.1154700538).
    bootstrap = {"metrics": ["BEST_RETURN", "VOLATILITY"], "block_mean": 10_000, "draws": 200}
    body = ask(desk_with(), ["VOLATILITY"], bootstrap=bootstrap, annualization_factor=1)
    found = body["results"]["W"]["bootstrap"]
    for name, expected in (("BEST_RETURN", 0.1), ("VOLATILITY", 0.1154700538)):
        told = found["metrics"][name]
        assert [told["low"], told["value"], told["high"]] == pytest.approx([expected] * 3)
        assert told["n_draws"] == 200
    assert (found["seed"], found["draws"], found["block_mean"]) == (1, 200, 10_000.0)


def intervals(**more: object) -> Any:  # noqa: ANN401 - JSON
    bootstrap = {"metrics": ["TRACKING_ERROR", "DRAWDOWN", "MEAN_RETURN"], **more}
    body = ask(
        indexed(desk_with(), HALF),
        ["BETA"],
        bootstrap=bootstrap,
        benchmark_security_id="INDEX",
    )
    return body["results"]["W"]["bootstrap"]


def test_chance_begins_at_the_seed_that_is_stated() -> None:
    found = intervals(seed=7)
    assert found["seed"] == 7
    assert intervals(seed=7) == found
    # An interval of 2 % of few histories has ends that differ from draw to draw.
    narrow = [intervals(seed=seed, draws=100, confidence=0.02)["metrics"] for seed in range(1, 9)]
    assert any(one != narrow[0] for one in narrow)
    assert found["confidence"] == 0.95
    # The cube root of four returns.
    assert found["block_mean"] == pytest.approx(4 ** (1 / 3))


def test_intervals_keep_the_sign_and_unit_of_their_figure() -> None:
    found = intervals()["metrics"]
    assert found["DRAWDOWN"]["value"] == -0.109
    assert found["DRAWDOWN"]["low"] <= -0.109 <= found["DRAWDOWN"]["high"] <= 0
    assert found["TRACKING_ERROR"]["unit"] == "percent"
    # No history made of returns of ±0.1 has a mean beyond them.
    assert -0.1 <= found["MEAN_RETURN"]["low"] < 0 < found["MEAN_RETURN"]["high"] <= 0.1


def test_without_a_benchmark_an_interval_is_null_with_the_reason() -> None:
    bootstrap = {"metrics": ["BETA"]}
    found = ask(desk_with(), ["VOLATILITY"], bootstrap=bootstrap)["results"]["W"]["bootstrap"]
    told = found["metrics"]["BETA"]
    assert (told["value"], told["low"], told["high"], told["n_draws"]) == (None, None, None, 0)
    assert told["reason"]["code"] == "no-benchmark"


def test_more_histories_than_a_request_may_draw_are_refused() -> None:
    body = request(["VOLATILITY"], bootstrap={"metrics": ["VOLATILITY"], "draws": 10_000})
    three = [{"type": "SI", "name": name} for name in "abc"]
    answer = desk_with().client.post(PATH, json={**body, "periods": three})
    assert answer.status_code == 422
    assert [one["code"] for one in answer.json()["errors"]] == ["draws.too-many"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"rolling": {"window": 1, "metrics": ["BETA"]}}, "window.unusable"),
        ({"rolling": {"window": 63}}, "metrics.count"),
        ({"rolling": {"window": 63, "metrics": ["LUCK"]}}, "metric.unknown"),
        ({"rolling": {"window": 63, "every": 5, "metrics": ["BETA"]}}, "field.unknown"),
        ({"bootstrap": {"metrics": ["BETA"], "draws": 10}}, "draws.too-few"),
        ({"bootstrap": {"metrics": ["BETA"], "confidence": 1}}, "confidence.unusable"),
        ({"bootstrap": {"metrics": ["BETA"], "block_mean": 0.5}}, "block-mean.unusable"),
        ({"bootstrap": {"metrics": ["BETA"], "seed": 0.5}}, "number.not-whole"),
    ],
)
def test_what_has_no_meaning_is_refused(options: dict[str, Any], code: str) -> None:
    answer = desk_with().client.post(PATH, json=request(["VOLATILITY"], **options))
    assert answer.status_code == 422
    assert [fault["code"] for fault in answer.json()["errors"]] == [code]
