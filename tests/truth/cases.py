"""Reading the golden cases, and finding the adapter that checks each."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Content = dict[str, Any]

CASES_VARIABLE = "TIDEBOOK_GOLDEN_DIR"
OWN_FOLDER = Path(__file__).parent / "cases"


class UnknownFormatError(Exception):
    """A case has the form of no known file."""


class Case(NamedTuple):
    """One golden case, and the ``format/area`` under which its adapter is found."""

    id: str
    area: str
    content: Content


class Verdict(NamedTuple):
    """What became of a case; ``skipped`` carries the reason, a failure the fault."""

    outcome: str
    sentence: str = ""


PASSED, SKIPPED, FAILED = "passed", "skipped", "failed"


def cases_folder() -> Path:
    """Return the folder named by TIDEBOOK_GOLDEN_DIR, or else the cases kept here."""
    return Path(os.environ.get(CASES_VARIABLE) or OWN_FOLDER)


def read_cases(folder: Path) -> list[Case]:
    """Return every case of every JSON file in the folder.

    A folder without a case is an error: it would pass every test by testing nothing.
    """
    contents = [
        content
        for path in sorted(folder.glob("*.json"))
        for content in _contents(json.loads(path.read_text(encoding="utf-8")))
    ]
    if not contents:
        raise UnknownFormatError(f"no golden case was found in {folder}")
    return [Case(str(content["id"]), area_of(content), content) for content in contents]


def _contents(document: Any) -> list[Content]:  # noqa: ANN401 - what JSON holds is anything
    return cast("list[Content]", document["cases"] if isinstance(document, dict) else document)


def area_of(content: Content) -> str:
    """Return ``format/area``: areas of the same name mean different things in different files."""
    if "kind" in content:
        return f"peers/{content['kind']}"
    if "function" in content:
        return f"quant/{content['area']}"
    if "area" in content:
        return f"event_driven/{content['area']}"
    if "rule" in content:
        return f"compliance/{content['rule']}"
    raise UnknownFormatError(f"case {content.get('id')} names no kind, area or rule")


def adapter_of(area: str) -> Callable[[Content], None] | None:
    """Return the area's ``check``, or None where no adapter is written."""
    form, name = area.split("/")
    package = f"{__package__}.areas.{form}"
    if importlib.util.find_spec(package) is None:
        return None
    if importlib.util.find_spec(f"{package}.{name}") is None:
        return None
    return importlib.import_module(f"{package}.{name}").check


def judge(
    case: Case, adapter: Callable[[Content], None] | None, not_yet: Mapping[str, str]
) -> Verdict:
    """Return whether a case holds, is honestly waiting, or is a fault.

    A case that is neither checked nor listed is a fault, and so is a listed case that holds:
    either way the list would no longer say what is missing.
    """
    reason = not_yet.get(case.id) or not_yet.get(case.area)
    if adapter is None:
        if reason is None:
            return Verdict(FAILED, f"{case.id}: no adapter for {case.area}, and not listed")
        return Verdict(SKIPPED, reason)
    if reason is None:
        adapter(case.content)
        return Verdict(PASSED)
    try:
        adapter(case.content)
    except Exception:  # noqa: BLE001 - whatever keeps a listed case from holding is its reason
        return Verdict(SKIPPED, reason)
    return Verdict(FAILED, f"{case.id}: listed as not yet, but it holds; take it off the list")
