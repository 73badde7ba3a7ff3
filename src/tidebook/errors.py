"""Every refusal Tidebook can utter.

    TidebookError
    ├── InputError               what was sent cannot be taken as it is
    │   ├── InvalidRequestError      a request or file with one or more faults, listed
    │   ├── BodyTooLargeError        more bytes than one request may carry
    │   └── InvalidPeriodError       a period that names no days
    ├── NotFoundError            the thing asked for is not in the book
    │   └── UnknownPortfolioError
    ├── StoreError               the database cannot serve
    │   ├── StoreUnavailableError    no connection could be made
    │   └── DataDirectoryError       the data directory cannot be used by this process
    ├── OverloadedError          a bounded queue is full; the caller should come back
    └── AnalyticsError           a figure has no meaning for these inputs
        └── UnusableSeriesError      a series of values or flows that cannot be read as one

An error takes the facts and writes its own sentence: what is refused and why. What to do about
it is the ``hint``. The stable ``code`` is what programs may rely on. Faults in a user's *data*
are not errors but findings: see ``tidebook.model.findings``.
"""

from __future__ import annotations

from typing import ClassVar


class TidebookError(Exception):
    """The root of the tree: a refusal with a stable code and a remedy."""

    code: ClassVar[str] = "tidebook.error"

    def __init__(self, message: str, *, hint: str) -> None:
        """Keep the sentence and the remedy apart, so that each edge can lay them out."""
        self.hint = hint
        super().__init__(message)


class InputError(TidebookError):
    """What was sent cannot be taken as it is."""

    code = "input.invalid"


class InvalidPeriodError(InputError):
    """A period was asked for that names no days."""

    code = "input.period"

    def __init__(self, period: str, fault: str) -> None:
        """Name the period as it was written, and what keeps it from being one."""
        self.period = period
        self.fault = fault
        super().__init__(
            f"period {period} {fault}",
            hint="name a period such as YTD, a YEAR with its year, or EXPLICIT with both days",
        )


class NotFoundError(TidebookError):
    """The thing asked for is not in the book."""

    code = "not-found"


class UnknownPortfolioError(NotFoundError):
    """A portfolio was asked for that no fact has introduced."""

    code = "portfolio.unknown"

    def __init__(self, portfolio_id: str) -> None:
        """Name the portfolio that was asked for."""
        self.portfolio_id = portfolio_id
        super().__init__(
            f"portfolio {portfolio_id!r} is not in the book",
            hint="check the id, or introduce the portfolio with POST /ingest/portfolios",
        )


class StoreError(TidebookError):
    """The database cannot serve."""

    code = "store.failed"


class StoreUnavailableError(StoreError):
    """No connection to the database could be made."""

    code = "store.unavailable"


class DataDirectoryError(StoreError):
    """The data directory cannot be used by this process."""

    code = "store.data-directory"


class OverloadedError(TidebookError):
    """A bounded queue is full; the caller should come back later."""

    code = "overloaded"

    def __init__(self, what: str, *, retry_after_seconds: int) -> None:
        """Say which bound was reached and when to try again."""
        self.retry_after_seconds = retry_after_seconds
        super().__init__(
            f"{what} is full",
            hint=f"send the same request again in {retry_after_seconds} seconds; "
            "a repeated fact changes nothing",
        )


class AnalyticsError(TidebookError):
    """A figure has no meaning for these inputs."""

    code = "analytics.undefined"


class UnusableSeriesError(AnalyticsError):
    """A series of daily values or dated flows cannot be read as one."""

    code = "analytics.series"

    def __init__(self, series: str, fault: str) -> None:
        """Name the series, and what is wrong with it."""
        self.series = series
        self.fault = fault
        super().__init__(
            f"the {series} cannot be used: {fault}",
            hint="send one finite figure per day, with the days in order and inside the period",
        )
