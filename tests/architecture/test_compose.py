"""docker-compose.yml is never run here, so everything it names is looked up instead."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from tests.architecture.reading import REPOSITORY, variables_read
from wallets.api.express import routes

COMPOSE: dict[str, Any] = yaml.safe_load(
    (REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8")
)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (REPOSITORY / "deploy" / "Dockerfile").read_text(encoding="utf-8")


def _command(service: dict[str, Any]) -> list[list[str]]:
    """Return the programs that a service runs, as words."""
    words = service["command"]
    if words[0] == "sh":
        return [shlex.split(line) for line in words[-1].splitlines() if line]
    return [words]


def _paths() -> list[str]:
    """List the paths of the API, each with a name where it has a parameter."""
    documented = yaml.safe_load((REPOSITORY / "docs/openapi.yaml").read_text(encoding="utf-8"))
    return sorted(re.sub(r"{\w+}", "some-name", path) for path in documented["paths"])


def _backend(path: str, method: str, *, large: bool) -> str:
    """Tell by the edge's own rules where it leads a call."""
    config = (REPOSITORY / "deploy/edge/haproxy.cfg").read_text(encoding="utf-8")
    met = {"post"} if method == "POST" else set()
    if large:
        met.add("large")
    for name, kind, pattern in re.findall(r"^ +acl (\w+) (path|path_reg) (\S+)$", config, re.M):
        if path == pattern if kind == "path" else re.search(pattern, path):
            met.add(name)
    for backend, rule in re.findall(r"^ +use_backend (\w+) if (.+)$", config, re.M):
        if any(met.issuperset(each.split()) for each in rule.split(" or ")):
            return str(backend)
    return "web"


def _mounts(service: dict[str, Any]) -> list[str]:
    return [volume.split(":")[0] for volume in service.get("volumes", [])]


def test_the_parts_are_all_there() -> None:
    assert set(SERVICES) == {
        *("mysql-primary", "mysql-replica", "replication", "redis", "kafka", "kafka-ui"),
        *("migrate", "edge", "lane", "reads", "web", "worker", "beat", "relay", "consumers"),
        *("webhooks", "exports", "commands", "prometheus"),
    }
    assert set(OURS) == {
        "migrate",
        "lane",
        "reads",
        "web",
        "worker",
        "beat",
        "relay",
        "consumers",
        "webhooks",
        "exports",
        "commands",
    }


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists(name: str) -> None:
    for program in _command(OURS[name]):
        assert program[0] == "python"
        if program[1] == "manage.py":
            assert program[2] in get_commands()
        else:
            assert program[1] == "-m"
            assert importlib.util.find_spec(program[2]) is not None
        if "--app" in program:
            assert importlib.util.find_spec(program[program.index("--app") + 1]) is not None
        if "-c" in program:
            assert (REPOSITORY / program[program.index("-c") + 1]).is_file()


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_one_that_the_code_reads(name: str) -> None:
    assert set(OURS[name]["environment"]) - variables_read() == set()


def test_only_migrate_knows_the_owner_of_the_tables() -> None:
    knowing = [name for name in OURS if "DATABASE_OWNER_URL" in OURS[name]["environment"]]
    assert knowing == ["migrate"]
    for url, those in {
        "DATABASE_REAPER_URL": {"migrate", "worker", "commands"},
        "DATABASE_ERASER_URL": {"migrate", "commands"},
        "DATABASE_READONLY_URL": {"migrate", "commands"},
    }.items():
        assert {name for name in OURS if url in OURS[name]["environment"]} == those
    assert not any(OURS[name]["environment"]["OPEN_LOOPBACK"] != "no" for name in OURS)


@pytest.mark.parametrize("name", SERVICES)
def test_every_mounted_file_and_volume_exists(name: str) -> None:
    for source in _mounts(SERVICES[name]):
        if source.startswith("./"):
            assert (REPOSITORY / source).is_file()
        else:
            assert source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    if name in OURS:
        assert OURS[name]["build"] == {"context": ".", "dockerfile": "deploy/Dockerfile"}
    else:
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+(-\w+)?", SERVICES[name]["image"])


@pytest.mark.parametrize("name", SERVICES)
def test_who_depends_waits_until_the_other_is_really_there(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        ends = SERVICES[other].get("restart") == "no"
        expected = "service_completed_successfully" if ends else "service_healthy"
        assert how == {"condition": expected}
        assert ends or "healthcheck" in SERVICES[other]


@pytest.mark.parametrize("name", [n for n in SERVICES if "ports" in SERVICES[n]])
def test_ports_are_published_on_this_machine_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name]["ports"])


def test_ports_are_the_documented_ones_and_lead_to_listeners() -> None:
    assert SERVICES["edge"]["ports"] == ["127.0.0.1:${PORT:-8080}:8080"]
    assert SERVICES["kafka-ui"]["ports"] == ["127.0.0.1:9000:8080"]
    assert SERVICES["prometheus"]["ports"] == ["127.0.0.1:9090:9090"]
    assert "PORT=8080" in DOCKERFILE
    assert "BIND_HOST=0.0.0.0" in DOCKERFILE


def test_the_edge_leads_to_both_kinds_of_process() -> None:
    environment = SERVICES["edge"]["environment"]
    config = (REPOSITORY / "deploy/edge/haproxy.cfg").read_text(encoding="utf-8")
    assert set(re.findall(r'"\$(\w+)"', config)) == set(environment)
    for name in ("LANE_SERVER", "READS_SERVER", "WEB_SERVER"):
        host, port = environment[name].split(":")
        assert (host in OURS, port) == (True, "8080")
        assert OURS[host]["environment"]["BEHIND_EDGE"] == "yes"
    # Nobody comes past the edge: only it may say who calls.
    assert not any("ports" in service for service in OURS.values())


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", _paths())
def test_the_edge_leads_to_the_lane_what_the_lane_answers(path: str, method: str) -> None:
    for large in (False, True):
        backend = _backend(path, method, large=large)
        assert (backend != "web") == (routes.find(method, path) is not None)
        # A long one never follows another one on a connection of the lane's.
        is_bulk = path == "/api/v1/transactions/bulk"
        assert backend in ("web", "reads") or (backend == "lane_large") == (large or is_bulk)


def test_prometheus_may_read_what_it_scrapes() -> None:
    address = SERVICES["prometheus"]["networks"]["default"]["ipv4_address"]
    config = yaml.safe_load((REPOSITORY / "deploy/prometheus/prometheus.yml").read_text())
    targets = config["scrape_configs"][0]["static_configs"][0]["targets"]
    assert set(targets) == {"lane:8080", "reads:8080", "web:8080"}
    for host in ("lane", "web"):
        environment = SERVICES[host]["environment"]
        assert f"{address}/32" in environment["METRICS_NETWORKS"].split(",")
        assert host in environment["ALLOWED_HOSTS"].split(",")
    assert config["rule_files"] == ["/etc/prometheus/alerts.yml"]


def test_alerts_ask_for_metrics_that_exist() -> None:
    known = {"up"}
    places = ("*/metrics.py", "events/*/*/metrics.py", "wallet_project/kit/*.py")
    for path in (path for place in places for path in REPOSITORY.glob(place)):
        known |= set(re.findall(r'"(wallet_\w+)"', path.read_text(encoding="utf-8")))
    rules = yaml.safe_load((REPOSITORY / "deploy/prometheus/alerts.yml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            for name in re.findall(r"\b(?:wallet_\w+|up\b)", rule["expr"]):
                assert name.removesuffix("_bucket") in known, name


def test_addresses_in_urls_are_services() -> None:
    for service in OURS.values():
        for value in service["environment"].values():
            for host in re.findall(r"(?:@|redis://|^)([a-z-]+):\d{4}", str(value)):
                assert host in SERVICES


def test_the_image_gets_everything_it_copies() -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {line[1:].rstrip("/") for line in ignored if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(\S+) \S+$", DOCKERFILE, re.MULTILINE)
    assert {path.rstrip("/") for path in copied} == kept
    for path in copied:
        assert (REPOSITORY / path).exists(), path


def test_replication_is_set_up_in_the_words_of_mysql_8_4() -> None:
    follow = (REPOSITORY / "deploy/mysql/replica-follow.sh").read_text()
    assert "CHANGE REPLICATION SOURCE TO" in follow
    everything = "".join(path.read_text() for path in Path(REPOSITORY / "deploy/mysql").iterdir())
    assert not re.search(r"\b(MASTER|SLAVE)\b(?! ON \*)", everything, re.IGNORECASE)
    for script, service in (
        ("primary-users.sh", "mysql-primary"),
        ("replica-follow.sh", "replication"),
    ):
        text = (REPOSITORY / "deploy/mysql" / script).read_text()
        needed = set(re.findall(r"\$\{?([A-Z_]+)\}?", text))
        assert needed <= set(SERVICES[service]["environment"])
