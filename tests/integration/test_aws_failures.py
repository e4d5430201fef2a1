"""What becomes of AWS's failures: always one of our own errors, and never "go on without"."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import botocore.endpoint  # noqa: TID251  (its waits are shortened)
import pytest
from tests.support import records
from tests.support.aws import Stores, database, keys
from tests.support.aws_error_server import AwsErrors, aws_errors

from signet.adapters.kms import KmsKeys
from signet.broker.audit_chain import START, Pending, extend
from signet.broker.event import Event, event_document
from signet.errors import Misconfigured, Rejected, SignetError, Unavailable
from signet.jose.algorithms import algorithm

ATTEMPTS = 3
RS256 = algorithm("RS256")


@pytest.fixture
def errors(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsErrors]:
    # The SDK's retries are the real ones; only its waits between them are left out.
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
    with aws_errors() as server:
        yield server


def environment(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "no_proxy": "127.0.0.1",
    }


@pytest.fixture
def stores(errors: AwsErrors) -> Stores:
    return Stores(database(environment(errors.endpoint)))


@pytest.fixture
def kms(errors: AwsErrors) -> KmsKeys:
    return keys(environment(errors.endpoint))


def _add(stores: Stores) -> None:
    connection = records.connection()
    stores.connections.add(connection, records.keyring(connection.id))


def _redeem(stores: Stores) -> bool:
    return stores.grants.redeem("CODE#x", redemption="one", now=1, keep_until=2)


def _append(stores: Stores) -> bool:
    event = Event(type="SignatureMade", time=1, actor="app", subject="issuer")
    batch = (Pending(key="PENDING#0 1", id="evt_1", event=event_document(event)),)
    return stores.audit_chain.append(extend(START, batch), batch, after=START)


USES: dict[str, Callable[[Stores], object]] = {
    "connections.get": lambda stores: stores.connections.get(records.connection_id()),
    "connections.find": lambda stores: stores.connections.find("acme"),
    "connections.add": _add,
    "clients.get": lambda stores: stores.clients.get("app"),
    "clients.add": lambda stores: stores.clients.add(records.client()),
    "clients.put": lambda stores: stores.clients.put(records.client()),
    "keyrings.get": lambda stores: stores.keyrings.get("issuer"),
    "keyrings.add": lambda stores: stores.keyrings.add(records.keyring("issuer")),
    "logins.add": lambda stores: stores.logins.add(records.login("state")),
    "logins.take": lambda stores: stores.logins.take("state"),
    "grants.add": lambda stores: stores.grants.add(records.grant()),
    "grants.get": lambda stores: stores.grants.get("CODE#x"),
    "grants.redeem": _redeem,
    "grants.release": lambda stores: stores.grants.release("CODE#x", redemption="one"),
    "grants.rotate": lambda stores: stores.grants.rotate(
        "CODE#x", used="a", successor="b", now=1, idle_until=2
    ),
    "grants.restore": lambda stores: stores.grants.restore("CODE#x", used="a", successor="b"),
    "grants.revoke": lambda stores: stores.grants.revoke("CODE#x"),
    "audit.record": lambda stores: stores.audit.record(
        Event(type="SignatureMade", time=1, actor="app", subject="issuer")
    ),
    "audit.append": _append,
    "audit.head": lambda stores: stores.audit_chain.head(),
    "audit.pending": lambda stores: stores.audit_chain.pending(limit=1),
    "audit.links": lambda stores: stores.audit_chain.links(1, 2),
    "audit.checkpoint": lambda stores: stores.audit_chain.checkpoint(),
    "audit.keep_checkpoint": lambda stores: stores.audit_chain.keep_checkpoint(1, "jws"),
    "replay.use": lambda stores: stores.replay.use("JTI#x", expires_at=1),
    "sessions.add": lambda stores: stores.sessions.add(records.session(), records.session_grant()),
    "sessions.get": lambda stores: stores.sessions.get("SESSION#x"),
    "sessions.remove": lambda stores: stores.sessions.remove("SESSION#x"),
    "sessions.note": lambda stores: stores.sessions.note(
        records.session(), records.session_grant()
    ),
    "sessions.use": lambda stores: stores.sessions.use("SESSION#x", now=1, idle_until=2),
    "sessions.end": lambda stores: stores.sessions.end("sid"),
    "sessions.named": lambda stores: stores.sessions.named("PERSON#x"),
}
STORE_FAILURES = {
    "ProvisionedThroughputExceededException": 400,
    "ThrottlingException": 400,
    "RequestLimitExceeded": 400,
    "AccessDeniedException": 400,
    "ResourceNotFoundException": 400,
    "ValidationException": 400,
    "ItemCollectionSizeLimitExceededException": 400,
    "TransactionConflictException": 400,
    "TransactionInProgressException": 400,
    "UnrecognizedClientException": 400,
    "ExpiredTokenException": 400,
    "InternalServerError": 500,
    "ServiceUnavailable": 503,
    "SomethingNobodyKnows": 418,
}


def assert_plain(error: SignetError, *, code: str) -> None:
    """Nothing of the SDK's is behind it, and it tells the caller nothing of AWS."""
    assert error.code == code
    assert error.__cause__ is None
    assert error.__suppress_context__
    assert error.redirectable
    for word in ("Exception", "Dynamo", "KMS", "AWS"):
        assert word not in error.public


@pytest.mark.parametrize("use", USES)
def test_no_use_of_a_store_goes_on_without_it(errors: AwsErrors, stores: Stores, use: str) -> None:
    errors.answer("AccessDeniedException")
    with pytest.raises(Unavailable) as caught:
        USES[use](stores)
    assert_plain(caught.value, code="store_unavailable")
    assert "AccessDeniedException" in caught.value.private


@pytest.mark.parametrize("code", STORE_FAILURES)
def test_every_failure_of_dynamodb_is_its_unavailability(
    errors: AwsErrors, stores: Stores, code: str
) -> None:
    errors.answer(code, status=STORE_FAILURES[code])
    with pytest.raises(Unavailable) as caught:
        stores.replay.use("JTI#x", expires_at=1)
    assert_plain(caught.value, code="store_unavailable")
    assert code in caught.value.private


def test_throttling_is_retried_and_then_given_up(errors: AwsErrors, stores: Stores) -> None:
    errors.answer("ThrottlingException")
    with pytest.raises(Unavailable):
        stores.replay.use("JTI#x", expires_at=1)
    assert len(errors.requests) == ATTEMPTS


def test_a_refused_permission_is_not_retried(errors: AwsErrors, stores: Stores) -> None:
    errors.answer("AccessDeniedException")
    with pytest.raises(Unavailable):
        stores.replay.use("JTI#x", expires_at=1)
    assert len(errors.requests) == 1


def test_a_connection_that_breaks_off_is_unavailability(errors: AwsErrors, stores: Stores) -> None:
    errors.document = None
    with pytest.raises(Unavailable) as caught:
        stores.logins.take("state")
    assert_plain(caught.value, code="store_unavailable")


def test_silence_is_unavailability(errors: AwsErrors, stores: Stores) -> None:
    errors.hang = True
    _be_impatient(stores.database._client)
    with pytest.raises(Unavailable) as caught:
        stores.grants.get("CODE#x")
    assert "Timeout" in caught.value.private


def test_nobody_listening_is_unavailability(errors: AwsErrors) -> None:
    stores = Stores(database(environment("http://127.0.0.1:1")))
    with pytest.raises(Unavailable) as caught:
        stores.keyrings.get("issuer")
    assert_plain(caught.value, code="store_unavailable")


def test_waits_are_bounded(stores: Stores, kms: KmsKeys) -> None:
    """Three attempts of these end before a browser or API Gateway gives up."""
    for client in (stores.database._client, kms._client):
        config = client.meta.config
        assert (config.connect_timeout, config.read_timeout) == (1, 2)
        assert config.retries == {"mode": "standard", "total_max_attempts": ATTEMPTS}


def _cancelled(errors: AwsErrors, *codes: str) -> None:
    reasons = [{"Code": code} for code in codes]
    errors.answer("TransactionCanceledException", CancellationReasons=reasons)


def test_a_cancelled_transaction_is_a_taken_name_when_a_condition_failed(
    errors: AwsErrors, stores: Stores
) -> None:
    _cancelled(errors, "None", "None", "ConditionalCheckFailed")
    with pytest.raises(Rejected) as caught:
        _add(stores)
    assert caught.value.code == "name_taken"


@pytest.mark.parametrize(
    "codes",
    [
        ("None", "TransactionConflict", "None"),
        ("ThrottlingError", "None", "None"),
        ("None", "None", "ProvisionedThroughputExceeded"),
        ("ValidationError", "None", "None"),
        (),
    ],
)
def test_a_transaction_cancelled_for_another_reason_is_not_a_taken_name(
    errors: AwsErrors, stores: Stores, codes: tuple[str, ...]
) -> None:
    _cancelled(errors, *codes)
    with pytest.raises(Unavailable):
        _add(stores)


@pytest.mark.parametrize("code", ["TransactionConflict", "ConditionalCheckFailed"])
def test_a_batch_that_met_another_transaction_is_refused(
    errors: AwsErrors, stores: Stores, code: str
) -> None:
    _cancelled(errors, code, "None", "None")
    assert not _append(stores)


@pytest.mark.parametrize("code", ["ThrottlingError", "ProvisionedThroughputExceeded", "Unknown"])
def test_a_batch_that_was_cancelled_for_another_reason_is_unavailability(
    errors: AwsErrors, stores: Stores, code: str
) -> None:
    _cancelled(errors, code, "None", "None")
    with pytest.raises(Unavailable):
        _append(stores)


def test_a_cancelled_transaction_without_reasons_is_not_a_taken_name(
    errors: AwsErrors, stores: Stores
) -> None:
    errors.answer("TransactionCanceledException")
    with pytest.raises(Unavailable):
        _add(stores)


# --- KMS -------------------------------------------------------------------------------------

KMS_USES: dict[str, Callable[[KmsKeys], object]] = {
    "sign": lambda kms: kms.sign_digest(key_id="key", algorithm=RS256, digest=b"d" * 32),
    "create": lambda kms: kms.create_key(algorithm=RS256, tags={"signet:purpose": "connection"}),
    "public": lambda kms: kms.public_key("key"),
    "disable": lambda kms: kms.disable_key("key"),
    "schedule deletion": lambda kms: kms.schedule_deletion("key"),
    "tag": lambda kms: kms.tag_key("key", {"signet:disabled-at": "1"}),
    "list": lambda kms: kms.list_keys(position=None),
    "describe": lambda kms: kms.describe("key"),
}
LOOKING = "describe"
KEY_FAULTS = (
    "DisabledException", "KMSInvalidStateException", "NotFoundException",
    "InvalidKeyUsageException", "InvalidArnException", "UnsupportedOperationException",
)  # fmt: skip
KMS_FAILURES = {
    "ThrottlingException": 400,
    "LimitExceededException": 400,
    "AccessDeniedException": 400,
    "KeyUnavailableException": 500,
    "KMSInternalException": 500,
    "DependencyTimeoutException": 503,
    "SomethingNobodyKnows": 418,
}


@pytest.mark.parametrize("code", KEY_FAULTS)
def test_a_key_that_cannot_sign_is_a_matter_for_the_administrator(
    errors: AwsErrors, kms: KmsKeys, code: str
) -> None:
    errors.answer(code)
    with pytest.raises(Misconfigured) as caught:
        KMS_USES["sign"](kms)
    assert_plain(caught.value, code="signing_key")
    assert code in caught.value.private
    assert errors.requests == ["TrentService.Sign"]


@pytest.mark.parametrize(
    ("code", "use"),
    [
        (code, use)
        for code in KMS_FAILURES
        for use in KMS_USES
        if (code, use) != ("AccessDeniedException", LOOKING)
    ],
)
def test_every_other_failure_of_kms_is_its_unavailability(
    errors: AwsErrors, kms: KmsKeys, code: str, use: str
) -> None:
    errors.answer(code, status=KMS_FAILURES[code])
    with pytest.raises(Unavailable) as caught:
        KMS_USES[use](kms)
    assert_plain(caught.value, code="signing_unavailable")
    assert code in caught.value.private


@pytest.mark.parametrize("code", [*KEY_FAULTS, "AccessDeniedException"])
def test_a_key_that_is_gone_or_that_we_may_not_look_at_is_not_ours(
    errors: AwsErrors, kms: KmsKeys, code: str
) -> None:
    """Other teams' keys are in the account too: one of them must not end the list for ours."""
    errors.answer(code)
    assert kms.describe("key") is None
    assert errors.requests == ["TrentService.DescribeKey"]


@pytest.mark.parametrize("use", ["disable", "schedule deletion"])
@pytest.mark.parametrize("code", ["NotFoundException", "KMSInvalidStateException"])
def test_a_key_that_is_gone_needs_no_taking_away(
    errors: AwsErrors, kms: KmsKeys, code: str, use: str
) -> None:
    errors.answer(code)
    KMS_USES[use](kms)
    assert len(errors.requests) == 1


def test_a_key_that_is_gone_takes_no_tag(errors: AwsErrors, kms: KmsKeys) -> None:
    errors.answer("KMSInvalidStateException")
    with pytest.raises(Misconfigured):
        KMS_USES["tag"](kms)


@pytest.mark.parametrize(
    ("answer", "position"),
    [
        ({"Truncated": True, "NextMarker": "following"}, "following"),
        ({"Truncated": False}, None),
        ({"Truncated": False, "NextMarker": "of nothing"}, None),
    ],
)
def test_a_page_of_keys_says_where_the_next_one_begins(
    errors: AwsErrors, kms: KmsKeys, answer: dict[str, object], position: str | None
) -> None:
    """Here, because the emulated KMS answers with all keys at once."""
    errors.status = 200
    errors.document = {"Keys": [{"KeyId": "one"}, {"KeyId": "two"}], **answer}
    page = kms.list_keys(position="this one")
    assert (page.items, page.position) == (("one", "two"), position)
    kms.list_keys(position=None)
    assert errors.bodies == [{"Limit": 100, "Marker": "this one"}, {"Limit": 100}]


def test_kms_is_asked_three_times_when_it_is_busy(errors: AwsErrors, kms: KmsKeys) -> None:
    errors.answer("ThrottlingException")
    with pytest.raises(Unavailable):
        KMS_USES["sign"](kms)
    assert errors.requests == ["TrentService.Sign"] * ATTEMPTS


def test_silence_of_kms_is_unavailability(errors: AwsErrors, kms: KmsKeys) -> None:
    errors.hang = True
    _be_impatient(kms._client)
    with pytest.raises(Unavailable) as caught:
        KMS_USES["sign"](kms)
    assert "Timeout" in caught.value.private


def _be_impatient(client: Any) -> None:
    """Wait for 50 ms instead of two seconds, in the client's own connections."""
    manager = client._endpoint.http_session._manager
    manager.connection_pool_kw["timeout"] = 0.05
