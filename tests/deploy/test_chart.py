"""The Helm chart renders to manifests that hold together, with every option on and off."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.support.cli import ROOT
from tests.support.helm import find_helm, merge, render, render_notes

CHART = ROOT / "deploy" / "helm" / "tongban"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
SCHEMA = json.loads((CHART / "values.schema.json").read_text("utf-8"))
EVERYTHING: dict[str, Any] = {
    "imagePullSecrets": [{"name": "pull"}],
    "site": {"existingClaim": "site"},
    "extraVolumes": [{"name": "secrets", "secret": {"secretName": "own"}}],
    "extraVolumeMounts": [{"name": "secrets", "mountPath": "/secrets"}],
    "extraEnv": [{"name": "LANG", "value": "zh_CN.UTF-8"}],
    "podAnnotations": {"a": "b"},
    "nodeSelector": {"disk": "fast"},
    "tolerations": [{"operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "podDisruptionBudget": {"enabled": True},
    "monitoring": {"serviceMonitor": True, "prometheusRule": True, "dashboard": True, "labels": {"team": "ops"}},
    "redis": {"enabled": True, "existingSecret": "redis", "storageClassName": "fast"},
    "postgresql": {"enabled": True, "existingSecret": "postgres", "storageClassName": "fast"},
}


Manifests = dict[tuple[str, str], dict[str, Any]]


def manifests(changes: dict[str, Any]) -> Manifests:
    """Return the manifests by kind and name; none comes twice."""
    return _manifests(json.dumps(changes))


@cache
def _manifests(changes: str) -> Manifests:
    found = [one for one in yaml.safe_load_all(render(CHART, json.loads(changes))) if one]
    by_name = {(one["kind"], one["metadata"]["name"]): one for one in found}
    assert len(by_name) == len(found)
    return by_name


def pods(changes: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the templates of pods."""
    return (one["spec"]["template"] for (kind, _), one in manifests(changes).items() if kind == "StatefulSet")


def test_as_it_comes() -> None:
    """Without any values there is the gateway alone, reachable by those whom the policy of the network lets in."""
    found = manifests({})
    assert set(found) == {
        ("StatefulSet", "demo-gateway"),
        ("Service", "demo-gateway"),
        ("NetworkPolicy", "demo-gateway"),
        ("NetworkPolicy", "demo-stores"),
    }
    gateway = found["StatefulSet", "demo-gateway"]["spec"]
    assert gateway["replicas"] == 1
    assert gateway["volumeClaimTemplates"][0]["spec"]["accessModes"] == ["ReadWriteOnce"]
    (container,) = gateway["template"]["spec"]["containers"]
    assert container["image"] == "tongban:0.1.0"
    assert container["args"][0] == "serve"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_with_everything() -> None:
    """Every option renders, and what is asked for is there."""
    found = manifests(EVERYTHING)
    kinds = [kind for kind, _ in found]
    assert (kinds.count("StatefulSet"), kinds.count("Service"), len(found)) == (3, 3, 12)
    rules = found["PrometheusRule", "demo"]["spec"]
    assert rules == yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text("utf-8"))
    dashboard = found["ConfigMap", "demo-dashboard"]["data"]["tongban.json"]
    assert json.loads(dashboard) == json.loads((ROOT / "deploy" / "grafana" / "tongban.json").read_text("utf-8"))
    gateway = found["StatefulSet", "demo-gateway"]["spec"]
    assert "volumeClaimTemplates" not in gateway
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "site"}} in gateway["template"]["spec"]["volumes"]


@pytest.mark.parametrize("changes", [{}, EVERYTHING], ids=["usual", "everything"])
def test_what_belongs_together_says_so(changes: dict[str, Any]) -> None:
    """Selectors find the pods that they are for, mounts the volumes that there are, probes the ports."""
    found = manifests(changes)
    labels = [one["metadata"]["labels"] for one in pods(changes)]
    for (kind, _), one in found.items():
        assert one["metadata"]["labels"]["app.kubernetes.io/instance"] == "demo"
        selector = one["spec"].get("selector") if kind in {"StatefulSet", "Service"} else None
        if selector is not None:
            wanted = selector.get("matchLabels", selector).items()
            assert sum(wanted <= pod.items() for pod in labels) == 1
    for (kind, _), one in found.items():
        if kind != "StatefulSet":
            continue
        spec = one["spec"]["template"]["spec"]
        volumes = {volume["name"] for volume in spec["volumes"]}
        volumes |= {claim["metadata"]["name"] for claim in one["spec"].get("volumeClaimTemplates", [])}
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
            ports = {port["name"] for port in container.get("ports", [])}
            probes = [probe for name, probe in container.items() if name.endswith("Probe")]
            assert {(probe.get("httpGet") or probe["tcpSocket"])["port"] for probe in probes} <= ports


def test_nobody_is_root() -> None:
    """No pod runs as root, gains rights, writes to its image or may talk to the cluster."""
    for pod in pods(EVERYTHING):
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_prometheus_finds_the_job() -> None:
    """The job under which the gateway is scraped is one that the rule about its silence asks for."""
    found = manifests(EVERYTHING)
    label = found["ServiceMonitor", "demo-gateway"]["spec"]["jobLabel"]
    job = found["Service", "demo-gateway"]["metadata"]["labels"][label]
    (group, *_) = found["PrometheusRule", "demo"]["spec"]["groups"]
    (asked,) = set(re.findall(r'up\{job=~"([^"]+)"\}', group["rules"][0]["expr"]))
    assert re.fullmatch(asked, job)


def test_a_site_is_whole_or_not_there(tmp_path: Path) -> None:
    """What was begun by a pod that was ended is begun anew, and a site that there is stays as it is."""
    (pod,) = pods({})
    script = pod["spec"]["initContainers"][0]["command"][-1].replace("/data/", f"{tmp_path}/")
    tongban, site = tmp_path / "bin" / "tongban", tmp_path / "site" / "tongban.toml"
    tongban.parent.mkdir()
    tongban.touch(0o755)
    codes = []
    for writes in ("echo half > $2/tongban.toml; exit 1", "echo whole > $2/tongban.toml", "exit 1"):
        tongban.write_text(f"#!/bin/sh\nmkdir $2 || exit 2\n{writes}\n")
        path = {"PATH": f"{tongban.parent}:/usr/bin:/bin"}
        codes.append(subprocess.run(["sh", "-ec", script], env=path, check=False).returncode)  # noqa: S603, S607
        assert site.exists() is (len(codes) > 1)
    assert (codes, site.read_text()) == ([1, 0, 0], "whole\n")


def test_a_stop_has_time() -> None:
    """A pod that stops is given longer than a question may take."""
    (pod,) = pods({})
    assert pod["spec"]["terminationGracePeriodSeconds"] > 60 + 3


def test_the_values_fit_their_schema() -> None:
    """The values that come with the chart, and those that these tests use, are valid; misspelt ones are not."""
    jsonschema.validate(VALUES, SCHEMA)
    jsonschema.validate(merge(VALUES, EVERYTHING), SCHEMA)
    assert set(SCHEMA["properties"]) == {*VALUES, "global"}
    for wrong in ({"worker": 2}, {"workers": 0}, {"redis": {"enabled": True}}, {"site": {"size": "many"}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(merge(VALUES, wrong), SCHEMA)


def test_the_notes() -> None:
    """What is told after an installation names what was installed."""
    assert "redis://demo-redis:6379" in render_notes(CHART, EVERYTHING)
    assert "redis" not in render_notes(CHART, {}).lower()


def test_no_registry_is_named() -> None:
    """Images are named without the host of a registry."""
    for one in pods(EVERYTHING):
        for container in one["spec"]["containers"]:
            assert re.fullmatch(r"[a-z]+:[0-9.]+", container["image"])


def test_redis_gets_its_settings(tmp_path: Path) -> None:
    """The command of Redis writes settings that keep counters, and the password that its file has."""
    (pod,) = (one for one in pods(EVERYTHING) if one["metadata"]["labels"]["app.kubernetes.io/component"] == "redis")
    shell, option, script = pod["spec"]["containers"][0]["command"]
    (tmp_path / "password").write_text("aB3/+=")
    script = script.replace("/secret/password", f"{tmp_path}/password").replace("/tmp/redis.conf", f"{tmp_path}/conf")  # noqa: S108
    script = script.replace("exec redis-server", "exec true")
    subprocess.run([shutil.which(shell) or shell, option, script], check=True)  # noqa: S603 -- of the chart
    assert (tmp_path / "conf").read_text() == (
        "requirepass aB3/+=\ndir /data\nappendonly yes\nmaxmemory 512mb\nmaxmemory-policy noeviction\n"
    )
    assert (tmp_path / "conf").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(find_helm() is None, reason="helm is not installed")
def test_helm_finds_nothing_wrong() -> None:
    """Where helm is installed, its own linter has nothing to say."""
    subprocess.run([find_helm() or "", "lint", "--strict", str(CHART)], check=True, capture_output=True)  # noqa: S603
