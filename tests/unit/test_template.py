"""template.yaml: what is deployed, who may do what, and which settings reach the functions."""

import json
import re
import tomllib
from typing import Any

import pytest
from tests.support.cloudformation import TEMPLATE, resources, template
from tests.support.sandbox import FUNCTIONS, ROOT

from signet.adapters.dynamodb.client import DynamoDb
from signet.adapters.eventbridge import SOURCE
from signet.adapters.fetcher.connection import Limits
from signet.adapters.kms import KmsKeys
from signet.broker.rotation import WORKER_DEADLINE
from signet.errors import Misconfigured
from signet.settings import Settings
from signet.web.bus_event import KEY_REFUSED, LOGOUT_REQUESTED, REAPING_REQUESTED, STEP_REQUESTED

FOLDERS = sorted(path.parent.name for path in FUNCTIONS.glob("*/app.py"))
BY_EVENT = ["reap_keys", "rotate_keys", "send_logout"]
HTTP = [name for name in FOLDERS if name not in {"initialize", *BY_EVENT}]
KEYS_BY_TAG = "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*"
EXPIRING = {"LoginsTable", "GrantsTable", "ReplayTable", "ManagementTable", "SessionsTable"}

# The contract's settings and their defaults, as environment variables.
SETTINGS: dict[str, int | str] = {
    "SIGNET_ADMIN_JWKS": "",
    "SIGNET_CODE_TTL_SECONDS": 60,
    "SIGNET_DASHBOARD_ADMINS": "",
    "SIGNET_DASHBOARD_CONNECTION": "",
    "SIGNET_ISSUER": "",
    "SIGNET_JWKS_MAX_AGE": 300,
    "SIGNET_LOGIN_TTL_SECONDS": 600,
    "SIGNET_PROPAGATION_SECONDS": 172_800,
    "SIGNET_REFRESH_IDLE_SECONDS": 604_800,
    "SIGNET_REFRESH_TOKEN_SECONDS": 2_592_000,
    "SIGNET_RETENTION_SECONDS": 172_800,
    "SIGNET_ROTATION_DAYS": 90,
    "SIGNET_ROTATION_SECONDS": "",
    "SIGNET_SESSION_IDLE_SECONDS": 3_600,
    "SIGNET_SESSION_SECONDS": 28_800,
    "SIGNET_SIGNER_CACHE_SECONDS": 30,
    "SIGNET_VERIFIER_CACHE_SECONDS": 86_400,
}

# Read by the settings and not set by the template, and why.
NOT_SET = {"SIGNET_ALLOW_LOOPBACK": "the local stack's alone: it opens the way to loopback"}

# Which provider waits one request can have, one after the other, 3 s each.
PROVIDER_WAITS = {
    "authorize": 4,  # keys of a client's request object, and again; metadata, pushed request
    "backchannel_logout": 3,  # metadata, keys, and again for an unknown one
    "callback": 5,  # metadata, token request and its second attempt, refetched keys, userinfo
    "discovery": 0,
    "initialize": 1,  # the answer to CloudFormation
    "introspect": 2,  # the client's keys, and again for an unknown one
    "jwks": 0,
    "logout": 1,  # metadata
    "par": 2,  # the client's keys, and again for an unknown one
    "manage": 3,  # metadata, keys and token request of a connection test
    "reap_keys": 0,
    "revoke": 2,  # the client's keys, and again for an unknown one
    "rotate_keys": 2,  # metadata and token request of a probe
    "send_logout": 1,  # the application
    "token": 2,  # the client's keys, and again for an unknown one
    "userinfo": 0,
}
# How many calls to AWS can spend every attempt: the first that fails ends a request. A deployment
# has no one who waits, and an answer matters more: there each may take its time.
AWS_WAITS = dict.fromkeys([*HTTP, *BY_EVENT], 1) | {"discovery": 0, "initialize": 5}


def capital(folder: str) -> str:
    return folder.title().replace("_", "")


RULES = {
    "RotationTick": "RotateKeys",
    "RotationEvents": "RotateKeys",
    "ReapingTick": "ReapKeys",
    "ReapingEvents": "ReapKeys",
    "LogoutEvents": "SendLogout",
}


def parameter_of(setting: str) -> str:
    return setting.title().replace("_", "")


def environment_of(folder: str) -> dict[str, Any]:
    own = resources("AWS::Serverless::Function")[f"{capital(folder)}Function"]
    shared = template()["Globals"]["Function"]["Environment"]["Variables"]
    return {**shared, **own.get("Environment", {}).get("Variables", {})}


def statements(folder: str) -> list[dict[str, Any]]:
    role = resources("AWS::IAM::Role")[f"{capital(folder)}Role"]
    assert "ManagedPolicyArns" not in role
    return [
        statement
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def every_statement() -> list[tuple[str, dict[str, Any]]]:
    return [(folder, statement) for folder in FOLDERS for statement in statements(folder)]


def allowed(folder: str) -> set[str]:
    return {action for statement in statements(folder) for action in as_list(statement["Action"])}


def signing(folder: str) -> list[dict[str, Any]]:
    return [part for part in statements(folder) if "kms:Sign" in as_list(part["Action"])]


# ------------------------------------------------------------------------------- completeness
def test_each_folder_is_a_function_and_each_function_has_a_folder() -> None:
    functions = resources("AWS::Serverless::Function")
    assert set(functions) == {f"{capital(name)}Function" for name in FOLDERS}
    for name in FOLDERS:
        assert functions[f"{capital(name)}Function"]["CodeUri"] == f"functions/{name}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_function_has_a_role_and_a_log_of_its_own_that_nobody_else_writes(folder: str) -> None:
    name = capital(folder)
    function = resources("AWS::Serverless::Function")[f"{name}Function"]
    assert function["Role"] == {"Fn::GetAtt": f"{name}Role.Arn"}
    assert function["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}LogGroup"}}
    assert resources("AWS::Logs::LogGroup")[f"{name}LogGroup"] == {
        "RetentionInDays": {"Ref": "LogRetentionDays"}
    }
    writing = [part for part in statements(folder) if "logs:PutLogEvents" in part["Action"]]
    assert [part["Resource"] for part in writing] == [{"Fn::GetAtt": f"{name}LogGroup.Arn"}]


def test_each_role_is_one_functions_and_lambdas_alone_to_take() -> None:
    roles = resources("AWS::IAM::Role")
    assert set(roles) == {f"{capital(name)}Role" for name in FOLDERS}
    for role in roles.values():
        # CAPABILITY_IAM is enough for roles without names.
        assert "RoleName" not in role
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
        assert trust["Action"] == "sts:AssumeRole"


@pytest.mark.parametrize("folder", HTTP)
def test_each_http_function_has_routes_an_integration_and_a_permission(folder: str) -> None:
    name = capital(folder)
    target = {"Fn::Sub": f"integrations/${{{name}Integration}}"}
    routes = resources("AWS::ApiGatewayV2::Route").values()
    assert any(route["Target"] == target for route in routes)
    integration = resources("AWS::ApiGatewayV2::Integration")[f"{name}Integration"]
    assert integration["IntegrationType"] == "AWS_PROXY"
    assert integration["PayloadFormatVersion"] == "2.0"
    assert f"/functions/${{{name}Function.Arn}}/" in integration["IntegrationUri"]["Fn::Sub"]
    permission = resources("AWS::Lambda::Permission")[f"{name}Permission"]
    assert permission["FunctionName"] == {"Ref": f"{name}Function"}
    assert permission["Principal"] == "apigateway.amazonaws.com"
    assert permission["SourceArn"]["Fn::Sub"].endswith("${AWS::AccountId}:${Api}/*")


def test_nothing_else_may_call_a_function() -> None:
    expected = {f"{capital(name)}Permission" for name in HTTP}
    rules = {f"{name}Permission" for name in RULES}
    assert set(resources("AWS::Lambda::Permission")) == expected | rules
    assert set(resources("AWS::ApiGatewayV2::Integration")) == {
        f"{capital(name)}Integration" for name in HTTP
    }


@pytest.mark.parametrize("folder", HTTP + BY_EVENT)
def test_no_function_answers_before_the_settings_were_checked(folder: str) -> None:
    function = template()["Resources"][f"{capital(folder)}Function"]
    assert function["DependsOn"] == "Initialization"


# --------------------------------------------------------------------------- least privilege
@pytest.mark.parametrize(("folder", "statement"), every_statement())
def test_a_statement_allows_named_actions_on_named_resources(
    folder: str, statement: dict[str, Any]
) -> None:
    assert statement["Effect"] == "Allow"
    assert not {"NotAction", "NotResource"} & set(statement)
    assert not any("*" in action for action in as_list(statement["Action"]))
    if as_list(statement["Action"]) in (["kms:CreateKey"], ["kms:TagResource"]):
        return  # what is not there yet is named by what it will be: tested below
    if statement["Sid"] in {"ListKeys", "ReadTagsOfKeys"}:
        return  # whoever looks for our tags looks at every key: tested below
    for resource in as_list(statement["Resource"]):
        assert isinstance(resource, dict), f"{folder}: {resource}"
        if "*" in str(resource):
            assert resource == {"Fn::Sub": KEYS_BY_TAG}
            equals = statement["Condition"]["StringEquals"]
            assert equals["aws:ResourceTag/signet:stack"] == {"Ref": "AWS::StackName"}
            purposes = as_list(equals["aws:ResourceTag/signet:purpose"])
            assert set(purposes) <= {"connection", "issuer"}


@pytest.mark.parametrize(
    ("folder", "purposes"),
    [
        ("authorize", ["connection"]),
        ("callback", ["connection"]),
        # A new key is proved by whoever makes it.
        ("manage", ["connection", "issuer"]),
        ("rotate_keys", ["connection", "issuer"]),
        ("send_logout", ["issuer"]),
        ("token", ["issuer"]),
    ],
)
def test_a_function_signs_with_keys_of_these_purposes(folder: str, purposes: list[str]) -> None:
    audit = {"Fn::GetAtt": "AuditKey.Arn"}
    conditions = [
        part["Condition"]["StringEquals"] for part in signing(folder) if part["Resource"] != audit
    ]
    assert [equals["aws:ResourceTag/signet:purpose"] for equals in conditions] == purposes


def test_no_statement_lets_a_key_of_the_issuer_sign_as_a_connections_does() -> None:
    for folder in ("manage", "rotate_keys", "send_logout", "token"):
        issuers = signing(folder)[-1]["Condition"]["StringEquals"]
        assert issuers["kms:SigningAlgorithm"] == "RSASSA_PKCS1_V1_5_SHA_256"


@pytest.mark.parametrize("folder", ["manage", "rotate_keys"])
def test_keys_are_made_for_this_stack_and_tagged_as_they_are_made(folder: str) -> None:
    making = [
        part
        for part in statements(folder)
        if as_list(part["Action"]) in (["kms:CreateKey"], ["kms:TagResource"])
    ]
    assert [part["Action"] for part in making] == ["kms:CreateKey", "kms:TagResource"]
    for part in making:
        equals = part["Condition"]["StringEquals"]
        assert equals["aws:RequestTag/signet:stack"] == {"Ref": "AWS::StackName"}
        assert equals["aws:RequestTag/signet:purpose"] == ["connection", "issuer"]
    tags = making[0]["Condition"]["ForAllValues:StringEquals"]["aws:TagKeys"]
    assert set(tags) == {"signet:stack", "signet:purpose", "signet:connection", "signet:operation"}


def test_nobody_else_makes_keys_and_the_reaper_alone_tags_a_key_that_is_there() -> None:
    assert {folder for folder in FOLDERS if "kms:CreateKey" in allowed(folder)} == {
        "manage",
        "rotate_keys",
    }
    assert {folder for folder in FOLDERS if "kms:TagResource" in allowed(folder)} == {
        "manage",
        "reap_keys",
        "rotate_keys",
    }
    (part,) = [part for part in statements("reap_keys") if part["Action"] == "kms:TagResource"]
    # None of the tags that say whose a key is: a key stays what it was made as.
    assert part["Condition"]["ForAllValues:StringEquals"] == {"aws:TagKeys": ["signet:disabled-at"]}
    equals = part["Condition"]["StringEquals"]
    assert equals["aws:ResourceTag/signet:stack"] == {"Ref": "AWS::StackName"}


@pytest.mark.parametrize("folder", ["manage", "rotate_keys"])
def test_a_key_that_has_our_tags_cannot_be_made_to_look_like_another(folder: str) -> None:
    (part,) = [part for part in statements(folder) if part["Action"] == "kms:TagResource"]
    assert part["Resource"] == {"Fn::Sub": KEYS_BY_TAG}
    assert part["Condition"]["Null"] == {
        "aws:ResourceTag/signet:stack": "true",
        "aws:ResourceTag/signet:purpose": "true",
    }


@pytest.mark.parametrize(
    ("folder", "purposes"),
    [
        ("manage", ["connection"]),
        ("rotate_keys", ["connection"]),
        # The issuer's too, but by the reaper alone, a week after it disabled them.
        ("reap_keys", ["connection", "issuer"]),
    ],
)
def test_a_key_of_ours_is_deleted_after_the_longest_time(folder: str, purposes: list[str]) -> None:
    (part,) = [
        part for part in statements(folder) if "kms:ScheduleKeyDeletion" in as_list(part["Action"])
    ]
    equals = part["Condition"]["StringEquals"]
    assert as_list(equals["aws:ResourceTag/signet:purpose"]) == purposes
    assert equals["aws:ResourceTag/signet:stack"] == {"Ref": "AWS::StackName"}
    assert part["Condition"]["NumericEquals"] == {"kms:ScheduleKeyDeletionPendingWindowInDays": 30}


def test_nobody_else_takes_a_key_away() -> None:
    for action in ("kms:ScheduleKeyDeletion", "kms:DisableKey"):
        assert {folder for folder in FOLDERS if action in allowed(folder)} == {
            "manage",
            "reap_keys",
            "rotate_keys",
        }


def test_whoever_looks_at_every_key_can_read_no_more_than_what_its_tags_are() -> None:
    looking = [
        (folder, part)
        for folder, part in every_statement()
        if part["Sid"] in {"ListKeys", "ReadTagsOfKeys"}
    ]
    assert [(folder, as_list(part["Action"])) for folder, part in looking] == [
        ("manage", ["kms:ListKeys"]),
        ("manage", ["kms:DescribeKey", "kms:ListResourceTags"]),
        ("reap_keys", ["kms:ListKeys"]),
        ("reap_keys", ["kms:DescribeKey", "kms:ListResourceTags"]),
    ]


def test_lists_are_read_from_their_index_and_nothing_is_ever_scanned() -> None:
    queries = [
        (folder, part["Resource"])
        for folder, part in every_statement()
        if "dynamodb:Query" in as_list(part["Action"])
    ]
    events = {"Fn::GetAtt": "EventsTable.Arn"}
    sessions = {"Fn::GetAtt": "SessionsTable.Arn"}
    assert queries == [
        ("backchannel_logout", sessions),
        ("logout", sessions),
        ("manage", events),
        (
            "manage",
            [
                {"Fn::Sub": "${ConnectionsTable.Arn}/index/listing"},
                {"Fn::Sub": "${ClientsTable.Arn}/index/listing"},
            ],
        ),
        ("rotate_keys", events),
        ("rotate_keys", {"Fn::Sub": "${KeyringsTable.Arn}/index/due"}),
    ]
    assert not any("Scan" in action for folder in FOLDERS for action in allowed(folder))


def test_the_initialization_signs_with_the_first_issuer_key_alone() -> None:
    (statement,) = signing("initialize")
    assert statement["Resource"] == {"Fn::GetAtt": "IssuerKey.Arn"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_whoever_signs_signs_digests_with_named_algorithms(folder: str) -> None:
    for statement in signing(folder):
        assert as_list(statement["Action"]) == ["kms:Sign"]
        equals = statement["Condition"]["StringEquals"]
        assert equals["kms:MessageType"] == "DIGEST"
        assert equals["kms:SigningAlgorithm"]


@pytest.mark.parametrize(
    "folder",
    [
        "backchannel_logout",
        "discovery",
        "introspect",
        "jwks",
        "logout",
        "par",
        "revoke",
        "userinfo",
    ],
)
def test_whoever_only_reads_has_no_way_to_kms(folder: str) -> None:
    assert not any(action.startswith("kms:") for action in allowed(folder))


def test_discovery_writes_its_log_and_can_do_nothing_else() -> None:
    assert allowed("discovery") == {"logs:CreateLogStream", "logs:PutLogEvents"}


def test_jwks_reads_keyrings_and_no_other_table() -> None:
    tables = [part["Resource"] for part in statements("jwks") if part["Sid"] != "WriteItsLog"]
    assert tables == [{"Fn::GetAtt": "KeyringsTable.Arn"}]


WRITING = {"logs:CreateLogStream", "logs:PutLogEvents"}
MAKING_KEYS = {
    "kms:CreateKey",
    "kms:DisableKey",
    "kms:GetPublicKey",
    "kms:ScheduleKeyDeletion",
    "kms:Sign",
    "kms:TagResource",
}
LOOKING = {"kms:DescribeKey", "kms:ListKeys", "kms:ListResourceTags"}
MORE = {
    "authorize": {"events:PutEvents"},
    "backchannel_logout": {"dynamodb:Query", "events:PutEvents"},
    "callback": {"events:PutEvents"},
    "logout": {"dynamodb:Query", "events:PutEvents"},
    "manage": {"dynamodb:Query", "events:PutEvents", *MAKING_KEYS, *LOOKING},
    "token": {"events:PutEvents"},
}


@pytest.mark.parametrize("folder", [*HTTP, "initialize"])
def test_nobody_may_do_more_than_this_anywhere(folder: str) -> None:
    assert allowed(folder) - MORE.get(folder, set()) <= {
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "kms:GetPublicKey",
        "kms:Sign",
        *WRITING,
    }


def test_a_rotation_may_do_this_and_no_more() -> None:
    tables = {
        "dynamodb:DeleteItem",  # of events that found their place
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    }
    told = {"events:PutEvents", "sqs:SendMessage"}
    assert allowed("rotate_keys") == {*tables, *MAKING_KEYS, *told, *WRITING}


def test_the_reaper_signs_nothing_makes_nothing_and_writes_events_alone() -> None:
    assert allowed("reap_keys") == {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "events:PutEvents",
        "kms:DisableKey",
        "kms:ScheduleKeyDeletion",
        "kms:TagResource",
        "sqs:SendMessage",
        *LOOKING,
        *WRITING,
    }


def test_a_logout_token_is_signed_and_sent_by_whoever_reaches_no_session_and_no_grant() -> None:
    assert allowed("send_logout") == {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "events:PutEvents",
        "kms:Sign",
        "sqs:SendMessage",
        *WRITING,
    }
    for table in ("SessionsTable", "GrantsTable"):
        assert table not in str(statements("send_logout"))


@pytest.mark.parametrize(
    ("folder", "sid", "partitions_of"),
    [
        ("authorize", "UseSession", ["SESSION#*"]),
        ("authorize", "NoteGrantOfSession", ["SID#*"]),
        ("callback", "ReplaceSession", ["SESSION#*"]),
        ("logout", "FindSessions", ["SID#*"]),
        ("logout", "EndSession", ["SESSION#*"]),
        ("backchannel_logout", "FindSessions", ["SID#*", "PERSON#*", "UPSTREAM#*"]),
        ("backchannel_logout", "EndSession", ["SESSION#*"]),
    ],
)
def test_whoever_uses_or_ends_a_session_reaches_these_records_of_it(
    folder: str, sid: str, partitions_of: list[str]
) -> None:
    (part,) = [part for part in statements(folder) if part["Sid"] == sid]
    assert part["Resource"] == {"Fn::GetAtt": "SessionsTable.Arn"}
    assert partitions(part) == partitions_of


def test_the_reaper_reads_the_keyrings_and_whether_their_owners_are_there() -> None:
    (part,) = [part for part in statements("reap_keys") if "dynamodb:GetItem" in part["Action"]]
    tables = [{"Fn::GetAtt": f"{name}Table.Arn"} for name in ("Keyrings", "Connections")]
    assert part["Resource"] == tables


def test_events_are_put_on_our_own_bus_alone() -> None:
    putting = [part for _, part in every_statement() if part["Action"] == "events:PutEvents"]
    assert len(putting) == 9
    assert all(part["Resource"] == {"Fn::GetAtt": "SignetBus.Arn"} for part in putting)


@pytest.mark.parametrize("folder", ["authorize", "callback", "send_logout", "token"])
def test_whoever_signs_for_a_login_takes_turns_to_tell_and_reaches_no_claim(folder: str) -> None:
    (turns,) = (part for part in statements(folder) if "ManagementTable" in str(part["Resource"]))
    assert turns["Action"] == "dynamodb:PutItem"
    assert partitions(turns) == ["REMINDER#*"]


# ----------------------------------------------------------------------------------- the audit
def on_events(folder: str, action: str) -> list[dict[str, Any]]:
    table = {"Fn::GetAtt": "EventsTable.Arn"}
    return [
        part
        for part in statements(folder)
        if action in as_list(part["Action"]) and table in as_list(part["Resource"])
    ]


def partitions(statement: dict[str, Any]) -> list[str]:
    assert set(statement["Condition"]) == {"ForAllValues:StringLike"}
    return as_list(statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])


@pytest.mark.parametrize("folder", ["authorize", "callback", "reap_keys", "send_logout", "token"])
def test_whoever_only_records_reaches_no_event_that_was_recorded(folder: str) -> None:
    (recording,) = on_events(folder, "dynamodb:PutItem")
    assert recording["Action"] == "dynamodb:PutItem"
    assert partitions(recording) == ["PENDING#*"]
    for action in ("dynamodb:GetItem", "dynamodb:Query", "dynamodb:DeleteItem"):
        assert on_events(folder, action) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_an_event_that_has_its_place_is_never_deleted_or_changed(folder: str) -> None:
    assert on_events(folder, "dynamodb:UpdateItem") == []
    for statement in on_events(folder, "dynamodb:DeleteItem"):
        assert partitions(statement) == ["PENDING#*"]


def test_the_management_seals_and_can_make_no_checkpoint() -> None:
    (sealing,) = on_events("manage", "dynamodb:PutItem")
    assert partitions(sealing) == ["PENDING#*", "CHAIN#*", "HEAD"]
    for statement in signing("manage"):
        assert statement["Condition"]["StringEquals"]["aws:ResourceTag/signet:purpose"] != "audit"


@pytest.mark.parametrize(
    "folder",
    [
        "backchannel_logout",
        "discovery",
        "initialize",
        "introspect",
        "jwks",
        "logout",
        "revoke",
        "userinfo",
    ],
)
def test_whoever_records_nothing_has_no_way_to_the_audit(folder: str) -> None:
    assert "EventsTable" not in str(statements(folder))


def test_the_audit_key_is_kept_as_the_issuers_is_and_is_another_one() -> None:
    audit, issuer = (template()["Resources"][name] for name in ("AuditKey", "IssuerKey"))
    assert audit["Properties"]["KeySpec"] == "ECC_NIST_P256"
    assert {"Key": "signet:purpose", "Value": "audit"} in audit["Properties"]["Tags"]
    assert audit["Properties"]["KeyPolicy"] == issuer["Properties"]["KeyPolicy"]
    for name in ("DeletionPolicy", "UpdateReplacePolicy"):
        assert audit[name] == issuer[name]


def test_there_is_no_secret_store_and_no_decryption() -> None:
    for resource in template()["Resources"].values():
        assert not resource["Type"].startswith(("AWS::SecretsManager::", "AWS::SSM::"))
    text = TEMPLATE.read_text(encoding="utf-8").lower()
    assert not re.search(r"secretsmanager:|ssm:|kms:(decrypt|encrypt|generatedatakey|\*)", text)


def test_the_issuer_key_signs_digests_grants_nothing_and_outlives_the_stack() -> None:
    key = template()["Resources"]["IssuerKey"]
    assert key["DeletionPolicy"] == "RetainExceptOnCreate"
    assert key["UpdateReplacePolicy"] == "Retain"
    assert {"Key": "signet:purpose", "Value": "issuer"} in key["Properties"]["Tags"]
    administers, signs = key["Properties"]["KeyPolicy"]["Statement"]
    assert not {"kms:Sign", "kms:CreateGrant", "kms:*"} & set(administers["Action"])
    assert signs["Action"] == "kms:Sign"
    assert signs["Condition"] == {"StringEquals": {"kms:MessageType": "DIGEST"}}


# -------------------------------------------------------------------------------------- tables
@pytest.mark.parametrize("name", sorted(resources("AWS::DynamoDB::Table")))
def test_a_table_is_encrypted_recoverable_and_not_deleted_by_mistake(name: str) -> None:
    table = template()["Resources"][name]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    properties = table["Properties"]
    assert properties["DeletionProtectionEnabled"] is True
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"


def test_the_tables_of_what_expires_clean_up_and_no_other_does() -> None:
    expiring = {
        name: table["TimeToLiveSpecification"]
        for name, table in resources("AWS::DynamoDB::Table").items()
        if "TimeToLiveSpecification" in table
    }
    cleanup = {"AttributeName": "expires_at", "Enabled": True}
    assert expiring == dict.fromkeys(EXPIRING, cleanup)


# ------------------------------------------------------------------------------------ the API
def test_the_access_log_tells_the_route_and_nothing_that_was_carried() -> None:
    stage = resources("AWS::ApiGatewayV2::Stage")["ApiStage"]
    line = json.loads(stage["AccessLogSettings"]["Format"])
    assert {value.removeprefix("$context.") for value in line.values()} == {
        "error.responseType",
        "httpMethod",
        "identity.sourceIp",
        "integrationLatency",
        "requestId",
        "requestTime",
        "responseLatency",
        "responseLength",
        "routeKey",
        "status",
    }


def test_the_api_is_throttled_below_what_kms_signs_for_three_signatures_a_login() -> None:
    throttle = resources("AWS::ApiGatewayV2::Stage")["ApiStage"]["DefaultRouteSettings"]
    assert 0 < 3 * throttle["ThrottlingRateLimit"] <= 1_000
    assert 0 < 3 * throttle["ThrottlingBurstLimit"] <= 1_000


def seconds_of_an_aws_call(adapter: DynamoDb | KmsKeys) -> float:
    config = adapter._client.meta.config
    attempts = config.retries["total_max_attempts"]
    pauses = sum(2**retry for retry in range(attempts - 1))  # standard mode: at most 1, 2, 4 … s
    return float(attempts * (config.connect_timeout + config.read_timeout) + pauses)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_function_outlives_its_own_waits(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    aws = max(seconds_of_an_aws_call(DynamoDb()), seconds_of_an_aws_call(KmsKeys()))
    waits = AWS_WAITS[folder] * aws + PROVIDER_WAITS[folder] * Limits().total_seconds
    timeout = resources("AWS::Serverless::Function")[f"{capital(folder)}Function"]["Timeout"]
    assert waits + 1 < timeout
    if folder in BY_EVENT:
        return  # nobody waits for its answer
    if folder in HTTP:
        integration = resources("AWS::ApiGatewayV2::Integration")[f"{capital(folder)}Integration"]
        assert timeout * 1_000 < integration.get("TimeoutInMillis", 30_000)
    else:
        # CloudFormation waits for the answer, and not for an hour, which is its default.
        initialization = resources("Custom::SignetInitialization")["Initialization"]
        assert timeout < initialization["ServiceTimeout"] <= 300


# -------------------------------------------------------------------------------------- events
def rule(name: str) -> dict[str, Any]:
    return resources("AWS::Events::Rule")[name]


@pytest.mark.parametrize(("name", "function"), RULES.items())
def test_a_rule_runs_its_function_and_may_do_so_by_name(name: str, function: str) -> None:
    (target,) = rule(name)["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": f"{function}Function.Arn"}
    assert rule(name)["State"] == "ENABLED"
    permission = resources("AWS::Lambda::Permission")[f"{name}Permission"]
    assert permission == {
        "FunctionName": {"Ref": f"{function}Function"},
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": {"Fn::GetAtt": f"{name}.Arn"},
    }


def test_there_are_these_rules_and_no_other() -> None:
    assert set(resources("AWS::Events::Rule")) == {*RULES, "KeyEvents"}
    assert {name for name in RULES if "ScheduleExpression" in rule(name)} == {
        "RotationTick",
        "ReapingTick",
    }


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("RotationEvents", [STEP_REQUESTED, KEY_REFUSED]),
        ("ReapingEvents", [REAPING_REQUESTED]),
        ("LogoutEvents", [LOGOUT_REQUESTED]),
    ],
)
def test_a_rule_of_our_bus_matches_what_our_code_sends(name: str, types: list[str]) -> None:
    assert rule(name)["EventBusName"] == {"Ref": "SignetBus"}
    assert rule(name)["EventPattern"] == {"source": [SOURCE], "detail-type": types}
    assert environment_of("rotate_keys")["SIGNET_EVENT_BUS"] == {"Ref": "SignetBus"}


def test_what_is_announced_at_a_rotation_brings_no_further_work() -> None:
    # KeyRefused is the one announcement that comes back: an endless round cannot begin.
    matched = {
        kind for name in RULES for kind in rule(name).get("EventPattern", {}).get("detail-type", [])
    }
    assert matched == {STEP_REQUESTED, KEY_REFUSED, REAPING_REQUESTED, LOGOUT_REQUESTED}


def test_a_sweep_comes_each_minute_for_as_many_keys_as_kms_makes_in_one() -> None:
    assert rule("RotationTick")["ScheduleExpression"] == "rate(1 minute)"
    assert rule("ReapingTick")["ScheduleExpression"] == "rate(1 day)"


@pytest.mark.parametrize(
    "name", ["RotationEvents", "ReapingTick", "ReapingEvents", "LogoutEvents", "KeyEvents"]
)
def test_an_event_that_cannot_be_delivered_is_tried_again_and_then_kept(name: str) -> None:
    (target,) = rule(name)["Targets"]
    assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": "FailedEventsQueue.Arn"}}
    (statement,) = resources("AWS::SQS::QueuePolicy")["FailedEventsQueuePolicy"]["PolicyDocument"][
        "Statement"
    ]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    senders = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert {"Fn::GetAtt": f"{name}.Arn"} in senders


@pytest.mark.parametrize("folder", BY_EVENT)
def test_an_event_that_fails_is_tried_twice_more_and_then_kept(folder: str) -> None:
    function = resources("AWS::Serverless::Function")[f"{capital(folder)}Function"]
    invocation = function["EventInvokeConfig"]
    assert invocation["MaximumRetryAttempts"] == 2
    assert 60 <= invocation["MaximumEventAgeInSeconds"] <= 21_600
    kept = {"Type": "SQS", "Destination": {"Fn::GetAtt": "FailedEventsQueue.Arn"}}
    assert invocation["DestinationConfig"] == {"OnFailure": kept}
    (sending,) = [part for part in statements(folder) if part["Action"] == "sqs:SendMessage"]
    assert sending["Resource"] == {"Fn::GetAtt": "FailedEventsQueue.Arn"}


def test_what_failed_is_kept_encrypted_for_two_weeks_and_raises_an_alarm() -> None:
    queue = resources("AWS::SQS::Queue")["FailedEventsQueue"]
    assert queue == {"MessageRetentionPeriod": 14 * 86_400, "SqsManagedSseEnabled": True}
    alarm = resources("AWS::CloudWatch::Alarm")["FailedEventsAlarm"]
    assert alarm["Dimensions"] == [
        {"Name": "QueueName", "Value": {"Fn::GetAtt": "FailedEventsQueue.QueueName"}}
    ]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")


def test_a_sweep_cannot_take_the_accounts_concurrency_from_logins() -> None:
    function = resources("AWS::Serverless::Function")["RotateKeysFunction"]
    condition, reserved, nothing = function["ReservedConcurrentExecutions"]["Fn::If"]
    assert (reserved, nothing) == ({"Ref": "RotationConcurrency"}, {"Ref": "AWS::NoValue"})
    assert condition == "HasRotationConcurrency"
    parameter = template()["Parameters"]["RotationConcurrency"]
    assert 0 < parameter["Default"] <= 100
    assert parameter["MinValue"] == 0


def test_a_step_is_over_when_the_protocol_says_so() -> None:
    function = resources("AWS::Serverless::Function")["RotateKeysFunction"]
    assert function["Timeout"] <= WORKER_DEADLINE
    least = template()["Parameters"]["SignetReaperGraceSeconds"]["MinValue"]
    assert least > function["Timeout"]


def test_the_reaper_begins_no_page_that_it_has_no_time_for() -> None:
    text = (FUNCTIONS / "reap_keys" / "app.py").read_text("utf-8")
    (least,) = re.findall(r"^LEAST_SECONDS = (\d+)$", text, re.MULTILINE)
    timeout = resources("AWS::Serverless::Function")["ReapKeysFunction"]["Timeout"]
    assert 2 * int(least) <= timeout <= 900


# ----------------------------------------------------------------------------------- settings
class Recording(dict[str, str]):
    """An environment that remembers what was asked for."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


def settings_of(**values: str) -> Settings:
    return Settings.read({"SIGNET_ISSUER": "https://login.example.com", **values})


def test_the_template_sets_every_variable_that_the_settings_read() -> None:
    environment = Recording({"SIGNET_ISSUER": "https://login.example.com"})
    Settings.read(environment)
    assert environment.asked - set(environment_of("initialize")) == set(NOT_SET)
    # Only the initialization needs to know the administrators' keys.
    assert environment.asked - set(environment_of("token")) == {*NOT_SET, "SIGNET_ADMIN_JWKS"}


def test_no_parameter_can_open_the_way_to_loopback() -> None:
    for folder in FOLDERS:
        assert all(re.fullmatch(r"SIGNET_[A-Z_]+", name) for name in environment_of(folder))
        assert "SIGNET_ALLOW_LOOPBACK" not in environment_of(folder)
    assert "loopback" not in "".join(template()["Parameters"]).lower()
    issuer = re.compile(template()["Parameters"]["SignetIssuer"]["AllowedPattern"])
    for address in ("http://127.0.0.1:8080", "https://localhost", "http://localhost:8080"):
        assert not issuer.fullmatch(address)


@pytest.mark.parametrize(("setting", "default"), SETTINGS.items())
def test_every_setting_of_the_contract_is_a_parameter_with_its_default(
    setting: str, default: float | str
) -> None:
    assert template()["Parameters"][parameter_of(setting)]["Default"] == default


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_parameter_reaches_its_variable_and_runs_the_initialization_again(setting: str) -> None:
    parameter = parameter_of(setting)
    assert f"'Ref': '{parameter}'" in str(environment_of("initialize")[setting])
    initialization = template()["Resources"]["Initialization"]["Properties"]
    assert f"'Ref': '{parameter}'" in str(initialization[parameter.removeprefix("Signet")])


@pytest.mark.parametrize(
    ("setting", "default"),
    [(name, default) for name, default in SETTINGS.items() if isinstance(default, int)],
)
def test_the_settings_take_every_number_that_the_template_takes(setting: str, default: int) -> None:
    parameter = template()["Parameters"][parameter_of(setting)]
    roomy = {
        "SIGNET_PROPAGATION_SECONDS": "2592000",
        "SIGNET_RETENTION_SECONDS": "2592000",
        "SIGNET_VERIFIER_CACHE_SECONDS": "1",
        "SIGNET_SIGNER_CACHE_SECONDS": "0",
        "SIGNET_REFRESH_TOKEN_SECONDS": "31536000",
        "SIGNET_REFRESH_IDLE_SECONDS": "60",
    }
    for value in (parameter["MinValue"], default, parameter["MaxValue"]):
        settings_of(**{**roomy, setting: str(value)})


@pytest.mark.parametrize(
    ("setting", "most"),
    [
        ("SIGNET_SIGNER_CACHE_SECONDS", 60),
        ("SIGNET_CODE_TTL_SECONDS", 60),
        ("SIGNET_LOGIN_TTL_SECONDS", 3_600),
        ("SIGNET_ROTATION_DAYS", 3_650),
        ("SIGNET_SESSION_SECONDS", 86_400),
        ("SIGNET_SESSION_IDLE_SECONDS", 86_400),
    ],
)
def test_what_the_settings_bound_cloudformation_refuses_too(setting: str, most: int) -> None:
    assert template()["Parameters"][parameter_of(setting)]["MaxValue"] == most
    with pytest.raises(Misconfigured):
        settings_of(**{setting: str(most + 1)})


def test_a_refresh_tokens_idle_time_is_no_longer_than_its_whole_life() -> None:
    life = {"SIGNET_REFRESH_TOKEN_SECONDS": "3600"}
    assert settings_of(**life, SIGNET_REFRESH_IDLE_SECONDS="3600").refresh_idle == 3_600
    with pytest.raises(Misconfigured, match="3601 > 3600"):
        settings_of(**life, SIGNET_REFRESH_IDLE_SECONDS="3601")


@pytest.mark.parametrize("text", ["1", "86400", "99999999", "299999999"])
def test_a_rotation_in_seconds_is_taken_by_both(text: str) -> None:
    pattern = template()["Parameters"]["SignetRotationSeconds"]["AllowedPattern"]
    assert re.fullmatch(pattern, text)
    assert settings_of(SIGNET_ROTATION_SECONDS=text).rotation == int(text)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "999999999", "1e3", " 1"])
def test_a_rotation_in_seconds_that_the_settings_refuse_is_no_parameter(text: str) -> None:
    pattern = template()["Parameters"]["SignetRotationSeconds"]["AllowedPattern"]
    assert not re.fullmatch(pattern, text)
    with pytest.raises(Misconfigured):
        settings_of(SIGNET_ROTATION_SECONDS=text)


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_a_key_set_with_a_private_or_symmetric_key_is_no_parameter(member: str) -> None:
    pattern = template()["Parameters"]["SignetAdminJwks"]["AllowedPattern"]
    assert re.fullmatch(pattern, '{"keys":[{"kty":"RSA","kid":"d","n":"k","e":"AQAB"}]}')
    private = json.dumps({"keys": [{"kty": "RSA", member: "made-up"}]}, separators=(",", " : "))
    assert not re.fullmatch(pattern, private)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("https://login.example.com", True),
        ("https://a1b2c3.execute-api.eu-central-1.amazonaws.com", True),
        ("https://login.example.com/", False),
        ("https://login.example.com/path", False),
        ("https://login.example.com:8443", False),
        ("https://Login.example.com", False),
        ("http://login.example.com", False),
    ],
)
def test_an_issuer_is_one_https_origin_and_the_settings_take_it(text: str, *, taken: bool) -> None:
    pattern = template()["Parameters"]["SignetIssuer"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, text)) is taken
    if taken:
        assert settings_of(SIGNET_ISSUER=text).issuer == text


# ------------------------------------------------------------------------------------ the scan
def test_what_a_scan_is_told_to_excuse_has_a_reason_and_no_resource_left_to_guess() -> None:
    excused = template()["Metadata"]["Checkov"]
    assert all(set(one) == {"id", "type", "reason"} for one in excused)
    assert all(one["reason"].count(" ") > 10 for one in excused)
    assert {one["type"] for one in excused} <= {
        resource["Type"] for resource in template()["Resources"].values()
    }


# ------------------------------------------------------------------------------ sam's defaults
def test_sam_deploys_what_it_has_to_ask_for_and_knows_nobodys_account() -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))["default"]
    assert config["build"]["parameters"] == {"cached": True, "parallel": True}
    assert config["validate"]["parameters"] == {"lint": True}
    deploy = config["deploy"]["parameters"]
    assert deploy["capabilities"] == "CAPABILITY_IAM"
    assert deploy["confirm_changeset"] is True
    assert not {"region", "profile", "s3_bucket", "parameter_overrides"} & set(deploy)
