"""Each rule finds what it is for."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests.kubernetes import OVERLAYS
from tests.kubernetes.kustomize import Document, render
from tests.kubernetes.manifests import Manifests
from tests.kubernetes.rules import RULES, schemas, variables

Change = Callable[[dict[tuple[str, str], Document]], Any]
WEB = ("Deployment", "catalog-web")


def pod(documents: dict[tuple[str, str], Document], name: str = "catalog-web") -> dict[str, Any]:
    found: dict[str, Any] = documents["Deployment", name]["spec"]["template"]["spec"]
    return found


def container(
    documents: dict[tuple[str, str], Document], name: str = "catalog-web"
) -> dict[str, Any]:
    found: dict[str, Any] = pod(documents, name)["containers"][0]
    return found


def policy(documents: dict[tuple[str, str], Document], name: str) -> dict[str, Any]:
    found: dict[str, Any] = documents["NetworkPolicy", name]["spec"]
    return found


def config(documents: dict[tuple[str, str], Document], name: str) -> dict[str, Any]:
    found: dict[str, Any] = documents["ConfigMap", name]["data"]
    return found


def service(documents: dict[tuple[str, str], Document], name: str) -> dict[str, Any]:
    found: dict[str, Any] = documents["Service", name]["spec"]
    return found


def first_route(documents: dict[tuple[str, str], Document]) -> dict[str, Any]:
    found: dict[str, Any] = documents["IngressRoute", "routes"]["spec"]["routes"][0]
    return found


# Rule, what is broken, and a part of what the rule says of it.
BROKEN: list[tuple[str, Change, str]] = [
    ("core", lambda d: d[WEB]["spec"].update(replica=1), "'replica' was unexpected"),
    ("core", lambda d: container(d)["livenessProbe"].update(periodSecond=1), "periodSecond"),
    ("core", lambda d: policy(d, "gateway")["ingress"][0].update(ports=None), "ports is null"),
    ("core", lambda d: policy(d, "gateway").update(ingress=[None]), "ingress is null"),
    (
        "core",
        lambda d: d["Job", "order-migrate"].update(apiVersion="batch/v2"),
        "no Job of batch/v2",
    ),
    ("traefik", lambda d: first_route(d).update(rule="x"), "'rule' was unexpected"),
    ("traefik", lambda d: first_route(d).update(priority="high"), "'high' is not of type"),
    ("traefik", lambda d: d["Middleware", "retry"].update(kind="Middlewares"), "no such kind"),
    ("hardened", lambda d: pod(d)["securityContext"].update(runAsNonRoot=False), "runAsNonRoot"),
    ("hardened", lambda d: pod(d)["securityContext"].update(runAsUser=0), "runAsUser is 0"),
    ("hardened", lambda d: pod(d)["securityContext"].pop("seccompProfile"), "seccompProfile"),
    ("hardened", lambda d: container(d).pop("securityContext"), "readOnlyRootFilesystem"),
    ("hardened", lambda d: pod(d).update(hostNetwork=True), "hostNetwork"),
    ("hardened", lambda d: pod(d).pop("automountServiceAccountToken"), "automount"),
    (
        "hardened",
        lambda d: d["ServiceAccount", "order-account"].pop("automountServiceAccountToken"),
        "order-account",
    ),
    ("hardened", lambda d: d["Namespace", "souk"]["metadata"].pop("labels"), "not restricted"),
    ("watched", lambda d: container(d, "auth-relay").pop("livenessProbe"), "no livenessProbe"),
    ("watched", lambda d: container(d, "gateway").pop("startupProbe"), "no startupProbe"),
    (
        "watched",
        lambda d: container(d)["readinessProbe"]["httpGet"].update(path="/health/live"),
        "readinessProbe asks",
    ),
    (
        "watched",
        lambda d: container(d)["livenessProbe"]["httpGet"].update(path="/health/ready"),
        "livenessProbe asks",
    ),
    (
        "watched",
        lambda d: container(d, "auth-worker")["readinessProbe"]["exec"].update(command=["sh"]),
        "a shell",
    ),
    ("bounded", lambda d: container(d)["resources"].pop("limits"), "resources.limits.memory"),
    ("bounded", lambda d: pod(d)["volumes"][-1].update(emptyDir={}), "no sizeLimit"),
    ("bounded", lambda d: pod(d).update(terminationGracePeriodSeconds=30), "30 s to stop"),
    (
        "of_known_images",
        lambda d: container(d).update(image="x/souk-order:1.0.0"),
        "not of catalog",
    ),
    ("of_known_images", lambda d: container(d, "gateway").update(image="x/nginx:1"), "x/nginx:1"),
    ("of_known_images", lambda d: container(d).update(image="x/souk-catalog:latest"), "no version"),
    (
        "of_known_images",
        lambda d: container(d).update(image="localhost:5000/souk-catalog"),
        "no version",
    ),
    ("rolled_out_without_a_gap", lambda d: d[WEB]["spec"].pop("strategy"), "takes a replica away"),
    ("spread_and_kept", lambda d: pod(d).pop("topologySpreadConstraints"), "not spread over"),
    (
        "spread_and_kept",
        lambda d: d.pop(("PodDisruptionBudget", "order-relay")),
        "order-relay: no Pod",
    ),
    (
        "selectors",
        lambda d: d["Service", "auth-web"]["spec"]["selector"].update(x="y"),
        "selects nothing",
    ),
    (
        "selectors",
        lambda d: d[WEB]["spec"]["selector"]["matchLabels"].pop("app.kubernetes.io/name"),
        "auth-web, Deployment catalog-web",
    ),
    (
        "selectors",
        lambda d: pod(d)["topologySpreadConstraints"][0].update(
            labelSelector={"matchLabels": {"a": "b"}}
        ),
        "does not select itself",
    ),
    ("ports", lambda d: container(d)["ports"][0].update(name="web"), "has no port http"),
    ("ports", lambda d: container(d)["livenessProbe"]["httpGet"].update(port=81), "asks port 81"),
    ("scaling", lambda d: d[WEB]["spec"].update(replicas=3), "each apply would put back"),
    (
        "ports",
        lambda d: d[WEB]["spec"]["template"]["metadata"]["annotations"].update(
            {"prometheus.io/port": "9100"}
        ),
        "sent to port 9100",
    ),
    (
        "scaling",
        lambda d: d["HorizontalPodAutoscaler", "auth-web"]["spec"]["scaleTargetRef"].update(
            name="x"
        ),
        "no Deployment x",
    ),
    ("parts_of_pods", lambda d: d.pop(("ServiceAccount", "catalog-account")), "no ServiceAccount"),
    ("parts_of_pods", lambda d: d.pop(("ConfigMap", "souk")), "no ConfigMap souk"),
    ("parts_of_pods", lambda d: container(d)["volumeMounts"].pop(0), "nothing can be written"),
    ("routes", lambda d: d.pop(("Middleware", "retry")), "no Middleware retry"),
    ("routes", lambda d: d.pop(("IngressRoute", "public")), "no IngressRoute public"),
    ("routes", lambda d: d.pop(("Service", "order-web")), "no Service order-web"),
    ("routes", lambda d: d.pop(("ServersTransport", "souk")), "not asked by a ServersTransport"),
    ("routes", lambda d: first_route(d)["services"][0].update(port="web"), "has no port web"),
    ("closed", lambda d: d.pop(("NetworkPolicy", "deny-all")), "denies everything"),
    ("closed", lambda d: policy(d, "deny-all").update(ingress=[{}]), "denies everything"),
    (
        "policies",
        lambda d: policy(d, "mail")["podSelector"]["matchExpressions"][0].update(values=["x"]),
        "is about no pod",
    ),
    (
        "policies",
        lambda d: policy(d, "calls")["egress"][0]["to"][0]["podSelector"]["matchLabels"].update(
            x="y"
        ),
        "to no pod",
    ),
    (
        "policies",
        lambda d: policy(d, "calls")["egress"][0]["ports"][0].update(port="secret"),
        "no pod has the port secret",
    ),
    ("policies", lambda d: policy(d, "redis")["egress"][0].pop("ports"), "allows every port"),
    ("policies", lambda d: policy(d, "redis").update(policyTypes=["Ingress"]), "does not name"),
    (
        "policies",
        lambda d: policy(d, "redis")["egress"][0]["to"][0]["ipBlock"].update(cidr="192.0.2.2/32"),
        "stands for nobody",
    ),
    ("doors", lambda d: policy(d, "auth-requests")["ingress"][0].pop("from"), "lets everybody in"),
    ("doors", lambda d: policy(d, "gateway")["ingress"][1].pop("from"), "lets everybody in"),
    ("doors", lambda d: policy(d, "auth-database").update(podSelector={}), "several services"),
    ("doors", lambda d: d.pop(("NetworkPolicy", "order-database")), "order reaches no database"),
    ("known_and_given", lambda d: config(d, "souk").pop("PUBLIC_URL"), "PUBLIC_URL is required"),
    (
        "known_and_given",
        lambda d: config(d, "order-config").pop("CATALOG_URL"),
        "CATALOG_URL is required",
    ),
    (
        "known_and_given",
        lambda d: config(d, "auth-config").update(AUTH_URL="http://x"),
        "no variable AUTH_URL",
    ),
    ("readable", lambda d: config(d, "order-config").update(SHOP_CURRENCY="euro"), "SHOP_CURRENCY"),
    (
        "readable",
        lambda d: config(d, "catalog-config").pop("S3_BUCKET"),
        "S3_BUCKET: must be given",
    ),
    (
        "secrets",
        lambda d: pod(d)["volumes"][-1]["secret"].update(secretName="souk-auth"),
        "mounts the secrets",
    ),
    (
        "secrets",
        lambda d: config(d, "catalog-config").update(MAIL_URL_FILE="/run/secrets/souk/MAIL_URL"),
        "MAIL_URL",
    ),
    (
        "secrets",
        lambda d: config(d, "order-config").update(CLIENT_SECRET="x"),
        "stands in a ConfigMap",
    ),
    (
        "secrets",
        lambda d: d.update({("Secret", "x"): {"kind": "Secret", "metadata": {"name": "x"}}}),
        "stands in the manifests",
    ),
    (
        "files_of_the_catalog",
        lambda d: config(d, "catalog-config").pop("S3_BUCKET"),
        "no volume that all see",
    ),
    (
        "kinds",
        lambda d: d.update({("Pod", "x"): {"apiVersion": "v1", "kind": "Pod", "metadata": {}}}),
        "Pod of v1 is no kind of ours",
    ),
    (
        "granted",
        lambda d: d["Role", "gateway"]["rules"][0]["verbs"].append("create"),
        "grants more",
    ),
    (
        "gateway",
        lambda d: d["ServersTransport", "souk"]["spec"].update(insecureSkipVerify=True),
        "insecureSkipVerify is set",
    ),
    ("of_known_processes", lambda d: container(d, "gateway").update(args=["--api"]), "its args"),
    ("services", lambda d: service(d, "gateway").update(type="NodePort"), "its type is NodePort"),
    (
        "plain",
        lambda d: container(d).update(
            env=[{"name": "X", "valueFrom": {"secretKeyRef": {"name": "souk-auth", "key": "x"}}}]
        ),
        "X has no plain value",
    ),
]


@cache
def _production() -> str:
    return json.dumps(render(OVERLAYS / "production"))


def changed(break_it: Change) -> Manifests:
    """Return the manifests of production but for one change."""
    documents = {(one["kind"], one["metadata"]["name"]): one for one in json.loads(_production())}
    break_it(documents)
    return Manifests(list(documents.values()))


def found(rule: str, break_it: Change) -> list[str]:
    """Return what one rule says of a change to production."""
    (chosen,) = [one for one in RULES if one.__name__ == rule]
    return list(chosen(changed(break_it)))


@pytest.mark.parametrize(("rule", "break_it", "said"), BROKEN)
def test_finds_what_is_broken(rule: str, break_it: Change, said: str) -> None:
    sentences = found(rule, break_it)
    assert any(said in sentence for sentence in sentences), sentences


def test_covers_every_rule() -> None:
    assert {rule for rule, _, _ in BROKEN} == {rule.__name__ for rule in RULES}


@pytest.mark.parametrize("overlay", ["small", "production"])
def test_finds_nothing_in_ours(overlay: str) -> None:
    manifests = Manifests(render(OVERLAYS / overlay))
    # Schemas take seconds, and `make check` has compared them.
    rules = [rule for rule in RULES if rule is not schemas.core]
    assert [fault for rule in rules for fault in rule(manifests)] == []


def test_wants_a_volume_that_is_mounted_where_files_are_kept(small: list[Document]) -> None:
    documents = {(d["kind"], d["metadata"]["name"]): d for d in json.loads(json.dumps(small))}
    config(documents, "catalog-config")["FILES_ROOT"] = "/tmp/files"  # noqa: S108 -- what is wrong
    found = list(variables.files_of_the_catalog(Manifests(list(documents.values()))))
    assert len(found) == 3
    assert all("FILES_ROOT is /tmp/files" in one for one in found)


class TestRelease:
    """What README.md's `kubectl apply -l` lets through, and when."""

    def test_has_the_processes_last(self, small: list[Document]) -> None:
        late = [
            (one["kind"], one["metadata"]["labels"]["app.kubernetes.io/component"])
            for one in small
            if one["metadata"].get("labels", {}).get("app.kubernetes.io/component")
            in {"web", "worker", "relay"}
        ]
        assert sorted(late) == sorted(
            ("Deployment", component) for component in ("web", "worker", "relay") for _ in range(3)
        )

    def test_has_jobs_that_can_be_waited_for(self, small: list[Document]) -> None:
        labels = [one["metadata"]["labels"] for one in small if one["kind"] == "Job"]
        assert [one["app.kubernetes.io/component"] for one in labels] == ["migrate"] * 3
