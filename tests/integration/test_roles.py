"""The roles around a rotation: each call that it makes is allowed, and it was made here.

Moto's own enforcement of IAM ignores conditions: here the template's statements are evaluated, with
the tags that the keys really have.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import pytest
from tests.integration.test_network_waits import _always, _wiring_of_its_own
from tests.support import records
from tests.support.memory import FixedClock
from tests.support.probed_provider import ProbedProvider, probed_provider
from tests.support.role import Call, RecordedCalls, allows

from signet.broker.ports import LogoutNotice
from signet.broker.record_key import record_key
from signet.errors import Misconfigured
from signet.jose.jws import sign
from signet.oauth.dpop import CheckedProof
from signet.oauth.http_message import Unreachable
from signet_local.emulated_aws import REGION
from signet_local.emulated_aws.process import EmulatedAws
from signet_local.emulated_aws.resources import create_resources, emulated_client
from signet_local.template import Template

DAY = 86_400


@dataclass
class Account:
    """A deployment on the real adapters, whose calls are recorded and whose clock a test sets."""

    wiring: ModuleType
    clock: FixedClock
    calls: RecordedCalls
    kms: Any
    connection: str

    def later(self, days: float) -> None:
        self.clock.time += int(days * DAY)


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    aws = EmulatedAws()
    aws.start()
    kms = emulated_client("kms", endpoint=aws.endpoint, region=REGION)
    try:
        with pytest.MonkeyPatch.context() as patch, probed_provider() as provider:
            made = create_resources(Template.read(), endpoint=aws.endpoint, region=REGION)
            given = {"SIGNET_ISSUER": "http://127.0.0.1:1", "SIGNET_ALLOW_LOOPBACK": "1"}
            for name, value in {**aws.environment(), **made, **given}.items():
                patch.setenv(name, value)
            yield _account(kms, provider)
    finally:
        kms.close()
        aws.stop()


def _account(kms: Any, provider: ProbedProvider) -> Account:
    wiring = _wiring_of_its_own()
    clock = FixedClock(int(time.time()))  # noqa: TID251  (KMS dates its keys by the real one)
    vars(wiring)["_clock"] = _always(clock)
    wiring.initialize_deployment()()
    connection = wiring.registration().create_connection(
        {
            "name": "acme",
            "strategy": "oidc",
            "issuer": provider.issuer,
            "client_id": "signet",
            "token_endpoint_auth_signing_alg": "ES256",
        }
    )
    # Nobody serves our JWKS here: the provider knows every key.
    provider.token = lambda _: (400, {"error": "invalid_grant"})  # type: ignore[method-assign]

    def tags_of(key_id: str) -> dict[str, str]:
        tags = kms.list_resource_tags(KeyId=key_id)["Tags"]
        return {tag["TagKey"]: tag["TagValue"] for tag in tags}

    calls = RecordedCalls(tags_of)
    announcing = wiring._announcements()._bus
    for client in (wiring._database(), wiring._kms(), wiring._event_bus(), announcing):
        calls.watch(client._client)
    return Account(wiring=wiring, clock=clock, calls=calls, kms=kms, connection=connection.id)


def check(role: str, account: Account, *actions: str) -> list[Call]:
    """Check that a role allows every call since the last time, and that these were among them."""
    calls = account.calls.take()
    assert [call for call in calls if not allows(role, call)] == []
    assert set(actions) <= {call.action for call in calls}
    return calls


def test_a_rotation_makes_no_call_that_its_role_does_not_allow(account: Account) -> None:
    account.calls.take()
    rotator = account.wiring.rotator()
    for owner in (account.connection, "issuer"):
        begun = rotator.step(owner, requested=True)
        assert begun.next is not None
        account.later(2.1)
        promoted = rotator.step(owner)
        assert promoted.previous is not None
        check(
            "RotateKeysRole",
            account,
            "kms:CreateKey",
            "kms:TagResource",
            "kms:GetPublicKey",
            "kms:Sign",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "events:PutEvents",
        )
        rotator.refused(owner, promoted.current.kid)
        account.later(2.1)
        assert rotator.step(owner).previous is None
        check("RotateKeysRole", account)
    account.later(91)
    assert rotator.sweep() == 2
    check("RotateKeysRole", account, "dynamodb:Query", "events:PutEvents")


@pytest.mark.parametrize(
    ("role", "whose"),
    [("AuthorizeRole", "connection"), ("CallbackRole", "connection"), ("TokenRole", "issuer")],
)
def test_whoever_meets_a_key_that_kms_refuses_may_tell_of_it(
    account: Account, role: str, whose: str
) -> None:
    owner = account.connection if whose == "connection" else "issuer"
    keyring = account.wiring.keyrings().get(owner)
    key_id = keyring.current.key_id
    account.later(1.1)  # it is told once a day
    account.kms.disable_key(KeyId=key_id)
    account.calls.take()
    with pytest.raises(Misconfigured):
        account.wiring._current_keys().sign(keyring, lambda key: sign({}, key=key, typ="JWT"))
    account.kms.enable_key(KeyId=key_id)
    check(role, account, "kms:Sign", "dynamodb:GetItem", "dynamodb:PutItem", "events:PutEvents")


def test_a_pushed_request_is_kept_read_and_used_by_whoever_does_so_and_nothing_else_is(
    account: Account,
) -> None:
    pushed, requests = records.pushed_request(), account.wiring._pushed_requests()
    use = lambda: requests.use(pushed.id, login="one")  # noqa: E731
    steps = [
        (["ParRole"], lambda: requests.add(pushed), "dynamodb:PutItem"),
        (["AuthorizeRole"], lambda: requests.get(pushed.id), "dynamodb:GetItem"),
        # A code that a browser's session gives uses it up as well.
        (["AuthorizeRole", "CallbackRole"], use, "dynamodb:UpdateItem"),
    ]
    everybody = ("ParRole", "AuthorizeRole", "CallbackRole")
    for roles, step, action in steps:
        account.calls.take()
        step()
        (call,) = check(roles[0], account, action)
        login = {**call.context, "dynamodb:LeadingKeys": ("LOGIN#x",)}
        assert not any(allows(role, replace(call, context=login)) for role in roles)
        assert [role for role in everybody if allows(role, call)] == roles


@pytest.mark.parametrize("role", ["ParRole", "TokenRole", "UserinfoRole", "ManageRole"])
def test_whoever_checks_a_proof_may_use_it_up_and_read_what_nonces_are_made_from(
    account: Account, role: str
) -> None:
    account.calls.take()
    account.wiring._proofs().use_up(CheckedProof(jkt="key", jti=role, replay_until=2**31))
    assert account.wiring._nonce_seeds.__wrapped__().get()
    check(role, account, "dynamodb:PutItem", "dynamodb:GetItem")


@pytest.mark.parametrize("role", ["UserinfoRole", "ManageRole"])
def test_nobody_but_the_token_endpoint_uses_up_a_clients_assertion(
    account: Account, role: str
) -> None:
    account.calls.take()
    account.wiring._replay().use(f"JTI#{role}", expires_at=2**31)
    (call,) = account.calls.take()
    assert not allows(role, call)
    assert allows("TokenRole", call)


def test_a_lost_race_gives_its_key_up_and_may(account: Account) -> None:
    creation = account.wiring._key_creation()
    key = creation(account.connection, alg="ES256", operation="lost")
    creation.discard(key.key_id, owner=account.connection)
    check("RotateKeysRole", account, "kms:DisableKey", "kms:ScheduleKeyDeletion")


def test_the_reaper_makes_no_call_that_its_role_does_not_allow(account: Account) -> None:
    nobody = "con_" + "z" * 26
    account.wiring._key_creation()(nobody, alg="ES256", operation="orphan")
    account.kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")  # somebody's own
    account.calls.take()
    reaper = account.wiring.reaper()
    account.later(2)
    assert reaper.run(None) is None
    check(
        "ReapKeysRole",
        account,
        "kms:ListKeys",
        "kms:DescribeKey",
        "kms:ListResourceTags",
        "kms:DisableKey",
        "kms:TagResource",
        "dynamodb:GetItem",
        "events:PutEvents",
    )
    account.later(8)
    assert reaper.run(None) is None
    check("ReapKeysRole", account, "kms:ScheduleKeyDeletion")


def test_what_has_no_time_left_goes_on_by_an_event(account: Account) -> None:
    account.wiring.reaping_requests().go_on("position")
    check("ReapKeysRole", account, "events:PutEvents")


def test_the_management_may_do_at_once_what_a_rotation_does_over_days(account: Account) -> None:
    keys = account.wiring.management().keys
    account.calls.take()
    keyring = keys.rotate(account.connection, actor="admin", immediate=False)
    account.wiring.management().census()
    keys.revoke(account.connection, keyring.current.kid, actor="admin")
    issuer = keys.keyring("issuer")
    keys.revoke("issuer", issuer.current.kid, actor="admin")
    check("ManageRole", account, "kms:CreateKey", "kms:DisableKey", "kms:ListKeys", "kms:Sign")


def test_a_session_is_begun_used_and_ended_by_roles_that_may(account: Account) -> None:
    sessions, replay = account.wiring._sessions(), account.wiring.provider_logout().replay
    account.calls.take()
    first, second, grant = records.session(), records.session(), records.session_grant()
    sessions.get(first.key)
    sessions.add(first, grant)
    sessions.add(second, grant)
    sessions.remove(second.key)
    check("CallbackRole", account, "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:GetItem")
    sessions.get(first.key)
    sessions.note(first, grant)
    sessions.use(first.key, now=records.NOW, idle_until=records.NOW + 1)
    check("AuthorizeRole", account, "dynamodb:PutItem", "dynamodb:UpdateItem")
    sessions.get(first.key)
    account.wiring._end_sessions()([first.sid])
    check("LogoutRole", account, "dynamodb:Query", "dynamodb:DeleteItem", "dynamodb:UpdateItem")
    replay.use(record_key("LOGOUT_JTI", "one"), expires_at=records.NOW)
    for name in second.upstream:
        account.wiring._end_sessions()(sessions.named(name))
    check("BackchannelLogoutRole", account, "dynamodb:Query", "dynamodb:PutItem")


def test_an_application_is_told_by_a_role_that_may_sign_for_it(account: Account) -> None:
    notice = LogoutNotice(client_id="app", subject="who", sid="session")
    client = records.client(client_id="app", backchannel_logout_uri="http://127.0.0.1:9/logout")
    account.wiring._clients().add(client)
    account.calls.take()
    with pytest.raises(Unreachable):
        account.wiring.send_logout()(notice)
    check("SendLogoutRole", account, "kms:Sign", "dynamodb:GetItem", "dynamodb:PutItem")
    account.wiring._end_sessions().notices.request(notice)
    check("LogoutRole", account, "events:PutEvents")


def test_the_evaluator_refuses_what_the_conditions_are_there_for() -> None:
    ours = {
        "aws:ResourceTag/signet:stack": ("signet",),
        "aws:ResourceTag/signet:purpose": ("connection",),
        "kms:MessageType": ("DIGEST",),
        "kms:SigningAlgorithm": ("ECDSA_SHA_256",),
    }

    def sign(**changes: str) -> bool:
        named = {f"aws:ResourceTag/signet:{name}": (value,) for name, value in changes.items()}
        context = {**ours, **named}
        call = Call(action="kms:Sign", resource="key/k", context=context)
        return allows("RotateKeysRole", call)

    assert sign()
    assert not sign(stack="another")
    assert not sign(purpose="audit")
    assert not sign(purpose="issuer")  # not by this algorithm
    untagged = {name: value for name, value in ours.items() if "Tag" not in name}
    call = Call(action="kms:Sign", resource="key/k", context=untagged)
    assert not allows("RotateKeysRole", call)
    assert not allows("ReapKeysRole", Call(action="kms:Sign", resource="key/k", context=ours))
