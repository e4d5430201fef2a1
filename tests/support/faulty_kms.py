"""A KMS that fails in a way that a test says: late, lying, refusing, or cut into pages."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from signet.broker.ports import Clock, KmsKey, Page
from signet.errors import Misconfigured, SignetError, Unavailable
from signet.jose.algorithms import SigningAlgorithm
from tests.support.software_kms import SoftwareKms

DENIED = Unavailable("signing_unavailable", "Later.", private="KMS: AccessDeniedException")
NOT_FOUND = Misconfigured("signing_key", "No.", private="KMS: NotFoundException")
THROTTLED = Unavailable("signing_unavailable", "Later.", private="KMS: ThrottlingException")


class FaultyKms(SoftwareKms):
    """`faults` are raised one a call, before it; `lost` is raised after the next CreateKey.

    `lying` has every new key show the public half of the first one; `foreign` are keys that we may
    not look at. `creations` and `calls` are what was asked for. With a `clock` keys have their
    true age.
    """

    def __init__(self, *, page_size: int = 100) -> None:
        super().__init__()
        self.page_size = page_size
        self.faults: defaultdict[str, list[SignetError]] = defaultdict(list)
        self.lost: SignetError | None = None
        self.lying = False
        self.foreign: set[str] = set()
        self.clock: Clock | None = None
        self.creations: list[Mapping[str, str]] = []
        self.calls: Counter[str] = Counter()

    def create_key(self, *, algorithm: SigningAlgorithm, tags: Mapping[str, str]) -> str:
        self._called("create_key")
        self.creations.append(dict(tags))
        key_id = super().create_key(algorithm=algorithm, tags=tags)
        if self.clock is not None:
            self.created[key_id] = self.clock.now()
        lost, self.lost = self.lost, None
        if lost is not None:
            raise lost
        return key_id

    def public_key(self, key_id: str) -> bytes:
        self._called("public_key")
        return super().public_key(next(iter(self.keys)) if self.lying else key_id)

    def list_keys(self, *, position: str | None) -> Page[str]:
        self._called("list_keys")
        start = int(position or 0)
        end = start + self.page_size
        key_ids = tuple(self.keys)
        following = str(end) if end < len(key_ids) else None
        return Page(items=key_ids[start:end], position=following)

    def describe(self, key_id: str) -> KmsKey | None:
        self._called("describe")
        return None if key_id in self.foreign else super().describe(key_id)

    def disable_key(self, key_id: str) -> None:
        self._called("disable_key")
        super().disable_key(key_id)

    def schedule_deletion(self, key_id: str) -> None:
        self._called("schedule_deletion")
        super().schedule_deletion(key_id)

    def _called(self, operation: str) -> None:
        self.calls[operation] += 1
        if self.faults[operation]:
            raise self.faults[operation].pop(0)
