"""Print a client assertion of the local stack's administrator: `python -m signet_local.assertion`.

Signing is the one step of a token request that a shell cannot do by itself.
"""

import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import jwt

from signet_local import state

LIFETIME_SECONDS = 60


def client_assertion(admin: dict[str, Any], *, now: int) -> str:
    """Write an assertion for one request [RFC 7523 3], signed by the key of admin.json."""
    jwk = admin["private_jwk"]
    claims = {
        "iss": admin["client_id"],
        "sub": admin["client_id"],
        "aud": admin["issuer"],
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
        "jti": uuid.uuid4().hex,
    }
    key = jwt.PyJWK.from_dict(jwk).key
    return jwt.encode(claims, key, algorithm=jwk["alg"], headers={"kid": jwk["kid"]})


def main() -> int:
    """Print it; 2 is the exit status where no stack has run."""
    folder = Path(os.environ.get("SIGNET_STATE") or ".local")
    admin = state.State(folder=folder).read(state.ADMIN)
    if admin is None:
        print(f"No stack has run in {folder}: start one with `make serve`.", file=sys.stderr)
        return 2
    print(client_assertion(admin, now=int(time.time())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
