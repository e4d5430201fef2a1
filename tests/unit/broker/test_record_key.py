"""Keys of one-time records cannot be made to collide."""

from signet.broker.record_key import record_key


def test_a_key_shows_its_kind_and_none_of_its_parts() -> None:
    key = record_key("JTI", "https://login.example", "app", "secret-value")
    assert key.startswith("JTI#")
    assert "secret" not in key
    assert "app" not in key


def test_no_record_can_stand_for_another() -> None:
    keys = {
        record_key("JTI", "i", "c", "v"),
        record_key("CODE", "i", "c", "v"),
        record_key("JTI", "ic", "", "v"),
        record_key("JTI", "i", "cv", ""),
        record_key("JTI", "i", "c", "v", ""),
        record_key("JTI", 'i","c', "v"),
        record_key("JTI", "i", "c#v"),
    }
    assert len(keys) == 7
