"""Sign with an owner's current key; where KMS refuses it, with the one that is current by now.

The signer remembers keyrings for S. Within that time the key that it knows as current may have
been replaced and disabled: a look at the record mends that at once. No key signs because another
one cannot: if the record names the refused one, nothing is signed, and operators are told.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from signet.broker.keyring import Keyring, PublishedKey, missing
from signet.broker.ports import Kms, RememberedKeyrings
from signet.broker.signing import signing_key
from signet.broker.unusable_keys import UnusableKeys
from signet.errors import Misconfigured
from signet.jose.jws import SigningKey

T = TypeVar("T")
REFUSED_BY_KMS = "signing_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed(Generic[T]):
    """What was made with a key, and the keyring whose key it was."""

    value: T
    keyring: Keyring


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentKeys:
    """Every owner's current key, on KMS."""

    kms: Kms
    keyrings: RememberedKeyrings
    unusable: UnusableKeys

    def sign(self, keyring: Keyring, make: Callable[[SigningKey], T]) -> Signed[T]:
        """Make something with the current key, after one more look at the record if need be.

        Args:
            keyring: as it is remembered; what comes back has the one that counted.
            make: signs; called once more when KMS refused the first key.

        Raises:
            Misconfigured: `signing_key`: KMS refuses the key that the record names as current;
                `keyring_missing`: its owner was removed. Unavailable: KMS or the table is.
        """
        try:
            return self._sign(keyring, make)
        except Misconfigured as problem:
            if problem.code != REFUSED_BY_KMS:
                raise
            stored = self._stored(keyring.owner)
            if stored.current.key_id == keyring.current.key_id:
                self.unusable.tell(stored, problem)
                raise
        try:
            return self._sign(stored, make)
        except Misconfigured as problem:
            if problem.code == REFUSED_BY_KMS:
                self.unusable.tell(stored, problem)
            raise

    def sign_with(
        self, keyring: Keyring, key: PublishedKey, make: Callable[[SigningKey], T]
    ) -> Signed[T]:
        """Make something with the key that a rotation asks for by name, and with no other one.

        Raises:
            Misconfigured: `signing_key`, `keyring_missing`. Unavailable: KMS is.
        """
        return Signed(value=make(signing_key(keyring, self.kms, key)), keyring=keyring)

    def _sign(self, keyring: Keyring, make: Callable[[SigningKey], T]) -> Signed[T]:
        return Signed(value=make(signing_key(keyring, self.kms)), keyring=keyring)

    def _stored(self, owner: str) -> Keyring:
        stored = self.keyrings.get_again(owner)
        if stored is None:
            raise missing(owner)
        return stored
