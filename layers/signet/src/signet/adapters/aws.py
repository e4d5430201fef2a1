"""Clients of AWS's APIs, made at their first use, with bounded waits.

By botocore and not by boto3: resources and S3's transfers, which boto3 loads before anything else,
are a fifth of a cold start and nothing here uses them.
"""

import threading
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.session import Session

    from signet.adapters.aws_models import NamedModels

_making = threading.Lock()


def aws_client(service: str) -> Any:
    """Make a client; what all of them need is loaded once."""
    from botocore.config import Config

    config = Config(
        connect_timeout=1,
        read_timeout=2,
        # `max_attempts` would be three more after the first.
        retries={"mode": "standard", "total_max_attempts": 3},
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
