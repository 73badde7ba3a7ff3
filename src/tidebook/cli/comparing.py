"""``tidebook compare``: a user or portfolio beside a benchmark that got the same money."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from tidebook.cli.app import app
from tidebook.cli.doors import Invocation
from tidebook.cli.output import Answer, Column, Record, write
from tidebook.cli.reading import KnownAt, day

if TYPE_CHECKING:
    from datetime import datetime

    from tidebook.analytics import Figure
    from tidebook.cli.doors import System
    from tidebook.engine.measuring.comparative import Comparative
    from tidebook.engine.users import UserBook


@app.command()
def compare(
    ctx: typer.Context,
    user: Annotated[str, typer.Argument(metavar="USER", help="User id, or portfolio id.")],
    *,
    benchmark: Annotated[
        str, typer.Option(help='A benchmark, a security id, or "60% SPY + 40% AGG".')
    ] = "SPY",
    rebalancing: Annotated[
        str, typer.Option(help="When a blend is rebalanced: daily or monthly.")
    ] = "monthly",
    start: Annotated[
        date | None,
        typer.Option("--from", parser=day, metavar="DAY", help="First day; a year before."),
    ] = None,
    end: Annotated[
        date | None, typer.Option("--to", parser=day, metavar="DAY", help="Last day; today.")
    ] = None,
    known_at: KnownAt = None,
) -> None:
    """Compare what was earned with a benchmark that got the same money on the same days."""
    from tidebook.analytics import Rebalancing
    from tidebook.engine.measuring.comparative import ComparativeRequest, comparative, days_of
    from tidebook.engine.measuring.index_lines import blend_of

    if rebalancing not in {one.value for one in Rebalancing}:
        raise typer.BadParameter("it is daily or monthly", param_hint="--rebalancing")
    blend = blend_of(benchmark, Rebalancing(rebalancing))
    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        book = _book(system, user, known_at)
        asked = days_of(start, end, _today(system, book))
        request = ComparativeRequest(blend, asked.start, asked.end, known_at)
        view = comparative(system.reader, system.benchmarks, book, request)
    write(comparison_answer(view), invocation.output)


def _book(system: System, user: str, known_at: datetime | None) -> UserBook:
    """Return a user's portfolios; where there are none, the portfolio of that id."""
    from tidebook.engine.users import book_of
    from tidebook.errors import UnknownPortfolioError, UnknownUserError

    portfolios = system.reader.portfolios(cif_id=user, known_at=known_at)
    if not portfolios:
        try:
            portfolios = (system.reader.portfolio(user, known_at=known_at),)
        except UnknownPortfolioError:
            raise UnknownUserError(user) from None
    return book_of(system.reader, user, portfolios, known_at=known_at)


def _today(system: System, book: UserBook) -> date:
    from zoneinfo import ZoneInfo

    return system.clock.now().astimezone(ZoneInfo(book.portfolios[0].time_zone)).date()


def comparison_answer(view: Comparative) -> Answer:
    """Return both sides and their difference, and beneath them what they rest on."""
    found, currency = view.found, view.book.currency
    records = _records(view)
    span = found.span
    days = "no valued day in the period" if span is None else f"{span.start} to {span.end}"
    return Answer(
        f"{view.book.user_id} beside {found.line.blend.symbol}, {days}",
        (
            Column("side", "side"),
            Column("opening_value", f"begin {currency}", "amount"),
            Column("net_flows", f"net flows {currency}", "amount"),
            Column("closing_value", f"end {currency}", "amount"),
            Column("mwr", "money-weighted", "percent"),
            Column("mwr_annual", "a year", "percent"),
            Column("twr", "time-weighted", "percent"),
        ),
        records,
        _document(view, records),
        None,
        _notes(view),
    )


def _records(view: Comparative) -> list[Record]:
    from tidebook.analytics import value_of

    found = view.found
    user, index = found.user, found.benchmark
    if user is None:
        return []
    flows = user.contributions - user.withdrawals
    rows: list[Record] = [
        {
            "side": view.book.user_id,
            "opening_value": user.opening,
            "net_flows": flows,
            "closing_value": user.closing,
            "mwr": value_of(user.earned),
            "mwr_annual": value_of(user.rates.rate_annual),
            "twr": value_of(user.twr),
        }
    ]
    if index is not None:
        end = Decimal(repr(index.market.end_value))
        rows.append(
            {
                "side": f"{found.line.blend.symbol}, same flows",
                "opening_value": user.opening,
                "net_flows": flows,
                "closing_value": end,
                "mwr": value_of(index.rate_period),
                "mwr_annual": value_of(index.rate_annual),
                "twr": value_of(index.total),
            }
        )
        rows.append(
            {
                "side": "difference",
                "opening_value": None,
                "net_flows": None,
                "closing_value": user.closing - end,
                "mwr": value_of(found.difference),
                "mwr_annual": None,
                "twr": value_of(found.twr_difference),
            }
        )
    return rows


def _document(view: Comparative, records: list[Record]) -> dict[str, object]:
    found, index = view.found, view.found.benchmark
    return {
        "user_id": view.book.user_id,
        "currency": view.book.currency,
        "start_date": None if found.span is None else found.span.start,
        "end_date": None if found.span is None else found.span.end,
        "status": found.status.value,
        "reasons": [{"code": code, "sentence": text} for code, text in found.reasons],
        "benchmark": found.line.blend.symbol,
        "rebalancing": found.line.blend.rebalancing.value,
        "basis": None if index is None else index.basis.value,
        "profit": None if found.user is None else found.user.profit,
        "coverage": None if found.user is None else found.user.coverage,
        "ks_pme": _value(None if index is None else index.market.kaplan_schoar),
        "direct_alpha": _value(None if index is None else index.direct_alpha),
        "sides": records,
        "levels": [
            {
                "symbol": part.symbol,
                "currency": part.currency,
                "return_basis": part.basis.value,
                "data_source": part.source.value,
                "provider": part.provider,
                "last_date": part.points[-1].on,
            }
            for part in found.line.parts
        ],
    }


def _notes(view: Comparative) -> tuple[str, ...]:
    found, index, currency = view.found, view.found.benchmark, view.book.currency
    notes = [f"{found.status.value}" + "".join(f"; {text}" for _, text in found.reasons)]
    if found.user is not None:
        notes.append(f"profit {found.user.profit:,.2f} {currency}, all fees included")
    if index is not None:
        multiple = _value(index.market.kaplan_schoar)
        ahead = _value(index.direct_alpha)
        told = "undefined" if multiple is None else f"{multiple:.6f}"
        led = "undefined" if ahead is None else f"{ahead * 100:.4f} % a year"
        notes.append(f"KS-PME {told}, direct alpha {led}, basis {index.basis.value}")
    notes += [
        f"{part.symbol}: {part.basis.value} in {part.currency}, from {part.provider} "
        f"({part.source.value}), last level of {part.points[-1].on}"
        for part in found.line.parts
    ]
    notes.append("the benchmark is bought and sold with the same flows at the close of their days")
    return tuple(notes)


def _value(figure: Figure | None) -> float | None:
    from tidebook.analytics import value_of

    return None if figure is None else value_of(figure)
