"""New keys and old ones: turns, tags and the proof; what the reaper takes, and what it leaves."""

from tests.mutants.rule import Rule

_CREATION = "broker/key_creation.py"
_STANDING = "broker/key_standing.py"
_REAPER = "broker/reaper.py"
_CENSUS = "broker/census.py"
_TURNS = "adapters/dynamodb/management.py"
_KEYRINGS = "adapters/dynamodb/keyrings.py"
_KMS = "adapters/kms.py"

_MAKING = "unit/broker/test_key_creation.py::"
_JUDGING = "unit/broker/test_key_standing.py::"
_TAKING = "unit/broker/test_reaper.py::"
_COUNTING = "unit/broker/test_census.py::"
_STORING = "integration/test_store_contracts.py::"
_TABLES = "integration/test_dynamodb.py::"
_FAILING = "integration/test_aws_failures.py::"

RULES = (
    # --- new keys ----------------------------------------------------------------------------
    Rule(
        "creation: five keys a second",
        _CREATION,
        "limit=CREATIONS_A_SECOND",
        "limit=1_000",
        (f"{_MAKING}test_workers_together_make_five_keys_a_second_and_no_more",),
    ),
    Rule(
        "creation: patience ends",
        _CREATION,
        "range(2 * patience + 1)",
        "range(2 * _PATIENCE + 1)",
        (f"{_MAKING}test_whoever_gets_no_turn_waits_for_as_long_as_it_has_patience",),
    ),
    Rule(
        "creation: tags in the call itself",
        _CREATION,
        "tags=self._tags(owner, operation))",
        "tags={})",
        (
            f"{_MAKING}test_a_key_says_whose_it_is_in_the_call_that_makes_it",
            f"{_MAKING}test_a_key_whose_making_was_answered_in_vain_is_found_by_the_reaper_after_its_grace",
        ),
    ),
    Rule(
        "creation: a key says its connection",
        _CREATION,
        "{**tags, CONNECTION_TAG: owner}",
        "tags",
        (f"{_MAKING}test_a_key_says_whose_it_is_in_the_call_that_makes_it",),
    ),
    Rule(
        "creation: a key says that it is the issuer's",
        _CREATION,
        "PURPOSE_ISSUER if owner == ISSUER else PURPOSE_CONNECTION",
        "PURPOSE_CONNECTION",
        (f"{_MAKING}test_a_key_of_the_issuer_belongs_to_no_connection",),
    ),
    Rule(
        "creation: a key is proved",
        "broker/signing.py",
        "    prove(kms, key, challenge=challenge)\n",
        "",
        (f"{_MAKING}test_a_key_that_is_not_what_kms_shows_is_not_handed_out_and_is_named",),
    ),
    Rule(
        "creation: permissions that are late are waited for",
        _CREATION,
        "            except Unavailable:\n                self.pause(pause)\n",
        "            except Unavailable:\n                raise\n",
        (f"{_MAKING}test_a_key_that_kms_does_not_know_yet_is_waited_for",),
    ),
    Rule(
        "creation: a key that is not found yet is waited for",
        _CREATION,
        'if problem.code != "signing_key":',
        "if problem.code:",
        (f"{_MAKING}test_a_key_that_kms_does_not_know_yet_is_waited_for",),
    ),
    Rule(
        "creation: a key that is not what KMS shows is not tried again",
        _CREATION,
        'if problem.code != "signing_key":',
        "if not problem.code:",
        (f"{_MAKING}test_a_key_that_is_not_what_kms_shows_is_not_handed_out_and_is_named",),
    ),
    Rule(
        "creation: an end to keys that are not proved",
        _CREATION,
        "limit=MOST_UNPROVED",
        "limit=1_000",
        (
            f"{_MAKING}test_an_owner_whose_keys_cannot_be_proved_gets_three_an_hour",
            f"{_MAKING}test_a_rotation_that_is_tried_at_every_sweep_makes_no_keys_without_end",
        ),
    ),
    Rule(
        "creation: each owner has its own turns",
        _CREATION,
        'f"CREATION#{owner}#{window}"',
        'f"CREATION#{window}"',
        (f"{_MAKING}test_one_owners_failures_are_nobody_elses",),
    ),
    Rule(
        "creation: the turns of an owner come again",
        _CREATION,
        "now // self.window",
        "0",
        (f"{_MAKING}test_an_owner_whose_keys_cannot_be_proved_gets_three_an_hour",),
    ),
    Rule(
        "creation: short periods have short turns",
        "wiring.py",
        "        window=settings().bounds.probe_interval,\n",
        "",
        (
            "unit/test_wiring_of_keys.py::test_an_owner_waits_for_an_hour_or_for_p_where_that_is_less",
        ),
    ),
    Rule(
        "creation: a proved key gives its turn back",
        _CREATION,
        "        self._give_back(turn)\n        return key\n",
        "        return key\n",
        (f"{_MAKING}test_a_key_that_is_proved_takes_no_turn",),
    ),
    Rule(
        "creation: a key that is not proved does not",
        _CREATION,
        "            raise _unproved(problem, key_id) from problem\n",
        "            self._give_back(turn)\n            raise\n",
        (f"{_MAKING}test_an_owner_whose_keys_cannot_be_proved_gets_three_an_hour",),
    ),
    Rule(
        "creation: whoever waited in vain gives its turn back",
        _CREATION,
        "            self._give_back(turn)\n            raise\n",
        "            raise\n",
        (f"{_MAKING}test_waiting_in_vain_is_no_key_that_was_not_proved",),
    ),
    Rule(
        "creation: a turn that is not given back costs no key",
        _CREATION,
        "        except Unavailable:\n            # The owner",
        "        except Misconfigured:\n            # The owner",
        (f"{_MAKING}test_a_turn_that_cannot_be_given_back_costs_no_key",),
    ),
    Rule(
        "creation: a key that is not proved is named",
        _CREATION,
        "the new KMS key {key_id} is",
        "the new KMS key is",
        (f"{_MAKING}test_a_key_that_is_not_what_kms_shows_is_not_handed_out_and_is_named",),
    ),
    Rule(
        "creation: what KMS shows is no fault of whoever asked",
        _CREATION,
        "if isinstance(problem, Unavailable | Misconfigured):",
        "if problem.code:",
        (f"{_MAKING}test_a_public_half_of_another_kind_is_no_fault_of_whoever_asked",),
    ),
    Rule(
        "creation: a key that is given up is deleted",
        _CREATION,
        "                self.kms.schedule_deletion(key_id)\n",
        "                pass\n",
        (f"{_MAKING}test_a_key_that_is_given_up_signs_no_more_and_is_deleted",),
    ),
    Rule(
        "creation: an issuer's key that is given up is the reaper's to delete",
        _CREATION,
        "            if owner != ISSUER:\n",
        "            if owner:\n",
        (f"{_MAKING}test_an_issuers_key_that_is_given_up_is_the_reapers_to_delete",),
    ),
    Rule(
        "registration: a refused connection gives its key up",
        "broker/registration.py",
        "            self.creation.discard(key.key_id, owner=connection.id)\n",
        "",
        (f"{_MAKING}test_a_refused_registration_gives_its_key_up",),
    ),
    Rule(
        "rotator: a key that could not be proved is told",
        "broker/rotator.py",
        'self._remind(s, "RotationStuck", f"no new',
        'str(f"no new',
        (f"{_MAKING}test_a_key_that_could_not_be_proved_is_told_once_a_day_and_named",),
    ),
    Rule(
        "rotator: an owner that gets no more keys is told of",
        "broker/rotator.py",
        "except (Exhausted, Misconfigured) as problem:",
        "except Misconfigured as problem:",
        (f"{_MAKING}test_an_owner_whose_keys_kms_denies_is_told_of_when_it_gets_no_more",),
    ),
    Rule(
        "rotator: whoever asks for a key is told that there is none",
        "broker/rotator.py",
        "if isinstance(problem, Exhausted) and not request.requested:",
        "if isinstance(problem, Exhausted):",
        (f"{_MAKING}test_a_sweep_waits_quietly_until_an_owner_may_have_another_key",),
    ),
    Rule(
        "rotator: and a sweep is not",
        "broker/rotator.py",
        "if isinstance(problem, Exhausted) and not request.requested:",
        "if not problem.code:",
        (f"{_MAKING}test_a_sweep_waits_quietly_until_an_owner_may_have_another_key",),
    ),
    # --- turns and keyrings in DynamoDB ------------------------------------------------------
    Rule(
        "turns: a turn is over at its end",
        _TURNS,
        '"attribute_not_exists(pk) OR expires_at <= :now",',
        '"attribute_not_exists(pk) OR expires_at < :now",',
        (f"{_STORING}test_a_turn_is_taken_until_it_is_over",),
    ),
    Rule(
        "turns: a turn is one's own until then",
        _TURNS,
        '"attribute_not_exists(pk) OR expires_at <= :now",',
        '"attribute_not_exists(pk) OR expires_at <= :now OR expires_at > :now",',
        (f"{_STORING}test_a_turn_is_taken_until_it_is_over",),
    ),
    Rule(
        "turns: so many and no more",
        _TURNS,
        "taken < :limit",
        "taken <= :limit",
        (f"{_STORING}test_so_many_turns_are_taken_and_no_more",),
    ),
    Rule(
        "turns: no more are given back than were taken",
        _TURNS,
        '"taken > :none"',
        '"attribute_not_exists(taken) OR taken > :none OR taken <= :none"',
        (f"{_STORING}test_no_more_turns_are_given_back_than_were_taken",),
    ),
    Rule(
        "turns: those of a second go away",
        _TURNS,
        '"SET expires_at = :until ADD taken :one"',
        '"SET ends_at = :until ADD taken :one"',
        (f"{_TABLES}test_each_turn_is_one_request_and_its_item_goes_away_when_it_is_over",),
    ),
    Rule(
        "keyrings: one version after the other",
        _KEYRINGS,
        '"version = :version AND',
        '"(version = :version OR version <> :version) AND',
        (f"{_STORING}test_no_other_version_replaces_a_keyring_and_nothing_tells_of_it",),
    ),
    Rule(
        "keyrings: a removed owner's is never replaced",
        _KEYRINGS,
        '"version = :version AND attribute_not_exists(deleted_at)"',
        '"version = :version"',
        (f"{_STORING}test_the_keyring_of_a_removed_owner_is_kept_and_never_replaced",),
    ),
    Rule(
        "keyrings: what tells of a change is stored with it",
        _KEYRINGS,
        '[{"Put": put}, *recorded]',
        '[{"Put": put}]',
        (f"{_STORING}test_a_keyring_is_replaced_by_the_version_after_it_with_what_tells_of_it",),
    ),
    Rule(
        "keyrings: a removed owner is never due",
        "adapters/dynamodb/registered.py",
        '"SET deleted_at = :now REMOVE phase"',
        '"SET deleted_at = :now"',
        (f"{_STORING}test_a_removed_owner_is_never_due",),
    ),
    Rule(
        "keyrings: due since then or longer",
        _KEYRINGS,
        "since <= :until",
        "since < :until",
        (f"{_STORING}test_whoever_waits_longest_comes_first_in_pages_of_any_size",),
    ),
    # --- KMS ---------------------------------------------------------------------------------
    Rule(
        "kms: a key that we may not look at is not ours",
        _KMS,
        "except (Misconfigured, Refused):",
        "except Misconfigured:",
        (f"{_FAILING}test_a_key_that_is_gone_or_that_we_may_not_look_at_is_not_ours",),
    ),
    Rule(
        "kms: a key that it is too busy to show may be ours",
        _KMS,
        "except (Misconfigured, Refused):",
        "except (Misconfigured, Unavailable):",
        (f"{_FAILING}test_every_other_failure_of_kms_is_its_unavailability",),
    ),
    Rule(
        "kms: the last page is the last",
        _KMS,
        ' if answer.get("Truncated") else None',
        "",
        (f"{_FAILING}test_a_page_of_keys_says_where_the_next_one_begins",),
    ),
    Rule(
        "kms: 30 days to save a key",
        _KMS,
        "PendingWindowInDays=30",
        "PendingWindowInDays=7",
        (
            "integration/test_kms_keys.py::test_a_key_is_described_by_its_state_its_age_and_its_tags",
        ),
    ),
    # --- what a key is to the records --------------------------------------------------------
    Rule(
        "standing: another stack's key is not ours",
        _STANDING,
        "key.tags.get(STACK_TAG) != stack",
        "STACK_TAG not in key.tags",
        (
            f"{_JUDGING}test_a_key_is_ours_by_its_tags_alone",
            f"{_TAKING}test_a_key_without_our_tags_is_never_touched",
        ),
    ),
    Rule(
        "standing: a key of another purpose is not ours",
        _STANDING,
        " if purpose == PURPOSE_CONNECTION else None",
        "",
        (
            f"{_JUDGING}test_a_key_is_ours_by_its_tags_alone",
            f"{_TAKING}test_a_key_without_our_tags_is_never_touched",
        ),
    ),
    Rule(
        "standing: next and previous are needed too",
        "broker/keyring.py",
        "return any(key.key_id == key_id for key in self.published())",
        "return self.current.key_id == key_id",
        (
            f"{_JUDGING}test_a_published_key_is_referenced_in_whatever_state_it_is",
            f"{_TAKING}test_a_published_key_is_never_touched_however_old_it_is",
        ),
    ),
    Rule(
        "standing: a key that is needed is needed while KMS deletes it",
        _STANDING,
        "if referred and removed_at is None:",
        "if referred and removed_at is None and key.state != PENDING_DELETION:",
        (
            f"{_JUDGING}test_a_published_key_is_referenced_in_whatever_state_it_is",
            f"{_TAKING}test_a_published_key_that_cannot_sign_is_told_and_not_touched",
        ),
    ),
    Rule(
        "standing: a removed owner's keys are kept for R",
        _STANDING,
        "now <= removed_at + bounds.retention",
        "now < removed_at",
        (
            f"{_JUDGING}test_the_keys_of_a_removed_owner_are_kept_for_r",
            f"{_TAKING}test_a_removed_owners_keys_are_kept_for_r",
        ),
    ),
    Rule(
        "standing: and no longer",
        _STANDING,
        "if referred and removed_at is not None and now <= removed_at + bounds.retention:",
        "if referred:",
        (f"{_TAKING}test_a_removed_owners_keys_are_kept_for_r",),
    ),
    Rule(
        "standing: a revoked key has no grace",
        _STANDING,
        "keyring is not None and any(key.key_id == former.key_id for former in keyring.revoked)",
        "False",
        (
            f"{_JUDGING}test_a_revoked_key_is_revoked_at_any_age",
            f"{_TAKING}test_a_revoked_key_that_signs_yet_is_disabled_at_once_and_deleted_a_week_later",
        ),
    ),
    Rule(
        "reaper: the clock is read before the record",
        "broker/reaper.py",
        "        now = self.clock.now()\n        keyring = self.keyrings.get(owner)\n",
        "        keyring = self.keyrings.get(owner)\n        now = self.clock.now()\n",
        (f"{_TAKING}test_time_that_passes_after_the_record_was_read_makes_no_key_old_enough",),
    ),
    Rule(
        "standing: a young key may be published yet",
        _STANDING,
        "now - key.created_at <= bounds.grace",
        "now - key.created_at < bounds.grace",
        (
            f"{_JUDGING}test_a_key_that_nothing_refers_to_is_left_alone_for_g",
            f"{_TAKING}test_a_key_is_taken_when_no_worker_can_publish_it_any_more",
        ),
    ),
    Rule(
        "standing: a key that a rotation is about to publish is left alone",
        _STANDING,
        "now - key.created_at <= bounds.grace",
        "now < key.created_at",
        (f"{_TAKING}test_reapings_between_any_two_calls_of_a_rotation_take_nothing_that_it_needs",),
    ),
    Rule(
        "standing: what KMS deletes is done with",
        _STANDING,
        "    if key.state == PENDING_DELETION:\n        return Standing.PENDING_DELETION\n",
        "",
        (f"{_JUDGING}test_what_is_about_to_be_deleted_is_that",),
    ),
    # --- the reaper --------------------------------------------------------------------------
    Rule(
        "reaper: a connection without a keyring keeps its keys",
        _REAPER,
        "keyring is None and self.connections.get(owner) is not None",
        "False",
        (f"{_TAKING}test_the_keys_of_a_connection_without_a_keyring_are_left_alone_and_told",),
    ),
    Rule(
        "reaper: what nobody has is taken",
        _REAPER,
        "keyring is None and self.connections.get(owner) is not None",
        "keyring is None",
        (f"{_TAKING}test_an_orphan_is_disabled_and_a_week_later_its_deletion_is_scheduled",),
    ),
    Rule(
        "reaper: a table without the issuer is another one",
        _REAPER,
        "many or (missing and self.keyrings.get(ISSUER) is None)",
        "many",
        (f"{_TAKING}test_a_table_without_the_issuers_keyring_is_not_the_one_that_tells",),
    ),
    Rule(
        "reaper: many owners without a record hold everything",
        _REAPER,
        "many = missing > MOST_UNRECORDED and 2 * missing > len(owners)",
        "many = False",
        (f"{_TAKING}test_a_page_whose_owners_are_mostly_unknown_is_not_touched_and_told",),
    ),
    Rule(
        "reaper: a few owners without a record hold nothing",
        _REAPER,
        "missing > MOST_UNRECORDED and 2",
        "2",
        (f"{_TAKING}test_a_few_unknown_owners_are_taken_for_what_they_are",),
    ),
    Rule(
        "reaper: nor does a half of them",
        _REAPER,
        "2 * missing > len(owners)",
        "2 * missing >= len(owners)",
        (f"{_TAKING}test_as_many_known_owners_as_unknown_ones_say_that_the_table_is_right",),
    ),
    Rule(
        "reaper: a key that is being made holds nothing",
        _REAPER,
        "is Standing.UNREFERENCED\n        }",
        "is not None\n        }",
        (f"{_TAKING}test_keys_that_are_being_made_or_deleted_hold_nothing",),
    ),
    Rule(
        "reaper: it tells that it is held",
        _REAPER,
        "            self._tell_held(ISSUER, f",
        "            str(f",
        (f"{_TAKING}test_a_page_whose_owners_are_mostly_unknown_is_not_touched_and_told",),
    ),
    Rule(
        "reaper: a disabling is recorded first",
        _REAPER,
        '        self._tell(_of_key("KeyDisabled", key, owner, now))\n'
        "        self.kms.disable_key(key.key_id)\n",
        "        self.kms.disable_key(key.key_id)\n"
        '        self._tell(_of_key("KeyDisabled", key, owner, now))\n',
        (f"{_TAKING}test_what_cannot_be_recorded_is_not_done",),
    ),
    Rule(
        "reaper: a deletion is recorded first",
        _REAPER,
        '            self._tell(_of_key("KeyDeletionScheduled", key, owner, now))\n'
        "            self.kms.schedule_deletion(key.key_id)\n",
        "            self.kms.schedule_deletion(key.key_id)\n"
        '            self._tell(_of_key("KeyDeletionScheduled", key, owner, now))\n',
        (f"{_TAKING}test_a_deletion_that_cannot_be_recorded_is_not_scheduled",),
    ),
    Rule(
        "reaper: what is recorded is announced",
        _REAPER,
        "        self.announcements.publish(event)\n",
        "",
        (f"{_TAKING}test_an_orphan_is_disabled_and_a_week_later_its_deletion_is_scheduled",),
    ),
    Rule(
        "reaper: a key notes since when it is disabled",
        _REAPER,
        "        self.kms.tag_key(key.key_id, {DISABLED_AT_TAG: str(now)})\n",
        "",
        (f"{_TAKING}test_an_orphan_is_disabled_and_a_week_later_its_deletion_is_scheduled",),
    ),
    Rule(
        "reaper: a key that is enabled again has another week",
        _REAPER,
        "key.state == ENABLED or not disabled_at",
        "not disabled_at",
        (f"{_TAKING}test_a_key_that_somebody_enabled_again_has_another_week",),
    ),
    Rule(
        "reaper: a key that somebody else disabled has its week",
        _REAPER,
        'key.tags.get(DISABLED_AT_TAG, "")',
        'key.tags.get(DISABLED_AT_TAG, "0")',
        (f"{_TAKING}test_a_key_that_somebody_else_disabled_has_its_week_from_when_we_saw_it",),
    ),
    Rule(
        "reaper: a week between disabling and deletion",
        _REAPER,
        "DISABLED_FOR = 7 * 86_400",
        "DISABLED_FOR = 0",
        (f"{_TAKING}test_an_orphan_is_disabled_and_a_week_later_its_deletion_is_scheduled",),
    ),
    Rule(
        "reaper: a revoked key is taken too",
        _REAPER,
        "{Standing.UNREFERENCED, Standing.REVOKED}",
        "{Standing.UNREFERENCED}",
        (
            f"{_TAKING}test_a_revoked_key_that_signs_yet_is_disabled_at_once_and_deleted_a_week_later",
        ),
    ),
    Rule(
        "reaper: a published key that cannot sign is told",
        _REAPER,
        "            self._check_usable(key, keyring)\n",
        "            pass\n",
        (f"{_TAKING}test_a_published_key_that_cannot_sign_is_told_and_not_touched",),
    ),
    Rule(
        "reaper: and one that can is not",
        _REAPER,
        "key.state == ENABLED or keyring.deleted_at is not None",
        "keyring.deleted_at is not None",
        (f"{_TAKING}test_a_published_key_is_never_touched_however_old_it_is",),
    ),
    Rule(
        "reaper: nor is a removed owner's",
        _REAPER,
        " or keyring.deleted_at is not None",
        "",
        (f"{_TAKING}test_of_a_removed_owners_keys_nobody_has_to_be_told",),
    ),
    # --- the census --------------------------------------------------------------------------
    Rule(
        "census: it ends when nobody waits any more",
        _CENSUS,
        "self.clock.now() - began <= MOST_SECONDS",
        "True",
        (f"{_COUNTING}test_a_census_ends_when_nobody_waits_any_more_and_says_so",),
    ),
    Rule(
        "census: it says that it is not complete",
        _CENSUS,
        "complete=in_time",
        "complete=True",
        (f"{_COUNTING}test_a_census_ends_when_nobody_waits_any_more_and_says_so",),
    ),
    Rule(
        "census: every page is counted",
        _CENSUS,
        "            if position is None:\n                return\n",
        "            return\n",
        (f"{_COUNTING}test_nothing_is_left_over_whatever_keys_there_are",),
    ),
    Rule(
        "census: what the reaper met is on its way out",
        _CENSUS,
        '"orphans" if key.state == ENABLED else "leaving"',
        '"orphans"',
        (f"{_COUNTING}test_orphans_that_the_reaper_met_are_leaving_until_kms_deletes_them",),
    ),
    Rule(
        "census: every key of ours is counted as such",
        _CENSUS,
        'return ("tagged", "orphans"',
        'return ("orphans", "orphans"',
        (f"{_COUNTING}test_nothing_is_left_over_whatever_keys_there_are",),
    ),
    Rule(
        "census: a key that cannot sign is counted",
        _CENSUS,
        'return ("tagged", found, "unusable")',
        'return ("tagged", found)',
        (f"{_COUNTING}test_a_key_is_counted_as_what_it_is",),
    ),
    Rule(
        "census: each record is read once",
        _CENSUS,
        "if owner not in keyrings:",
        "if owner:",
        (f"{_COUNTING}test_each_owners_record_is_read_once",),
    ),
)
