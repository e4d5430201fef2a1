"""JSON Merge Patch [RFC 7396]."""

from collections.abc import Collection, Mapping


def merge(
    target: Mapping[str, object], patch: Mapping[str, object], *, keep_null: Collection[str] = ()
) -> dict[str, object]:
    """Return the target with the patch applied: null removes a member, objects merge [2].

    `keep_null` names members whose value may be null: there null is set, because removing them
    would bring a default back.
    """
    merged = dict(target)
    for name, value in patch.items():
        if value is None and name not in keep_null:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            before = merged.get(name)
            merged[name] = merge(
                before if isinstance(before, Mapping) else {}, value, keep_null=keep_null
            )
        else:
            merged[name] = value
    return merged
