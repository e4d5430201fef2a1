"""The offline verifier: it needs an export and nothing else, and finds the first broken place."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.memory import FixedClock, MemoryAuditLog
from tests.support.software_kms import SoftwareKms

from signet.broker.audit_verification import AuditVerification
from signet.broker.checkpoint import Anchor, AuditKey
from signet.broker.event import Event
from signet.broker.sealing import Sealer
from signet.jose.algorithms import algorithm
from signet_local.verify_events import BROKEN, HOLDS, UNREADABLE, main

NOW = 1_800_000_000


class Exported:
    """An export in a file, with its checkpoint; `change` and `drop` tamper with it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "export.json"
        log, kms, clock = MemoryAuditLog(), SoftwareKms(), FixedClock(NOW)
        key_id = kms.create_key(algorithm=algorithm("ES256"), tags={})
        key = AuditKey(issuer="https://login.example", key_id=key_id, kms=kms)
        sealer = Sealer(chain=log, anchor=Anchor(chain=log, key=key, clock=clock))
        log.record(*(Event(type="A", time=NOW + n, actor="a", subject="s") for n in range(6)))
        sealer.seal()
        self.events = [link.document() for link in log.links(1, 6)]
        verify = AuditVerification(sealer=sealer, chain=log, key=key)
        self.verification: dict[str, Any] = verify(from_seq=1)
        self.jwk = key.jwk

    def run(self, *arguments: str, text: str | None = None) -> int:
        if text is None:
            pages = [{"items": self.events[3:][::-1]}, {"items": self.events[:3][::-1]}]
            text = "\n".join(json.dumps(value) for value in [*pages, self.verification])
        self.path.write_text(text, "utf-8")
        return main([str(self.path), *arguments])

    def lines(self) -> str:
        return "\n".join(json.dumps(event) for event in self.events)

    def keys(self, *jwks: object) -> str:
        path = self.path.with_name("jwks.json")
        path.write_text(json.dumps({"keys": jwks}), "utf-8")
        return str(path)


@pytest.fixture
def exported(tmp_path: Path) -> Exported:
    return Exported(tmp_path)


def test_pages_and_a_verification_hold(
    exported: Exported, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exported.run() == HOLDS
    told = capsys.readouterr().out
    assert "6 events hold, from 1 to 6." in told
    assert "checkpoint of event 6 is signed by the key of the export" in told


def test_lines_of_events_hold_and_it_is_told_that_nothing_is_signed(
    exported: Exported, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exported.run(text=exported.lines()) == HOLDS
    assert "nothing is signed" in capsys.readouterr().out


def test_a_part_of_the_chain_holds_and_says_what_is_not_there(
    exported: Exported, capsys: pytest.CaptureFixture[str]
) -> None:
    del exported.events[:2]
    assert exported.run(text=exported.lines()) == HOLDS
    assert "before event 3 is not in the export" in capsys.readouterr().out


def test_a_key_of_ones_own_is_demanded(
    exported: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stranger = Exported(tmp_path)
    assert exported.run("--jwks", exported.keys(stranger.jwk, dict(exported.jwk))) == HOLDS
    assert "signed by your key" in capsys.readouterr().out
    assert exported.run("--jwks", exported.keys(stranger.jwk)) == BROKEN
    assert "not signed by the audit's key" in capsys.readouterr().out


def change(exported: Exported, seq: int, **members: object) -> None:
    exported.events[seq - 1] |= members


BREAKS: dict[str, tuple[Callable[[Exported], object], int]] = {
    "changed": (lambda e: change(e, 3, outcome="failure"), 3),
    "renamed": (lambda e: change(e, 3, id="evt_other"), 3),
    "another hash": (lambda e: change(e, 3, hash="00" * 32), 3),
    "another hash before": (lambda e: change(e, 3, prev_hash="00" * 32), 3),
    "a member more": (lambda e: change(e, 3, more="x"), 3),
    "a first one that continues something": (lambda e: change(e, 1, prev_hash="11" * 32), 1),
    "removed": (lambda e: e.events.pop(3), 4),
    "cut off": (lambda e: e.events.pop(), 6),
    "another head": (lambda e: e.verification["head"].update(hash="00" * 32), 6),
    "a checkpoint of a cut chain": (lambda e: (e.events.pop(), e.verification.pop("head")), 6),
}


@pytest.mark.parametrize("name", BREAKS)
def test_the_first_broken_place_is_told(
    exported: Exported, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    tamper, place = BREAKS[name]
    tamper(exported)
    assert exported.run() == BROKEN
    assert f"does not hold at event {place}:" in capsys.readouterr().out


def test_a_forged_checkpoint_is_told(
    exported: Exported, capsys: pytest.CaptureFixture[str]
) -> None:
    head, _, signature = exported.verification["checkpoint"]["jws"].rpartition(".")
    exported.verification["checkpoint"]["jws"] = f"{head}.{signature[::-1]}"
    assert exported.run() == BROKEN
    assert "not signed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no event"),
        ("{", "line 1"),
        ('{"items": []}\n\nnot json', "line 3"),
        ("[1]", "not a JSON object"),
        ('{"other": 1}', "no page, event or verification"),
        ('{"prev_hash": "x", "seq": "1"}', "whole number"),
        ('{"prev_hash": "x", "seq": true}', "whole number"),
        ('{"prev_hash": "x", "seq": 1, "id": "a"}', "no prev_hash"),
        ('{"seq": 1, "seq": 2}', "twice"),
    ],
)
def test_what_is_no_export_is_told_and_is_not_broken(
    exported: Exported, capsys: pytest.CaptureFixture[str], text: str, reason: str
) -> None:
    assert exported.run(text=text) == UNREADABLE
    told = capsys.readouterr()
    assert told.out == ""
    assert reason in told.err


def test_two_different_events_in_one_place_are_no_export(exported: Exported) -> None:
    text = exported.lines()
    change(exported, 2, outcome="other")
    assert exported.run(text=text + exported.lines()) == UNREADABLE


def test_a_file_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "nothing")]) == UNREADABLE
    assert "nothing" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["x", "[]", '{"keys": []}', '{"keys": [1]}'])
def test_keys_that_are_none_are_told(
    exported: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    (tmp_path / "keys").write_text(content, "utf-8")
    assert exported.run("--jwks", str(tmp_path / "keys")) == UNREADABLE
    assert "JWK" in capsys.readouterr().err or content == "x"


def test_it_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "GET /api/v1/events" in capsys.readouterr().out
