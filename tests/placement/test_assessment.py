"""The first and the last of the four steps: classify the data, choose the tiers."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from placement import (
    AiFunction,
    FieldFinding,
    Policy,
    SourceFinding,
    assess_data,
    assess_tiers,
    catalogue_entry,
    policy_with,
    read_functions,
)
from placement.catalogue import DataClassEntry
from placement.reports import data_report, table_report, tiers_report
from placement.table import placement_table
from placement.workload_file import read_workload
from telecom.errors import InvalidArgumentError, SettingsError
from telecom.workload import Home, LifecyclePhase

FINDINGS = (
    SourceFinding(
        source="alarms/amf.log", kind="alarms", files=1, records=900, owner="NOC lead",
        review_on=date(2027, 1, 15),
        fields=(FieldFinding(name="line", identifiers={"SUBSCRIBER": 12, "IP": 40}),),
    ),
    SourceFinding(source="docs/guide.pdf", kind="docs", files=1, records=80, owner="Planning"),
    SourceFinding(source="kpi/cells.csv", kind="kpi", files=2, records=5000, owner="Performance"),
    SourceFinding(
        source="kpi/users.csv", kind="kpi", files=1, records=70, owner="Performance",
        fields=(FieldFinding(name="msisdn", identifiers={"SUBSCRIBER": 70}, example="4915***"),),
    ),
    SourceFinding(source="training/slm.jsonl", kind="training_slm", files=1, records=10),
)  # fmt: skip


def test_sources_are_bound_free_or_grey(policy: Policy, home: Home) -> None:
    """REFERENCE R15: what is subject to residency, what moves freely, what needs legal review."""
    assessment = assess_data(policy, FINDINGS, home)
    assert assessment.bound == ("alarms/amf.log", "kpi/users.csv")
    assert assessment.free == ("docs/guide.pdf", "kpi/cells.csv")
    assert assessment.grey == ("training/slm.jsonl",)
    assert "not legal advice" in assessment.notice


def test_a_source_without_an_owner_is_a_grey_area(policy: Policy, home: Home) -> None:
    """REFERENCE R6: classifying includes establishing ownership."""
    source = assess_data(policy, FINDINGS, home).sources[-1]
    assert source.proposed_class == "grey_area"
    assert "nobody is named as its owner" in source.why


def test_identifiers_found_in_free_data_make_it_what_it_carries(policy: Policy, home: Home) -> None:
    """REFERENCE R6: a table of counts with telephone numbers is no aggregate."""
    source = assess_data(policy, FINDINGS, home).sources[3]
    assert source.proposed_class == "subscriber_identifier"


def test_a_country_without_rows_keeps_everything_closed_but_documents(policy: Policy) -> None:
    """FACTS, law: a class without a row for the country is closed."""
    assessment = assess_data(policy, FINDINGS, Home(site="sao-paulo-1", country="BR"))
    assert assessment.free == ("docs/guide.pdf",)


def test_the_report_counts_identifiers_and_shows_no_value(policy: Policy, home: Home) -> None:
    """Issue: identifiers found with counts, owner and review date; no values."""
    page = data_report(assess_data(policy, FINDINGS, home))
    assert "IP 40, SUBSCRIBER 12" in page
    assert "**missing**" in page
    assert "2027-01-15" in page


def test_a_proposed_entry_is_a_class_that_the_catalogue_accepts(policy: Policy, home: Home) -> None:
    """Issue: `assess data` writes the catalogue entry."""
    source = assess_data(policy, FINDINGS, home).sources[0]
    text = catalogue_entry(source, policy.catalogue.classes[source.proposed_class])
    [(name, entry)] = yaml.safe_load(text).items()
    assert name == "alarms_amf_log"
    accepted = DataClassEntry.model_validate(entry)
    assert accepted.boundary == "site"
    assert "owner: NOC lead, review due 2027-01-15" in accepted.examples
    assert not accepted.grey_area


FUNCTIONS = """
workloads:
  - {name: steering, phase: real_time_inference, data_classes: [traffic_data],
     events_per_hour: 9000, tokens_per_event: 200, latency_budget_ms: 8}
  - {name: forecast, phase: batch_inference, data_classes: [aggregated_kpi],
     events_per_hour: 2, tokens_per_event: 50000}
  - {name: large model at the edge, phase: edge_prefiltering, data_classes: [alarms_raw],
     events_per_hour: 1000, tokens_per_event: 20000, model_params_b: 70}
  - {name: wiretap analysis, phase: batch_inference, data_classes: [content],
     events_per_hour: 1, tokens_per_event: 1}
"""


@pytest.fixture
def functions(tmp_path: Path) -> tuple[AiFunction, ...]:
    file = tmp_path / "functions.yaml"
    file.write_text(FUNCTIONS, encoding="utf-8")
    return read_functions(file)


def test_each_function_gets_a_tier_with_reasons(
    policy: Policy, home: Home, functions: tuple[AiFunction, ...]
) -> None:
    """REFERENCE R18: where data cannot move, Local Zones, AI Factory and Outposts are evaluated."""
    assessment = assess_tiers(policy, functions, home=home)
    assert [(item.function, item.recommended) for item in assessment.recommendations] == [
        ("steering", "outposts"),
        ("forecast", "region"),
        ("large model at the edge", "ai_factory"),
        ("wiretap analysis", "nowhere"),
    ]
    assert assessment.edge_share == 0.5
    assert "wiretap analysis: no tier is feasible" in assessment.gaps
    assert any("assumed, not measured" in gap for gap in assessment.gaps)
    page = tiers_report(assessment)
    assert "outposts is out: the model is larger than the tier's accelerators hold" in page


def test_an_unready_operator_builds_or_engages_a_partner_first(
    home: Home, functions: tuple[AiFunction, ...]
) -> None:
    """REFERENCE R9: plan a capability build or a partner before an edge-heavy architecture."""
    skills = ("model_optimization", "distributed_operations", "fleet_management")
    none = [f"readiness.{skill}=none" for skill in skills]
    unready = assess_tiers(policy_with([*none, "readiness.on_call=false"]), functions, home=home)
    assert unready.readiness_gap == 1
    assert unready.needed_first[-1].startswith("or engage a partner")
    assert "build: on-call for the edge tier" in unready.needed_first
    partnered = assess_tiers(
        policy_with([*none, "readiness.partner=Integrator"]), functions, home=home
    )
    assert partnered.needed_first[0].startswith("agree with Integrator who covers: build:")
    ready = assess_tiers(
        policy_with([f"readiness.{skill}=strong" for skill in skills]), functions, home=home
    )
    assert (ready.readiness_gap, ready.needed_first) == (0, ())


def test_without_work_at_the_edge_nothing_is_needed_first(
    policy: Policy, home: Home, functions: tuple[AiFunction, ...]
) -> None:
    """Us: no shopping list for who does not go to the edge."""
    assert assess_tiers(policy, functions[1:2], home=home).needed_first == ()
    assert assess_tiers(policy, (), home=home).edge_share == 0


def test_a_function_with_a_home_of_its_own_is_placed_there(policy: Policy, home: Home) -> None:
    """Us: an operator has more than one country."""
    abroad = AiFunction(
        name="abroad",
        phase=LifecyclePhase.BATCH_INFERENCE,
        data_classes=("aggregated_kpi",),
        home=Home(site="sao-paulo-1", country="BR"),
        events_per_hour=1,
        tokens_per_event=1,
    )
    assert assess_tiers(policy, [abroad], home=home).recommendations[0].recommended == "outposts"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{a: 1", "neither JSON nor YAML"),
        ("a: 1", "must be a list of workloads"),
        ("- {name: x}", "workload 'x': phase: Field required"),
        ("- 3", "workload 0: workload: Input should be"),
    ],
)
def test_a_file_of_functions_that_does_not_fit_names_what_and_where(
    tmp_path: Path, text: str, words: str
) -> None:
    """Us: every problem, with the workload's name."""
    file = tmp_path / "functions.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=words):
        read_functions(file)


def test_a_workload_is_read_from_json_or_yaml_and_norway_is_a_country() -> None:
    """Interfaces: `place decide FILE|-`; JSON may be indented with tabs."""
    json_text = (
        '{\t"name": "x",\n\t"phase": "batch_inference",\n\t"data_classes": ["vendor_docs"]\n}'
    )
    assert read_workload(json_text, name="-").name == "x"
    yaml_text = "name: x\nphase: batch_inference\ndata_classes: [vendor_docs]\nhome: {country: NO}"
    assert read_workload(yaml_text, name="-").home.country == "NO"
    with pytest.raises(InvalidArgumentError, match="- is no workload: phase: "):
        read_workload('{"name": "x", "phase": "later", "data_classes": []}', name="-")
    with pytest.raises(SettingsError, match="cannot be read"):
        read_functions(Path("/nonexistent/functions.yaml"))


def test_the_operators_own_table_is_a_page(policy: Policy, home: Home) -> None:
    """Issue: the placement table of this operator, page-ready."""
    page = table_report(placement_table(policy, home))
    assert "| Context creation (RAG) | Follows data | knowledge base on premises |" in page
