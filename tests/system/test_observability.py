"""What the processes of a real platform tell: what dashboards and alerts ask for is there."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import httpx
import pytest
import yaml

from local.home import SERVICES
from tests.system.platform import PRODUCTS, ROOT, Client, Platform

WATCHED: Final = ROOT / "deploy" / "observability"
ALERTS: Final = WATCHED / "alerts.yaml"
RUNBOOKS: Final = ROOT / "docs" / "runbooks.md"
NOT_HERE: Final = {"up", "traefik_tls_certs_not_after"}
"""Prometheus' own, and one that a gateway without TLS does not tell."""
_NAME: Final = re.compile(r"\b(?:souk|traefik|process)_[a-z0-9_]+\b|\bup\b")
_SERIES: Final = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}


def dashboards() -> dict[str, Any]:
    return {
        file.stem: json.loads(file.read_text(encoding="utf-8"))
        for file in sorted((WATCHED / "grafana" / "dashboards").glob("*.json"))
    }


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> dict[str, str]:
    """Return each expression that is asked of Prometheus, by where it stands."""
    of_panels = {
        f"{name}: {panel['title']} {target['refId']}": target["expr"]
        for name, dashboard in dashboards().items()
        for panel in dashboard["panels"]
        for target in panel["targets"]
    }
    return of_panels | {rule["alert"]: rule["expr"] for rule in rules()}


def names_in(text: str) -> set[str]:
    """Return the names of series that a scrape tells, or would tell once there is something to count."""
    found = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE)
    return {name + end for name, kind in found for end in _SERIES.get(kind, ("",))}


def unknown(told: set[str], asked: Mapping[str, str]) -> dict[str, set[str]]:
    """Return the names that are asked for and told by nobody, by where they are asked for."""
    lacking = {place: set(_NAME.findall(text)) - told - NOT_HERE for place, text in asked.items()}
    return {place: names for place, names in lacking.items() if names}


@pytest.fixture(scope="module")
def told(platform: Platform, customer: Client) -> set[str]:
    """Return the names of all series that the platform's processes tell."""
    customer.get(PRODUCTS)
    plan = platform.plan
    urls = [f"http://127.0.0.1:{plan.ports['metrics']}/metrics"]
    for service in SERVICES:
        urls.append(f"{platform.process(service, 'web').url}/internal/v1/metrics")
        urls += [
            f"http://127.0.0.1:{plan.ports[f'{service}-{role}']}/metrics"
            for role in ("worker", "relay")
        ]
    # By an address that no ALLOWED_HOSTS names, as Prometheus asks.
    host = {"Host": "10.1.2.3:8000"}
    answers = [httpx.get(url, headers=host, trust_env=False) for url in urls]
    assert {answer.status_code for answer in answers} == {200}
    return set().union(*(names_in(answer.text) for answer in answers))


class TestMetrics:
    def test_that_dashboards_and_alerts_ask_for_are_told(self, told: set[str]) -> None:
        assert len(expressions()) > 50
        assert unknown(told, expressions()) == {}

    def test_that_nobody_tells_would_be_found(self, told: set[str]) -> None:
        asked = {"a": "sum(rate(souk_spans_total[5m])) / souk_span_total > up"}
        assert unknown(told, asked) == {"a": {"souk_span_total"}}


class TestAlerts:
    def test_have_a_runbook_each_and_no_runbook_is_left_over(self) -> None:
        headings = set(re.findall(r"^## ([A-Z]\w+)$", RUNBOOKS.read_text("utf-8"), re.MULTILINE))
        assert headings == {rule["alert"] for rule in rules()}

    def test_say_how_grave_they_are_and_link_their_runbook(self) -> None:
        for rule in rules():
            assert rule["labels"]["severity"] in {"critical", "warning"}, rule
            assert rule["annotations"]["summary"], rule
            link = f"docs/runbooks.md#{rule['alert'].lower()}"
            assert rule["annotations"]["runbook_url"] == link


class TestDashboards:
    def test_have_ids_of_their_own_and_panels_that_explain_themselves(self) -> None:
        found = dashboards()
        assert [board["uid"] for board in found.values()] == list(found)
        for board in found.values():
            ids = [panel["id"] for panel in board["panels"]]
            assert len(set(ids)) == len(ids)
            assert all(panel["description"] for panel in board["panels"])

    def test_ask_sources_that_are_provisioned(self) -> None:
        file = WATCHED / "grafana" / "provisioning" / "datasources" / "souk.yaml"
        known = {one["uid"] for one in yaml.safe_load(file.read_text("utf-8"))["datasources"]}
        asked = {p["datasource"]["uid"] for board in dashboards().values() for p in board["panels"]}
        assert asked <= known
