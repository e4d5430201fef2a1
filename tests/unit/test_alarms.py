"""The alarms of template.yaml: each tells somebody, counts what is written, and is explained."""

import json
import re
from typing import Any

import pytest
from tests.support.cloudformation import resources
from tests.support.sandbox import ROOT

PAGE = ROOT / "docs" / "operations.md"
SOURCE = ROOT / "layers" / "signet" / "src" / "signet"
OURS = {"Fn::Sub": "Signet/${AWS::StackName}"}
ALARMS = resources("AWS::CloudWatch::Alarm")
FILTERS = resources("AWS::Logs::MetricFilter")
RUNBOOK = re.compile(r"^### (\w+Alarm)$", re.MULTILINE)


def source() -> str:
    return "\n".join(path.read_text("utf-8") for path in sorted(SOURCE.rglob("*.py")))


def counted() -> dict[str, list[dict[str, Any]]]:
    """Return the filters by the name of the metric that they feed."""
    found: dict[str, list[dict[str, Any]]] = {}
    for metric_filter in FILTERS.values():
        (transformation,) = metric_filter["MetricTransformations"]
        assert transformation["MetricNamespace"] == OURS
        found.setdefault(transformation["MetricName"], []).append(metric_filter)
    return found


def test_every_alarm_has_a_runbook_and_every_runbook_an_alarm() -> None:
    headings = RUNBOOK.findall(PAGE.read_text("utf-8"))
    assert len(headings) == len(set(headings))
    assert set(headings) == set(ALARMS)


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_a_runbook_says_what_it_means_and_what_to_do(name: str) -> None:
    text = PAGE.read_text("utf-8").partition(f"### {name}\n")[2].partition("\n#")[0]
    assert "**Means.**" in text
    assert "**Do.**" in text


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_tells_the_topic_when_it_begins_and_when_it_is_over(name: str) -> None:
    told = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    alarm = ALARMS[name]
    assert (alarm["AlarmActions"], alarm["OKActions"]) == (told, told)


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_the_dashboard_is_json_and_shows_every_alarm_first(name: str) -> None:
    (dashboard,) = resources("AWS::CloudWatch::Dashboard").values()
    first, *_ = json.loads(dashboard["DashboardBody"]["Fn::Sub"])["widgets"]
    assert f"${{{name}.Arn}}" in first["properties"]["alarms"]


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_silence_is_good_news_but_where_something_comes_each_minute(name: str) -> None:
    missing = "breaching" if name == "MissingSweepsAlarm" else "notBreaching"
    assert ALARMS[name]["TreatMissingData"] == missing


def test_what_the_filters_count_has_an_alarm_and_an_alarm_of_ours_has_its_filters() -> None:
    ours = {alarm["MetricName"] for alarm in ALARMS.values() if alarm.get("Namespace") == OURS}
    assert ours == set(counted())


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_a_filter_counts_a_code_or_an_event_that_our_code_has(name: str) -> None:
    pattern = FILTERS[name]["FilterPattern"]
    wanted = re.findall(r'\$\.(?:code|detail-type) = "(\w+)"', pattern)
    assert wanted
    assert all(f'"{word}"' in source() for word in wanted)


def test_every_function_that_signs_in_kms_at_a_request_is_watched_for_throttles() -> None:
    signing = {
        role.removesuffix("Role")
        for role, properties in resources("AWS::IAM::Role").items()
        if "kms:Sign" in str(properties)
    } - {"Initialize"}  # CloudFormation shows what it said
    watched = {part["LogGroupName"]["Ref"] for part in counted()["KmsThrottled"]}
    assert watched == {f"{name}LogGroup" for name in signing}


def test_whoever_seals_the_audit_is_watched_for_a_broken_chain() -> None:
    sealing = {
        role.removesuffix("Role")
        for role, properties in resources("AWS::IAM::Role").items()
        if "CHAIN#*" in str(properties)
    }
    watched = {part["LogGroupName"]["Ref"] for part in counted()["AuditChainBroken"]}
    assert watched == {f"{name}LogGroup" for name in sealing}


def test_the_log_of_key_events_gets_every_type_that_an_alarm_counts() -> None:
    kept = set(resources("AWS::Events::Rule")["KeyEvents"]["EventPattern"]["detail-type"])
    patterns = [
        part["FilterPattern"]
        for part in FILTERS.values()
        if part["LogGroupName"] == {"Ref": "KeyEventsLogGroup"}
    ]
    types = set(re.findall(r'\$\.detail-type = "(\w+)"', " ".join(patterns)))
    # A key that waits for a person's hand is told of, and wakes nobody.
    assert types == kept - {"KeyAwaitingRegistration"}
    assert all(f'"{kind}"' in source() for kind in kept)
