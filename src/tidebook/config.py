"""The settings of one process, read once and passed down.

Nothing below the composition root reads the environment: it is handed a :class:`Settings`.
Every variable is described in ``docs/reference/settings.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tidebook.errors import InvalidSettingError, UnknownRoleError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LogLevel = Literal["debug", "info", "warning", "error"]
BusName = Literal["log", "kafka"]
LogFormat = Literal["auto", "json", "text"]


class Role(StrEnum):
    """What one process does of the whole; any number of processes may do the same."""

    INGEST = "ingest"
    BOOK = "book"
    SERIES = "series"
    QUERY = "query"
    CONTROL = "control"
    LIVE = "live"


EVERY_ROLE: Final = tuple(Role)
_PORTS: Final = {
    Role.INGEST: 8000,
    Role.BOOK: 8002,
    Role.SERIES: 8003,
    Role.QUERY: 8001,
    Role.CONTROL: 8005,
    Role.LIVE: 8004,
}

_DAYS_MAX: Final = 36_500
_WORKERS: Final = 2
_CURRENCY = re.compile(r"[A-Z0-9]{3,10}")
_DATABASE_SCHEMES = ("postgresql://", "postgres://")
_REDIS_SCHEMES = ("redis://", "rediss://")


@dataclass(frozen=True, slots=True)
class Settings:
    """What one process is told from outside.

    Attributes:
        data_dir: Where the embedded database keeps its files. Used only without ``database_url``.
        database_url: A running PostgreSQL to use in place of the embedded one. Hidden in ``repr``
            because it may hold a password.
        pg_bin: A folder of PostgreSQL server programs that goes before all that would be found.
        host: The address the HTTP door listens on.
        port: The TCP port of the HTTP door; 0 takes any free one.
        max_body_bytes: The largest request body that is read.
        log_level: The least severe line that is logged.
        log_format: How lines are logged; ``auto`` is text on a terminal and JSON otherwise.
        traces_url: Where traces are sent; none are made without.
        book_batch_max: The most facts that one transaction of the book stage takes; it takes
            more than 2000 only where many wait.
        workers: How many book workers run beside each other in this process.
        roles: What this process does; all of it unless said otherwise.
        bus: What carries facts from one process to the next.
        kafka_bootstrap: Addresses of Kafka servers, with commas between.
        redis_url: A Redis server that carries live events; the log does without. Hidden in
            ``repr`` because it may hold a password.
        live_portfolio: The portfolio of live events and questions that name none.
        retention_log_days: For how many days records that everybody has read are kept.
        retention_known_days: For how many days what was replaced is kept, so that what was
            believed then can be asked; None keeps it for good.
        user_currency: The base currency of the portfolio that a user's first trade makes.
        user_time_zone: The time zone of that portfolio.
        benchmark_dir: A folder of levels of benchmarks, asked where there are no keys for Alpaca.
        alpaca_api_key: The key id of an Alpaca account, whose bars are the benchmarks' levels.
        alpaca_secret_key: Its secret. Hidden in ``repr`` as the key is.
        alpaca_url: The address of Alpaca's market data.
        alpaca_feed: The feed of Alpaca that the account may read.
    """

    data_dir: Path
    database_url: str | None = field(default=None, repr=False)
    pg_bin: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    max_body_bytes: int = 32 * 1024 * 1024
    log_level: LogLevel = "info"
    log_format: LogFormat = "auto"
    traces_url: str | None = None
    book_batch_max: int = 8000
    workers: int = _WORKERS
    roles: tuple[Role, ...] = EVERY_ROLE
    bus: BusName = "log"
    kafka_bootstrap: str = "127.0.0.1:9092"
    redis_url: str | None = field(default=None, repr=False)
    live_portfolio: str = ""
    retention_log_days: int = 30
    retention_known_days: int | None = None
    user_currency: str = "USD"
    user_time_zone: str = "America/New_York"
    benchmark_dir: Path | None = None
    alpaca_api_key: str = field(default="", repr=False)
    alpaca_secret_key: str = field(default="", repr=False)
    alpaca_url: str = "https://data.alpaca.markets"
    alpaca_feed: str = "iex"

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> Settings:
        """Return the settings that these variables ask for.

        A variable that is absent or empty takes its default. A variable that is not a setting is
        left alone.

        Args:
            env: Names and values; ``os.environ`` in a running process.

        Raises:
            InvalidSettingError: A value is not of the kind or range its setting allows. It is
                refused rather than replaced by the default, which nobody asked for.
        """
        default = cls(data_dir=_data_dir(env))
        pg_bin = env.get("TIDEBOOK_PG_BIN")
        roles = roles_of(env.get("TIDEBOOK_ROLE") or "all")
        bus = _bus(env, default.bus)
        return cls(
            data_dir=default.data_dir,
            database_url=_database_url(env),
            pg_bin=Path(pg_bin).expanduser() if pg_bin else None,
            host=env.get("TIDEBOOK_HOST") or default.host,
            port=_whole_number(env, "TIDEBOOK_PORT", port_of(roles), lowest=0, highest=65535),
            max_body_bytes=_whole_number(
                env, "TIDEBOOK_MAX_BODY_BYTES", default.max_body_bytes, lowest=1024, highest=2**40
            ),
            log_level=_log_level(env, default.log_level),
            log_format=_log_format(env, default.log_format),
            traces_url=_web_address(env, "TIDEBOOK_TRACES_URL", "") or None,
            book_batch_max=_whole_number(
                env, "TIDEBOOK_BOOK_BATCH_MAX", default.book_batch_max, lowest=1, highest=1_000_000
            ),
            workers=_whole_number(env, "TIDEBOOK_WORKERS", workers_over(bus), lowest=1, highest=64),
            roles=roles,
            bus=bus,
            kafka_bootstrap=env.get("TIDEBOOK_KAFKA_BOOTSTRAP") or default.kafka_bootstrap,
            redis_url=_redis_url(env),
            live_portfolio=env.get("TIDEBOOK_LIVE_PORTFOLIO") or default.live_portfolio,
            retention_log_days=_whole_number(
                env,
                "TIDEBOOK_RETENTION_LOG_DAYS",
                default.retention_log_days,
                lowest=1,
                highest=_DAYS_MAX,
            ),
            retention_known_days=_whole_number(
                env, "TIDEBOOK_RETENTION_KNOWN_DAYS", 0, lowest=1, highest=_DAYS_MAX
            )
            or None,
            user_currency=_currency(env, "TIDEBOOK_USER_CURRENCY", default.user_currency),
            user_time_zone=_time_zone(env, "TIDEBOOK_USER_TIME_ZONE", default.user_time_zone),
            benchmark_dir=_folder(env, "TIDEBOOK_BENCHMARK_DIR"),
            alpaca_api_key=_half_of_two(env, "ALPACA_API_KEY", "ALPACA_SECRET_KEY"),
            alpaca_secret_key=_half_of_two(env, "ALPACA_SECRET_KEY", "ALPACA_API_KEY"),
            alpaca_url=_web_address(env, "TIDEBOOK_ALPACA_URL", default.alpaca_url),
            alpaca_feed=env.get("TIDEBOOK_ALPACA_FEED") or default.alpaca_feed,
        )


def roles_of(text: str) -> tuple[Role, ...]:
    """Return the roles that a list with commas names, in the order of the work.

    Raises:
        UnknownRoleError: When one is not known.

    Example:
        >>> [role.value for role in roles_of("series,book")]
        ['book', 'series']
    """
    named = {word.strip() for word in text.split(",") if word.strip()}
    allowed = ", ".join((*EVERY_ROLE, "all"))
    for name in sorted(named - {"all", *EVERY_ROLE}):
        raise UnknownRoleError(name, "there is no such role", allowed=allowed)
    if not named:
        raise UnknownRoleError(repr(text), "no role is named", allowed=allowed)
    return EVERY_ROLE if "all" in named else tuple(role for role in Role if role in named)


def workers_over(bus: BusName) -> int:
    """Return how many book workers a process has, where no number is named.

    Workers that read from a broker divide the partitions for good, so that two of them make two
    batches of what would be one. Those that read the log share as much as waits.
    """
    return 1 if bus == "kafka" else _WORKERS


def port_of(roles: Sequence[Role]) -> int:
    """Return the port of a process with these roles, where none is named: that of the first."""
    return _PORTS[roles[0]]


def _data_dir(env: Mapping[str, str]) -> Path:
    given = env.get("TIDEBOOK_DATA_DIR")
    if given:
        return Path(given).expanduser()
    share = env.get("XDG_DATA_HOME")
    # The base directory specification says that a relative path is to be ignored.
    if share and Path(share).is_absolute():
        return Path(share) / "tidebook"
    home = env.get("HOME")
    return (Path(home) if home else Path.home()) / ".local" / "share" / "tidebook"


def _database_url(env: Mapping[str, str]) -> str | None:
    for variable in ("TIDEBOOK_DATABASE_URL", "DATABASE_URL"):
        url = env.get(variable)
        if not url:
            continue
        if not url.startswith(_DATABASE_SCHEMES):
            # The value may hold a password, so the refusal repeats no more than its scheme.
            scheme = url.partition("://")[0] if "://" in url else "something else"
            raise InvalidSettingError(variable, scheme, allowed="a URL postgresql://...")
        return url
    return None


def _redis_url(env: Mapping[str, str]) -> str | None:
    url = env.get("TIDEBOOK_REDIS_URL")
    if url and not url.startswith(_REDIS_SCHEMES):
        # The value may hold a password.
        scheme = url.partition("://")[0] if "://" in url else "something else"
        raise InvalidSettingError("TIDEBOOK_REDIS_URL", scheme, allowed="a URL redis://...")
    return url or None


def _log_level(env: Mapping[str, str], default: LogLevel) -> LogLevel:
    given = env.get("TIDEBOOK_LOG_LEVEL") or default
    for level in get_args(LogLevel):
        if given.lower() == level:
            return level
    raise InvalidSettingError(
        "TIDEBOOK_LOG_LEVEL", given, allowed="one of " + ", ".join(get_args(LogLevel))
    )


def _log_format(env: Mapping[str, str], default: LogFormat) -> LogFormat:
    given = env.get("TIDEBOOK_LOG_FORMAT") or default
    for form in get_args(LogFormat):
        if given == form:
            return form
    raise InvalidSettingError(
        "TIDEBOOK_LOG_FORMAT", given, allowed="one of " + ", ".join(get_args(LogFormat))
    )


def _bus(env: Mapping[str, str], default: BusName) -> BusName:
    given = env.get("TIDEBOOK_BUS") or default
    for name in get_args(BusName):
        if given == name:
            return name
    raise InvalidSettingError(
        "TIDEBOOK_BUS", given, allowed="one of " + ", ".join(get_args(BusName))
    )


def _folder(env: Mapping[str, str], variable: str) -> Path | None:
    given = env.get(variable)
    return Path(given).expanduser() if given else None


def _currency(env: Mapping[str, str], variable: str, default: str) -> str:
    given = env.get(variable) or default
    if _CURRENCY.fullmatch(given):
        return given
    raise InvalidSettingError(
        variable, given, allowed="a currency code of 3 to 10 capital letters or digits"
    )


def _time_zone(env: Mapping[str, str], variable: str, default: str) -> str:
    given = env.get(variable) or default
    try:
        ZoneInfo(given)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidSettingError(
            variable, given, allowed="an IANA time zone such as America/New_York"
        ) from None
    return given


def _half_of_two(env: Mapping[str, str], variable: str, other: str) -> str:
    """Return one of two values that are of use only together; neither is repeated anywhere."""
    given = env.get(variable) or ""
    if not given and env.get(other):
        raise InvalidSettingError(variable, "", allowed=f"set, as {other} is")
    return given


def _web_address(env: Mapping[str, str], variable: str, default: str) -> str:
    given = env.get(variable) or default
    if given == default or given.startswith(("https://", "http://")):
        return given
    raise InvalidSettingError(variable, given, allowed="an address such as https://...")


def _whole_number(
    env: Mapping[str, str], variable: str, default: int, *, lowest: int, highest: int
) -> int:
    given = env.get(variable)
    if not given:
        return default
    digits = given.strip()
    # int() would also take "1_000" and digits of other scripts, which are likelier slips.
    if digits.isascii() and digits.isdecimal() and lowest <= int(digits) <= highest:
        return int(digits)
    raise InvalidSettingError(variable, given, allowed=f"a whole number from {lowest} to {highest}")
