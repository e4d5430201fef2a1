"""The table of tests.mutants cannot rot: each row still finds its rule and its tests."""

from collections import Counter

import pytest
from tests.mutants.rule import ROOT, Rule, collect

RULES = collect()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_is_found_exactly_once(rule: Rule) -> None:
    assert rule.occurrences() == 1
    assert rule.instead != rule.text


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rules_tests_are_there(rule: Rule) -> None:
    assert rule.tests
    for test in rule.tests:
        file, _, name = test.partition("::")
        code = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert f"def {name.partition('[')[0]}" in code


def test_every_rule_has_a_name_of_its_own() -> None:
    assert not [name for name, count in Counter(rule.name for rule in RULES).items() if count > 1]
