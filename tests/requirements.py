"""Each promise of the reference, with the tests that prove it or the issue that still owes it.

`test_requirements.py` checks the list both ways: every proof exists, and every test whose docstring
names a promise is listed under it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised, what proves it, what is still owed."""

    text: str
    proofs: tuple[str, ...] = ()
    owed: str | None = None


PROMISES = {
    "R1": Promise(
        "Training belongs to the Region; context creation follows the data.",
        proofs=(
            "orchestrator/test_delegation.py::test_raw_data_goes_to_the_tools_of_its_own_site",
            "placement/test_policy.py::test_the_location_of_the_knowledge_base_decides_where_context_is_created",
        ),
    ),
    "R2": Promise(
        "Routing of inference is externalized and changes without rearchitecting.",
        proofs=(
            "mcp_servers/test_policy_reload.py::test_an_edited_catalogue_decides_the_next_release",
            "orchestrator/test_assess.py::test_what_if_asks_past_decisions_again",
            "orchestrator/test_cli.py::test_what_if_says_what_would_move",
            "orchestrator/test_investigation.py::test_editing_only_yaml_moves_the_ticket_historian_and_back",
            "placement/test_exploration.py::test_a_scenario_can_be_asked_of_past_decisions",
            "placement/test_live.py::test_an_edited_catalogue_decides_without_a_restart",
            "placement/test_policy.py::test_an_edited_row_moves_the_ticket_historian_to_a_local_zone_and_back",
        ),
    ),
    "R3": Promise(
        "Optimization spans the hybrid: the pipeline produces deployment artifacts for each tier.",
        proofs=(
            "mcp_servers/briefs/test_learned_filter.py::test_an_artifact_is_small_and_scores_as_it_was_trained",
            "mcp_servers/test_model_build.py::test_the_artifact_of_the_tiers_keeps_what_the_weights_know",
            "orchestrator/test_tuning_job.py::test_a_training_job_for_open_weights_is_valid_and_isolated",
            "orchestrator/test_tuning_job.py::test_bedrock_fine_tunes_or_distils",
            "orchestrator/test_tuning_job.py::test_each_tier_has_an_artifact_that_its_hardware_can_run",
        ),
        owed="#5: quantized artifacts of a tuned small model: docs/briefs.md, not built here",
    ),
    "R4": Promise(
        "The tiers: Region, Local Zone, Dedicated Local Zone, Outposts, AI Factory.",
        proofs=(
            "placement/test_policy.py::test_the_reference_has_one_instance_of_each_kind_in_the_home_country",
        ),
    ),
    "R5": Promise(
        "Workloads move between tiers without code changes.",
        proofs=(
            "deploy/test_manifests.py::test_a_path_that_nobody_allowed_is_found_by_name",
            "deploy/test_manifests.py::test_the_manifests_of_all_tiers_are_equal_outside_the_allowed_paths",
            "orchestrator/test_investigation.py::test_editing_only_yaml_moves_the_ticket_historian_and_back",
        ),
    ),
    "R6": Promise(
        "Data sovereignty is binary and removes tiers before any talk of speed or cost.",
        proofs=(
            "mcp_servers/assessment/test_data_assessment.py::test_identifiers_are_counted_by_field_and_kind",
            "mcp_servers/assessment/test_data_assessment.py::test_columns_of_a_table_with_semicolons_keep_their_names",
            "orchestrator/test_delegation.py::test_an_unknown_country_closes_everything_but_the_site",
            "orchestrator/test_delegation.py::test_pseudonymized_evidence_is_read_in_its_own_country_only",
            "orchestrator/test_delegation.py::test_what_was_not_done_to_the_data_is_not_assumed",
            "placement/test_assessment.py::test_a_source_without_an_owner_is_a_grey_area",
            "placement/test_assessment.py::test_identifiers_found_in_free_data_make_it_what_it_carries",
            "placement/test_policy.py::test_a_site_bound_class_never_leaves_the_premises_whatever_is_done_to_it",
            "placement/test_policy.py::test_outposts_at_another_site_are_another_site",
            "placement/test_policy.py::test_raw_alarms_stay_and_the_remedy_says_what_would_open_the_region",
            "placement/test_policy.py::test_the_decisive_rule_is_the_first_by_dimension_and_all_are_listed",
            "test_nothing_raw_leaves.py::test_no_planted_identifier_gets_out",
        ),
    ),
    "R7": Promise(
        "Latency: under 10 ms on premises, 10 to 50 ms may use Local Zones.",
        proofs=("placement/test_policy.py::test_budgets_at_and_around_ten_and_fifty_milliseconds",),
    ),
    "R8": Promise(
        "Data gravity: where data is bound to its source, inference moves to the data.",
        proofs=(
            "mcp_servers/egress/test_gate.py::test_a_closed_or_unknown_class_does_not_leave_in_any_form",
            "mcp_servers/serving/test_identity.py::test_a_forged_token_is_refused_and_nothing_else_happens",
            "placement/test_policy.py::test_more_data_to_move_pulls_work_towards_the_data",
            "placement/test_policy.py::test_prefiltering_runs_at_the_source_even_for_data_that_may_go_anywhere",
            "placement/test_policy.py::test_the_location_of_the_knowledge_base_decides_where_context_is_created",
        ),
    ),
    "R9": Promise(
        "Operational readiness: the edge needs skills that an operator may have to build first.",
        proofs=(
            "mcp_servers/egress/test_gate.py::test_an_edited_row_of_the_catalogue_changes_what_leaves",
            "placement/test_assessment.py::test_an_unready_operator_builds_or_engages_a_partner_first",
            "placement/test_policy.py::test_an_operator_that_is_not_ready_finds_the_edge_harder_but_not_forbidden",
            "placement/test_policy.py::test_managed_tiers_beat_the_edge_when_nothing_binds",
        ),
    ),
    "R10": Promise(
        "Default placement by life-cycle phase, ten rows.",
        proofs=(
            "orchestrator/test_cli.py::test_the_placement_table_has_ten_rows",
            "placement/test_policy.py::test_foundation_training_does_not_fit_outposts",
            "placement/test_table.py::test_agentic_orchestration_has_two_placements_and_the_other_phases_one",
            "placement/test_table.py::test_every_cell_of_the_table_is_what_the_reference_says",
            "placement/test_table.py::test_the_table_has_the_ten_phases_in_the_order_of_the_reference",
            "test_nothing_raw_leaves.py::test_no_planted_identifier_gets_out",
        ),
    ),
    "R11": Promise(
        "The worked 5G example comes out, dimension by dimension.",
        proofs=(
            "placement/test_tutorial.py::test_the_tutorials_code_runs_as_it_stands",
            "telecom/identifiers/test_detector.py::test_an_identifier_is_found_whole_and_by_its_kind",
        ),
    ),
    "R12": Promise(
        "Token economics: 15,000 to 25,000 raw tokens of an event become about 2,000.",
        proofs=(
            "agents/test_alarm_triage.py::test_the_brief_keeps_to_its_budget_and_shrinks_a_storm",
            "agents/test_brief.py::test_a_large_window_shrinks_by_nine_tenths_and_a_small_one_is_not_outgrown",
            "mcp_servers/sample_site/test_incidents.py::test_the_default_storm_is_about_twenty_thousand_tokens",
            "orchestrator/console/test_architect_pages.py::test_the_cost_curve_is_the_articles_at_its_volume",
            "orchestrator/test_assess.py::test_the_article_preset_gives_the_articles_figures",
            "placement/test_cost.py::test_the_articles_volume_pays_for_a_small_edge",
            "placement/test_cost.py::test_the_preset_reproduces_the_articles_figures",
            "placement/test_tutorial.py::test_the_tutorials_code_runs_as_it_stands",
        ),
    ),
    "R13": Promise(
        "Two tiers: the edge filters, the cloud reasons over the summary.",
        proofs=(
            "orchestrator/test_evaluate.py::test_a_labelled_site_goes_through_the_real_investigation_and_is_scored",
            "orchestrator/test_evidence_tools.py::test_a_small_model_at_the_edge_reasons_where_it_is_declared",
            "placement/test_tutorial.py::test_the_tutorials_code_runs_as_it_stands",
        ),
    ),
    "R14": Promise(
        "Model choice: domain fit at the edge, depth in the cloud.",
        proofs=(
            "orchestrator/test_delegation.py::test_a_prompt_router_stands_behind_the_endpoint_of_its_members_widest_residency",
            "orchestrator/test_delegation.py::test_a_simple_question_goes_to_a_light_model_and_a_deep_one_to_a_strong_one",
            "orchestrator/test_evidence_tools.py::test_a_small_model_at_the_edge_reasons_where_it_is_declared",
            "orchestrator/test_evidence_tools.py::test_prompt_and_tools_are_small_enough_for_an_edge_model",
            "orchestrator/test_investigation.py::test_a_small_clear_incident_is_read_by_a_light_model_and_the_record_says_why",
            "placement/test_model_routing.py::test_a_configured_prompt_router_picks_the_model_within_its_residency",
            "placement/test_model_routing.py::test_a_small_question_gets_a_light_model_and_a_deep_one_a_strong_model",
            "placement/test_policy.py::test_a_model_that_does_not_fit_eliminates_with_the_size_that_would",
            "placement/test_tutorial.py::test_the_tutorials_code_runs_as_it_stands",
        ),
    ),
    "R15": Promise(
        "Step one, classify: which data is bound, free, or a grey area.",
        proofs=(
            "mcp_servers/assessment/test_data_assessment.py::test_every_source_gets_a_class_an_owner_and_a_review_date",
            "mcp_servers/assessment/test_data_assessment.py::test_training_sets_and_indicators_are_found",
            "placement/test_assessment.py::test_sources_are_bound_free_or_grey",
            "placement/test_policy.py::test_a_grey_area_opens_with_a_named_legal_review_on_the_row",
        ),
    ),
    "R16": Promise(
        "Step two, measure: P50, P95, P99 of time to first token and round trip.",
        proofs=(
            "orchestrator/test_assess.py::test_a_probe_of_models_measures_the_first_token",
            "orchestrator/test_assess.py::test_past_investigations_are_the_first_source_of_latencies",
            "orchestrator/test_assess.py::test_samples_of_the_operator_give_percentiles_and_a_proposal",
            "orchestrator/test_assess.py::test_without_any_sample_it_says_what_is_assumed",
            "placement/test_latency.py::test_a_measurement_becomes_a_setting_of_the_catalogue",
            "placement/test_latency.py::test_percentiles_are_values_that_were_measured",
            "placement/test_latency.py::test_samples_come_from_a_table_by_tier_and_tool",
            "placement/test_policy.py::test_an_assumed_round_trip_eliminates_and_the_decision_says_so",
        ),
    ),
    "R17": Promise(
        "Step three, cost: token volume, compression, savings.",
        proofs=(
            "agents/test_alarm_triage.py::test_the_brief_keeps_to_its_budget_and_shrinks_a_storm",
            "orchestrator/test_assess.py::test_cost_says_when_it_does_not_justify_the_edge",
            "placement/test_cost.py::test_the_preset_reproduces_the_articles_figures",
        ),
    ),
    "R18": Promise(
        "Step four, choose: tiers for what cannot move to a Region.",
        proofs=(
            "orchestrator/test_assess.py::test_each_function_gets_a_tier_with_reasons",
            "placement/test_assessment.py::test_each_function_gets_a_tier_with_reasons",
        ),
    ),
    "R19": Promise(
        "A cloud LangGraph orchestrator backed by Bedrock calls on-premises MCP servers.",
        proofs=(
            "orchestrator/test_investigation.py::test_a_model_asks_back_through_mcp_streams_and_its_answer_is_verified",
            "orchestrator/test_investigation.py::test_an_incident_becomes_a_report_with_evidence_for_every_statement",
        ),
    ),
    "R20": Promise(
        "Embeddings and the Chroma store stay next to the knowledge base.",
        proofs=("rag/test_knowledge_base.py::test_nothing_is_sent_to_anybody",),
    ),
    "R21": Promise(
        "The orchestrator consults the placement policy before delegating.",
        proofs=(
            "orchestrator/test_agent_door.py::test_a_placement_is_explained_by_rule_and_remedy",
            "orchestrator/test_evidence_tools.py::test_an_answer_that_the_models_tier_may_not_read_is_withheld",
            "orchestrator/test_investigation.py::test_an_incident_becomes_a_report_with_evidence_for_every_statement",
            "orchestrator/test_investigation.py::test_no_model_is_called_with_evidence_it_may_not_read",
        ),
    ),
    "R22": Promise(
        "NOC engineers chat for a root cause.",
        proofs=(
            "browser/test_first_journey.py::test_an_alarm_storm_is_followed_from_the_board_to_its_cause",
            "browser/test_journeys.py::test_a_question_gets_a_cited_answer_whose_line_can_be_opened",
            "orchestrator/console/test_chat_pages.py::test_an_engineer_asks_beside_the_incident_and_finds_it_in_the_list",
            "orchestrator/test_cli.py::test_a_chat_answers_line_by_line_and_is_kept",
            "orchestrator/test_cli.py::test_a_report_for_people_names_the_cause_first",
            "orchestrator/test_conversation.py::test_engineers_ask_on_about_an_incident_and_get_its_evidence",
        ),
    ),
    "R23": Promise(
        "MCP clients such as Claude Desktop use the servers.",
        proofs=(
            "mcp_servers/desktop/test_bundle.py::test_a_desktop_client_gets_answers_that_passed_the_gate",
            "orchestrator/test_agent_door.py::test_one_call_answers_a_root_cause_with_its_evidence",
        ),
    ),
    "R24": Promise(
        "Automated incident triggers start investigations.",
        proofs=(
            "orchestrator/service/test_aws.py::test_an_event_becomes_a_notification",
            "orchestrator/service/test_sinks.py::test_a_webhook_is_signed_versioned_and_sent_again_under_one_key",
            "orchestrator/service/test_triggers.py::test_a_sites_envelope_becomes_a_report",
            "orchestrator/service/test_triggers.py::test_of_a_foreign_webhook_no_text_is_kept_anywhere",
            "orchestrator/service/test_triggers.py::test_the_same_trigger_fifty_times_through_two_workers_is_one_investigation",
            "test_soak.py::test_a_served_process_takes_a_trigger_and_stops_when_it_is_told",
            "test_soak.py::test_killed_orchestrators_lose_nothing_and_do_nothing_twice",
        ),
    ),
}
