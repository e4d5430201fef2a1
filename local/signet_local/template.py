"""Read template.yaml, so that the local stack is made of what would be deployed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One Lambda function: its logical id, the folder of its code, and its time-out in seconds."""

    logical_id: str
    folder: Path
    timeout: int


EACH_MINUTE = "rate(1 minute)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: what brings an event, and the logical id of the function that gets it.

    `pattern` is of a rule of the bus, `schedule` of one that the clock brings.
    """

    logical_id: str
    function: str
    pattern: dict[str, Any] | None
    schedule: str | None

    def is_due(self, tick: int, *, rare: int) -> bool:
        """Tell whether it comes at a tick: each minute's at each, others at every `rare`-th."""
        if self.schedule is None:
            return False
        return self.schedule == EACH_MINUTE or tick % rare == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The resources of a template, by logical id, with intrinsic functions as `{name: argument}`.

    `!Ref X` is {"Ref": "X"}, `!GetAtt A.B` {"Fn::GetAtt": ["A", "B"]}, `!Sub …` {"Fn::Sub": …}.
    """

    resources: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, path: Path = PROJECT / "template.yaml") -> "Template":
        """Read a template file."""
        document = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506  (safe loader)
        return cls(resources=document["Resources"])

    def of_type(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """Return the properties of every resource of a type."""
        return {
            logical_id: resource.get("Properties", {})
            for logical_id, resource in self.resources.items()
            if resource["Type"] == resource_type
        }

    def functions(self) -> dict[str, Function]:
        """Return the functions by logical id."""
        return {
            logical_id: Function(
                logical_id=logical_id,
                folder=PROJECT / properties["CodeUri"],
                timeout=properties["Timeout"],
            )
            for logical_id, properties in self.of_type("AWS::Serverless::Function").items()
        }

    def routes(self) -> dict[str, str]:
        """Return {route key: the logical id of the function behind it}."""
        behind = {
            logical_id: _function_of(properties["IntegrationUri"]["Fn::Sub"])
            for logical_id, properties in self.of_type("AWS::ApiGatewayV2::Integration").items()
        }
        return {
            properties["RouteKey"]: behind[_integration_of(properties["Target"]["Fn::Sub"])]
            for properties in self.of_type("AWS::ApiGatewayV2::Route").values()
        }

    def rules(self) -> list[Rule]:
        """Return the rules that bring events to functions."""
        return [
            Rule(
                logical_id=logical_id,
                function=target["Arn"]["Fn::GetAtt"][0],
                pattern=properties.get("EventPattern"),
                schedule=properties.get("ScheduleExpression"),
            )
            for logical_id, properties in self.of_type("AWS::Events::Rule").items()
            for target in properties["Targets"]
            # What is sent to a log is for people, and no function's work.
            if "Fn::GetAtt" in target["Arn"]
        ]

    def access_log_format(self) -> str:
        """Return the line that the stage writes for each request, with its `$context` variables."""
        (stage,) = self.of_type("AWS::ApiGatewayV2::Stage").values()
        return str(stage["AccessLogSettings"]["Format"])


def _function_of(integration_uri: str) -> str:
    """Take `Name` out of `arn:…:functions/${Name.Arn}/invocations`."""
    return integration_uri.rpartition("functions/${")[2].partition(".Arn}")[0]


def _integration_of(target: str) -> str:
    """Take `Name` out of `integrations/${Name}`."""
    return target.removeprefix("integrations/${").removesuffix("}")


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _intrinsic(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = str(value).split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    return {name: value}


_Loader.add_multi_constructor("!", _intrinsic)
