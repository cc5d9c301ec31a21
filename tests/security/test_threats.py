"""Every threat in the table of SECURITY.md has a control, and this file names the tests of the control."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
TABLE = re.findall(
    r"^\| ([A-Z]\d) \|", (TESTS.parent / "SECURITY.md").read_text(encoding="utf-8"), re.MULTILINE
)
THREATS = tuple(TABLE)
COVERED: dict[str, tuple[tuple[str, str], ...]] = {
    "W1": (  # a forged webhook
        ("unit/webhooks/test_receiver.py", "test_a_delivery_without_a_valid_signature_is_not_parsed"),
        ("scenarios/test_webhooks.py", "test_the_previous_secret_works_during_rotation"),
        ("security/test_forged.py", "test_forged_requests_are_rejected_without_a_server_error"),
    ),
    "W2": (  # a replayed webhook
        ("unit/engine/test_deliveries.py", "test_the_same_delivery_a_hundred_times_at_once_is_one_job"),
        ("unit/engine/test_deliveries.py", "test_another_delivery_that_asks_for_the_same_job_is_a_duplicate"),
        ("unit/engine/test_deliveries.py", "test_a_redelivery_after_a_failure_runs_again"),
    ),
    "W3": (  # bodies that are too large, chunked or compressed
        ("unit/webhooks/test_receiver.py", "test_a_chunked_body_over_the_limit_is_answered_413_before_its_end"),
        ("unit/webhooks/test_receiver.py", "test_a_compressed_body_is_rejected"),
    ),
    "W4": (("unit/webhooks/test_receiver.py", "test_a_slow_sender_is_cut_off"),),
    "W5": (("unit/webhooks/test_receiver.py", "test_a_malformed_body_is_answered_400"),),
    "W6": (  # clients without the secret that fill the memory or take all connections
        ("unit/webhooks/test_bodies.py", "test_a_body_with_a_malformed_signature_is_not_read"),
        ("unit/webhooks/test_bodies.py", "test_the_body_that_occupied_most_memory_for_longest_gives_way"),
        ("unit/serving/test_connections.py", "*"),
    ),
    "C1": (  # an outsider's command
        ("security/test_injection.py", "test_an_injection_is_not_a_command"),
        ("unit/github/test_writer.py", "test_without_a_clear_answer_there_is_no_permission"),
    ),
    "C2": (  # costs by pushes
        ("unit/engine/test_pushes.py", "test_of_many_pushes_in_a_row_only_the_last_is_reviewed"),
        ("unit/engine/test_deliveries.py", "test_a_burst_in_one_installation_does_not_delay_the_others"),
        ("unit/llm/test_budget.py", "test_concurrent_calls_stay_within_the_budget_in_each_database"),
    ),
    "P1": (  # injection
        ("security/test_injection.py", "test_an_injection_stays_inside_its_fence_and_hides_nothing"),
        ("security/test_compromised_model.py", "test_a_compromised_model_approves_nothing_and_turns_no_check_green"),
        ("security/test_compromised_model.py", "test_a_compromised_model_causes_only_known_requests"),
    ),
    "P2": (  # evasion
        ("security/test_compromised_model.py", "test_the_security_stage_never_sees_the_authors_prose"),
        ("security/test_compromised_model.py", "test_a_compromised_model_removes_no_finding_of_the_analyzers"),
    ),
    "P3": (  # configuration in the change
        ("unit/analyzers/test_analysis.py", "test_configuration_of_the_change_is_ignored"),
        (
            "scenarios/test_review_command.py",
            "test_committed_files_of_the_checkout_are_neither_settings_nor_data_nor_configuration",
        ),
    ),
    "P4": (  # hostile look-ups
        ("unit/gather/test_lookups.py", "test_what_is_no_text_of_the_tree_is_not_available"),
        ("unit/gather/test_lookups.py", "test_no_look_up_raises_or_leaves_the_tree"),
        ("unit/gather/test_lookups.py", "test_answers_and_rounds_are_limited"),
        ("unit/stages/test_looking.py", "test_a_verifier_that_never_stops_asking_is_unsure"),
        ("security/test_compromised_model.py", "test_a_compromised_model_sees_only_its_repository"),
    ),
    "P5": (  # instructions in what stands around the change
        ("security/test_compromised_model.py", "test_foreign_text_reaches_a_model_only_inside_its_fence"),
        ("unit/stages/test_evidence.py", "test_annotations_that_instruct_stay_inside_one_fence"),
        ("unit/stages/test_evidence.py", "test_checks_are_bounded"),
        ("unit/stages/test_evidence.py", "test_a_finding_explains_only_a_check_that_was_shown"),
        ("unit/stages/test_evidence.py", "test_only_the_review_stage_sees_failed_checks"),
    ),
    "S1": (  # secrets in the change
        ("unit/stages/test_run.py", "test_no_secret_reaches_a_model"),
        ("security/test_compromised_model.py", "test_no_secret_is_stored"),
        ("unit/test_redaction.py", "test_a_secret_of_each_format_is_redacted_and_keeps_its_lines"),
    ),
    "S2": (  # secrets in traces
        ("unit/test_logs.py", "test_an_error_is_logged_with_its_locations_and_without_variables_or_secrets"),
        ("security/test_secrets.py", "test_no_secret_is_in_a_repr_or_an_error"),
        ("security/test_secrets.py", "test_invalid_settings_are_named_without_their_values"),
    ),
    "O1": (  # hostile output
        ("unit/publish/test_markdown.py", "test_a_hostile_output_has_no_active_content"),
        ("unit/publish/test_markdown.py", "test_no_mixture_of_hostile_pieces_has_active_content"),
        ("security/test_compromised_model.py", "test_the_text_of_a_compromised_model_is_posted_inert"),
        ("security/test_injection.py", "test_an_injection_that_a_model_repeats_is_posted_inert"),
    ),
    "O2": (("unit/publish/test_body.py", "test_only_the_last_line_is_a_marker"),),
    "S3": (("security/test_secret_samples.py", "test_at_most_2_percent_of_the_look_alikes_are_reported"),),
    "O3": (
        ("security/test_markdown_fuzz.py", "test_nothing_that_quorum_posts_is_live_on_github"),
        ("unit/publish/test_markdown.py", "test_a_run_of_any_length_ends_no_code_span_and_no_fence"),
        ("unit/publish/test_markdown.py", "test_a_pipe_ends_no_code_span_in_a_table"),
    ),
    "O4": (  # a fix that writes what nobody asked for
        (
            "unit/fixes/test_hostile_edits.py",
            "test_no_answer_writes_anything_but_changed_files_and_new_tests",
        ),
        ("unit/fixes/test_hostile_edits.py", "test_no_spelling_of_a_protected_path_is_allowed"),
        ("scenarios/test_fixing.py", "test_an_answer_that_the_rules_forbid_is_never_written"),
        ("scenarios/test_fixing.py", "test_a_head_that_moves_meanwhile_is_taken_anew"),
    ),
    "O5": (("scenarios/test_fixing.py", "test_what_cannot_be_committed_is_a_patch_with_the_reason"),),
    "K1": (  # the App's key and its tokens
        ("security/test_secrets.py", "test_no_secret_is_in_a_repr_or_an_error"),
        ("unit/github/test_client.py", "test_no_secret_is_in_any_repr"),
        ("unit/repository/test_manifest.py", "test_the_app_requests_exactly_the_permissions_of_its_tokens"),
    ),
    "F1": (("security/test_secrets.py", "test_a_repository_cannot_set_hosts_keys_models_or_prompts"),),
    "F2": (("unit/analyzers/test_analysis.py", "test_a_hostile_path_is_not_written_to_disk_and_keeps_its_findings"),),
    "F3": (("unit/gather/test_selection.py", "test_invalid_patterns_are_reported_and_slow_patterns_are_harmless"),),
    "F4": (("unit/gather/test_configuration.py", "test_a_hostile_file_yields_the_defaults_and_one_problem"),),
    "F5": (("security/test_patterns.py", "test_no_text_makes_a_pattern_of_this_file_slow"),),
    "M1": (
        ("unit/mcp_server/test_tools.py", "test_a_license_header_before_code_is_read_at_once"),
        ("unit/mcp_server/test_dast.py", "test_a_hostile_description_is_refused_with_the_reason"),
    ),
    "D1": (("unit/dashboard/test_tenants.py", "test_the_visibility_rule_matches_what_the_user_can_read"),),
    "D2": (("unit/dashboard/test_access.py", "*"),),
    "D3": (("unit/mcp_server/test_http.py", "*"),),
    "D4": (
        ("unit/dashboard/test_tenants.py", "test_every_query_returns_only_rows_that_the_user_may_see"),
        ("unit/llm/test_cache.py", "test_no_two_tenants_share_a_key"),
    ),
    "D5": (("unit/test_logs.py", "test_untrusted_text_cannot_start_a_second_line"),),
    "D6": (("unit/repository/test_container.py", "test_the_image_runs_as_an_unprivileged_user_and_keeps_data_in_one_place"),),
    "D7": (
        ("security/test_answers.py", "*"),
        ("unit/dashboard/test_sign_in.py", "test_a_callback_with_a_state_that_is_not_ascii_is_answered_400"),
    ),
    "X1": (("unit/analyzers/test_analysis.py", "test_a_huge_file_is_skipped_and_named"),),
}  # fmt: skip


@cache
def _names_in(path: str) -> frozenset[str]:
    tree = ast.parse((TESTS / path).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, functions) and node.name.startswith("test_")
    )


def test_every_threat_has_a_test() -> None:
    assert set(COVERED) == set(THREATS)
    assert all(COVERED.values())


@pytest.mark.parametrize("threat", THREATS)
def test_the_tests_of_a_threat_exist(threat: str) -> None:
    for path, name in COVERED[threat]:
        assert _names_in(path) if name == "*" else name in _names_in(path), f"{path} has no {name}"
