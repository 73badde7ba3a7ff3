"""The answers about users: the comparison with a benchmark, in full and in short.

Amounts and percentages are JSON numbers, as those who read these answers expect; an amount keeps
every digit, a percentage has ten places. What is undefined is null, and ``reasons`` say why.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from tidebook.analytics import Figure, Undefined
from tidebook.api.replies import Json, day_or_null, instant, instant_or_null
from tidebook.api.wire.performance import PLACES, percent
from tidebook.api.wire.shapes import freshness_of
from tidebook.engine.benchmarks import ReturnBasis
from tidebook.engine.measuring.comparing import MATCHED_WITHIN, Basis
from tidebook.model.money import ZERO, decimal_text, exact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidebook.analytics import Interval
    from tidebook.engine.benchmarks import Levels
    from tidebook.engine.measuring.comparative import Comparative
    from tidebook.engine.measuring.comparing import Comparison, IndexSide, UserSide
    from tidebook.engine.measuring.index_lines import Line
    from tidebook.engine.user_figures import Activity
    from tidebook.engine.users import UserBook
    from tidebook.model.periods import Span

_encoder = msgspec.json.Encoder(decimal_format="number")

CONVENTIONS: Json = {
    "profit_dollar": "closing value - opening value - money put in + money taken out",
    "profit_percent": "the money-weighted return over the measured days, not a year's rate",
    "benchmark": "the same flows buy and sell it at the close of their days; what was held at the "
    "start does so at the close of the day before",
    "difference_percent": "profit_percent less mwr_percent of the benchmark: both money-weighted, "
    "over the same days, with the same flows",
    "twr_difference_percent": "twr_percent less returns_percent: both time-weighted",
    "flows": "without fees; money put in works from the start of its day, taken out to its end",
    "fees": "included in every return",
    "matched": f"the two differ by less than {MATCHED_WITHIN * 100} percent",
    "relative": "daily returns in pairs, 252 a year; alpha is arithmetic and without a riskless "
    "rate, capture geometric",
    "day_count": "actual days over 365",
    "unpriced": "a position without a price is carried at its cost; see coverage",
}

_IN_PERCENT = {
    "alpha_annual": "alpha_annual_percent",
    "tracking_error": "tracking_error_annual_percent",
}
_PRICE_ONLY = "the prices of {} in the book leave its distributions out, so that it looks worse"
_GOES_SHORT = (
    "the benchmark could not have paid all that was taken out, so that its end value is negative; "
    "the difference is against one that pays the same share of its value instead"
)


def reply_numbers(body: Mapping[str, object], status: int = 200) -> Response:
    """Return a response whose decimals are JSON numbers, with every digit."""
    return Response(_encoder.encode(body), status, media_type="application/json")


def number(value: Decimal) -> Decimal:
    """Return an amount that is written without exponent and without trailing zeros."""
    return Decimal(decimal_text(value))


def number_or_null(value: Decimal | None) -> Decimal | None:
    """Return an amount, or null where it is undefined."""
    return None if value is None else number(value)


def plain(figure: Figure | None) -> float | None:
    """Return a figure to ten places; null where it is undefined."""
    if figure is None or isinstance(figure, Undefined):
        return None
    return round(figure, PLACES) + 0.0


def timeframe(span: Span, measured: Span | None) -> Json:
    """Return the days asked for, and those that were measured."""
    return {
        "start_date": span.start.isoformat(),
        "end_date": span.end.isoformat(),
        "days": (span.end - span.start).days,
        "measured_start_date": None if measured is None else measured.start.isoformat(),
        "measured_end_date": None if measured is None else measured.end.isoformat(),
    }


def comparative_of(view: Comparative, asked: Span, today: date, now: datetime) -> Json:
    """Return the whole comparison."""
    found = view.found
    return {
        "user_id": view.book.user_id,
        "currency": view.book.currency,
        "timeframe": timeframe(asked, found.span),
        "user_performance": _user(view, today),
        "benchmark_performance": _benchmark(view, today),
        "comparison": _comparison(found) | {"intervals": _intervals(view.intervals)},
        "conventions": CONVENTIONS,
        **rests_on(view.book, view.request.known_at, now),
    }


def simple_of(view: Comparative, asked: Span, today: date, now: datetime) -> Json:
    """Return the comparison in short; both returns are money-weighted, with the same flows."""
    found, user = view.found, view.found.user
    symbols = () if view.activity is None else view.activity.symbols
    with exact():
        invested = None if user is None else user.opening + user.contributions
    benchmark = None if found.benchmark is None else found.benchmark.rate_period
    return {
        "user_id": view.book.user_id,
        "currency": view.book.currency,
        "user_pnl": None if user is None else number(user.profit),
        "user_return_pct": None if user is None else percent(user.earned),
        "benchmark_symbol": found.line.blend.symbol,
        "benchmark_return_pct": None if benchmark is None else percent(benchmark),
        "difference_pct": percent(found.difference),
        "status": found.status.value,
        "reasons": _reasons(found),
        "warnings": _warnings(found),
        "per_symbol_pnl": {one.symbol: number(one.pnl) for one in symbols},
        "timeframe": timeframe(asked, found.span),
        "invested": number_or_null(invested),
        "coverage": None if user is None else number_or_null(user.coverage),
        "benchmark_data": _data(view, today),
        **rests_on(view.book, view.request.known_at, now),
    }


def rests_on(book: UserBook, known_at: datetime | None, now: datetime) -> Json:
    """Return what an answer about a user rests on: portfolios, as of when, known when."""
    read_at = known_at or now
    return {
        "as_of": day_or_null(book.last_on),
        "known_at": instant(read_at),
        "portfolios": [
            {
                "portfolio_id": one.portfolio_id,
                "freshness": freshness_of(freshness._replace(known_at=read_at)),
            }
            for one, freshness in zip(book.portfolios, book.freshness, strict=True)
        ],
    }


def _user(view: Comparative, today: date) -> Json:
    user, done = view.found.user, view.activity
    if user is None or done is None or view.found.span is None:
        names = (
            "buy_value sell_value profit_dollar profit_percent opening_value closing_value income "
            "fees contributions withdrawals mwr_annual_percent twr_percent coverage "
            "coverage_at_start"
        )
        nothing = Json((name, None) for name in names.split())
        return nothing | {"data_source": "book", "as_of": None, "age_days": None}
    return {
        "buy_value": number(done.bought),
        "sell_value": number(done.sold),
        "profit_dollar": number(user.profit),
        "profit_percent": percent(user.earned),
        "opening_value": number(user.opening),
        "closing_value": number(user.closing),
        "income": number(done.income),
        "fees": number(_fees(user, done)),
        "contributions": number(user.contributions),
        "withdrawals": number(user.withdrawals),
        "mwr_annual_percent": percent(user.rates.rate_annual),
        "twr_percent": percent(user.twr),
        "coverage": number_or_null(user.coverage),
        "coverage_at_start": number_or_null(user.coverage_opening),
        "data_source": "book",
        "as_of": view.found.span.end.isoformat(),
        "age_days": (today - view.found.span.end).days,
    }


def _fees(user: UserSide, done: Activity) -> Decimal:
    with exact():
        return done.costs + (user.fees_apart or ZERO)


def _benchmark(view: Comparative, today: date) -> Json:
    found = view.found
    line, index = found.line, found.benchmark
    market = None if index is None else index.market
    closing = None if found.user is None else float(found.user.closing)
    added = None if market is None or closing is None else closing - market.end_value
    return {
        "symbol": line.blend.symbol,
        "name": " + ".join(part.name for part in line.parts),
        "start_price": None if index is None else plain(index.level_start),
        "end_price": None if index is None else plain(index.level_end),
        "price_currency": line.currency,
        "returns_percent": None if index is None else percent(index.total),
        "mwr_percent": None if index is None else percent(index.rate_period),
        "mwr_annual_percent": None if index is None else percent(index.rate_annual),
        "end_value_same_flows": None if market is None else plain(market.end_value),
        "value_added": plain(added),
        "ks_pme": None if market is None else plain(market.kaplan_schoar),
        "direct_alpha_percent": None if index is None else percent(index.direct_alpha),
        "goes_short": None if index is None else index.basis is Basis.SCALED_FLOWS,
        "scaled": _scaled(index),
        "rebalancing": line.blend.rebalancing.value if len(line.parts) > 1 else None,
        **_data(view, today),
    }


def _scaled(index: IndexSide | None) -> Json | None:
    if index is None or index.scaled is None:
        return None
    return {
        "end_value": plain(index.scaled.end_value),
        "mwr_annual_percent": percent(index.scaled.rate_annual),
    }


def _data(view: Comparative, today: date) -> Json:
    """Return where a benchmark's levels come from and how old they are; of a blend, the oldest."""
    line = view.found.line
    last = _last_used(line, view.found.span)
    coverage = view.coverage_benchmark
    return {
        "data_source": "+".join(dict.fromkeys(part.source.value for part in line.parts)),
        "return_basis": "+".join(dict.fromkeys(part.basis.value for part in line.parts)),
        "as_of": day_or_null(last),
        "age_days": None if last is None else (today - last).days,
        "coverage": None if coverage is None else plain(coverage),
        "parts": [
            {"weight": number(weighted.weight), **_part(part, last)}
            for weighted, part in zip(line.blend.parts, line.parts, strict=True)
        ],
    }


def _last_used(line: Line, span: Span | None) -> date | None:
    end = line.days[-1] if span is None else span.end
    return max((day for day in line.days if day <= end), default=None)


def _part(part: Levels, end: date | None) -> Json:
    last = part.as_of(end or date.max)
    return {
        "symbol": part.symbol,
        "name": part.name,
        "currency": part.currency,
        "return_basis": part.basis.value,
        "data_source": part.source.value,
        "provider": part.provider,
        "as_of": None if last is None else last.on.isoformat(),
        "fetched_at": instant_or_null(part.fetched_at),
    }


def _comparison(found: Comparison) -> Json:
    relative = found.relative
    judged = found.status.value != "insufficient_data"
    difference = found.difference
    ahead = None if isinstance(difference, Undefined) or not judged else difference > 0
    return {
        "difference_percent": percent(difference),
        "outperformance": ahead if found.status.value != "matched" else False,
        "status": found.status.value,
        "reasons": _reasons(found),
        "warnings": _warnings(found),
        "basis": None if found.benchmark is None else found.benchmark.basis.value,
        "twr_difference_percent": percent(found.twr_difference),
        "tracking_error_annual_percent": _percent(
            None if relative is None else relative.tracking_error_annual
        ),
        "beta": None if relative is None else plain(relative.beta),
        "alpha_annual_percent": _percent(None if relative is None else relative.alpha_annual),
        "information_ratio": None if relative is None else plain(relative.information_ratio),
        "capture_up": None if relative is None else plain(relative.capture_up),
        "capture_down": None if relative is None else plain(relative.capture_down),
        "n": 0 if relative is None else relative.n,
    }


def _intervals(found: Mapping[str, Interval] | None) -> Json | None:
    if found is None:
        return None
    return {
        _IN_PERCENT.get(name, name): [
            (percent if name in _IN_PERCENT else plain)(end) for end in (one.low, one.high)
        ]
        for name, one in found.items()
    }


def _warnings(found: Comparison) -> list[Json]:
    """Return what makes two figures less alike than they look."""
    index = found.benchmark
    said: list[Json] = [
        {"code": "benchmark-without-distributions", "sentence": _PRICE_ONLY.format(part.symbol)}
        for part in found.line.parts
        if part.basis is ReturnBasis.PRICE
    ]
    if index is not None and index.basis is Basis.SCALED_FLOWS:
        said.append({"code": "benchmark-goes-short", "sentence": _GOES_SHORT})
    return said


def _percent(figure: Figure | None) -> float | None:
    return None if figure is None else percent(figure)


def _reasons(found: Comparison) -> list[Json]:
    """Return why nothing is said of the two, and why single figures are null."""
    said = [Json(code=code, sentence=text) for code, text in found.reasons]
    user, index, relative = found.user, found.benchmark, found.relative
    figures: dict[str, Figure] = {}
    if user is not None:
        figures["profit_percent"] = user.earned
        figures["twr_percent"] = user.twr
    if index is not None:
        figures["mwr_percent"] = index.rate_period
        figures["ks_pme"] = index.market.kaplan_schoar
        figures["direct_alpha_percent"] = index.direct_alpha
    if relative is not None:
        figures["tracking_error_annual_percent"] = relative.tracking_error_annual
        figures["beta"] = relative.beta
        figures["information_ratio"] = relative.information_ratio
        figures["capture_up"] = relative.capture_up
        figures["capture_down"] = relative.capture_down
    said += [
        Json(figure=name, code=figure.reason.value, sentence=figure.sentence)
        for name, figure in figures.items()
        if isinstance(figure, Undefined)
    ]
    return said
