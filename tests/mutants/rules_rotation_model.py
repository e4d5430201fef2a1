"""The rules of the rotation that only an interleaving, or a fault, shows to be needed."""

from tests.mutants.rule import Rule

_MODULE = "broker/rotation.py"
_STANDING = "broker/key_standing.py"
_ROTATOR = "broker/rotator.py"
_REAL = "model/test_real_steps.py::"
_MODEL = "model/test_protocol.py::test_everything_holds_in_every_state"
_FAULTS = f"{_MODEL}[fault upon fault]"
_CLUMSY = f"{_MODEL}[a clumsy worker]"
_BY_HAND = f"{_MODEL}[a registration by hand]"
_UNTOLD = f"{_MODEL}[a provider that does not tell]"

RULES = (
    Rule(
        "model: a rolled-back key waits where no provider can be asked",
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
    Rule(
        "model: a key that was here never comes again",
        _MODULE,
        "    _check_new(s.keyring, key)\n    fresh",
        "    fresh",
        (_CLUMSY,),
    ),
    Rule(
        "model: the key before stays published",
        _MODULE,
        "previous=replace(s.keyring.current, retired_at=s.now)",
        "previous=None",
        (_FAULTS,),
    ),
    Rule(
        "model: the refused key stays published",
        _MODULE,
        "current=restored, next=refused,",
        "current=restored, next=None,",
        (_UNTOLD,),
    ),
    Rule(
        "model: P",
        _MODULE,
        "s.now - key.published_at >= s.bounds.propagation",
        "s.now >= key.published_at",
        (_FAULTS,),
    ),
    Rule(
        "model: R",
        _MODULE,
        "s.now - key.retired_at >= s.bounds.retention",
        "s.now >= key.retired_at",
        (_FAULTS,),
    ),
    Rule(
        "model: a retired key is remembered",
        _MODULE,
        "retired = (*s.keyring.retired, _former(previous, s.now))[-KEPT_RETIRED:]",
        "retired = s.keyring.retired",
        (_FAULTS,),
    ),
    Rule(
        "model: a revoked key is remembered",
        _MODULE,
        "revoked = (*s.keyring.revoked, _former(key, s.now))",
        "revoked = s.keyring.revoked",
        (_CLUMSY,),
    ),
    Rule(
        "model: each write is a version",
        _MODULE,
        "version = s.keyring.version + 1",
        "version = s.keyring.version",
        (_FAULTS,),
    ),
    Rule(
        "model: a write says whose it is",
        _MODULE,
        "version=version, operation=operation, **changes",
        "version=version, **changes",
        (_FAULTS,),
    ),
    Rule(
        "model: a successor is in one place",
        _MODULE,
        'refusals=0), "next": None}',
        "refusals=0)}",
        (_CLUMSY,),
    ),
    Rule(
        "model: who cannot be asked needs a word",
        _MODULE,
        "    if s.evidence.word:\n",
        "    if s.evidence.word and result is None:\n",
        (_BY_HAND,),
    ),
    Rule(
        "model: what a record refers to stays",
        _STANDING,
        "keyring.refers_to(key.key_id)",
        "keyring.deleted_at is not None",
        (_FAULTS,),
    ),
    Rule(
        "model: G",
        _STANDING,
        "now - key.created_at <= bounds.grace",
        "now < key.created_at",
        (_FAULTS,),
    ),
    Rule(
        "model: a key that nobody needs is found",
        _STANDING,
        "    return Standing.UNREFERENCED\n",
        "    return Standing.WITHIN_GRACE\n",
        (_FAULTS,),
    ),
    Rule(
        "model: a lost race is told by the record",
        _ROTATOR,
        "stored = self.keyrings.get(after.owner)",
        "stored = after",
        (f"{_REAL}test_who_loses_the_race_reads_again_and_gives_its_key_up",),
    ),
    Rule(
        "model: who loses the race gives its key up",
        _ROTATOR,
        "self.creation.discard(key.key_id, owner=keyring.owner)",
        "pass",
        (f"{_REAL}test_who_loses_the_race_reads_again_and_gives_its_key_up",),
    ),
    Rule(
        "model: a lost answer is no failure",
        _ROTATOR,
        "            problem = failure\n",
        "            raise failure\n",
        (f"{_REAL}test_who_gets_no_answer_reads_again_and_keeps_its_key",),
    ),
    Rule(
        "model: a key is proved before it signs",
        _ROTATOR,
        "            self.creation.prove(key)\n",
        "            pass\n",
        (f"{_REAL}test_a_key_is_probed_and_written_and_then_proved_and_promoted",),
    ),
    Rule(
        "model: a revoked key is disabled",
        "broker/managed_keys.py",
        "                self.kms.disable_key(key.key_id)\n",
        "",
        (f"{_REAL}test_a_revoked_key_is_disabled_once_the_record_is_without_it",),
    ),
    Rule(
        "model: what nobody needs is taken away",
        "broker/reaper.py",
        "{Standing.UNREFERENCED, Standing.REVOKED}",
        "{Standing.REVOKED}",
        (f"{_REAL}test_the_reaper_reads_the_record_after_the_key_and_then_acts",),
    ),
    Rule(
        "model: a key stays while logins fall back on it",
        _MODULE,
        "is_unneeded, carries_no_login)",
        "is_unneeded)",
        ("unit/broker/test_rotation.py::test_a_previous_key_stays_while_logins_fall_back_on_it",),
    ),
    Rule(
        "model: a refusal has a time",
        _MODULE,
        ", refused_at=s.now)",
        ")",
        ("unit/broker/test_rotation.py::test_a_previous_key_stays_while_logins_fall_back_on_it",),
    ),
    Rule(
        "model: a refusal is for R",
        _MODULE,
        "s.now - refused_at >= s.bounds.retention",
        "s.now >= refused_at",
        ("unit/broker/test_rotation.py::test_a_previous_key_stays_while_logins_fall_back_on_it",),
    ),
    Rule(
        "model: the plan waits for logins that fall back",
        _MODULE,
        "max(previous.retired_at or 0, keyring.current.refused_at or 0)",
        "previous.retired_at or 0",
        ("unit/broker/test_rotation.py::test_a_previous_key_stays_while_logins_fall_back_on_it",),
    ),
)
