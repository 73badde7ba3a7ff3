"""Rolling windows and bootstrap intervals of ``tidebook risk``."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tidebook.cli.output import Column, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.analytics import Figure, Measure
    from tidebook.cli.output import Answer
    from tidebook.engine.measuring.risk import PeriodRisk


def rolling_answer(
    plain: Answer, periods: Sequence[PeriodRisk], measures: Sequence[Measure], window: int
) -> Answer:
    """Return one row a period and day, one column a measure of the window that ends there."""
    from tidebook.engine.measuring.risk_over_time import rolling_of

    ids = [measure.id for measure in measures]
    records: list[Record] = []
    notes: list[str] = []
    for period in periods:
        found = rolling_of(period, ids, window)
        rows: dict[str, Record] = {}
        for each in found:
            if each.why is not None:
                notes.append(f"{period.name}: {each.measure}: {each.why.sentence}")
            for on, figure in each.windows:
                plain_row: Record = {"period": period.name, "date": on, **dict.fromkeys(ids)}
                rows.setdefault(on.isoformat(), plain_row)[each.measure] = shown(figure)
        records.extend(rows[on] for on in sorted(rows))
    return plain._replace(
        title=f"{plain.title}, each window of {window} returns",
        columns=(
            Column("period", "period"),
            Column("date", "date"),
            *(Column(name, name, "exact") for name in ids),
        ),
        records=records,
        document={**plain.document, "window": window, "rolling": records},
        notes=(*plain.notes[:2], *notes),
    )


def intervals_answer(
    plain: Answer,
    periods: Sequence[PeriodRisk],
    measures: Sequence[Measure],
    draw: tuple[int, int],
) -> Answer:
    """Return one row a measure; of each period the figure, and between what it lies."""
    from tidebook.analytics import Drawing
    from tidebook.engine.measuring.risk_over_time import Histories, intervals_of

    draws, seed = draw
    drawing = Drawing(draws=draws)
    ids = [measure.id for measure in measures]
    records: list[Record] = [{"measure": each.id, "unit": each.unit.value} for each in measures]
    columns = [Column("measure", "measure"), Column("unit", "unit")]
    told: list[dict[str, object]] = []
    for period in periods:
        name = period.name
        found = intervals_of(period, ids, Histories(drawing, seed))
        for record in records:
            one = found.intervals[str(record["measure"])]
            record[name] = shown(one.figure)
            record[f"{name} low"], record[f"{name} high"] = shown(one.low), shown(one.high)
            record[f"{name} draws"] = one.draws
        columns += [Column(word, word, "exact") for word in (name, f"{name} low", f"{name} high")]
        told.append({"period": name, "block_mean": found.block_mean})
    bootstrap = {
        "method": "stationary bootstrap, percentile interval",
        "seed": seed,
        "draws": draws,
        "confidence": drawing.confidence,
        "periods": told,
        "intervals": records,
    }
    note = (
        f"low and high hold {drawing.confidence:.0%} of {draws} histories drawn in blocks "
        f"(stationary bootstrap, seed {seed})"
    )
    return plain._replace(
        columns=tuple(columns),
        records=records,
        document={**plain.document, "bootstrap": bootstrap},
        notes=(note, *plain.notes),
    )


def shown(figure: Figure) -> Decimal | None:
    """Return a figure to six places; None where it is undefined."""
    from tidebook.analytics import value_of

    value = value_of(figure)
    return None if value is None else Decimal(f"{value:.6f}")
