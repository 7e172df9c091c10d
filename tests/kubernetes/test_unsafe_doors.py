"""What opens a cluster or its network, though Kubernetes takes it, is refused."""

from typing import Any, Final

import pytest

from tests.kubernetes.manifests import NAME
from tests.kubernetes.test_rules import (
    WEB,
    Change,
    config,
    container,
    found,
    policy,
    service,
)

# Peers of everybody, or of all pods.
PEERS: Final[list[dict[str, Any]]] = [
    {},
    {"ipBlock": {"cidr": "10.0.0.1/32"}},
    {"podSelector": {}},
    {"namespaceSelector": {}},
    {"namespaceSelector": {}, "podSelector": {"matchLabels": {"x": "y"}}},
    {"namespaceSelector": {"matchLabels": {"x": "y"}}},
    {"namespaceSelector": {"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}},
    {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "souk"}}},
]

# Rule, what is changed, and a part of what the rule says of it.
UNSAFE: list[tuple[str, Change, str]] = [
    (
        "granted",
        lambda d: d["Role", "gateway"]["rules"][0].update(nonResourceURLs=["*"]),
        "grants more",
    ),
    ("closed", lambda d: policy(d, "deny-all").update(policyTypes=["Ingress"]), "denies"),
    (
        "closed",
        lambda d: policy(d, "deny-all").update(podSelector={"matchLabels": {NAME: "auth"}}),
        "denies",
    ),
    (
        "policies",
        lambda d: policy(d, "auth-requests")["ingress"][0]["ports"][0].update(endPort=9000),
        "auth-requests: a rule allows a range",
    ),
    (
        "doors",
        lambda d: policy(d, "auth-requests").update(ingress=[{"ports": [{"port": "public"}]}]),
        "lets everybody in, at the port public",
    ),
    (
        "doors",
        lambda d: policy(d, "observability")["egress"][0]["ports"].append({"port": 5432}),
        "observability: several services reach one database",
    ),
    ("kinds", lambda d: d["Role", "gateway"].update(kind="ClusterRole"), "no kind of ours"),
    ("kinds", lambda d: d["RoleBinding", "gateway"].update(kind="ClusterRoleBinding"), "no kind"),
    ("kinds", lambda d: d[WEB].update(kind="DaemonSet"), "DaemonSet of apps/v1 is no kind of ours"),
    (
        "kinds",
        lambda d: d["NetworkPolicy", "deny-all"]["metadata"].update(namespace="default"),
        "several namespaces: default, souk",
    ),
    ("granted", lambda d: d["Role", "gateway"]["rules"][0].update(resources=["*"]), "grants more"),
    ("granted", lambda d: d["Role", "gateway"]["rules"][0].update(apiGroups=["*"]), "grants more"),
    (
        "granted",
        lambda d: d["RoleBinding", "gateway"]["roleRef"].update(name="cluster-admin"),
        "binds another Role",
    ),
    (
        "granted",
        lambda d: d["RoleBinding", "gateway"]["subjects"].append({"kind": "Group", "name": "x"}),
        "or another account",
    ),
    *(
        ("gateway", lambda d, n=name, v=value: config(d, "gateway").update({n: v}), f"{name} must")
        for name, value in (
            ("TRAEFIK_API", "true"),
            ("TRAEFIK_API_INSECURE", "true"),
            ("traefik_api_insecure", "1"),
            ("TRAEFIK_ENTRYPOINTS_PUBLIC_FORWARDEDHEADERS_INSECURE", "true"),
            ("TRAEFIK_ENTRYPOINTS_SECURE_PROXYPROTOCOL_INSECURE", "True"),
            ("TRAEFIK_ENTRYPOINTS_PUBLIC_FORWARDEDHEADERS_TRUSTEDIPS", "10.0.0.0/8,0.0.0.0/0"),
            ("TRAEFIK_SERVERSTRANSPORT_INSECURESKIPVERIFY", "true"),
            ("TRAEFIK_PROVIDERS_KUBERNETESCRD_ALLOWCROSSNAMESPACE", "true"),
        )
    ),
    (
        "gateway",
        lambda d: container(d, "gateway").update(
            env=[{"name": "TRAEFIK_API_INSECURE", "value": "true"}]
        ),
        "TRAEFIK_API_INSECURE must not be true",
    ),
    *(
        (
            "policies",
            lambda d, p=port: policy(d, "redis")["egress"][0]["ports"].append(p),
            f"allows {said}",
        )
        for port, said in (({"protocol": "TCP"}, "every"), ({"port": 1, "endPort": 9}, "a range"))
    ),
    *(
        (
            "doors",
            lambda d, n=name, p=peer: policy(d, n)["ingress"][-1].update({"from": [p]}),
            "in, at the port",
        )
        for name in ("gateway", "auth-requests", "observability")
        for peer in PEERS
    ),
    (
        "doors",
        lambda d: policy(d, "order-requests")["ingress"][0].update(
            {"from": [{"podSelector": {"matchLabels": {NAME: "catalog"}}}]}
        ),
        "lets catalog in, at the port http",
    ),
    (
        "doors",
        lambda d: policy(d, "gateway")["ingress"][0].update(ports=[{"port": "private"}]),
        "lets everybody in, at the port private",
    ),
    *(
        ("doors", lambda d, r=rule: policy(d, "gateway")["egress"].append(r), said)
        for rule, said in (
            ({}, "everybody, at the port None"),
            ({"ports": [{"port": 5432}]}, "everybody, at the port 5432"),
            (
                {"to": [{"namespaceSelector": {}}], "ports": [{"port": 80}]},
                "everybody, at the port",
            ),
            ({"to": [{"ipBlock": {"cidr": "128.0.0.0/1"}}], "ports": [{"port": 80}]}, "everybody"),
            ({"to": [{"ipBlock": {"cidr": "::/0"}}], "ports": [{"port": 80}]}, "everybody"),
            ({"ports": [{"port": 6379}]}, "reaches broker or cache"),
        )
    ),
    (
        "doors",
        lambda d: policy(d, "auth-database")["egress"][0]["to"][0]["ipBlock"].update(
            cidr="0.0.0.0/0"
        ),
        "auth-database: lets pods ask everybody",
    ),
    (
        "doors",
        lambda d: policy(d, "auth-database")["podSelector"]["matchLabels"].update({NAME: "order"}),
        "or one another's",
    ),
    (
        "doors",
        lambda d: policy(d, "calls").update(egress=policy(d, "redis")["egress"]),
        "calls: lets catalog, order ask addresses",
    ),
    *(
        (
            "doors",
            lambda d, n=name: policy(d, n).update(
                podSelector={"matchExpressions": [{"key": NAME, "operator": "NotIn", "values": []}]}
            ),
            f"{name}: lets {strangers} ask addresses",
        )
        for name, strangers in (
            ("mail", "catalog, gateway"),
            ("bucket", "auth, gateway, order"),
            ("redis", "gateway"),
            ("gateway", "auth, catalog, order"),
        )
    ),
    (
        "doors",
        lambda d: policy(d, "dns")["egress"][0]["ports"].append({"port": 80}),
        "more than deny",
    ),
    ("doors", lambda d: policy(d, "redis").update(podSelector={}), "more than deny"),
    (
        "doors",
        lambda d: policy(d, "redis").update(
            podSelector={"matchExpressions": [{"key": NAME, "operator": "Exists"}]}
        ),
        "more than deny",
    ),
    *(
        ("services", lambda d, t=kind: service(d, "gateway-private").update(type=t), f"is {kind}")
        for kind in ("LoadBalancer", "NodePort", "ExternalName")
    ),
    *(
        ("services", lambda d, n=name: service(d, n).update(externalIPs=[]), "externalIPs is set")
        for name in ("gateway", "gateway-private", "auth-web")
    ),
    ("services", lambda d: service(d, "gateway")["ports"][0].update(nodePort=1), "nodePort of a"),
    (
        "services",
        lambda d: service(d, "gateway")["ports"][0].update(targetPort="private"),
        "more than the public ports",
    ),
    (
        "services",
        lambda d: service(d, "gateway").update(externalTrafficPolicy="Cluster"),
        "hides the addresses",
    ),
]


@pytest.mark.parametrize(("rule", "break_it", "said"), UNSAFE)
def test_refuses_what_is_unsafe(rule: str, break_it: Change, said: str) -> None:
    sentences = found(rule, break_it)
    assert any(said in sentence for sentence in sentences), sentences
