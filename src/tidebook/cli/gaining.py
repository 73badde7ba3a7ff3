"""``tidebook gains``: what was realised, lot by lot, with holding periods and tax."""

from __future__ import annotations

from datetime import MAXYEAR, date
from typing import TYPE_CHECKING, Annotated

import typer

from tidebook.cli.app import app
from tidebook.cli.doors import Invocation
from tidebook.cli.output import Answer, Column, Record, write
from tidebook.cli.reading import AsOf, KnownAt, Portfolio, Security, day

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidebook.book.gains import Gain, GainTotals
    from tidebook.engine.gains import GainsReport


@app.command()
def gains(
    ctx: typer.Context,
    portfolio: Portfolio,
    *,
    year: Annotated[
        int | None, typer.Option(min=1, max=MAXYEAR, help="Only what was realised in this year.")
    ] = None,
    start: Annotated[
        date | None, typer.Option("--from", parser=day, metavar="DAY", help="First business date.")
    ] = None,
    end: Annotated[
        date | None, typer.Option("--to", parser=day, metavar="DAY", help="Last business date.")
    ] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    security: Security = None,
) -> None:
    """Show realised gains by the lots they were made on, with holding periods and tax."""
    from tidebook.engine.gains import gains_report

    if year is not None:
        if start is not None or end is not None:
            raise typer.BadParameter("a year has its own first and last day", param_hint="--year")
        start, end = date(year, 1, 1), date(year, 12, 31)
    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        view = system.reader.entries(
            portfolio,
            security_id=security,
            start=start,
            as_of=as_of,
            known_at=known_at,
            realised=True,
        )
    write(gains_answer(gains_report(view, start=start, end=end)), invocation.output)


def gains_answer(report: GainsReport) -> Answer:
    """Return realised gains line by line, with their sums below."""
    from tidebook.cli.answers import freshness_note, freshness_record, title_of

    base = report.portfolio.base_currency
    records = [_record(gain) for gain in report.gains]
    total = _sums(report.total)
    return Answer(
        title_of("realised gains", report.portfolio),
        (
            Column("closed_on", "closed"),
            Column("security_id", "security"),
            Column("lot_id", "lot"),
            Column("kind", "kind"),
            Column("opened_on", "opened"),
            Column("days_held", "days", "exact"),
            Column("term", "term"),
            Column("quantity", "quantity", "exact"),
            Column("proceeds_base", f"proceeds {base}", "amount"),
            Column("cost_base", f"cost {base}", "amount"),
            Column("gain_base", f"gain {base}", "amount"),
            Column("currency_base", "by currency", "amount"),
            Column("tax_base", "tax", "amount"),
        ),
        records,
        {
            "portfolio_id": report.portfolio.portfolio_id,
            "base_currency": base,
            "freshness": freshness_record(report.freshness),
            "gains": records,
            "totals": total,
            "by_term": _grouped(report.by_term, "term"),
            "by_security": _grouped(report.by_security, "security_id"),
            "by_year": _grouped(report.by_year, "year"),
            "tax_reason": report.tax_reason,
        },
        {"closed_on": "total", **total},
        (*_notes(report), freshness_note(report.freshness)),
    )


def _record(gain: Gain) -> Record:
    named = {"kind": gain.kind.value, "side": gain.side.value, "term": gain.term.value}
    return {**gain._asdict(), **named, "type": gain.type.value, "reason": gain.reason}


def _sums(totals: GainTotals) -> Record:
    return {**totals._asdict(), "reason": totals.reason}


def _grouped(groups: Mapping[str, GainTotals], heading: str) -> list[Record]:
    return [{heading: name, **_sums(totals)} for name, totals in groups.items()]


def _notes(report: GainsReport) -> tuple[str, ...]:
    """Return the sums by term and by year in words, and why what is missing is so."""
    from tidebook.cli.output import cell

    terms = [
        f"{name.lower()} term {cell(totals.gain_base, 'amount')}"
        for name, totals in report.by_term.items()
    ]
    years = [
        f"{name} {cell(totals.gain_base, 'amount')}" for name, totals in report.by_year.items()
    ]
    reasons = (report.total.reason, report.tax_reason and f"no tax is told: {report.tax_reason}")
    return tuple(line for line in (", ".join(terms), ", ".join(years), *reasons) if line)
