"""The files that deploy Tidebook name only what there is: metrics, settings, commands, ports."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any, Final, cast

import pytest
import typer
import yaml

from tidebook.adapters.telemetry.metrics import CATALOGUE
from tidebook.cli.program import app
from tidebook.config import EVERY_ROLE, port_of, roles_of

ROOT: Final = Path(__file__).parents[3]
DEPLOY: Final = ROOT / "deploy"
KUBERNETES: Final = DEPLOY / "kubernetes"
DASHBOARDS: Final = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
OPERATIONS: Final = ROOT / "docs" / "operations.md"
ROLES: Final = [role.value for role in EVERY_ROLE]

Json = dict[str, Any]


def _yaml(path: Path) -> Json:
    return cast("Json", yaml.safe_load(path.read_text("utf-8")))


def _objects() -> list[Json]:
    """Return every Kubernetes object that kustomize puts together."""
    named = _yaml(KUBERNETES / "kustomization.yaml")["resources"]
    return [
        cast("Json", each)
        for name in named
        for each in yaml.safe_load_all((KUBERNETES / name).read_text("utf-8"))
    ]


def _rules() -> list[Json]:
    groups = _yaml(DEPLOY / "prometheus" / "alerts.yaml")["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _panels() -> list[Json]:
    return [panel for path in DASHBOARDS for panel in json.loads(path.read_text())["panels"]]


def _expressions() -> list[str]:
    asked = [rule["expr"] for rule in _rules()]
    asked += [target["expr"] for panel in _panels() for target in panel["targets"]]
    adapter = _yaml(KUBERNETES / "prometheus-adapter.values.yaml")["rules"]["external"]
    return asked + [rule[key] for rule in adapter for key in ("seriesQuery", "metricsQuery")]


def _pods() -> dict[str, Json]:
    """Return what runs in each pod, by the name of what makes it."""
    return {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in _objects()
        if each["kind"] in {"Deployment", "Job"}
    }


def _commands() -> dict[str, list[str]]:
    """Return the words that every container of ours is started with."""
    services = _yaml(DEPLOY / "compose.yaml")["services"]
    found = {
        f"compose {name}": service["command"]
        for name, service in services.items()
        if service["image"] == "tidebook"
    }
    for name, pod in _pods().items():
        (container,) = pod["containers"]
        found[f"kubernetes {name}"] = container["args"]
    return found


def _series() -> set[str]:
    """Return the names of all series that a process exposes."""
    found: set[str] = set()
    for entry in CATALOGUE:
        ends = ("_bucket", "_count", "_sum") if entry.kind == "histogram" else ("",)
        found |= {entry.name + end for end in ends}
    return found


def test_every_metric_that_is_asked_for_exists() -> None:
    asked = {name for text in _expressions() for name in re.findall(r"\btidebook_\w+", text)}
    # What the adapter makes of a metric of ours, for the autoscaler.
    assert asked <= _series()
    assert len(asked) > 20


def test_every_metric_is_looked_at_by_an_alert_or_a_dashboard() -> None:
    asked = " ".join(_expressions())
    assert [entry.name for entry in CATALOGUE if entry.name not in asked] == []


def test_labels_that_are_asked_for_are_those_of_the_metric() -> None:
    labels = {entry.name: set(entry.labels) for entry in CATALOGUE}
    seen = 0
    for text in _expressions():
        for name, matchers in re.findall(r"\b(tidebook_\w+)\{([^}]*)\}", text):
            base = re.sub(r"_(bucket|count|sum)$", "", name)
            asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
            assert asked <= labels[base], text
            seen += 1
        grouped = {
            label.strip()
            for found in re.findall(r"\bby \(([^)]*)\)", text)
            for label in found.split(",")
        }
        named = re.findall(r"\btidebook_\w+", text)
        own = {
            label for name in named for label in labels[re.sub(r"_(bucket|count|sum)$", "", name)]
        }
        assert grouped <= own | {"instance", "role", "job", "le"}, text
    assert seen > 5


@pytest.mark.parametrize("text", _expressions())
def test_brackets_of_an_expression_close(text: str) -> None:
    open_: list[str] = []
    pairs = {")": "(", "]": "[", "}": "{"}
    for sign in re.sub(r'"[^"]*"', '""', text):
        if sign in pairs.values():
            open_.append(sign)
        elif sign in pairs:
            assert open_.pop() == pairs[sign]
    assert not open_


def test_every_alert_is_explained_in_operations_and_nothing_else_is() -> None:
    explained = re.findall(r"^### (\w+)$", OPERATIONS.read_text("utf-8"), re.MULTILINE)
    assert explained == [rule["alert"] for rule in _rules()]
    for rule in _rules():
        assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]


def test_dashboards_have_one_source_and_panels_of_their_own() -> None:
    source = _yaml(DEPLOY / "grafana/provisioning/datasources/prometheus.yaml")["datasources"][0]
    assert {panel["datasource"]["uid"] for panel in _panels()} == {source["uid"]}
    for path in DASHBOARDS:
        board = json.loads(path.read_text("utf-8"))
        assert board["uid"] == path.stem
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
        places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]}
        assert len(places) == len(board["panels"])
        assert all(panel["description"] and panel["targets"] for panel in board["panels"])


def test_every_setting_that_is_named_is_one() -> None:
    pattern = re.compile(r"\b(?:TIDEBOOK_[A-Z_]+|DATABASE_URL)\b")
    known = set(pattern.findall((ROOT / "src/tidebook/config.py").read_text("utf-8")))
    texts = [ROOT / "Dockerfile", OPERATIONS, *DEPLOY.rglob("*.yaml"), *DEPLOY.rglob("*.env")]
    named = {name for path in texts for name in pattern.findall(path.read_text("utf-8"))}
    assert named <= known
    assert {"DATABASE_URL", "TIDEBOOK_BUS", "TIDEBOOK_LOG_FORMAT"} <= named


@pytest.mark.parametrize(("where", "words"), _commands().items())
def test_every_command_of_a_container_is_one_of_ours(where: str, words: list[str]) -> None:
    command = typer.main.get_command(app)
    context = command.make_context("tidebook", list(words), resilient_parsing=True)
    if words[0] == "serve":
        assert words[1] == "--role"
        assert roles_of(words[2])
        assert words[2] in where
    else:
        assert words == ["db", "upgrade"]
    group = cast("Any", command)
    assert words[0] in group.list_commands(context)


def test_every_role_is_deployed_and_everything_that_is_deployed_is_a_role() -> None:
    roles = {where: words[2] for where, words in _commands().items() if words[0] == "serve"}
    for kind in ("compose", "kubernetes"):
        assert sorted(role for where, role in roles.items() if kind in where) == sorted(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_asked_on_its_own_port_everywhere(role: str) -> None:
    port = port_of(roles_of(role))
    service = _yaml(DEPLOY / "compose.yaml")["services"][role]
    assert f"localhost:{port}/health/ready" in " ".join(service["healthcheck"]["test"])
    scraped = _yaml(DEPLOY / "prometheus/prometheus.yaml")["scrape_configs"][0]["dns_sd_configs"]
    assert {"names": [role], "port": port}.items() <= next(
        each for each in scraped if each["names"] == [role]
    ).items()
    (container,) = _pods()[f"tidebook-{role}"]["containers"]
    assert container["ports"] == [{"name": "http", "containerPort": port}]
    exposed = re.search(r"^EXPOSE (.*)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert exposed is not None
    assert str(port) in exposed[1].split()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_in_a_cluster_is_probed_and_guarded(role: str) -> None:
    (container,) = _pods()[f"tidebook-{role}"]["containers"]
    probes = {
        "startupProbe": "/health/startup",
        "livenessProbe": "/health/live",
        "readinessProbe": "/health/ready",
    }
    for probe, path in probes.items():
        assert container[probe]["httpGet"] == {"path": path, "port": "http"}
    of_role = {
        each["kind"]: each for each in _objects() if each["metadata"]["name"] == f"tidebook-{role}"
    }
    assert {"Deployment", "Service", "PodDisruptionBudget"} <= set(of_role)
    chosen = {"app.kubernetes.io/component": role}
    deployment = of_role["Deployment"]["spec"]
    assert deployment["selector"]["matchLabels"] == chosen
    assert deployment["template"]["metadata"]["labels"] == chosen
    assert of_role["Service"]["spec"]["selector"] == chosen
    assert of_role["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == chosen


@pytest.mark.parametrize("name", _pods())
def test_no_container_has_more_rights_than_it_needs(name: str) -> None:
    pod = _pods()[name]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]


def test_containers_of_compose_are_read_only_and_wait_for_what_they_need() -> None:
    compose = _yaml(DEPLOY / "compose.yaml")
    services = compose["services"]
    for name in (*ROLES, "migrate"):
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert set(service["depends_on"]) <= set(services)
    used = {
        volume.partition(":")[0]
        for service in services.values()
        for volume in service.get("volumes", [])
        if not volume.startswith("./")
    }
    assert used == set(compose["volumes"])
    mounted = {
        volume.partition(":")[0]
        for service in services.values()
        for volume in service.get("volumes", [])
        if volume.startswith("./")
    }
    assert all((DEPLOY / path).is_dir() for path in mounted)


def test_the_book_is_scaled_by_the_metric_that_the_adapter_makes() -> None:
    scalers = [each for each in _objects() if each["kind"] == "HorizontalPodAutoscaler"]
    deployed = {each["metadata"]["name"] for each in _objects() if each["kind"] == "Deployment"}
    assert {each["spec"]["scaleTargetRef"]["name"] for each in scalers} <= deployed
    (book,) = [each for each in scalers if each["metadata"]["name"] == "tidebook-book"]
    (asked,) = book["spec"]["metrics"]
    (made,) = _yaml(KUBERNETES / "prometheus-adapter.values.yaml")["rules"]["external"]
    assert asked["external"]["metric"]["name"] == made["name"]["as"]
    # A deployment that is scaled must not be set back whenever it is applied.
    for each in _objects():
        scaled = each["metadata"]["name"] in {one["metadata"]["name"] for one in scalers}
        if each["kind"] == "Deployment":
            assert ("replicas" in each["spec"]) is not scaled


def test_the_image_takes_pinned_requirements_with_hashes_and_runs_as_nobody_special() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    assert "pip install --require-hashes -r requirements-server.txt" in text
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    locked = (ROOT / "requirements-server.txt").read_text("utf-8")
    pinned = re.findall(r"^([a-z0-9._-]+)==(\S+)", locked, re.MULTILINE)
    entries = re.split(r"^(?=[a-z0-9._-]+==)", locked, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)
    assert {"hatchling", "uvicorn"} <= dict(pinned).keys()
    # What any setting of a deployment may ask for is in the image: all extras but those of clients.
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for extra in ("kafka", "redis", "tracing"):
        for wanted in extras["optional-dependencies"][extra]:
            name = re.split(r"[^a-z0-9._-]", wanted, maxsplit=1)[0]
            assert name in dict(pinned), f"{extra} needs {name}"
    everywhere = (ROOT / "requirements.txt").read_text("utf-8")
    for name, version in re.findall(r"^([a-z0-9._-]+)==(\S+)", everywhere, re.MULTILINE):
        assert (name, version) in pinned
