"""Clients of AWS's APIs, made at their first use, with bounded waits.

By botocore and not by boto3: resources and S3's transfers, which boto3 loads before anything else,
are a fifth of a cold start and nothing here uses them.
"""

import threading
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.session import Session

    from signet.adapters.aws_models import NamedModels

_making = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a client waits, in seconds: to connect, and for an answer; and how often."""

    connect: float
    read: float
    attempts: int


PATIENT = Patience(connect=1, read=2, attempts=3)
"""For what a request cannot go on without."""
IN_PASSING = Patience(connect=1, read=1, attempts=1)
"""For what nobody waits for: a login that was healed is not held up to tell of it."""


def aws_client(service: str, patience: Patience = PATIENT) -> Any:
    """Make a client; what all of them need is loaded once."""
    from botocore.config import Config

    config = Config(
        connect_timeout=patience.connect,
        read_timeout=patience.read,
        # `max_attempts` would be three more after the first.
        retries={"mode": "standard", "total_max_attempts": patience.attempts},
        # Several waits run side by side; each needs its connection.
        max_pool_connections=50,
    )
    # A client is safe for threads, the session that makes it is not.
    with _making:
        session, models = _session()
        models.names.add(service)
        return session.create_client(service, config=config)


@cache
def _session() -> "tuple[Session, NamedModels]":
    from botocore.session import get_session

    from signet.adapters.aws_models import NamedModels

    session, models = get_session(), NamedModels()
    session.register_component("data_loader", models)
    return session, models
