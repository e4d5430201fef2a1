"""Make the template's event bus, its rules, and the queues that they deliver to.

Moto delivers to queues and not to functions: so each function that a rule names has a queue under
its logical id, from which `signet_local.deliveries` invokes it.
"""

import json
from collections.abc import Mapping
from typing import Any

from signet_local.template import Template

FAILED = "FailedEventsQueue"
"""Where events go that failed as often as they may, as in the template."""


def create_bus(template: Template, *, events: Any, queues: Any) -> str:
    """Make what is not there yet; return the bus's name."""
    (bus,) = template.of_type("AWS::Events::EventBus")
    if bus not in {known["Name"] for known in events.list_event_buses()["EventBuses"]}:
        events.create_event_bus(Name=bus)
    functions = template.functions()
    for name in {rule.function for rule in template.rules()}:
        # Nobody else takes an event up while its function may still run.
        make_queue(queues, name, VisibilityTimeout=functions[name].timeout + 5)
    make_queue(queues, FAILED)
    for rule in template.rules():
        if rule.pattern is not None:
            _make_rule(events, bus, rule.logical_id, rule.pattern, _arn(queues, rule.function))
    return bus


def make_queue(queues: Any, name: str, **attributes: int) -> None:
    """Make a queue, also where one of other attributes was brought back."""
    address = queues.create_queue(QueueName=name)["QueueUrl"]
    if attributes:
        texts = {key: str(value) for key, value in attributes.items()}
        queues.set_queue_attributes(QueueUrl=address, Attributes=texts)


def _arn(queues: Any, name: str) -> str:
    address = queues.get_queue_url(QueueName=name)["QueueUrl"]
    answer = queues.get_queue_attributes(QueueUrl=address, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


def _make_rule(events: Any, bus: str, name: str, pattern: Mapping[str, Any], arn: str) -> None:
    events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
