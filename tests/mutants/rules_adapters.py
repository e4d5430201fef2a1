"""The stores, KMS and what is remembered: conditions, single use, strong reads, errors."""

from tests.mutants.rule import Rule

_CONTRACT = "integration/test_store_contracts.py::"
_DYNAMODB = "integration/test_dynamodb.py::"
_FAILURES = "integration/test_aws_failures.py::"
_KMS = "integration/test_kms_keys.py::"
_RECENT = "unit/adapters/test_recent.py::"
_ABSENT = "test_nothing_can_be_done_with_a_grant_that_is_not_there_nor_does_it_come_to_be"
_TABLE = (f"{_DYNAMODB}test_a_code_is_redeemable_by_this_table",)


def _one_time(name: str, text: str, instead: str, *tests: str) -> Rule:
    return Rule(f"one-time: {name}", "adapters/dynamodb/one_time.py", text, instead, tests)


def _registered(name: str, text: str, instead: str, *tests: str) -> Rule:
    return Rule(f"registered: {name}", "adapters/dynamodb/registered.py", text, instead, tests)


def _item(name: str, text: str, instead: str, *tests: str) -> Rule:
    return Rule(f"items: {name}", "adapters/dynamodb/item.py", text, instead, tests)


def _aws(name: str, text: str, instead: str, *tests: str) -> Rule:
    return Rule(f"AWS: {name}", "adapters/aws.py", text, instead, tests)


def _client(name: str, text: str, instead: str, *tests: str) -> Rule:
    return Rule(f"DynamoDB: {name}", "adapters/dynamodb/client.py", text, instead, tests)


def _kms(name: str, text: str, instead: str, *tests: str) -> Rule:
    return Rule(f"KMS: {name}", "adapters/kms.py", text, instead, tests)


def _recent(name: str, text: str, instead: str, *tests: str) -> Rule:
    return Rule(f"recent: {name}", "adapters/recent.py", text, instead, tests)


RULES = (
    # --- used once ---
    _one_time(
        "a login is deleted, not read",
        """            "delete_item",
            TableName=self._table,
            Key={"pk": text(f"LOGIN#{hashed(state)}")},
            ReturnValues="ALL_OLD",
        )
        item = answer.get("Attributes")""",
        """            "get_item",
            TableName=self._table,
            Key={"pk": text(f"LOGIN#{hashed(state)}")},
            ConsistentRead=True,
        )
        item = answer.get("Item")""",
        f"{_CONTRACT}test_a_login_is_taken_once_and_as_it_was_stored",
    ),
    _one_time(
        "the deletion returns what it deleted",
        'ReturnValues="ALL_OLD"',
        'ReturnValues="NONE"',
        f"{_CONTRACT}test_a_login_is_taken_once_and_as_it_was_stored",
    ),
    _one_time(
        "one contender gets the login",
        """        answer = self._database.call(
            "delete_item",""",
        """        found = self._database.call(
            "get_item", TableName=self._table, Key={"pk": text(f"LOGIN#{hashed(state)}")}
        )
        self._database.call("delete_item", TableName=self._table, Key={
            "pk": text(f"LOGIN#{hashed(state)}")})
        if found.get("Item"):
            return codec.login_of(found["Item"])
        answer = self._database.call(
            "delete_item",""",
        f"{_CONTRACT}test_of_many_callbacks_with_one_state_exactly_one_gets_the_login",
    ),
    _one_time(
        "a login is asked for by its state's hash",
        'Key={"pk": text(f"LOGIN#{hashed(state)}")}',
        'Key={"pk": text(f"LOGIN#{state if len(state) > 40 else hashed(state)}")}',
        f"{_CONTRACT}test_neither_the_hash_nor_a_part_of_a_state_takes_a_login",
    ),
    _one_time(
        "a code expires",
        "code_expires_at > :now",
        "(code_expires_at > :now OR code_expires_at <= :now)",
        *_TABLE,
    ),
    _one_time(
        "a code expires at its second", "code_expires_at > :now", "code_expires_at >= :now", *_TABLE
    ),
    _one_time(
        "a revoked grant is not redeemed",
        'AND attribute_not_exists(revoked)"\n                " AND (attribute',
        '"\n                " AND (attribute',
        *_TABLE,
    ),
    _one_time(
        "a redeemed grant is not redeemed by another",
        ' AND (attribute_not_exists(redeemed_by) OR redeemed_by = :me)"',
        '"',
        f"{_CONTRACT}test_of_many_redemptions_of_one_code_exactly_one_succeeds",
    ),
    _one_time(
        "the same redemption may ask again",
        "(attribute_not_exists(redeemed_by) OR redeemed_by = :me)",
        "attribute_not_exists(redeemed_by)",
        f"{_CONTRACT}test_the_same_redemption_may_ask_again_after_a_lost_answer",
    ),
    _one_time(
        "nobody undoes another's redemption",
        'ConditionExpression="redeemed_by = :me"',
        'ConditionExpression="attribute_exists(pk) OR redeemed_by = :me"',
        f"{_CONTRACT}test_a_redemption_is_undone_by_itself_only",
    ),
    _one_time(
        "revoking makes no grant",
        'ConditionExpression="attribute_exists(pk)",\n',
        "\n",
        f"{_CONTRACT}{_ABSENT}",
    ),
    _one_time(
        "a value is used once",
        '"attribute_not_exists(pk) OR used_by = :me"',
        '"attribute_not_exists(pk) OR used_by = :me OR attribute_exists(pk)"',
        f"{_CONTRACT}test_of_many_uses_of_one_value_exactly_one_succeeds",
    ),
    _one_time(
        "only a code's key is read as a grant",
        'if not grant_id.startswith("CODE#")',
        "if not grant_id",
        f"{_DYNAMODB}test_each_kind_of_key_is_apart_from_the_others",
    ),
    _one_time(
        "grants are read consistently",
        "ConsistentRead=True",
        "ConsistentRead=False",
        f"{_DYNAMODB}test_everything_that_decides_is_read_consistently",
    ),
    _one_time(
        "a redeemed grant is kept with its tokens",
        "SET redeemed_by = :me, expires_at = :keep",
        "SET redeemed_by = :me, kept_until = :keep",
        f"{_DYNAMODB}test_a_redeemed_grant_is_kept_as_long_as_its_tokens_live",
    ),
    _one_time(
        "an expired login is kept for a while",
        "number(record.expires_at + _KEEP_EXPIRED)",
        "number(record.expires_at)",
        f"{_DYNAMODB}test_an_item_is_kept_for_an_hour_after_it_expired",
    ),
    # --- registered ---
    _item(
        "nothing registered is replaced",
        '"ConditionExpression": "attribute_not_exists(#key)"',
        '"ConditionExpression": "attribute_not_exists(#key) OR attribute_exists(#key)"',
        f"{_CONTRACT}test_of_many_clients_of_one_id_exactly_one_is_stored",
        f"{_CONTRACT}test_a_taken_name_refuses_the_connection_and_stores_nothing_of_it",
    ),
    _registered(
        "a name has one owner",
        'return new(self._table, item, key="pk")',
        'return {"Put": {"TableName": self._table, "Item": item}}',
        f"{_CONTRACT}test_a_taken_name_refuses_the_connection_and_stores_nothing_of_it",
    ),
    _registered(
        "a connection's id is new",
        'new(self._table, connection_item(connection), key="pk"),',
        '{"Put": {"TableName": self._table, "Item": connection_item(connection)}},',
        f"{_CONTRACT}test_a_taken_id_refuses_the_connection_and_leaves_its_name_free",
    ),
    _registered(
        "a connection's keyring is new",
        'new(self._keyrings_table, keyring_item(keyring), key="owner"),',
        '{"Put": {"TableName": self._keyrings_table, "Item": keyring_item(keyring)}},',
        f"{_CONTRACT}test_a_keyring_that_is_there_refuses_the_connection_whole",
    ),
    _item(
        "reads are strong",
        "ConsistentRead=True",
        "ConsistentRead=False",
        f"{_DYNAMODB}test_everything_that_decides_is_read_consistently",
    ),
    _registered(
        "what cannot be an id is not asked for",
        'if not 0 < len(client_id.encode("utf-8", "replace")) <= 128:  # noqa: PLR2004',
        "if not client_id:",
        f"{_DYNAMODB}test_what_cannot_be_a_client_id_is_not_asked_for",
    ),
    # --- errors ---
    _client(
        "an error of the SDK is ours",
        "        except BotoCoreError as error:\n",
        "        except ZeroDivisionError as error:\n",
        f"{_FAILURES}test_a_connection_that_breaks_off_is_unavailability",
    ),
    _client(
        "an error of AWS is ours",
        "            raise _unavailable(operation, code) from None\n",
        "            raise\n",
        f"{_FAILURES}test_no_use_of_a_store_goes_on_without_it",
    ),
    _client(
        "only a failed condition is one",
        "            if _is_condition(code, error.response):\n",
        "            if code:\n",
        f"{_FAILURES}test_no_use_of_a_store_goes_on_without_it",
    ),
    _client(
        "a cancelled transaction says why",
        'code == "TransactionCanceledException" and bool(_failed(response))',
        'code == "TransactionCanceledException"',
        f"{_FAILURES}test_a_transaction_cancelled_for_another_reason_is_not_a_taken_name",
        f"{_FAILURES}test_a_cancelled_transaction_without_reasons_is_not_a_taken_name",
    ),
    _aws(
        "waits are bounded",
        "PATIENT = Patience(connect=1, read=2,",
        "PATIENT = Patience(connect=1, read=60,",
        f"{_FAILURES}test_waits_are_bounded",
    ),
    _aws(
        "attempts are bounded",
        '"total_max_attempts": patience',
        '"max_attempts": patience',
        f"{_FAILURES}test_throttling_is_retried_and_then_given_up",
    ),
    # --- KMS ---
    _kms(
        "KMS signs a digest",
        'MessageType="DIGEST"',
        'MessageType="RAW"',
        f"{_KMS}test_a_signature_verifies_by_cryptography",
    ),
    _kms(
        "a disabled key is for the administrator",
        '"DisabledException", ',
        "",
        f"{_FAILURES}test_a_key_that_cannot_sign_is_a_matter_for_the_administrator",
    ),
    _kms(
        "a key about to be deleted is for the administrator",
        '"KMSInvalidStateException", ',
        "",
        f"{_KMS}test_a_key_that_is_gone_signs_nothing_and_no_other_takes_over",
    ),
    _kms(
        "a busy KMS is no fault of the key",
        "    if code in _KEY_FAULTS:\n",
        "    if code:\n",
        f"{_FAILURES}test_every_other_failure_of_kms_is_its_unavailability",
    ),
    _kms(
        "an error of the SDK is ours",
        "        except BotoCoreError as error:\n",
        "        except ZeroDivisionError as error:\n",
        f"{_FAILURES}test_silence_of_kms_is_unavailability",
    ),
    _kms(
        "a key is tagged at once",
        "Tags=_tags(tags),",
        "Tags=[],",
        f"{_KMS}test_a_key_is_made_of_the_algorithms_kind_and_tagged_at_once",
    ),
    # --- what is remembered ---
    _recent(
        "memory ends",
        "0 <= now - entry[0] < self._seconds",
        "0 <= now - entry[0]",
        f"{_RECENT}test_a_change_is_seen_when_the_time_is_over",
    ),
    _recent(
        "memory ends at its second",
        "now - entry[0] < self._seconds",
        "now - entry[0] <= self._seconds",
        f"{_RECENT}test_a_change_is_seen_when_the_time_is_over",
    ),
    _recent(
        "a clock that jumps back",
        "0 <= now - entry[0]",
        "now - entry[0]",
        f"{_RECENT}test_a_clock_that_jumps_back_makes_nothing_live_longer",
    ),
    _recent(
        "the wall clock tells the age",
        "        now = self._clock.now()\n        entry",
        "        import time\n\n        now = int(time.monotonic())\n        entry",
        f"{_RECENT}test_a_change_is_seen_when_the_time_is_over",
    ),
    _recent(
        "reading makes nothing younger",
        "            return entry[1]\n",
        "            self._entries[key] = (now, entry[1])\n            return entry[1]\n",
        f"{_RECENT}test_being_read_does_not_make_an_entry_younger",
    ),
    _recent(
        "absence is not remembered",
        "            if loaded is not None:\n",
        "            if True:\n",
        f"{_RECENT}test_absence_is_never_remembered",
    ),
    _recent(
        "memory is bounded",
        "while len(self._entries) > _MAX_ENTRIES:",
        "while False:",
        f"{_RECENT}test_it_is_bounded_and_forgets_the_oldest",
    ),
)
