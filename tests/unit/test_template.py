"""template.yaml: what is deployed, who may do what, and which settings reach the functions."""

import json
import re
import tomllib
from typing import Any

import pytest
from tests.support.cloudformation import TEMPLATE, resources, template
from tests.support.sandbox import FUNCTIONS, ROOT

from signet.adapters.dynamodb.client import DynamoDb
from signet.adapters.fetcher.connection import Limits
from signet.adapters.kms import KmsKeys
from signet.errors import Misconfigured
from signet.settings import Settings

FOLDERS = sorted(path.parent.name for path in FUNCTIONS.glob("*/app.py"))
HTTP = [name for name in FOLDERS if name != "initialize"]
KEYS_BY_TAG = "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*"
EXPIRING = {"LoginsTable", "GrantsTable", "ReplayTable", "ManagementTable"}

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
    "SIGNET_RETENTION_SECONDS": 172_800,
    "SIGNET_ROTATION_DAYS": 90,
    "SIGNET_ROTATION_SECONDS": "",
    "SIGNET_SIGNER_CACHE_SECONDS": 30,
    "SIGNET_VERIFIER_CACHE_SECONDS": 86_400,
}

# Read by the settings and not set by the template, and why.
NOT_SET = {"SIGNET_ALLOW_LOOPBACK": "the local stack's alone: it opens the way to loopback"}

# Which provider waits one request can have, one after the other, 3 s each.
PROVIDER_WAITS = {
    "authorize": 2,  # metadata, pushed request
    "callback": 5,  # metadata, token request and its second attempt, refetched keys, userinfo
    "discovery": 0,
    "initialize": 1,  # the answer to CloudFormation
    "jwks": 0,
    "manage": 3,  # metadata, keys and token request of a connection test
    "token": 2,  # the client's keys, and again for an unknown one
    "userinfo": 0,
}
# How many calls to AWS can spend every attempt: the first that fails ends a request. A deployment
# has no one who waits, and an answer matters more: there each may take its time.
AWS_WAITS = dict.fromkeys(HTTP, 1) | {"discovery": 0, "initialize": 5}


def capital(folder: str) -> str:
    return folder.title().replace("_", "")


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
    assert set(resources("AWS::Lambda::Permission")) == expected
    assert set(resources("AWS::ApiGatewayV2::Integration")) == {
        f"{capital(name)}Integration" for name in HTTP
    }


@pytest.mark.parametrize("folder", HTTP)
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
    for resource in as_list(statement["Resource"]):
        assert isinstance(resource, dict), f"{folder}: {resource}"
        if "*" in str(resource):
            assert resource == {"Fn::Sub": KEYS_BY_TAG}
            equals = statement["Condition"]["StringEquals"]
            assert equals["aws:ResourceTag/signet:stack"] == {"Ref": "AWS::StackName"}
            assert equals["aws:ResourceTag/signet:purpose"] in {"connection", "issuer"}


@pytest.mark.parametrize(
    ("folder", "purpose"),
    [
        ("authorize", "connection"),
        ("callback", "connection"),
        ("manage", "connection"),
        ("token", "issuer"),
    ],
)
def test_a_function_signs_with_keys_of_one_purpose(folder: str, purpose: str) -> None:
    (statement,) = signing(folder)
    equals = statement["Condition"]["StringEquals"]
    assert equals["aws:ResourceTag/signet:purpose"] == purpose


def test_keys_are_made_by_the_management_alone_and_for_connections_of_this_stack() -> None:
    tagging = [
        (folder, part)
        for folder, part in every_statement()
        if {"kms:CreateKey", "kms:TagResource"} & set(as_list(part["Action"]))
    ]
    assert [(folder, part["Action"]) for folder, part in tagging] == [
        ("manage", "kms:CreateKey"),
        ("manage", "kms:TagResource"),
    ]
    for _, part in tagging:
        equals = part["Condition"]["StringEquals"]
        assert equals["aws:RequestTag/signet:stack"] == {"Ref": "AWS::StackName"}
        assert equals["aws:RequestTag/signet:purpose"] == "connection"


def test_a_key_that_has_our_tags_cannot_be_made_to_look_like_another() -> None:
    (part,) = [part for part in statements("manage") if part["Action"] == "kms:TagResource"]
    assert part["Resource"] == {"Fn::Sub": KEYS_BY_TAG}
    assert part["Condition"]["Null"] == {
        "aws:ResourceTag/signet:stack": "true",
        "aws:ResourceTag/signet:purpose": "true",
    }


def test_only_connection_keys_can_be_deleted_and_only_after_the_longest_time() -> None:
    deleting = [
        (folder, part)
        for folder, part in every_statement()
        if "kms:ScheduleKeyDeletion" in as_list(part["Action"])
    ]
    assert [folder for folder, _ in deleting] == ["manage"]
    condition = deleting[0][1]["Condition"]
    assert condition["StringEquals"]["aws:ResourceTag/signet:purpose"] == "connection"
    assert condition["NumericEquals"] == {"kms:ScheduleKeyDeletionPendingWindowInDays": 30}


def test_lists_are_read_from_their_index_and_nothing_is_ever_scanned() -> None:
    assert {folder for folder, part in every_statement() if "dynamodb:Query" in part["Action"]} == {
        "manage"
    }
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


@pytest.mark.parametrize("folder", ["jwks", "discovery", "userinfo"])
def test_whoever_only_reads_has_no_way_to_kms(folder: str) -> None:
    assert not any(action.startswith("kms:") for action in allowed(folder))


def test_discovery_writes_its_log_and_can_do_nothing_else() -> None:
    assert allowed("discovery") == {"logs:CreateLogStream", "logs:PutLogEvents"}


def test_jwks_reads_keyrings_and_no_other_table() -> None:
    tables = [part["Resource"] for part in statements("jwks") if part["Sid"] != "WriteItsLog"]
    assert tables == [{"Fn::GetAtt": "KeyringsTable.Arn"}]


@pytest.mark.parametrize("folder", FOLDERS)
def test_nobody_may_do_more_than_this_anywhere(folder: str) -> None:
    administration = {
        "dynamodb:Query",
        "kms:CreateKey",
        "kms:ScheduleKeyDeletion",
        "kms:TagResource",
    }
    assert allowed(folder) - (administration if folder == "manage" else set()) <= {
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "kms:GetPublicKey",
        "kms:Sign",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }


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


@pytest.mark.parametrize("folder", ["authorize", "callback", "token"])
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


@pytest.mark.parametrize("folder", ["discovery", "initialize", "jwks", "userinfo"])
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


def test_the_api_is_throttled_below_what_kms_signs_for_two_signatures_a_login() -> None:
    throttle = resources("AWS::ApiGatewayV2::Stage")["ApiStage"]["DefaultRouteSettings"]
    assert 0 < 2 * throttle["ThrottlingRateLimit"] <= 1_000
    assert 0 < 2 * throttle["ThrottlingBurstLimit"] <= 1_000


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
    if folder in HTTP:
        integration = resources("AWS::ApiGatewayV2::Integration")[f"{capital(folder)}Integration"]
        assert timeout * 1_000 < integration.get("TimeoutInMillis", 30_000)
    else:
        # CloudFormation waits for the answer, and not for an hour, which is its default.
        initialization = resources("Custom::SignetInitialization")["Initialization"]
        assert timeout < initialization["ServiceTimeout"] <= 300


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
    ],
)
def test_what_the_settings_bound_cloudformation_refuses_too(setting: str, most: int) -> None:
    assert template()["Parameters"][parameter_of(setting)]["MaxValue"] == most
    with pytest.raises(Misconfigured):
        settings_of(**{setting: str(most + 1)})


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


# ------------------------------------------------------------------------------ sam's defaults
def test_sam_deploys_what_it_has_to_ask_for_and_knows_nobodys_account() -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))["default"]
    assert config["build"]["parameters"] == {"cached": True, "parallel": True}
    assert config["validate"]["parameters"] == {"lint": True}
    deploy = config["deploy"]["parameters"]
    assert deploy["capabilities"] == "CAPABILITY_IAM"
    assert deploy["confirm_changeset"] is True
    assert not {"region", "profile", "s3_bucket", "parameter_overrides"} & set(deploy)
