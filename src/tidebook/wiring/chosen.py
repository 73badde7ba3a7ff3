"""What the settings choose: the database, the bus, who has benchmarks, traces and logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook import __version__
from tidebook.adapters.postgres.cluster import EmbeddedCluster
from tidebook.config import EVERY_ROLE
from tidebook.engine.benchmarks import NoProvider
from tidebook.errors import MissingExtraError

if TYPE_CHECKING:
    from contextlib import ExitStack

    from tidebook.adapters.telemetry.tracing import Traces
    from tidebook.config import Settings
    from tidebook.engine.benchmarks import Provider
    from tidebook.engine.bus import Bus


def broker(settings: Settings) -> Bus | None:
    """Return the bus that the settings name; the log in the store needs none.

    Raises:
        MissingExtraError: The client library of the bus is not installed.
    """
    if settings.bus == "log":
        return None
    try:
        from tidebook.adapters.kafka import KafkaBus  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as missing:
        raise MissingExtraError("TIDEBOOK_BUS=kafka", "kafka") from missing
    return KafkaBus(settings.kafka_bootstrap)


def benchmark_provider(settings: Settings) -> Provider:
    """Return who has the levels of benchmarks: Alpaca with keys, else a folder, else nobody."""
    if settings.alpaca_api_key:
        from tidebook.adapters.alpaca import AlpacaBars  # noqa: PLC0415 - seldom needed

        return AlpacaBars(
            settings.alpaca_api_key,
            settings.alpaca_secret_key,
            url=settings.alpaca_url,
            feed=settings.alpaca_feed,
        )
    if settings.benchmark_dir is not None:
        from tidebook.adapters.benchmarkfiles import BenchmarkFolder  # noqa: PLC0415 - as above

        return BenchmarkFolder(settings.benchmark_dir)
    return NoProvider()


def database_url(settings: Settings, stack: ExitStack) -> str:
    """Return the URL of the database to use, starting the embedded one when none is named."""
    if settings.database_url is not None:
        return settings.database_url
    cluster = EmbeddedCluster.start(settings.data_dir, pg_bin=settings.pg_bin)
    stack.callback(cluster.stop)
    return cluster.conninfo


def traces(settings: Settings, stack: ExitStack) -> Traces | None:
    """Return what makes traces where the settings say where they go.

    Raises:
        MissingExtraError: The libraries for traces are not installed.
    """
    if settings.traces_url is None:
        return None
    try:
        from tidebook.adapters.telemetry.tracing import Traces, otlp  # noqa: PLC0415 - an extra

        exporter = otlp(settings.traces_url)
    except ModuleNotFoundError as missing:
        raise MissingExtraError("TIDEBOOK_TRACES_URL", "tracing") from missing
    made = Traces(version=__version__, roles=settings.roles, exporter=exporter)
    stack.callback(made.close)
    return made


def configure_logs(settings: Settings) -> None:
    """Log as the settings say: what a server writes, its web server's lines included."""
    from tidebook.adapters.telemetry.logs import configure  # noqa: PLC0415 - servers alone log

    roles = () if settings.roles == EVERY_ROLE else settings.roles
    configure(settings.log_level, settings.log_format, roles=roles)
