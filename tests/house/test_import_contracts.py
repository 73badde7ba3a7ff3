"""The import contracts of pyproject.toml hold on a sound skeleton and catch each kind of breach."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.house.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

SKELETON = {
    "errors.py": "",
    "config.py": "import os\nimport tidebook.errors\n",
    "model/money.py": "import decimal\nimport tidebook.errors\n",
    "book/lots.py": "import tidebook.model.money\n",
    "analytics/risk.py": "import numpy\nimport tidebook.book.lots\n",
    "compliance/limits.py": "import tidebook.analytics.risk\n",
    "strategy/regime.py": "import tidebook.analytics.risk\n",
    "live/pnl.py": "import tidebook.analytics.risk\n",
    "engine/runner.py": "import asyncio\nimport tidebook.strategy.regime\n",
    "adapters/postgres/journal.py": "import psycopg, msgspec\nimport tidebook.engine.runner\n",
    "adapters/kafka.py": "import confluent_kafka\nimport tidebook.engine.runner\n",
    "api/app.py": "import fastapi\nimport msgspec\nimport tidebook.engine.runner\n",
    "web/page.py": "import jinja2\nimport tidebook.model.money\n",
    "wiring.py": "import tidebook.api.app, tidebook.adapters.kafka, tidebook.config\n",
    "cli/main.py": "import tidebook.wiring\n",
    "__main__.py": "import tidebook.cli.main\n",
}
BREACHES = [
    ("layers", "model/money.py", "tidebook.book.lots"),
    ("layers", "errors.py", "tidebook.config"),
    ("layers", "api/app.py", "tidebook.adapters.kafka"),
    ("layers", "adapters/kafka.py", "tidebook.web.page"),
    ("layers", "engine/runner.py", "tidebook.wiring"),
    ("layers", "strategy/regime.py", "tidebook.compliance.limits"),
    ("pure", "book/lots.py", "os"),
    ("pure", "live/pnl.py", "asyncio"),
    ("pure", "analytics/risk.py", "time"),
    ("pure", "model/money.py", "tidebook.config"),
    ("exact", "compliance/limits.py", "scipy"),
    ("strangers", "adapters/kafka.py", "tidebook.adapters.postgres.journal"),
    ("no-frames", "cli/main.py", "pandas"),
    ("wire", "engine/runner.py", "msgspec"),
    ("wire", "wiring.py", "msgspec"),
    ("store", "engine/runner.py", "psycopg"),
]


def _write(folder: Path, modules: Mapping[str, str]) -> None:
    package = folder / "tidebook"
    for name, text in modules.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        for parent in path.parents:
            if parent == folder:
                break
            (parent / "__init__.py").touch()


def _lint(folder: Path, contract: str | None = None) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    config = ["--config", str(ROOT / "pyproject.toml"), "--no-cache", "--no-logo"]
    chosen = ["--contract", contract] if contract else []
    return subprocess.run(
        [str(program), *config, *chosen],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        check=False,
        capture_output=True,
        text=True,
    )


def test_a_sound_skeleton_is_kept(tmp_path: Path) -> None:
    _write(tmp_path, SKELETON)
    result = _lint(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 broken" in result.stdout


def test_a_lone_start_of_the_package_is_kept(tmp_path: Path) -> None:
    _write(tmp_path, {"errors.py": "", "model/money.py": "import tidebook.errors\n"})
    result = _lint(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(("contract", "path", "imported"), BREACHES)
def test_a_breach_is_caught(tmp_path: Path, contract: str, path: str, imported: str) -> None:
    _write(tmp_path, SKELETON | {path: f"{SKELETON[path]}import {imported}\n"})
    result = _lint(tmp_path, contract)
    importer = "tidebook." + path.removesuffix(".py").replace("/", ".")
    assert result.returncode == 1, result.stdout + result.stderr
    assert f"{importer} -> {imported} " in result.stdout


def test_a_module_outside_the_layers_is_caught(tmp_path: Path) -> None:
    _write(tmp_path, SKELETON | {"stray.py": ""})
    result = _lint(tmp_path, "layers")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "tidebook.stray" in result.stdout
