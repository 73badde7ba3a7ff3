"""Every refusal Tidebook can utter.

    TidebookError
    ├── InputError               what was sent cannot be taken as it is
    │   ├── InvalidRequestError      a request or file with one or more faults, listed
    │   ├── MalformedBodyError       a body that is not JSON
    │   ├── MediaTypeError           a body that does not say it is JSON
    │   ├── BodyTooLargeError        more bytes than one request may carry
    │   ├── UnknownParameterError    a query parameter that the address does not have
    │   ├── ReportingCurrencyError   a figure in another currency than the portfolio's
    │   └── InvalidPeriodError       a period that names no days
    ├── NotFoundError            the thing asked for is not in the book
    │   └── UnknownPortfolioError
    ├── StoreError               the database cannot serve
    │   ├── StoreUnavailableError    no connection could be made
    │   ├── DataDirectoryError       the data directory cannot be used by this process
    │   └── FencedError              a worker's fence or generation is out of date
    ├── OverloadedError          a bounded queue is full; the caller should come back
    ├── AnalyticsError           a figure has no meaning for these inputs
    │   └── UnusableSeriesError      a series of values or flows that cannot be read as one
    └── UnsafeNonceError         a page's nonce cannot stand in a header

An error takes the facts and writes its own sentence: what is refused and why. What to do about
it is the ``hint``. The stable ``code`` is what programs may rely on. Faults in a user's *data*
are not errors but findings: see ``tidebook.model.findings``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


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


class Fault(NamedTuple):
    """One thing wrong in a request: where (a JSON pointer), a stable code, and what to do."""

    pointer: str
    code: str
    detail: str


class InvalidRequestError(InputError):
    """A request, or a file, has faults; nothing of it was taken."""

    code = "request.invalid"

    def __init__(self, faults: Sequence[Fault], *, unlisted: int = 0) -> None:
        """Keep the faults in the order of the request; ``unlisted`` more are only counted."""
        self.faults = tuple(faults)
        self.unlisted = unlisted
        count = len(self.faults) + unlisted
        super().__init__(
            f"the request has {count} fault{'' if count == 1 else 's'}; nothing of it was taken",
            hint="correct what errors lists and send the whole request again",
        )


class MalformedBodyError(InputError):
    """A body cannot be read as JSON at all."""

    code = "body.malformed"

    def __init__(self, fault: str) -> None:
        """Say where reading stopped."""
        super().__init__(
            f"the body is not JSON: {fault}", hint="send one JSON document, encoded in UTF-8"
        )


class MediaTypeError(InputError):
    """A body does not say that it is JSON."""

    code = "body.media-type"

    def __init__(self, media_type: str) -> None:
        """Name what was sent instead; empty when nothing was said."""
        self.media_type = media_type
        named = f"is {media_type}" if media_type else "has no Content-Type"
        super().__init__(
            f"the body {named}; only JSON is read here",
            hint="send the header Content-Type: application/json",
        )


class BodyTooLargeError(InputError):
    """A body has more bytes than one request may carry."""

    code = "body.too-large"

    def __init__(self, bytes_max: int) -> None:
        """Say how much may be sent at once."""
        self.bytes_max = bytes_max
        super().__init__(
            f"the body is larger than {bytes_max} bytes; nothing of it was taken",
            hint="send it in several requests; facts may arrive in any order",
        )


class UnknownParameterError(InputError):
    """A query parameter is not one of the address, or was given twice."""

    code = "query.unknown"

    def __init__(self, name: str, fault: str, known: Sequence[str]) -> None:
        """Name the parameter and the ones there are."""
        self.name = name
        there = f"the parameters here are {', '.join(known)}" if known else "there are none here"
        super().__init__(f"the query parameter {name!r} {fault}", hint=there)


class ReportingCurrencyError(InputError):
    """A figure was asked for in another currency than the portfolio's."""

    code = "performance.reporting-currency"

    def __init__(self, asked: str, base: str) -> None:
        """Name the currency asked for and the one on offer."""
        self.asked = asked
        self.base = base
        super().__init__(
            f"a return in {asked} is not offered yet: the series of this portfolio is in {base}",
            hint=f"leave reporting_currency out, or send {base}",
        )


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


class FencedError(StoreError):
    """A worker presented an old fence or generation: another one has taken over, or moved on."""

    code = "store.fenced"

    def __init__(self, what: str) -> None:
        """Name what was fenced."""
        super().__init__(
            f"{what} has moved on since it was read",
            hint="nothing was written; the batch is read and tried again by its present owner",
        )


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


class UnsafeNonceError(TidebookError):
    """A page was to be written with a nonce that cannot stand in a header."""

    code = "web.nonce"

    def __init__(self, length: int) -> None:
        """Say how long it was; the nonce itself is not repeated."""
        self.length = length
        super().__init__(
            f"the nonce of {length} characters is too short or not base64",
            hint="draw at least 16 random bytes for each page, for instance with "
            "secrets.token_urlsafe(18)",
        )
