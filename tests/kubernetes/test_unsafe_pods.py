"""What gives a pod more than it needs, though Kubernetes takes it, is refused."""

from typing import Any, Final

import pytest

from tests.kubernetes.manifests import NAME
from tests.kubernetes.rules import faults
from tests.kubernetes.test_rules import (
    Change,
    changed,
    container,
    found,
    pod,
    policy,
    service,
)

# Where variables must not come from.
SOURCES: Final[list[dict[str, Any]]] = [
    {},
    {"secretRef": {"name": "souk-auth"}},
    {"configMapRef": {}},
    {"configMapRef": {"name": "gateway"}, "prefix": "X_"},
]

# Rule, what is changed, and a part of what the rule says of it.
UNSAFE: list[tuple[str, Change, str]] = [
    ("hardened", lambda d: pod(d).pop("enableServiceLinks"), "enableServiceLinks is not false"),
    ("of_known_processes", lambda d: container(d).update(args=["shell"]), "args are ['shell']"),
    (
        "of_known_processes",
        lambda d: pod(d).update(serviceAccountName="gateway"),
        "its account is not catalog-account",
    ),
    *(
        ("hardened", lambda d, n=name, v=value: pod(d)["securityContext"].update({n: v}), name)
        for name, value in (
            ("supplementalGroups", [0]),
            ("sysctls", []),
            ("fsGroupChangePolicy", "Always"),
            ("seccompProfile", {"type": "Unconfined"}),
        )
    ),
    *(
        (
            "hardened",
            lambda d, n=name, v=value: container(d, "gateway")["securityContext"].update({n: v}),
            f"gateway, traefik: securityContext.{name}",
        )
        for name, value in (
            ("privileged", True),
            ("procMount", "Unmasked"),
            ("runAsUser", 0),
            ("runAsNonRoot", False),
            ("seccompProfile", {"type": "Unconfined"}),
            ("capabilities", {"drop": ["ALL"], "add": ["NET_ADMIN"]}),
        )
    ),
    *(
        ("hardened", lambda d, n=name: pod(d).update({n: True}), f"{name} is set")
        for name in ("hostPID", "hostIPC", "shareProcessNamespace", "hostUsers", "nodeName")
    ),
    *(
        ("hardened", lambda d, n=name: container(d).update({n: {}}), f"{name} is set")
        for name in ("command", "lifecycle", "volumeDevices")
    ),
    ("hardened", lambda d: container(d)["ports"][0].update(hostPort=80), "ports: hostPort is set"),
    (
        "hardened",
        lambda d: container(d)["volumeMounts"][0].update(mountPropagation="Bidirectional"),
        "mountPropagation is set",
    ),
    *(
        (
            "hardened",
            lambda d, k=kind: pod(d, "gateway")["volumes"].append({"name": "x", k: {}}),
            f"volume x: {kind} is set",
        )
        for kind in ("hostPath", "projected", "nfs", "csi", "configMap")
    ),
    (
        "hardened",
        lambda d: pod(d)["volumes"][1]["secret"].update(items=[]),
        "volume secrets: items is set",
    ),
    *(
        (
            rule,
            lambda d, k=kind: pod(d).update({k: [*pod(d).get(k, []), {"name": "x"}]}),
            f"catalog-web, x: {said}",
        )
        for kind in ("containers", "initContainers")
        for rule, said in (
            ("hardened", "securityContext.readOnlyRootFilesystem"),
            ("bounded", "no resources.limits.memory"),
            ("of_known_images", "the image  is not of catalog"),
            ("of_known_processes", "its args are None"),
            ("parts_of_pods", "nothing can be written"),
        )
    ),
    ("watched", lambda d: pod(d)["containers"].append({"name": "x"}), "x: no livenessProbe"),
    *(
        (
            "watched",
            lambda d, p=program: container(d, "auth-relay")["livenessProbe"].update(
                exec={"command": [p, "-c", "true"]}
            ),
            f"{program} is a shell",
        )
        for program in ("/bin/sh", "bash", "/usr/bin/bash", "env", "/bin/busybox")
    ),
    ("watched", lambda d: container(d).update(command=["/bin/sh", "-c", "x"]), "/bin/sh is a"),
    (
        "of_known_images",
        lambda d: container(d, "gateway").update(image="x/souk-auth:1.0.0"),
        "not of gateway",
    ),
    (
        "of_known_images",
        lambda d: container(d).update(image="elsewhere.example/souk-catalog:1.0.0"),
        "several registries: elsewhere.example, registry.example.com",
    ),
    *(
        ("plain", lambda d, e=each: container(d, "gateway")["envFrom"].append(e), "takes variables")
        for each in SOURCES
    ),
    *(
        (
            "secrets",
            lambda d, n=name: pod(d, n)["volumes"].append(
                {"name": "x", "secret": {"secretName": "souk-order"}}
            ),
            f"{name}: mounts the secrets",
        )
        for name in ("gateway", "auth-web")
    ),
]

# Changes that the rules know no part of: they tell so, and raise nothing.
WRECKED: list[Change] = [
    *(
        lambda d, k=kind: pod(d).update({k: [*pod(d).get(k, []), {"name": "x"}]})
        for kind in ("containers", "initContainers")
    ),
    lambda d: pod(d).pop("volumes"),
    lambda d: pod(d).update(securityContext=None),
    lambda d: pod(d)["volumes"].extend(
        [{"name": "x", "secret": {}}, {"name": "y", "emptyDir": None}, {"name": "z"}]
    ),
    lambda d: container(d).pop("image"),
    lambda d: pod(d)["topologySpreadConstraints"][0].pop("labelSelector"),
    lambda d: container(d)["ports"][0].pop("name"),
    lambda d: container(d)["envFrom"].append({"secretRef": {"name": "souk-auth"}}),
    lambda d: container(d)["envFrom"].append({"configMapRef": {}}),
    lambda d: container(d)["env"].append({"name": "X", "valueFrom": {"fieldRef": {}}}),
    lambda d: service(d, "auth-web").update(type="ExternalName", selector={}, ports=[]),
    lambda d: [service(d, "auth-web").pop(name) for name in ("selector", "ports")],
    lambda d: policy(d, "redis")["egress"][0]["ports"].append({"protocol": "TCP"}),
    lambda d: policy(d, "redis")["egress"][0]["to"].append({"ipBlock": {"cidr": "all"}}),
    lambda d: policy(d, "redis").update(
        podSelector={"matchExpressions": [{"key": NAME, "operator": "NotIn", "values": ["auth"]}]}
    ),
    lambda d: [policy(d, "redis").pop(name) for name in ("podSelector", "policyTypes")],
    lambda d: d.update({("List", "x"): {"apiVersion": "v1", "kind": "List", "items": []}}),
]


@pytest.mark.parametrize(("rule", "break_it", "said"), UNSAFE)
def test_refuses_what_is_unsafe(rule: str, break_it: Change, said: str) -> None:
    sentences = found(rule, break_it)
    assert any(said in sentence for sentence in sentences), sentences


@pytest.mark.parametrize("break_it", WRECKED)
def test_tells_what_no_rule_knows_and_raises_nothing(break_it: Change) -> None:
    assert faults(changed(break_it))
