"""The demo's pages in a real browser that can reach this machine and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.request import urlopen

import pytest

from tests.edges.page_tree import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.edges.page_tree import Element

pytestmark = pytest.mark.browser

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--window-size=1200,2400",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
PNG = b"\x89PNG\r\n\x1a\n"
PATIENCE_SECONDS = 60


class Shown(NamedTuple):
    """What a browser made of a page: the document after its script, its picture, its log."""

    root: Element
    picture: bytes
    log: str


class Browser(NamedTuple):
    program: str
    folder: Path

    def show(self, url: str) -> Shown:
        """Load a page in a fresh profile."""
        profile = self.folder / f"profile-{len(list(self.folder.iterdir()))}"
        picture = self.folder / f"{profile.name}.png"
        done = subprocess.run(
            [
                self.program,
                *OPTIONS,
                f"--user-data-dir={profile}",
                f"--screenshot={picture}",
                "--dump-dom",
                url,
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE_SECONDS,
        )
        return Shown(parsed(done.stdout), picture.read_bytes(), done.stderr)


@pytest.fixture(scope="module", name="browser")
def a_browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert program is not None, f"none of {', '.join(PROGRAMS)} is installed"
    return Browser(program, tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module", name="places")
def places_of_the_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Serve the demo on a free port and give the addresses that it prints when all is loaded."""
    data = tmp_path_factory.mktemp("demo") / "data"
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    with subprocess.Popen(
        [sys.executable, "-m", "tidebook", "--data", str(data), "demo", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as server:
        try:
            assert server.stdout is not None
            lines: list[str] = []
            for line in server.stdout:
                lines.append(line)
                if line.startswith("}"):
                    break
            yield json.loads("".join(lines))
        finally:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=PATIENCE_SECONDS)


def test_the_list_shows_every_portfolio(browser: Browser, places: dict[str, str]) -> None:
    shown = browser.show(places["all_portfolios"])
    assert shown.root.all("title")[0].text == "Portfolios · Tidebook"
    [body] = shown.root.all("tbody")
    assert [link.text for link in body.all("a")] == [
        "Global growth, EUR",
        "Dividend income, USD",
        "Technology, explicit settlement",
    ]
    assert [button.text for button in shown.root.all("thead")[0].all("button")] == [
        "Portfolio",
        "Value",
        "As of",
        "Data to check",
        "Status",
    ]
    assert "CONSOLE" not in shown.log


def test_a_portfolio_is_drawn_and_can_be_read(browser: Browser, places: dict[str, str]) -> None:
    shown = browser.show(places["page"])
    assert shown.root.all("title")[0].text == "Global growth, EUR · Tidebook"
    assert "now" in shown.root.all("dl", class_="provenance")[0].text
    [holdings] = [one for one in shown.root.all("table") if "Unrealised gain" in one.text]
    assert len(holdings.all("tbody")[0].all("tr")) == 9
    lines = [path.attributes.get("class") for path in shown.root.all("path")]
    assert lines.count("line") == 2
    # The script has run: it alone makes the drawing a slider that keys can move.
    [slider] = [one for one in shown.root.all("div") if one.attributes.get("role") == "slider"]
    assert slider.attributes["aria-valuetext"].startswith("28 Dec 2022, value ")
    assert "CONSOLE" not in shown.log
    assert shown.picture.startswith(PNG)
    assert len(shown.picture) > 50_000


def test_a_page_may_ask_for_nothing_else(places: dict[str, str]) -> None:
    with urlopen(places["page"], timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - our own server
        policy, root = answer.headers["Content-Security-Policy"], parsed(answer.read().decode())
    assert "default-src 'none'" in policy
    loading = [one.attributes.get("src") for name in ("script", "img") for one in root.all(name)]
    assert set(loading) == {None}
    assert all(link.attributes["href"].startswith("data:") for link in root.all("link"))


def test_a_refusal_is_a_page(browser: Browser, places: dict[str, str]) -> None:
    shown = browser.show(places["page"].replace("DEMO-001", "NONE"))
    assert shown.root.all("title")[0].text == "Not Found · Tidebook"
    assert "portfolio 'NONE' is not in the book" in shown.root.text
