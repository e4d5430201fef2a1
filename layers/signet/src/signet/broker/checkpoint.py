"""Anchor the audit's head in a signature, which whoever can write the table cannot make.

A checkpoint is a JWS of the head under a key that nothing else signs with. It is made only over
links that continue the checkpoint before, so that it never vouches for a chain that was rewritten.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from signet.broker.audit_chain import START, Break, Head, find_break
from signet.broker.ports import AuditChain, Clock, Kms
from signet.errors import Denied, Misconfigured
from signet.jose.jwk import PublicJwk
from signet.jose.jwks import Jwks
from signet.jose.jws import SigningKey, sign, verify

ALG = "ES256"
TYP = "signet-checkpoint+jwt"
EVERY_SECONDS = 3_600
MOST_LINKS = 10_000
"""So many links one checkpoint covers, and so many are read for it; a next one covers the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a checkpoint says: the head of the chain at a time, `iat` in unix seconds."""

    seq: int
    hash: str
    iat: int


class AuditKey:
    """The key of the checkpoints; `issuer` is Signet's own."""

    def __init__(self, *, issuer: str, key_id: str, kms: Kms) -> None:
        self.issuer = issuer
        self._key_id = key_id
        self._kms = kms

    @cached_property
    def jwk(self) -> Mapping[str, str]:
        """Return the public key as KMS has it: what stands in the table proves nothing."""
        return PublicJwk.from_der(self._kms.public_key(self._key_id), alg=ALG).as_dict()

    def sign(self, checkpoint: Checkpoint) -> str:
        """Sign a checkpoint."""
        claims = {
            "iss": self.issuer,
            "iat": checkpoint.iat,
            "seq": checkpoint.seq,
            "hash": checkpoint.hash,
        }
        key = SigningKey(kid=self.jwk["kid"], alg=ALG, key_id=self._key_id, signer=self._kms)
        return sign(claims, key=key, typ=TYP).compact


def read_checkpoint(jws: str, *, jwk: Mapping[str, object], issuer: str | None) -> Checkpoint:
    """Verify a checkpoint under a key; without an issuer, any is taken.

    Raises:
        Denied: it is not signed by that key, is of another kind or another deployment.
    """
    keys = Jwks.read({"keys": [dict(jwk)]})
    claims = verify(jws, keys=keys, alg=ALG, types=frozenset({TYP})).claims
    seq, made, iat = claims.get("seq"), claims.get("hash"), claims.get("iat")
    if issuer is not None and claims.get("iss") != issuer:
        raise _not_a_checkpoint("it is of another deployment")
    if not (isinstance(seq, int) and isinstance(made, str) and isinstance(iat, int)):
        raise _not_a_checkpoint("it says nothing about a chain")
    return Checkpoint(seq=seq, hash=made, iat=iat)


def _not_a_checkpoint(reason: str) -> Denied:
    return Denied("invalid_token", "The checkpoint is not valid.", private=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """Has the head signed once an hour, and as often as there are 10,000 events more."""

    chain: AuditChain
    key: AuditKey
    clock: Clock

    def __call__(self) -> None:
        """Sign the head, or a link on the way to it, unless the last checkpoint is young.

        Raises:
            Misconfigured: `audit_chain_broken`: the chain does not continue the checkpoint before.
            Unavailable: the store is, or KMS.
        """
        head, stored = self.chain.head(), self.chain.checkpoint()
        before = read_own(stored, self.key) if stored is not None else None
        seq, iat = (before.seq, before.iat) if before is not None else (0, 0)
        now = self.clock.now()
        if head.seq == seq or (now - iat < EVERY_SECONDS and head.seq - seq < MOST_LINKS):
            return
        checked = self._checked(before, until=min(head.seq, seq + MOST_LINKS))
        made = Checkpoint(seq=checked.seq, hash=checked.hash, iat=now)
        self.chain.keep_checkpoint(made.seq, self.key.sign(made))

    def _checked(self, before: Checkpoint | None, *, until: int) -> Head:
        """Follow the chain from the checkpoint before, and return where it leads."""
        after = START
        if before is not None:
            anchored = self.chain.links(before.seq, before.seq)
            if not anchored or anchored[0].hash != before.hash:
                raise broken(Break(seq=before.seq, reason="it is not what was signed"))
            after = anchored[0].head
        links = self.chain.links(after.seq + 1, until)
        found = find_break(links, after=after, last=until)
        if found is not None:
            raise broken(found)
        return links[-1].head


def read_own(jws: str, key: AuditKey) -> Checkpoint:
    """Verify a stored checkpoint of this deployment.

    Raises:
        Misconfigured: `audit_chain_broken`: somebody else wrote it.
    """
    try:
        return read_checkpoint(jws, jwk=key.jwk, issuer=key.issuer)
    except Denied as error:
        raise Misconfigured(
            "audit_chain_broken", "The audit does not hold.", private="a checkpoint is forged"
        ) from error


def broken(found: Break) -> Misconfigured:
    """Make the error that names where the chain does not hold."""
    return Misconfigured(
        "audit_chain_broken",
        "The audit does not hold.",
        private=f"at event {found.seq}: {found.reason}",
    )
