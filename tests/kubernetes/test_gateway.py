"""The cluster's gateway does what gateway/ says, and a real Traefik takes its routes from a cluster."""

from typing import Any

import pytest
import yaml

from local.home import parse_variables
from tests.kubernetes import OVERLAYS, ROOT
from tests.kubernetes.conftest import HOST, InCluster, gateway_variables
from tests.kubernetes.kustomize import Document, render
from tests.kubernetes.traefik import comparable


def errors(configuration: dict[str, Any]) -> dict[str, Any]:
    """Return what Traefik refuses of its configuration."""
    return {
        name: one.get("error")
        for part in ("routers", "middlewares", "services")
        for name, one in configuration[part].items()
        if one["status"] != "enabled"
    }


class TestRoutes:
    @pytest.mark.parametrize("part", ["routers", "middlewares"])
    def test_are_those_of_the_files(
        self, in_cluster: InCluster, of_files: dict[str, Any], part: str
    ) -> None:
        ours, theirs = comparable(in_cluster.configuration)[part], comparable(of_files)[part]
        differing = {
            name: (ours.get(name), theirs.get(name))
            for name in ours.keys() | theirs.keys()
            if ours.get(name) != theirs.get(name)
        }
        assert not differing
        assert len(ours) > 10

    def test_are_without_errors(self, in_cluster: InCluster) -> None:
        assert errors(in_cluster.configuration) == {}

    def test_keep_connections_as_the_files_say(self, small: list[Document]) -> None:
        files = yaml.safe_load((ROOT / "gateway/dynamic/services.yaml").read_text())
        (ours,) = [one["spec"] for one in small if one["kind"] == "ServersTransport"]
        assert ours == files["http"]["serversTransports"]["souk"]


class TestGateway:
    @pytest.mark.parametrize("path", ["/api/v1/auth/me", "/api/v1/orders"])
    def test_leads_to_a_pod_that_is_ready(self, in_cluster: InCluster, path: str) -> None:
        in_cluster.seen.clear()
        assert (in_cluster.ask(path), in_cluster.seen) == ((200, None), [path])

    def test_lets_services_call_each_other(self, in_cluster: InCluster) -> None:
        in_cluster.seen.clear()
        assert in_cluster.ask("/order/internal/v1/events", "private") == (200, None)
        assert in_cluster.seen == ["/internal/v1/events"]

    @pytest.mark.parametrize("path", ["/internal/v1/events", "/order/internal/v1/events"])
    def test_is_no_way_to_internal_paths(self, in_cluster: InCluster, path: str) -> None:
        in_cluster.seen.clear()
        # Left to the catalog's own 404, and the catalog is not ready.
        assert (in_cluster.ask(path), in_cluster.seen) == ((503, None), [])

    def test_answers_503_while_no_pod_is_ready(self, in_cluster: InCluster) -> None:
        assert in_cluster.ask("/api/v1/catalog/products") == (503, None)

    def test_asks_the_cluster_for_nothing_but_what_its_role_allows(
        self, in_cluster: InCluster, small: list[Document]
    ) -> None:
        (role,) = [one for one in small if one["kind"] == "Role"]
        allowed = {
            (group, resource)
            for rule in role["rules"]
            if {"list", "watch"} <= set(rule["verbs"])
            for group in rule["apiGroups"]
            for resource in rule["resources"]
        }
        assert in_cluster.cluster.asked == allowed


class TestProduction:
    def test_answers_by_tls_alone(self, in_production: InCluster) -> None:
        path = "/api/v1/orders"
        assert in_production.ask(path, "secure") == (200, None)
        in_production.seen.clear()
        assert in_production.ask(path) == (301, f"https://{HOST}{path}")
        assert in_production.seen == []

    def test_has_the_same_routes(self, in_production: InCluster, in_cluster: InCluster) -> None:
        ours, theirs = (
            {
                name.replace("secure", "public"): router
                for name, router in comparable(one.configuration)["routers"].items()
                if "public-to" not in name
            }
            for one in (in_production, in_cluster)
        )
        assert ours == theirs

    def test_is_without_errors(self, in_production: InCluster) -> None:
        assert errors(in_production.configuration) == {}

    def test_lets_services_call_each_other_without_tls(self, in_production: InCluster) -> None:
        assert in_production.ask("/auth/.well-known/jwks.json", "private") == (200, None)


class TestStaticConfiguration:
    def test_is_that_of_the_files_but_for_where_the_routes_come_from(
        self, small: list[Document]
    ) -> None:
        ours = gateway_variables(small)
        shared = parse_variables((ROOT / "gateway/traefik.env").read_text())
        wanted = {k: v for k, v in shared.items() if "PROVIDERS_FILE" not in k}
        assert {k: ours.get(k) for k in wanted} == wanted

    def test_speaks_tls_in_production_as_the_files_say(self) -> None:
        ours = gateway_variables(render(OVERLAYS / "production"))
        shared = parse_variables((ROOT / "gateway/tls.env").read_text())
        # Certificates are the cluster's to make.
        wanted = {
            k: v for k, v in shared.items() if k.startswith("TRAEFIK_") and "RESOLVERS" not in k
        }
        assert {k: ours.get(k) for k in wanted} == wanted
        assert wanted

    def test_adds_nothing_that_opens_a_door(self, small: list[Document]) -> None:
        shared = parse_variables((ROOT / "gateway/traefik.env").read_text())
        added = gateway_variables(small).keys() - shared.keys()
        assert all("KUBERNETESCRD" in name or "REQUESTACCEPTGRACETIMEOUT" in name for name in added)
