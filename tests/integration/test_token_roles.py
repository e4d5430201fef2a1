"""The roles around tokens: each call that a request makes is allowed, and it was made here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.integration.test_network_waits import ISSUER, Deployment, _wiring_of_its_own
from tests.support.loopback_provider import LoopbackProvider
from tests.support.memory import FixedClock
from tests.support.role import Call, RecordedCalls, allows
from tests.support.waits import Waits

from signet_local.emulated_aws import REGION
from signet_local.emulated_aws.process import EmulatedAws
from signet_local.emulated_aws.resources import create_resources, emulated_client
from signet_local.template import Template

ENDPOINTS = ["TokenRole", "RevokeRole", "IntrospectRole"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A deployment that remembers nothing, and every call that it made to AWS."""

    deployment: Deployment
    calls: RecordedCalls

    def made_by(self, act: Callable[[], object]) -> list[Call]:
        """Return the calls of one request."""
        self.calls.take()
        act()
        return self.calls.take()


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    aws, clock = EmulatedAws(), FixedClock()
    aws.start()
    kms = emulated_client("kms", endpoint=aws.endpoint, region=REGION)
    try:
        with pytest.MonkeyPatch.context() as patch, LoopbackProvider(clock, par=True) as provider:
            made = create_resources(Template.read(), endpoint=aws.endpoint, region=REGION)
            given = {"SIGNET_ISSUER": ISSUER, "SIGNET_ALLOW_LOOPBACK": "1"}
            forgetful = {"SIGNET_SIGNER_CACHE_SECONDS": "0"}
            for name, value in {**aws.environment(), **made, **given, **forgetful}.items():
                patch.setenv(name, value)
            yield _watched(kms, provider, clock)
    finally:
        kms.close()
        aws.stop()


def _watched(kms: Any, provider: LoopbackProvider, clock: FixedClock) -> Watched:
    wiring, waits = _wiring_of_its_own(), Waits()
    vars(wiring).update(_clock=lambda: clock, _together=lambda: waits.together)
    deployment = Deployment(wiring=wiring, provider=provider, clock=clock, waits=waits)

    def tags_of(key_id: str) -> dict[str, str]:
        tags = kms.list_resource_tags(KeyId=key_id)["Tags"]
        return {tag["TagKey"]: tag["TagValue"] for tag in tags}

    calls = RecordedCalls(tags_of)
    for client in (wiring._database(), wiring._kms()):
        calls.watch(client._client)
    return Watched(deployment=deployment, calls=calls)


def check(role: str, calls: list[Call], *actions: str) -> None:
    """Check that a role allows every one of the calls, and that these were among them."""
    assert [call for call in calls if not allows(role, call)] == []
    assert set(actions) <= {call.action for call in calls}


def test_a_redemption_and_a_refresh_make_no_call_that_the_role_does_not_allow(
    watched: Watched,
) -> None:
    deployment = watched.deployment
    finished = deployment.finish(deployment.start(**deployment.request("openid offline_access")))
    tokens: dict[str, Any] = {}
    calls = watched.made_by(lambda: tokens.update(deployment.redeem(finished)))
    check("TokenRole", calls, "kms:Sign", "dynamodb:UpdateItem", "dynamodb:PutItem")
    refresh = tokens["refresh_token"]
    calls = watched.made_by(lambda: deployment.token("refresh_token", refresh_token=refresh))
    check("TokenRole", calls, "kms:Sign", "dynamodb:UpdateItem", "dynamodb:PutItem")


def test_a_revocation_makes_no_call_that_its_role_does_not_allow(watched: Watched) -> None:
    deployment = watched.deployment
    tokens = deployment.offline()
    revoke = deployment.wiring.revoke_token()
    for kind in ("access_token", "refresh_token"):
        form = {"token": tokens[kind], **deployment.authentication()}
        calls = watched.made_by(lambda form=form: revoke(form, authorization=None))
        check("RevokeRole", calls, "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:PutItem")


def test_an_introspection_makes_no_call_that_its_role_does_not_allow(watched: Watched) -> None:
    deployment = watched.deployment
    tokens = deployment.offline()
    introspect = deployment.wiring.introspect_token()
    for kind in ("access_token", "refresh_token"):
        form = {"token": tokens[kind], **deployment.authentication()}
        calls = watched.made_by(lambda form=form: introspect(form, authorization=None))
        check("IntrospectRole", calls, "dynamodb:GetItem", "dynamodb:PutItem")


@pytest.mark.parametrize("role", ["RevokeRole", "IntrospectRole"])
def test_whoever_takes_tokens_signs_none(watched: Watched, role: str) -> None:
    deployment = watched.deployment
    calls = watched.made_by(deployment.offline)
    signatures = [call for call in calls if call.action == "kms:Sign"]
    assert signatures
    assert not any(allows(role, call) for call in signatures)


def test_an_introspection_changes_no_grant() -> None:
    write = Call(
        action="dynamodb:UpdateItem",
        resource="GrantsTable",
        context={"dynamodb:LeadingKeys": ("CODE#x",)},
    )
    assert [role for role in ENDPOINTS if allows(role, write)] == ["TokenRole", "RevokeRole"]
