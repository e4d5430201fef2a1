"""Put use cases and adapters together, once a sandbox; the only module that knows both.

Everything is imported and made at its first use, so that each function starts with what it needs
and no more: `jwks` never loads a JWT library, `discovery` never loads boto3.
"""
# ruff: noqa: PLC0415  (late imports are this module's purpose)

from functools import cache
from typing import TYPE_CHECKING

from signet import settings as deployment_settings
from signet.settings import Settings

if TYPE_CHECKING:
    from signet.adapters.clock import WallClock
    from signet.adapters.concurrency import ThreadedTogether
    from signet.adapters.dynamodb.audit import DynamoDbAudit
    from signet.adapters.dynamodb.audit_chain import DynamoDbAuditChain
    from signet.adapters.dynamodb.client import DynamoDb
    from signet.adapters.dynamodb.keyrings import DynamoDbKeyrings
    from signet.adapters.dynamodb.management import DynamoDbRateLimits
    from signet.adapters.dynamodb.nonce_seeds import DynamoDbNonceSeeds
    from signet.adapters.dynamodb.one_time import (
        DynamoDbGrants,
        DynamoDbLogins,
        DynamoDbPushedRequests,
        DynamoDbReplay,
    )
    from signet.adapters.dynamodb.registered import DynamoDbClients, DynamoDbConnections
    from signet.adapters.dynamodb.sessions import DynamoDbSessions
    from signet.adapters.eventbridge import EventBridge
    from signet.adapters.fetcher.guarded import GuardedFetcher
    from signet.adapters.kms import KmsKeys
    from signet.adapters.random import SystemEntropy
    from signet.adapters.recent import RecentClients, RecentConnections, RecentKeyrings
    from signet.broker.callback import FinishLogin
    from signet.broker.checkpoint import AuditKey
    from signet.broker.client_authentication import ClientAuthentication
    from signet.broker.client_credentials import IssueClientToken
    from signet.broker.current_keys import CurrentKeys
    from signet.broker.deployment import InitializeDeployment
    from signet.broker.healing import Healing
    from signet.broker.introspection import IntrospectToken
    from signet.broker.key_creation import KeyCreation
    from signet.broker.login import StartLogin
    from signet.broker.logout import Logout
    from signet.broker.logout_sending import SendLogout
    from signet.broker.management import Management
    from signet.broker.management_access import ManagementAccess
    from signet.broker.ports import Announcements, ReapingRequests, RotationRequests
    from signet.broker.proofs import Proofs
    from signet.broker.protected_resource import ProtectedResource
    from signet.broker.provider import Provider
    from signet.broker.provider_logout import ProviderLogout
    from signet.broker.published_jwks import PublishJwks
    from signet.broker.reaper import Reaper
    from signet.broker.redemption import RedeemCode
    from signet.broker.refresh import Refresh
    from signet.broker.refresh_token import Lifetimes
    from signet.broker.registration import Registration
    from signet.broker.remote_keys import RemoteKeys
    from signet.broker.request_objects import RequestObjects
    from signet.broker.request_pushing import PushRequest
    from signet.broker.revocation import RevokeToken
    from signet.broker.rotator import Rotator
    from signet.broker.sealing import Sealer
    from signet.broker.session_end import EndSessions
    from signet.broker.single_sign_on import SingleSignOn
    from signet.broker.userinfo import ReadUserinfo


@cache
def settings() -> Settings:
    """Return the settings of this process."""
    return deployment_settings.load()


@cache
def start_login() -> "StartLogin":
    """Return the use case behind /authorize."""
    from signet.broker.login import StartLogin

    return StartLogin(
        issuer=settings().issuer,
        login_ttl=settings().login_ttl,
        connections=_recent_connections(),
        clients=_recent_clients(),
        keyrings=_recent_keyrings(),
        logins=_logins(),
        pushed_requests=_pushed_requests(),
        request_objects=_request_objects(),
        provider=_provider(),
        healing=_healing(),
        sign_on=_sign_on(),
        clock=_clock(),
        entropy=_entropy(),
        together=_together(),
    )


@cache
def _sign_on() -> "SingleSignOn":
    from signet.broker.single_sign_on import SingleSignOn

    return SingleSignOn(
        issuer=settings().issuer,
        code_ttl=settings().code_ttl,
        seconds=settings().session_seconds,
        idle_seconds=settings().session_idle,
        sessions=_sessions(),
        pushed_requests=_pushed_requests(),
        connections=_recent_connections(),
        grants=_grants(),
        clock=_clock(),
        entropy=_entropy(),
        together=_together(),
    )


@cache
def logout() -> "Logout":
    """Return the use case behind /logout."""
    from signet.broker.logout import Logout
    from signet.broker.upstream_logout import UpstreamLogout

    return Logout(
        issuer=settings().issuer,
        sessions=_sessions(),
        clients=_recent_clients(),
        keyrings=_recent_keyrings(),
        end=_end_sessions(),
        upstream=UpstreamLogout(
            issuer=settings().issuer,
            connections=_recent_connections(),
            provider=_provider(),
            entropy=_entropy(),
        ),
    )


@cache
def provider_logout() -> "ProviderLogout":
    """Return the use case behind a connection's back-channel logout."""
    from signet.adapters.dynamodb.one_time import DynamoDbReplay
    from signet.broker.provider_logout import ProviderLogout

    return ProviderLogout(
        connections=_recent_connections(),
        provider=_provider(),
        replay=DynamoDbReplay(_database(), table=settings().tables.replay),
        sessions=_sessions(),
        end=_end_sessions(),
        clock=_clock(),
    )


@cache
def send_logout() -> "SendLogout":
    """Return the use case that tells an application of a sign-out."""
    from signet.broker.logout_sending import SendLogout

    return SendLogout(
        issuer=settings().issuer,
        clients=_clients(),
        keyrings=_recent_keyrings(),
        keys=_current_keys(),
        audit=_audit(),
        fetcher=_fetcher(),
        clock=_clock(),
        entropy=_entropy(),
    )


@cache
def _end_sessions() -> "EndSessions":
    from signet.adapters.eventbridge import EventBridgeLogoutNotices
    from signet.broker.session_end import EndSessions

    return EndSessions(
        sessions=_sessions(),
        grants=_grants(),
        clients=_recent_clients(),
        notices=EventBridgeLogoutNotices(_event_bus()),
    )


@cache
def finish_login() -> "FinishLogin":
    """Return the use case behind a connection's callback."""
    from signet.broker.callback import FinishLogin
    from signet.broker.user_authentication import UserAuthentication

    users = UserAuthentication(
        issuer=settings().issuer,
        keyrings=_recent_keyrings(),
        provider=_provider(),
        healing=_healing(),
        clock=_clock(),
        together=_together(),
    )
    return FinishLogin(
        issuer=settings().issuer,
        code_ttl=settings().code_ttl,
        connections=_recent_connections(),
        clients=_recent_clients(),
        logins=_logins(),
        pushed_requests=_pushed_requests(),
        users=users,
        sign_on=_sign_on(),
        clock=_clock(),
        entropy=_entropy(),
        together=_together(),
    )


@cache
def push_request() -> "PushRequest":
    """Return the use case behind /par."""
    from signet.broker.request_pushing import PushRequest

    return PushRequest(
        issuer=settings().issuer,
        authentication=_client_authentication(),
        proofs=_proofs(),
        connections=_recent_connections(),
        pushed_requests=_pushed_requests(),
        request_objects=_request_objects(),
        clock=_clock(),
        entropy=_entropy(),
        together=_together(),
    )


def token_request(grant_type: str | None) -> "RedeemCode | Refresh | IssueClientToken":
    """Return the use case behind /token; the default refuses what is not a grant type of ours."""
    if grant_type == "refresh_token":
        return _refresh()
    return _issue_client_token() if grant_type == "client_credentials" else _redeem_code()


@cache
def _redeem_code() -> "RedeemCode":
    from signet.broker.redemption import RedeemCode

    return RedeemCode(
        issuer=settings().issuer,
        authentication=_client_authentication(),
        proofs=_proofs(),
        connections=_recent_connections(),
        keyrings=_recent_keyrings(),
        grants=_grants(),
        keys=_current_keys(),
        lifetimes=_lifetimes(),
        audit=_audit(),
        clock=_clock(),
        entropy=_entropy(),
        together=_together(),
    )


@cache
def _refresh() -> "Refresh":
    from signet.broker.refresh import Refresh

    return Refresh(
        issuer=settings().issuer,
        authentication=_client_authentication(),
        proofs=_proofs(),
        clients=_recent_clients(),
        connections=_recent_connections(),
        grants=_grants(),
        tokens=_redeem_code(),
        lifetimes=_lifetimes(),
        audit=_audit(),
        clock=_clock(),
        entropy=_entropy(),
        together=_together(),
    )


@cache
def _lifetimes() -> "Lifetimes":
    from signet.broker.refresh_token import Lifetimes

    return Lifetimes(absolute=settings().refresh_lifetime, idle=settings().refresh_idle)


@cache
def _issue_client_token() -> "IssueClientToken":
    from signet.broker.client_credentials import IssueClientToken

    return IssueClientToken(
        issuer=settings().issuer,
        authentication=_client_authentication(),
        proofs=_proofs(),
        keyrings=_recent_keyrings(),
        keys=_current_keys(),
        audit=_audit(),
        clock=_clock(),
        entropy=_entropy(),
        together=_together(),
    )


@cache
def revoke_token() -> "RevokeToken":
    """Return the use case behind /revoke."""
    from signet.broker.presented_token import PresentedTokens
    from signet.broker.revocation import RevokeToken

    return RevokeToken(
        issuer=settings().issuer,
        authentication=_client_authentication(),
        # As they are stored: a token of a key that is not remembered yet would live on.
        presented=PresentedTokens(issuer=settings().issuer, keyrings=keyrings(), grants=_grants()),
        grants=_grants(),
        clock=_clock(),
        together=_together(),
    )


@cache
def introspect_token() -> "IntrospectToken":
    """Return the use case behind /introspect."""
    from signet.broker.introspection import IntrospectToken
    from signet.broker.presented_token import PresentedTokens

    return IntrospectToken(
        issuer=settings().issuer,
        authentication=_client_authentication(),
        presented=PresentedTokens(
            issuer=settings().issuer, keyrings=_recent_keyrings(), grants=_grants()
        ),
        clients=_recent_clients(),
        connections=_recent_connections(),
        clock=_clock(),
        together=_together(),
    )


@cache
def _replay() -> "DynamoDbReplay":
    from signet.adapters.dynamodb.one_time import DynamoDbReplay

    return DynamoDbReplay(_database(), table=settings().tables.replay)


@cache
def _nonce_seeds() -> "DynamoDbNonceSeeds":
    from signet.adapters.dynamodb.nonce_seeds import DynamoDbNonceSeeds

    return DynamoDbNonceSeeds(_database(), table=settings().tables.keyrings)


@cache
def _proofs() -> "Proofs":
    from signet.broker.proof_nonces import TimedNonces
    from signet.broker.proofs import Proofs

    return Proofs(
        issuer=settings().issuer,
        replay=_replay(),
        nonces=TimedNonces(seeds=_nonce_seeds(), clock=_clock()),
        clock=_clock(),
    )


@cache
def _resource() -> "ProtectedResource":
    from signet.broker.protected_resource import ProtectedResource

    return ProtectedResource(
        issuer=settings().issuer,
        clients=_recent_clients(),
        keyrings=_recent_keyrings(),
        proofs=_proofs(),
        clock=_clock(),
    )


@cache
def _client_authentication() -> "ClientAuthentication":
    from signet.broker.client_authentication import ClientAuthentication

    return ClientAuthentication(
        issuer=settings().issuer,
        clients=_recent_clients(),
        keys=_client_keys(),
        replay=_replay(),
        clock=_clock(),
    )


@cache
def _request_objects() -> "RequestObjects":
    from signet.broker.request_objects import RequestObjects

    return RequestObjects(issuer=settings().issuer, keys=_client_keys(), clock=_clock())


@cache
def _client_keys() -> "RemoteKeys":
    from signet.broker.remote_keys import RemoteKeys

    return RemoteKeys(fetcher=_fetcher(), clock=_clock())


@cache
def management_access() -> "ManagementAccess":
    """Return the use case that lets a caller of the management API in."""
    from signet.broker.management_access import ManagementAccess

    return ManagementAccess(resource=_resource())


@cache
def read_userinfo() -> "ReadUserinfo":
    """Return the use case behind /userinfo."""
    from signet.broker.userinfo import ReadUserinfo

    return ReadUserinfo(
        resource=_resource(),
        connections=_recent_connections(),
        grants=_grants(),
        together=_together(),
    )


@cache
def keyrings() -> "DynamoDbKeyrings":
    """Return the keyrings as they are stored now: what is published is never remembered."""
    from signet.adapters.dynamodb.keyrings import DynamoDbKeyrings

    return DynamoDbKeyrings(_database(), table=settings().tables.keyrings)


@cache
def publish_jwks() -> "PublishJwks":
    """Return the use case behind the JWKS addresses."""
    from signet.broker.published_jwks import PublishJwks

    return PublishJwks(
        bounds=settings().bounds,
        max_age=settings().jwks_max_age,
        keyrings=keyrings(),
        clock=_clock(),
    )


@cache
def registration() -> "Registration":
    """Return the use cases that register connections and clients."""
    from signet.broker.registration import Registration

    return Registration(
        issuer=settings().issuer,
        allow_loopback=settings().allow_loopback,
        connections=_connections(),
        clients=_clients(),
        destinations=_fetcher(),
        creation=_key_creation(),
        clock=_clock(),
        entropy=_entropy(),
    )


@cache
def rotator() -> "Rotator":
    """Return the use case that rotates keys."""
    from signet.broker.probe import ProviderProbe
    from signet.broker.rotator import Rotator
    from signet.web.log import LogNotices

    return Rotator(
        bounds=settings().bounds,
        connections=_connections(),
        keyrings=_keyring_registry(),
        creation=_key_creation(),
        probe=ProviderProbe(
            issuer=settings().issuer,
            provider=_provider(),
            fetcher=_fetcher(),
            entropy=_entropy(),
            notices=LogNotices(),
        ),
        limits=_rate_limits(),
        requests=_rotation_requests(),
        audit=_audit(),
        announcements=_announcements(),
        clock=_clock(),
        entropy=_entropy(),
    )


@cache
def reaper() -> "Reaper":
    """Return the use case that takes keys away which no record refers to."""
    from signet.broker.reaper import Reaper

    return Reaper(
        stack=settings().stack,
        bounds=settings().bounds,
        connections=_connections(),
        keyrings=keyrings(),
        kms=_kms(),
        audit=_audit(),
        announcements=_announcements(),
        clock=_clock(),
    )


@cache
def management() -> "Management":
    """Return the use cases behind the management API."""
    from signet.adapters.dynamodb.management import DynamoDbClaims, DynamoDbPositions
    from signet.broker.agreement import Agreement
    from signet.broker.audit_log import AuditLog
    from signet.broker.audit_verification import AuditVerification
    from signet.broker.census import Census
    from signet.broker.connection_test import ConnectionTest
    from signet.broker.cursors import Cursors
    from signet.broker.idempotency import Idempotency
    from signet.broker.managed_clients import ManagedClients
    from signet.broker.managed_connections import ManagedConnections
    from signet.broker.managed_keys import ManagedKeys
    from signet.broker.management import Management
    from signet.broker.recorded_write import WriteRecords
    from signet.broker.sealing import READS_MOST, Sealer
    from signet.web.log import LogNotices

    # A read seals what it is about to show, and has nothing signed: its role cannot.
    sealer = Sealer(chain=_audit_chain(), most=READS_MOST)
    table = settings().tables.management
    agreement = Agreement(fetcher=_fetcher(), clock=_clock())
    return Management(
        issuer=settings().issuer,
        access=management_access(),
        connections=ManagedConnections(
            registration=registration(),
            connections=_connections(),
            keyrings=keyrings(),
            agreement=agreement,
            kms=_kms(),
            clock=_clock(),
        ),
        connection_test=ConnectionTest(
            issuer=settings().issuer,
            agreement=agreement,
            provider=_provider(),
            fetcher=_fetcher(),
            keyrings=keyrings(),
            limits=_rate_limits(),
            clock=_clock(),
            entropy=_entropy(),
        ),
        keys=ManagedKeys(
            rotator=rotator(),
            bounds=settings().bounds,
            creation=_key_creation(),
            kms=_kms(),
            clock=_clock(),
            entropy=_entropy(),
        ),
        census=Census(
            stack=settings().stack,
            bounds=settings().bounds,
            keyrings=keyrings(),
            kms=_kms(),
            clock=_clock(),
        ),
        clients=ManagedClients(registration=registration(), clients=_clients(), clock=_clock()),
        cursors=Cursors(
            positions=DynamoDbPositions(_database(), table=table),
            clock=_clock(),
            entropy=_entropy(),
        ),
        idempotency=Idempotency(
            claims=DynamoDbClaims(_database(), table=table), clock=_clock(), entropy=_entropy()
        ),
        events=AuditLog(sealer=sealer, chain=_audit_chain()),
        verify_events=AuditVerification(sealer=sealer, chain=_audit_chain(), key=_audit_key()),
        writes=WriteRecords(audit=_audit(), notices=LogNotices(), clock=_clock()),
    )


@cache
def initialize_deployment() -> "InitializeDeployment":
    """Return the use case that makes a fresh deployment ready."""
    from signet.broker.deployment import InitializeDeployment

    return InitializeDeployment(
        issuer_key_id=settings().issuer_key_id,
        admin_jwks=settings().admin_jwks,
        keyrings=keyrings(),
        keyring_registry=keyrings(),
        clients=_clients(),
        nonce_seeds=_nonce_seeds(),
        kms=_kms(),
        clock=_clock(),
        entropy=_entropy(),
    )


@cache
def audit_sealer() -> "Sealer":
    """Return the use case that seals the audit, and has its head signed."""
    from signet.broker.checkpoint import Anchor
    from signet.broker.sealing import Sealer

    anchor = Anchor(chain=_audit_chain(), key=_audit_key(), clock=_clock())
    return Sealer(chain=_audit_chain(), anchor=anchor, clock=_clock())


@cache
def _audit() -> "DynamoDbAudit":
    from signet.adapters.dynamodb.audit import DynamoDbAudit

    return DynamoDbAudit(_database(), table=settings().tables.events, entropy=_entropy())


@cache
def _audit_chain() -> "DynamoDbAuditChain":
    from signet.adapters.dynamodb.audit_chain import DynamoDbAuditChain

    return DynamoDbAuditChain(_database(), table=settings().tables.events)


@cache
def _audit_key() -> "AuditKey":
    from signet.broker.checkpoint import AuditKey

    return AuditKey(issuer=settings().issuer, key_id=settings().audit_key_id, kms=_kms())


@cache
def _provider() -> "Provider":
    from signet.broker.provider import Provider
    from signet.web.log import LogNotices

    return Provider(
        fetcher=_fetcher(),
        keys=_current_keys(),
        audit=_audit(),
        clock=_clock(),
        entropy=_entropy(),
        together=_together(),
        notices=LogNotices(),
    )


@cache
def _current_keys() -> "CurrentKeys":
    from signet.broker.current_keys import CurrentKeys
    from signet.broker.unusable_keys import UnusableKeys

    return CurrentKeys(
        kms=_kms(),
        keyrings=_recent_keyrings(),
        unusable=UnusableKeys(
            limits=_rate_limits(),
            audit=_audit(),
            announcements=_announcements(),
            clock=_clock(),
        ),
    )


@cache
def _healing() -> "Healing":
    from signet.broker.healing import Healing

    return Healing(provider=_provider(), announcements=_announcements(), clock=_clock())


@cache
def _announcements() -> "Announcements":
    from signet.adapters.aws import IN_PASSING
    from signet.adapters.eventbridge import EventBridge, EventBridgeAnnouncements
    from signet.web.log import LogNotices

    bus = EventBridge(bus=settings().event_bus, patience=IN_PASSING)
    return EventBridgeAnnouncements(bus, notices=LogNotices())


@cache
def _rotation_requests() -> "RotationRequests":
    from signet.adapters.eventbridge import EventBridgeRotationRequests

    return EventBridgeRotationRequests(_event_bus())


@cache
def reaping_requests() -> "ReapingRequests":
    """Return where the rest of the keys is asked for, when a function's time runs out."""
    from signet.adapters.eventbridge import EventBridgeReapingRequests

    return EventBridgeReapingRequests(_event_bus())


@cache
def _event_bus() -> "EventBridge":
    from signet.adapters.eventbridge import EventBridge

    return EventBridge(bus=settings().event_bus)


@cache
def _keyring_registry() -> "DynamoDbKeyrings":
    from signet.adapters.dynamodb.keyrings import DynamoDbKeyrings

    table = settings().tables.keyrings
    return DynamoDbKeyrings(_database(), table=table, recording=_audit().puts)


@cache
def _key_creation() -> "KeyCreation":
    from time import sleep

    from signet.broker.key_creation import KeyCreation

    return KeyCreation(
        stack=settings().stack,
        kms=_kms(),
        limits=_rate_limits(),
        clock=_clock(),
        entropy=_entropy(),
        pause=sleep,
        window=settings().bounds.probe_interval,
    )


@cache
def _rate_limits() -> "DynamoDbRateLimits":
    from signet.adapters.dynamodb.management import DynamoDbRateLimits

    return DynamoDbRateLimits(_database(), table=settings().tables.management)


@cache
def _fetcher() -> "GuardedFetcher":
    from signet.adapters.fetcher.guarded import GuardedFetcher

    return GuardedFetcher.for_issuer(settings().issuer, allow_loopback=settings().allow_loopback)


@cache
def _kms() -> "KmsKeys":
    from signet.adapters.kms import KmsKeys

    return KmsKeys()


@cache
def _database() -> "DynamoDb":
    from signet.adapters.dynamodb.client import DynamoDb

    return DynamoDb()


@cache
def _connections() -> "DynamoDbConnections":
    from signet.adapters.dynamodb.registered import DynamoDbConnections

    tables = settings().tables
    return DynamoDbConnections(
        _database(), table=tables.connections, keyrings_table=tables.keyrings
    )


@cache
def _clients() -> "DynamoDbClients":
    from signet.adapters.dynamodb.registered import DynamoDbClients

    return DynamoDbClients(_database(), table=settings().tables.clients)


@cache
def _recent_connections() -> "RecentConnections":
    from signet.adapters.recent import RecentConnections

    return RecentConnections(_connections(), seconds=settings().signer_cache, clock=_clock())


@cache
def _recent_clients() -> "RecentClients":
    from signet.adapters.recent import RecentClients

    return RecentClients(_clients(), seconds=settings().signer_cache, clock=_clock())


@cache
def _recent_keyrings() -> "RecentKeyrings":
    from signet.adapters.recent import RecentKeyrings

    return RecentKeyrings(keyrings(), seconds=settings().signer_cache, clock=_clock())


@cache
def _logins() -> "DynamoDbLogins":
    from signet.adapters.dynamodb.one_time import DynamoDbLogins

    return DynamoDbLogins(_database(), table=settings().tables.logins)


@cache
def _pushed_requests() -> "DynamoDbPushedRequests":
    from signet.adapters.dynamodb.one_time import DynamoDbPushedRequests

    return DynamoDbPushedRequests(_database(), table=settings().tables.logins)


@cache
def _sessions() -> "DynamoDbSessions":
    from signet.adapters.dynamodb.sessions import DynamoDbSessions

    return DynamoDbSessions(_database(), table=settings().tables.sessions)


@cache
def _grants() -> "DynamoDbGrants":
    from signet.adapters.dynamodb.one_time import DynamoDbGrants

    return DynamoDbGrants(_database(), table=settings().tables.grants)


@cache
def _clock() -> "WallClock":
    from signet.adapters.clock import WallClock

    return WallClock()


@cache
def _entropy() -> "SystemEntropy":
    from signet.adapters.random import SystemEntropy

    return SystemEntropy()


@cache
def _together() -> "ThreadedTogether":
    from signet.adapters.concurrency import ThreadedTogether

    return ThreadedTogether()
