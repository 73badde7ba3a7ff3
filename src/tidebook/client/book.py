"""A book as it is read from Python: every answer is a frozen value or a table of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

from tidebook.client import answers, asking
from tidebook.client.asking import NOW, Attributing, Measuring, Risking, Several
from tidebook.client.records import (
    Contribution,
    Day,
    Gain,
    Lot,
    MoneyWeighted,
    Performance,
    Portfolio,
    Position,
    Return,
    RiskFigure,
    Transaction,
)
from tidebook.client.tables import Table, row_of
from tidebook.client.users import UserReading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date
    from typing import Self, TypeVar

    from tidebook.client.asking import BenchmarkGroup, When
    from tidebook.client.doors import Document
    from tidebook.client.records import Attribution, Bridge

    Row = TypeVar("Row")

PERIODS: Final = ("MTD", "YTD", "1Y", "3Y", "5Y", "SI")
"""The periods that are told when none is asked for."""
_PLAIN: Final = Measuring()
_RISK: Final = Risking()
_ATTRIBUTING: Final = Attributing()
_PAGE: Final = 1000


class Book(UserReading):
    """A book that is only read; what it answers is the same over HTTP and inside the process.

    Every method raises ``ServerRefusedError`` with the code and the sentence of the HTTP reference
    where the book refuses, and ``ServerUnreachableError`` where no server answers.
    """

    def __enter__(self) -> Self:
        """Use the book in a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave it."""
        self.close()

    def close(self) -> None:
        """End what was opened for the book; it cannot be read any more."""
        self._door.close()

    def portfolios(self, when: When = NOW) -> Table[Portfolio]:
        """Return every portfolio, by id; with an ``as_of`` those open on that day."""
        document = self._door.get("/portfolios/", when.query())
        return _table(Portfolio, document["portfolios"], None)

    def positions(
        self, portfolio_id: str, when: When = NOW, *, include_closed: bool = False
    ) -> Table[Position]:
        """Return the valued positions of a portfolio."""
        query = {**when.query(), "include_closed": str(include_closed).lower()}
        document = self._door.get(_path(portfolio_id, "positions"), query)
        # What it is worth stands in an object of its own on the wire.
        rows = [{**row, **row["valuation"]} for row in document["positions"]]
        return _table(Position, rows, document)

    def lots(
        self, portfolio_id: str, when: When = NOW, *, security_id: str | None = None
    ) -> Table[Lot]:
        """Return open lots, by security and then oldest first."""
        query = {**when.query(), "security_id": security_id}
        document = self._door.get(_path(portfolio_id, "lots"), query)
        return _table(Lot, document["lots"], document)

    def gains(
        self,
        portfolio_id: str,
        when: When = NOW,
        *,
        start_date: date | None = None,
        end_date: date | None = None,
        security_id: str | None = None,
    ) -> Table[Gain]:
        """Return realised gains by the lots they were made on, oldest first."""
        query = {"start_date": start_date, "end_date": end_date, "security_id": security_id}
        path = _path(portfolio_id, "gains")
        return self._paged(Gain, path, {**when.query(), **query}, "gains")

    def transactions(
        self,
        portfolio_id: str,
        when: When = NOW,
        *,
        start_date: date | None = None,
        end_date: date | None = None,
        security_id: str | None = None,
    ) -> Table[Transaction]:
        """Return the transactions of a portfolio and what each realised, oldest first."""
        query = {
            "start_date": start_date,
            "end_date": end_date,
            "security_id": security_id,
            "sort_order": "asc",
        }
        path = _path(portfolio_id, "transactions")
        return self._paged(Transaction, path, {**when.query(), **query}, "transactions")

    def series(
        self,
        portfolio_id: str,
        when: When = NOW,
        *,
        start_date: date | None = None,
        end_date: date | None = None,
    ) -> Table[Day]:
        """Return the daily series of a portfolio, in base currency."""
        query = {**when.query(), "start_date": start_date, "end_date": end_date}
        document = self._door.get(_path(portfolio_id, "series"), query)
        return _table(Day, document["days"], document)

    def returns(
        self,
        portfolio_id: str | Several,
        period: str = "SI",
        breakdown: str = "DAILY",
        measuring: Measuring = _PLAIN,
    ) -> Table[Return]:
        """Return the time-weighted returns of a period, cut up; fractions.

        Args:
            portfolio_id: Whose, or of which several together.
            period: A word such as ``YTD``, ``3Y``, ``2024``, ``18M`` or ``2024-01-01:2024-06-30``.
            breakdown: ``DAILY``, ``WEEKLY``, ``MONTHLY``, ``QUARTERLY`` or ``YEARLY``.
            measuring: Of what part, in which currency, as of when, before or after fees.
        """
        periods = asking.periods_of((period,), breakdown)
        document = self._asked(portfolio_id, "performance", periods, measuring, {})
        return _told(Return, answers.returns(document, period), document)

    def performance(
        self,
        portfolio_id: str | Several,
        periods: Sequence[str] = PERIODS,
        measuring: Measuring = _PLAIN,
    ) -> Table[Performance]:
        """Return the time-weighted returns of periods, as fractions."""
        told = ("include_annualized", "include_cumulative", "include_attributes")
        options: dict[str, Any] = dict.fromkeys(told, True)
        asked = asking.periods_of(dict.fromkeys(periods))
        document = self._asked(portfolio_id, "performance", asked, measuring, options)
        return _told(Performance, answers.performances(document), document)

    def mwr(
        self,
        portfolio_id: str | Several,
        periods: Sequence[str] = PERIODS,
        measuring: Measuring = _PLAIN,
    ) -> Table[MoneyWeighted]:
        """Return the money-weighted returns of periods, as fractions."""
        asked = asking.periods_of(dict.fromkeys(periods))
        options = {"annualize": True}
        document = self._asked(portfolio_id, "performance/mwr", asked, measuring, options)
        return _told(MoneyWeighted, answers.rates(document), document)

    def risk(
        self,
        portfolio_id: str | Several,
        periods: Sequence[str] = ("1Y", "3Y", "5Y", "SI"),
        metrics: Sequence[str] | None = None,
        *,
        risking: Risking = _RISK,
        measuring: Measuring = _PLAIN,
    ) -> Table[RiskFigure]:
        """Return measures over periods, one row each.

        Args:
            portfolio_id: Whose, or of which several together.
            periods: Words, as of :meth:`returns`.
            metrics: Ids of measures; every one that can be told where None.
            risking: Beside which benchmark, how often, with which rates.
            measuring: Of what part, in which currency, as of when.
        """
        body: Document = {
            "scope": _scope(portfolio_id, measuring),
            "periods": asking.periods_of(dict.fromkeys(periods)),
            "options": risking.options(),
        }
        if metrics is not None:
            body["metrics"] = [name.upper() for name in metrics]
        document = self._door.post(_measured(portfolio_id, "risk"), body)
        return _told(RiskFigure, answers.risks(document), document)

    def contribution(
        self,
        portfolio_id: str | Several,
        period: str = "SI",
        by: str = "SECURITY",
        measuring: Measuring = _PLAIN,
    ) -> Table[Contribution]:
        """Return what each group added to the return of a period; they sum to it.

        Args:
            portfolio_id: Whose, or of which several together.
            period: A word, as of :meth:`returns`.
            by: ``SECURITY``, ``ASSET_CLASS``, ``SECTOR`` or ``CURRENCY``.
            measuring: In which currency, as of when.
        """
        periods = asking.periods_of((period,))
        document = self._asked(portfolio_id, "contribution", periods, measuring, {"by": by})
        return _told(Contribution, answers.contributions(document, period), document)

    def attribution(
        self,
        portfolio_id: str | Several,
        benchmark: Iterable[BenchmarkGroup],
        period: str = "SI",
        attributing: Attributing = _ATTRIBUTING,
        measuring: Measuring = _PLAIN,
    ) -> Attribution:
        """Return why a period returned something else than a benchmark, by groups.

        Args:
            portfolio_id: Whose, or of which several together.
            benchmark: The groups of the benchmark, all with an index or all with a return.
            period: A word, as of :meth:`returns`.
            attributing: By what, after which model, with the effect of rates or not.
            measuring: In which currency, as of when.
        """
        body: Document = {
            "scope": _scope(portfolio_id, measuring),
            "periods": asking.periods_of((period,)),
            "benchmark": [group.fields() for group in benchmark],
            "options": attributing.options(),
        }
        document = self._door.post(_measured(portfolio_id, "attribution"), body)
        return answers.attribution_of(document, period)

    def bridge(self, portfolio_id: str, period: str = "SI", when: When = NOW) -> Bridge:
        """Return how the value at the start of a period became that at its end, exact.

        Args:
            portfolio_id: Whose.
            period: A word, as of :meth:`returns`.
            when: As of when.
        """
        document = self._door.get(_path(portfolio_id, "bridge"), {"period": period, **when.query()})
        return answers.bridge_of(document)

    def _asked(
        self,
        portfolio_id: str | Several,
        what: str,
        periods: list[dict[str, Any]],
        measuring: Measuring,
        options: dict[str, Any],
    ) -> Document:
        scope = _scope(portfolio_id, measuring)
        body = {"scope": scope, "periods": periods, "options": options}
        return self._door.post(_measured(portfolio_id, what), body)

    def _paged(
        self, row: Callable[..., Row], path: str, query: dict[str, object], name: str
    ) -> Table[Row]:
        rows: list[dict[str, Any]] = []
        while True:
            page = {**query, "skip": len(rows), "limit": _PAGE}
            document = self._door.get(path, page)
            found = cast("list[dict[str, Any]]", document[name])
            rows += found
            if not found or len(rows) >= int(document["total"]):
                return _table(row, rows, document)


def _path(portfolio_id: str, what: str) -> str:
    return f"/portfolios/{quote(portfolio_id, safe='')}/{what}"


def _measured(portfolio_id: str | Several, what: str) -> str:
    return f"/portfolios/{what}" if isinstance(portfolio_id, Several) else _path(portfolio_id, what)


def _scope(portfolio_id: str | Several, measuring: Measuring) -> dict[str, Any]:
    several = portfolio_id.scope() if isinstance(portfolio_id, Several) else {}
    return {**measuring.scope(), **several}


def _table(
    row: Callable[..., Row], rows: Iterable[dict[str, Any]], document: Document | None
) -> Table[Row]:
    return _told(row, (row_of(row, one) for one in rows), document)


def _told(row: Callable[..., Row], rows: Iterable[Row], document: Document | None) -> Table[Row]:
    return Table(row, tuple(rows), None if document is None else answers.fresh_of(document))
