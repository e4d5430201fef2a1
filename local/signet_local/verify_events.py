"""Verify an export of the audit, without Signet: `python -m signet_local.verify_events EXPORT`.

EXPORT holds what the management API answered, one JSON text after the other, in any order: the
pages of GET /api/v1/events or single events, and the answer of GET /api/v1/events/verify, whose
checkpoint and head end the chain. With --jwks, the checkpoint has to be signed by a key of that
file, which you should have from KMS yourself (`aws kms get-public-key`); without it, by the key
that the export brings, which proves no more than the export does.

It prints what holds and exits with 0, or the first place that does not and exits with 1. An export
that cannot be read exits with 2.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from signet.broker.audit_chain import GENESIS, hash_of
from signet.broker.checkpoint import read_checkpoint
from signet.errors import SignetError

HOLDS, BROKEN, UNREADABLE = 0, 1, 2
_PLACE = ("id", "seq", "prev_hash", "hash")


class UnreadableExport(Exception):  # noqa: N818
    """What is wrong with a file, for whoever made it."""


@dataclass
class Export:
    """All events of an export by their places, and what is said about the chain's end."""

    events: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    heads: list[Mapping[str, Any]] = field(default_factory=list)
    checkpoints: list[Mapping[str, Any]] = field(default_factory=list)

    def add(self, value: object) -> None:
        """Take a page, an event, or the answer of a verification."""
        if not isinstance(value, dict):
            raise UnreadableExport("it holds something that is not a JSON object")
        if isinstance(value.get("items"), list):
            for item in value["items"]:
                self.add(item)
        elif "prev_hash" in value:
            self._add_event(value)
        elif "checkpoint" in value:
            self._add_ends(value)
        else:
            raise UnreadableExport("it holds an object that is no page, event or verification")

    def _add_event(self, event: Mapping[str, Any]) -> None:
        seq = event.get("seq")
        if not isinstance(seq, int) or isinstance(seq, bool) or seq < 1:
            raise UnreadableExport("it holds an event whose seq is not a whole number from 1 on")
        if not isinstance(event.get("id"), str) or not _is_hash(event.get("prev_hash")):
            raise UnreadableExport(f"event {seq} has no id or no prev_hash")
        if self.events.setdefault(seq, event) != event:
            raise UnreadableExport(f"there are two different events {seq}")

    def _add_ends(self, verification: Mapping[str, Any]) -> None:
        if isinstance(verification.get("head"), dict):
            self.heads.append(verification["head"])
        if isinstance(verification["checkpoint"], dict):
            self.checkpoints.append(verification["checkpoint"])


class Broken(Exception):  # noqa: N818
    """The first place that does not hold."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(f"event {seq}: {reason}")
        self.seq = seq
        self.reason = reason


def read_export(text: str) -> Export:
    """Read JSON texts one after the other, on lines of their own or not.

    Raises:
        UnreadableExport: with a reason.
    """
    export = Export()
    for value in _values(text):
        export.add(value)
    if not export.events:
        raise UnreadableExport("it holds no event")
    return export


def _values(text: str) -> Iterator[object]:
    decoder, position = json.JSONDecoder(object_pairs_hook=_unique), 0
    while text[position:].strip():
        position += len(text[position:]) - len(text[position:].lstrip())
        try:
            value, position = decoder.raw_decode(text, position)
        except ValueError as error:
            line = text.count("\n", 0, position) + 1
            raise UnreadableExport(f"it is not JSON from line {line} on") from error
        yield value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise UnreadableExport("a name comes twice in one object, so that it has two readings")
    return members


def verify(export: Export, keys: Sequence[Mapping[str, Any]] | None) -> list[str]:
    """Return what holds, in sentences.

    Raises:
        Broken: the first place that does not hold.
    """
    first, last = min(export.events), max(export.events)
    _check_links(export, first, last)
    told = [f"{last - first + 1} events hold, from {first} to {last}."]
    if first > 1:
        told.append(f"What stood before event {first} is not in the export.")
    for head in export.heads:
        _check_end(export, head)
    told += [_check_checkpoint(export, checkpoint, keys) for checkpoint in export.checkpoints]
    if not export.checkpoints:
        told.append("There is no checkpoint in the export: nothing is signed.")
    return told


def _check_links(export: Export, first: int, last: int) -> None:
    before = GENESIS if first == 1 else export.events[first]["prev_hash"]
    for seq in range(first, last + 1):
        event = export.events.get(seq)
        if event is None:
            raise Broken(seq, "the event is missing")
        if event["prev_hash"] != before:
            raise Broken(seq, "the event does not continue the one before")
        content = {name: value for name, value in event.items() if name not in _PLACE}
        made = hash_of(seq=seq, id=event["id"], event=content, prev_hash=before)
        if event.get("hash") != made:
            raise Broken(seq, "the event is not what was recorded")
        before = made


def _check_end(export: Export, end: Mapping[str, Any]) -> None:
    seq = end.get("seq")
    if not isinstance(seq, int):
        raise UnreadableExport("a head or a checkpoint has no seq")
    event = export.events.get(seq)
    if event is None and seq > max(export.events):
        raise Broken(max(export.events) + 1, "the event is missing: the chain goes on")
    if event is not None and event["hash"] != end.get("hash"):
        raise Broken(seq, "the event is not what the chain's end or a checkpoint says")


def _check_checkpoint(
    export: Export, checkpoint: Mapping[str, Any], keys: Sequence[Mapping[str, Any]] | None
) -> str:
    jws, brought = checkpoint.get("jws"), checkpoint.get("jwk")
    if not isinstance(jws, str) or not isinstance(brought, dict):
        raise UnreadableExport("a checkpoint has no jws or no jwk")
    for key in [brought] if keys is None else keys:
        try:
            says = read_checkpoint(jws, jwk=key, issuer=None)
        except SignetError:
            continue
        _check_end(export, {"seq": says.seq, "hash": says.hash})
        whose = "the key of the export, which nobody vouched for" if keys is None else "your key"
        return f"A checkpoint of event {says.seq} is signed by {whose}."
    raise Broken(max(export.events), "a checkpoint is not signed by the audit's key")


def _is_hash(value: object) -> bool:
    return (
        isinstance(value, str)
        and len(value) == len(GENESIS)
        and set(value) <= set("0123456789abcdef")
    )


def _keys(path: Path) -> list[Mapping[str, Any]]:
    """Read a JWK Set, or a single JWK."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise UnreadableExport(f"{path} is not JSON") from error
    found = document.get("keys", [document]) if isinstance(document, dict) else None
    if not isinstance(found, list) or not found or not all(isinstance(k, dict) for k in found):
        raise UnreadableExport(f"{path} is neither a JWK Set nor a JWK")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify what the arguments name; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m signet_local.verify_events",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("export", metavar="EXPORT", type=Path, help="a file of JSON texts")
    parser.add_argument("--jwks", metavar="FILE", type=Path, help="the audit's public key")
    options = parser.parse_args(arguments)
    try:
        keys = _keys(options.jwks) if options.jwks is not None else None
        told = verify(read_export(options.export.read_text("utf-8")), keys)
    except Broken as broken:
        print(f"The audit does not hold at event {broken.seq}: {broken.reason}.")
        return BROKEN
    except (UnreadableExport, OSError, UnicodeDecodeError) as problem:
        print(f"{options.export} cannot be verified: {problem}.", file=sys.stderr)
        return UNREADABLE
    print("\n".join(told))
    return HOLDS


if __name__ == "__main__":
    sys.exit(main())
