"""The template as the local stack reads it: what would be deployed is what runs."""

from signet_local.emulated_aws.resources import TABLES
from signet_local.template import Template

TEMPLATE = Template.read()


def test_every_route_leads_to_a_function_that_has_its_file() -> None:
    functions = TEMPLATE.functions()
    assert len(TEMPLATE.routes()) == 15
    for route, logical_id in TEMPLATE.routes().items():
        assert (functions[logical_id].folder / "app.py").is_file(), route


def test_every_table_of_the_template_has_its_setting() -> None:
    assert set(TABLES) == set(TEMPLATE.of_type("AWS::DynamoDB::Table"))


def test_every_rule_leads_to_a_function_that_has_its_file() -> None:
    functions = TEMPLATE.functions()
    for rule in TEMPLATE.rules():
        assert (functions[rule.function].folder / "app.py").is_file(), rule
    brought = [(rule.pattern is None, rule.schedule is None) for rule in TEMPLATE.rules()]
    assert sorted(brought) == [*[(False, True)] * 3, *[(True, False)] * 2]


def test_each_minutes_schedule_is_due_at_each_tick_and_a_rarer_one_at_some() -> None:
    due = {
        rule.logical_id: [tick for tick in range(1, 7) if rule.is_due(tick, rare=3)]
        for rule in TEMPLATE.rules()
    }
    assert due == {
        "RotationTick": [1, 2, 3, 4, 5, 6],
        "ReapingTick": [3, 6],
        "RotationEvents": [],
        "ReapingEvents": [],
        "LogoutEvents": [],
    }


def test_the_access_log_is_json() -> None:
    assert TEMPLATE.access_log_format().startswith('{"requestId":"$context.requestId"')
