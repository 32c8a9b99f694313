"""Alert rules and dashboard speak of metrics that the program has, by labels that those have."""

import json
import re
import shutil
import time
from functools import cache
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from gateway.metrics import Metrics
from tests.support.cli import ROOT
from tests.support.promql import check_closed, read_selectors
from tests.support.running_demo import running_demo

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "tongban.json").read_text("utf-8"))
GROUPS: list[dict[str, Any]] = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
# Of Prometheus itself, and of the node exporter.
OTHERS = {"up": {"job"}, "node_filesystem_avail_bytes": {"mountpoint"}, "node_filesystem_size_bytes": {"mountpoint"}}
EVERYWHERE = {"instance", "job"}
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
BEGINS_AT_ZERO = {  # for each word of its label
    "gateway_log_unavailable_total",
    "gateway_policy_reloads_total",
    "gateway_second_opinions_total",
    "gateway_site_reloads_total",
    "gateway_status_reloads_total",
    "gateway_trust_reloads_total",
    "gateway_worker_starts_total",
    "tongban_cache_faults_total",
    "tongban_store_failures_total",
}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@cache
def known() -> dict[str, set[str]]:
    """Return the names under which metrics are exposed, each with its labels."""
    metrics = Metrics()
    found = {name: set(labels) for name, labels in OTHERS.items()}
    for one in metrics._registry._collector_to_names:
        assert isinstance(one, MetricWrapperBase)
        for suffix in SUFFIXES[one._type]:
            labels = {*one._labelnames, *({"le"} if suffix == "_bucket" else ())}
            found[f"{one._name}{suffix}"] = labels
    exposed = re.findall(r"^# TYPE (\S+)", metrics.expose().decode(), re.MULTILINE)
    assert {name.removesuffix("_bucket") for name in found if name not in OTHERS} >= set(exposed) - {
        name for name in exposed if name.endswith("_created") or f"{name}_bucket" in found
    }
    return found


def check(expression: str) -> None:
    """Fail where an expression names what there is not."""
    check_closed(expression)
    selectors, groups = read_selectors(expression)
    assert selectors, expression
    labels: set[str] = set(EVERYWHERE)
    for one in selectors:
        assert one.metric in known(), f"{one.metric} in {expression}"
        assert one.labels <= known()[one.metric] | EVERYWHERE, expression
        labels |= known()[one.metric]
    assert groups <= labels, expression


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_is_sound(rule: dict[str, Any]) -> None:
    """A rule names metrics that there are, and says in both languages what is the matter, and where to read on."""
    check(rule["expr"])
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert re.fullmatch(r"[0-9]+[mh]", rule.get("for", "1m"))
    notes = rule["annotations"]
    assert set(notes) == {"summary", "summary_zh", "manual"}
    assert CHINESE.search(notes["summary_zh"])
    assert not CHINESE.search(notes["summary"])
    named = {name for text in notes.values() for name in re.findall(r"\$labels\.([a-z]+)", text)}
    assert named <= {label for one in read_selectors(rule["expr"])[0] for label in known()[one.metric]} | EVERYWHERE
    page, _, anchor = notes["manual"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    assert not anchor or anchor in {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_first_event_is_an_event(rule: dict[str, Any]) -> None:
    """What asks only whether a counter has grown asks one that begins at 0, or also whether it is new."""
    fires = re.sub(r" unless sum .*", "", rule["expr"])
    for counter, window in re.findall(r"increase\(([^\[\]]+)\[(\w+)\]\)+ > 0(?! and)", fires):
        was_there = f"and on (instance, job) up offset {window} == 1"
        is_new = f"({counter} > 0 unless {counter} offset {window} {was_there})"
        assert counter.partition("{")[0] in BEGINS_AT_ZERO or is_new in rule["expr"], counter


def test_each_rule_has_a_name_of_its_own() -> None:
    """No two rules have the same name, and no two groups."""
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    assert len({group["name"] for group in GROUPS}) == len(GROUPS)


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["id"]))
def test_a_panel_is_sound(panel: dict[str, Any]) -> None:
    """A panel has a title in both languages, and shows metrics that there are, from the source that is chosen."""
    title = panel["title"]
    assert CHINESE.search(title) or title.startswith("Redis")
    assert re.search(r"[A-Za-z]", title)
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["targets"]
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    for target in (panel, *panel["targets"]):
        assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    for target in panel["targets"]:
        check(target["expr"])
        assert set(re.findall(r"\{\{([a-z]+)\}\}", target["legendFormat"])) <= read_selectors(target["expr"])[1]


# Panels that show nothing while a gateway does what it should: something has to be refused, to fail, or to be set up.
QUIET = {
    "批量 Batch lines",
    "身份认证失败 Sign-in failures",
    "过载拒绝 Shed",
    "超出限额 Beyond limits",
    "映射未列明 Not in the mapping",
    "仿真接口答复 Façades",
    "来源失败 Source failures",
}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed")
def test_prometheus_evaluates_every_panel() -> None:
    """Each query of the dashboard is taken, and gives series for a gateway of two processes that answers questions."""
    with running_demo() as demo:
        ends = time.monotonic() + 60
        while True:
            demo.ask("ask")
            board = demo.ask("board")
            assert board["source"] == "prometheus", board["why"]
            empty = {one["title"] for one in board["panels"] if not one["series"]}
            if empty <= QUIET:
                break
            assert time.monotonic() < ends, empty - QUIET
        assert [one["title"] for one in board["panels"]] == [panel["title"] for panel in PANELS]
        (size,) = [one for one in board["panels"] if one["title"].endswith("Size")]
        assert size["series"][0]["value"] > 50  # what the demo has asked: of all processes together


def test_the_dashboard_is_sound() -> None:
    """Panels have ids of their own and do not lie over each other; the variables that are used are there."""
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken
        taken |= cells
    assert {one["name"] for one in DASHBOARD["templating"]["list"]} == {"datasource", "instance"}
    assert "id" not in DASHBOARD


def test_what_an_operator_must_hear_of_has_a_rule() -> None:
    """There is a rule about each thing that stops answers or makes them worse."""
    spoken = {one.metric for rule in RULES for one in read_selectors(rule["expr"])[0]}
    assert spoken >= {
        "gateway_requests_total",
        "gateway_request_seconds_bucket",
        "gateway_shed_total",
        "gateway_limited_total",
        "gateway_budget_refusals_total",
        "gateway_worker_starts_total",
        "gateway_start_timestamp_seconds",
        "gateway_reload_failed",
        "tongban_system_breaker",
        "tongban_system_spared_total",
        "tongban_redis_nodes",
        "gateway_log_stopped",
        "gateway_log_size",
        "gateway_log_unavailable_total",
        "tongban_audit_log_forked",
        "tongban_audit_alarms_open",
        "gateway_revocation_lag_seconds",
        "gateway_trust_next_end_seconds",
        "gateway_trust_list_age_seconds",
        "gateway_policy_end_seconds",
    }
