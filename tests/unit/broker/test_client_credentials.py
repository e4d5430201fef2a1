"""A client's own access token at /token, and what it opens at the management API."""

from collections.abc import Callable

import pytest
from tests.support.broker import ISSUER, App, Broker
from tests.support.memory import one_after_the_other

from signet.broker.client import MANAGEMENT_SCOPES
from signet.broker.client_authentication import ClientAuthentication
from signet.broker.client_credentials import IssueClientToken
from signet.broker.management_access import ManagementAccess
from signet.broker.remote_keys import RemoteKeys
from signet.errors import Denied, Rejected, SignetError, Unavailable
from signet.jose.jws import read_unverified
from signet.oauth.client_assertion import ASSERTION_TYPE

AUDIENCE = f"{ISSUER}/api/v1"


class Management:
    """A management client and what it can do, over in-memory ports."""

    def __init__(self, **members: object) -> None:
        self.broker = Broker()
        self.app = self.broker.register_app(
            **{
                "redirect_uris": [],
                "grant_types": ["client_credentials"],
                "scopes": list(MANAGEMENT_SCOPES),
                **members,
            }
        )
        self.issue = IssueClientToken(
            issuer=ISSUER,
            authentication=ClientAuthentication(
                issuer=ISSUER,
                clients=self.broker.clients,
                keys=RemoteKeys(fetcher=self.broker.idp, clock=self.broker.clock),
                replay=self.broker.replay,
                clock=self.broker.clock,
            ),
            proofs=self.broker.proofs,
            keyrings=self.broker.recent_keyrings,
            keys=self.broker.keys,
            audit=self.broker.audit,
            clock=self.broker.clock,
            entropy=self.broker.entropy,
            together=one_after_the_other,
        )
        self.access = ManagementAccess(resource=self.broker.resource)

    def token(self, **parameters: str) -> str:
        return str(self.answer(**parameters)["access_token"])

    def answer(self, **parameters: str) -> dict[str, object]:
        members = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.app.assertion(),
            **parameters,
        }
        return self.issue(members, authorization=None)

    def change_client(self, **members: object) -> None:
        client = self.broker.clients.items["app"]
        self.broker.clients.put(type(client)(**{**_fields(client), **members}))


def _fields(record: object) -> dict[str, object]:
    return {name: getattr(record, name) for name in type(record).__dataclass_fields__}


def refusal(call: Callable[[], object]) -> SignetError:
    with pytest.raises(SignetError) as caught:
        call()
    return caught.value


def test_a_management_client_gets_a_token_for_the_management_api() -> None:
    management = Management()
    answer = management.answer()
    token = read_unverified(str(answer["access_token"]))
    assert token.header["typ"] == "at+jwt"
    assert token.claims["aud"] == AUDIENCE
    assert token.claims["sub"] == token.claims["client_id"] == "app"
    assert answer["scope"] == " ".join(MANAGEMENT_SCOPES)
    assert answer["token_type"] == "Bearer"


def test_a_token_opens_what_its_scope_says_and_nothing_else() -> None:
    management = Management()
    bearer = f"Bearer {management.token(scope='connections:read')}"
    assert management.access(bearer, scope="connections:read").client_id == "app"
    refused = refusal(lambda: management.access(bearer, scope="connections:write"))
    assert refused.code == "insufficient_scope"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"scope": "connections:read admin"}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
    ],
)
def test_what_a_client_may_not_have_is_refused(parameters: dict[str, str], code: str) -> None:
    assert refusal(lambda: Management().answer(**parameters)).code == code


def test_a_client_without_the_grant_type_gets_no_token_of_its_own() -> None:
    management = Management(
        grant_types=["authorization_code"], redirect_uris=["https://app.example/cb"]
    )
    assert refusal(management.answer).code == "unauthorized_client"


def test_a_client_without_management_scopes_gets_no_token_of_its_own() -> None:
    assert refusal(Management(scopes=["openid"]).answer).code == "invalid_scope"


def test_an_assertion_gives_one_token() -> None:
    management = Management()
    assertion = management.app.assertion()
    management.answer(client_assertion=assertion)
    refused = refusal(lambda: management.answer(client_assertion=assertion))
    assert isinstance(refused, Denied)
    assert refused.code == "invalid_client"


def test_no_token_goes_out_when_kms_cannot_sign() -> None:
    management = Management()
    management.broker.kms.fail = 1
    assert isinstance(refusal(management.answer), Unavailable)


def test_a_disabled_client_s_token_opens_nothing() -> None:
    management = Management()
    bearer = f"Bearer {management.token()}"
    management.change_client(enabled=False)
    refused = refusal(lambda: management.access(bearer, scope="connections:read"))
    assert refused.code == "invalid_token"


def test_a_scope_that_was_taken_from_the_client_opens_nothing() -> None:
    management = Management()
    bearer = f"Bearer {management.token()}"
    management.change_client(scopes=("clients:read",))
    refused = refusal(lambda: management.access(bearer, scope="connections:read"))
    assert refused.code == "insufficient_scope"


def test_an_expired_token_opens_nothing() -> None:
    management = Management()
    bearer = f"Bearer {management.token()}"
    management.broker.clock.time += 3_600
    refused = refusal(lambda: management.access(bearer, scope="connections:read"))
    assert refused.code == "invalid_token"


def test_a_users_access_token_does_not_open_the_management_api() -> None:
    broker_side = Management()
    broker = broker_side.broker
    connection = broker.connect()
    person = App(broker, "web")
    broker.registration.register_client({
        "client_id": "web",
        "name": "Web",
        "redirect_uris": ["https://app.example/cb"],
        "jwks": {"keys": [person.jwk]},
    })  # fmt: skip
    tokens = person.redeem(person.login(connection))
    for kind in ("access_token", "id_token"):
        bearer = f"Bearer {tokens[kind]}"
        refused = refusal(lambda: broker_side.access(bearer, scope="connections:read"))  # noqa: B023
        assert refused.code == "invalid_token"


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "Bearer", "Bearer a b", "Bearer x.y.z"])
def test_what_is_no_bearer_token_opens_nothing(header: str | None) -> None:
    refused = refusal(lambda: Management().access(header, scope="connections:read"))
    assert refused.code == "invalid_token"


def test_a_client_cannot_widen_its_own_registration_by_the_token_request() -> None:
    management = Management(scopes=["connections:read"])
    refused = refusal(lambda: management.token(scope="connections:read connections:write"))
    assert isinstance(refused, Rejected)
