"""The rules of the rotation that only an interleaving, or a fault, shows to be needed."""

from tests.mutants.rule import Rule

_MODULE = "broker/rotation.py"

RULES = (
    Rule(
        "rotation: a rolled-back key waits where no provider can be asked",
        _MODULE,
        """    if key.rolled_back_at is not None:
        return "the next key was rolled back, and the provider did not accept it since"
    if not s.evidence.probe:
        return None
""",
        """    if not s.evidence.probe:
        return None
    if key.rolled_back_at is not None:
        return "the next key was rolled back, and the provider did not accept it since"
""",
        ("unit/broker/test_rotation.py::test_time_alone_never_brings_a_rolled_back_key_back",),
    ),
)
