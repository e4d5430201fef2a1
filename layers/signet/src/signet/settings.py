"""Deploy-time settings: the one place that reads the environment (contract, section 6).

Impossible combinations are refused here, at start and at deploy, with the inequality that fails.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.rotation import Bounds
from signet.errors import Misconfigured

_ISSUER = re.compile(r"https://[a-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*")
_LOOPBACK_ISSUER = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?")
_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Names of the DynamoDB tables."""

    connections: str
    keyrings: str
    clients: str
    logins: str
    grants: str
    replay: str
    management: str
    events: str
    sessions: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that a deployment decides; times in seconds.

    P propagation, R retention, C verifier's cache, S signer's cache, G grace: the bounds of the
    rotation protocol (docs/rotation.md). `clock_skew` is 0 on one machine, and the template's
    parameter is 600.
    """

    issuer: str
    stack: str
    issuer_key_id: str
    audit_key_id: str
    tables: Tables
    event_bus: str
    propagation: int
    retention: int
    rotation: int
    verifier_cache: int
    signer_cache: int
    grace: int
    clock_skew: int
    jwks_max_age: int
    login_ttl: int
    code_ttl: int
    refresh_lifetime: int
    refresh_idle: int
    session_seconds: int
    session_idle: int
    admin_jwks: Mapping[str, object] | None
    allow_loopback: bool

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Read and check all settings.

        Raises:
            Misconfigured: `settings`, naming the setting or the inequality.
        """
        reader = _Environment(environment)
        allow_loopback = reader.text("SIGNET_ALLOW_LOOPBACK", "") == "1"
        if allow_loopback and "AWS_LAMBDA_FUNCTION_NAME" in environment:
            # Lambda sets its name by itself: nothing opens the way to loopback there.
            raise _refused("SIGNET_ALLOW_LOOPBACK is for the local stack, and cannot be deployed.")
        settings = cls(
            issuer=_issuer(reader.text("SIGNET_ISSUER"), allow_loopback=allow_loopback),
            stack=reader.text("SIGNET_STACK", "signet"),
            issuer_key_id=reader.text("SIGNET_ISSUER_KEY_ID", ""),
            audit_key_id=reader.text("SIGNET_AUDIT_KEY_ID", ""),
            tables=Tables(
                connections=reader.text("SIGNET_CONNECTIONS_TABLE", "connections"),
                keyrings=reader.text("SIGNET_KEYRINGS_TABLE", "keyrings"),
                clients=reader.text("SIGNET_CLIENTS_TABLE", "clients"),
                logins=reader.text("SIGNET_LOGINS_TABLE", "logins"),
                grants=reader.text("SIGNET_GRANTS_TABLE", "grants"),
                replay=reader.text("SIGNET_REPLAY_TABLE", "replay"),
                management=reader.text("SIGNET_MANAGEMENT_TABLE", "management"),
                events=reader.text("SIGNET_EVENTS_TABLE", "events"),
                sessions=reader.text("SIGNET_SESSIONS_TABLE", "sessions"),
            ),
            event_bus=reader.text("SIGNET_EVENT_BUS", "signet"),
            propagation=reader.seconds("SIGNET_PROPAGATION_SECONDS", 172_800),
            retention=reader.seconds("SIGNET_RETENTION_SECONDS", 172_800),
            rotation=_rotation(reader),
            verifier_cache=reader.seconds("SIGNET_VERIFIER_CACHE_SECONDS", 86_400),
            signer_cache=reader.seconds("SIGNET_SIGNER_CACHE_SECONDS", 30, most=60),
            grace=reader.seconds("SIGNET_REAPER_GRACE_SECONDS", 86_400),
            clock_skew=reader.seconds("SIGNET_CLOCK_SKEW_SECONDS", 0, most=3_600),
            jwks_max_age=reader.seconds("SIGNET_JWKS_MAX_AGE", 300),
            login_ttl=reader.seconds("SIGNET_LOGIN_TTL_SECONDS", 600, least=1, most=3_600),
            code_ttl=reader.seconds("SIGNET_CODE_TTL_SECONDS", 60, least=1, most=60),
            refresh_lifetime=reader.seconds("SIGNET_REFRESH_TOKEN_SECONDS", 2_592_000, least=1),
            refresh_idle=reader.seconds("SIGNET_REFRESH_IDLE_SECONDS", 604_800, least=1),
            session_seconds=reader.seconds("SIGNET_SESSION_SECONDS", 28_800, most=86_400),
            session_idle=reader.seconds("SIGNET_SESSION_IDLE_SECONDS", 3_600, most=86_400),
            admin_jwks=_admin_jwks(reader.text("SIGNET_ADMIN_JWKS", "")),
            allow_loopback=allow_loopback,
        )
        _check_bounds(settings)
        _check_refresh(settings)
        return settings

    @property
    def bounds(self) -> Bounds:
        """Return the times of the rotation protocol."""
        return Bounds(
            propagation=self.propagation,
            retention=self.retention,
            rotation=self.rotation,
            verifier_cache=self.verifier_cache,
            signer_cache=self.signer_cache,
            grace=self.grace,
            skew=self.clock_skew,
        )

    @property
    def keeps_sessions(self) -> bool:
        """Tell whether browsers that signed in have sessions here: not where a bound is 0."""
        return self.session_seconds > 0 and self.session_idle > 0

    @property
    def secure_cookies(self) -> bool:
        """Tell whether cookies carry `Secure` and `__Host-`: always but on plain-http loopback."""
        return self.issuer.startswith("https://")


def load() -> Settings:
    """Read the settings of this process."""
    return Settings.read(os.environ)


def _check_bounds(settings: Settings) -> None:
    """Refuse times with which a rotation could break a login."""
    broken = settings.bounds.broken()
    if broken is not None:
        raise _refused(broken)


def _check_refresh(settings: Settings) -> None:
    """Refuse an idle time that could never end anything."""
    if settings.refresh_idle > settings.refresh_lifetime:
        raise _refused(
            "SIGNET_REFRESH_IDLE_SECONDS has to be at most SIGNET_REFRESH_TOKEN_SECONDS: "
            f"{settings.refresh_idle} > {settings.refresh_lifetime}."
        )


def _issuer(issuer: str, *, allow_loopback: bool) -> str:
    if _ISSUER.fullmatch(issuer):
        return issuer
    if allow_loopback and _LOOPBACK_ISSUER.fullmatch(issuer):
        return issuer
    raise _refused(
        "SIGNET_ISSUER has to be an https address in lower case, without a trailing slash, query "
        "or fragment."
    )


def _rotation(reader: "_Environment") -> int:
    days = reader.seconds("SIGNET_ROTATION_DAYS", 90, least=1, most=3_650)
    return reader.seconds("SIGNET_ROTATION_SECONDS", days * _DAY, least=1)


def _admin_jwks(text: str) -> Mapping[str, object] | None:
    if not text:
        return None
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise _refused('SIGNET_ADMIN_JWKS has to be a JWK Set: {"keys": […]}.')
    return document


class _Environment:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str | None = None) -> str:
        value = self._environment.get(name) or default
        if value is None:
            raise _refused(f"{name} is not set.")
        return value

    def seconds(self, name: str, default: int, *, least: int = 0, most: int = 315_360_000) -> int:
        value = self.text(name, str(default))
        if not (value.isascii() and value.isdigit() and len(value) < 10):  # noqa: PLR2004
            raise _refused(f"{name} has to be a whole number, not {value!r}.")
        if not least <= int(value) <= most:
            raise _refused(f"{name} has to be from {least} to {most}, not {value}.")
        return int(value)


def _refused(reason: str) -> Misconfigured:
    return Misconfigured("settings", reason)
