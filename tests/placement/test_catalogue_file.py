"""A catalogue that is wrong does not load, and says all that is wrong, with file and line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from placement import load_policy
from telecom.errors import PolicyError

Edit = Callable[[Path, str, str], None]


def problems(catalogue: Path, rules: Path) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        load_policy(catalogue, rules)
    return [str(problem).removeprefix(str(catalogue)) for problem in caught.value.problems]


def line_of(path: Path, text: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def test_the_shipped_catalogue_says_that_it_is_no_legal_advice() -> None:
    """FACTS, law: each row has source, date and "legal review required"; it is no legal advice."""
    catalogue = load_policy().catalogue
    assert "not legal advice" in catalogue.notice
    for entry in catalogue.classes.values():
        for row in entry.rows.values():
            assert row.legal_review == "required"
            assert row.framework
            assert row.source
            assert row.checked.year >= 2026


def test_the_shipped_catalogue_has_the_classes_and_jurisdictions_that_were_promised() -> None:
    """Interfaces: data classes; issue: rows for EU, Germany, USA, India, Saudi Arabia."""
    catalogue = load_policy().catalogue
    assert set(catalogue.classes) == {
        "subscriber_identifier",
        "subscriber_pii",
        "location",
        "traffic_data",
        "content",
        "network_config",
        "secrets",
        "alarms_raw",
        "tickets_raw",
        "incident_report",
        "aggregated_kpi",
        "anonymized_statistics",
        "vendor_docs",
        "grey_area",
    }
    for name in catalogue.classes:
        for country in ("DE", "FR", "US", "IN", "SA"):
            assert catalogue.law_row(name, country) is not None, (name, country)


def test_all_errors_are_reported_at_once_with_their_lines(
    files: tuple[Path, Path], edit: Edit
) -> None:
    """Issue: schema-validated, all errors reported at once with file and line."""
    catalogue, rules = files
    edit(catalogue, "    kind: local_zone\n", "    kind: lokal_zone\n")
    edit(catalogue, "max_model_params_b: 13\n", 'max_model_params_b: "13B"\n')
    edit(catalogue, "    operations_effort: 0.95\n", "    operation_effort: 0.95\n")
    edit(catalogue, "needs: [batch_inference]", "needs: [batch_inferenze]")
    edit(catalogue, "data_classes: [alarms_raw, traffic_data]", "data_classes: [alarm_raw]")
    edit(catalogue, "  light: [claude-haiku-4-5, nova-lite]", "  light: [claude-haiku]")
    found = problems(catalogue, rules)
    assert len(found) == 7
    for text, words in (
        ("kind: lokal_zone", "tiers.local_zone.kind"),
        ('max_model_params_b: "13B"', "must be a plain number of billions of parameters"),
        ("operation_effort: 0.95", "unknown key; did you mean 'operations_effort'?"),
        ("batch_inferenze", "did you mean 'batch_inference'?"),
        ("data_classes: [alarm_raw]", "'alarm_raw' is not among `classes`; did you mean"),
        ("light: [claude-haiku]", "did you mean 'claude-haiku-4-5'?"),
    ):
        assert any(
            problem.startswith(f":{line_of(catalogue, text)}: ") and words in problem
            for problem in found
        ), (text, found)
    assert any("operations_effort: missing" in problem for problem in found)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("p95: 50.0,", 'p95: "50 ms",', "must be a plain number of milliseconds, got '50 ms'"),
        ("p95: 50.0,", "p95: 0.05,", "percentiles must not fall"),
        (
            "country: home",
            "country: Germany",
            "country: must be ISO 3166-1 alpha-2, such as DE, or",
        ),
        ("p95: 50.0,", "p95: 50000000,", "must be a plain number of milliseconds"),
        ("p95: 50.0,", "p95: true,", "must be a plain number of milliseconds"),
        ("rtt_ms: {p50: 30.0", "rtt_s: {p50: 30.0", "unknown key; did you mean 'rtt_ms'?"),
        ("cost_usd_per_hour: 25\n", "cost_usd_per_hour: 25 USD\n", "US dollars per hour"),
        ("sovereignty: 0.15", "sovereignty: 15", "weights.sovereignty"),
        ("transfer_usd_per_gb: 0.09", "transfer_usd_per_gb: -1", "US dollars per gigabyte"),
    ],
)
def test_wrong_units_are_errors_that_name_the_unit(
    files: tuple[Path, Path], edit: Edit, old: str, new: str, words: str
) -> None:
    """Issue: bad policy, wrong units: closed, with an error that names file, line and cure."""
    catalogue, rules = files
    edit(catalogue, old, new)
    found = problems(catalogue, rules)
    line = line_of(catalogue, new.strip())
    assert any(problem.startswith(f":{line}: ") and words in problem for problem in found), found


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("version: 1", "version: 2", "version"),
        ("boundary: country\n", "boundary: contry\n", "classes.incident_report.boundary"),
        (
            "once: {anonymized: country}",
            "once: {pseudonymized: any, anonymized: country}",
            "'country' is narrower than the same data with less done to it",
        ),
        ("once: {anonymized: country}", "once: {raw: country}", "classes.subscriber_pii.once"),
        ("  sa: [SA]", "  sa: [SA, DE]", "a country has one geography"),
        ("      SA: {framework: PDPL,", "      SB: {framework: PDPL,", "not among `jurisdictions`"),
        ("  region-global:\n", "  outposts:\n", "also a tier: give it another name"),
        ("    site: home\n", "", "a tier on premises needs `site`"),
        ("  fine_tuning:\n    title", "  fine_tuned:\n    title", "phase 'fine_tuning' is missing"),
        ("checked: 2026-11-01", "checked: 2026-13-01", "cannot be read"),
        ("country: home\n    site: home", "country: Germany\n    site: home", "country"),
        ("weights:\n", "weights: []\nweight:\n", "weights"),
        (
            "    kind: region\n    country: home\n    processing: geography",
            "    kind: outposts\n    site: home\n    country: home\n    processing: geography",
            "is on premises: list it under `tiers`",
        ),
    ],
)
def test_what_contradicts_or_leads_nowhere_is_refused(
    files: tuple[Path, Path], edit: Edit, old: str, new: str, words: str
) -> None:
    """Issue: an architect must be able to trust it, so nothing is guessed."""
    catalogue, rules = files
    edit(catalogue, old, new)
    assert any(words in problem for problem in problems(catalogue, rules))


def test_a_key_given_twice_is_an_error_and_not_the_last_one(
    files: tuple[Path, Path], edit: Edit
) -> None:
    """YAML: most readers silently keep the last; here that could widen a boundary."""
    catalogue, rules = files
    edit(
        catalogue,
        "  traffic_data:\n    title: Traffic and signalling data\n",
        "  traffic_data:\n    title: Traffic and signalling data\n    boundary: any\n",
    )
    second = line_of(catalogue, "title: Traffic and signalling data") + 3
    first = second - 2
    assert problems(catalogue, rules) == [
        f":{second}: 'boundary' is already given in line {first}: keep one"
    ]


def test_norway_is_a_country(files: tuple[Path, Path], edit: Edit) -> None:
    """YAML 1.1: a plain NO is false for most readers."""
    catalogue, rules = files
    edit(catalogue, "  us: [US]\n", "  us: [US]\n  nordic: [NO, IS]\n")
    assert load_policy(catalogue, rules).catalogue.geography_by_country["NO"] == "nordic"


def test_every_cut_of_the_file_is_refused(files: tuple[Path, Path]) -> None:
    """Issue: half-written reload: closed. A shorter catalogue can be valid YAML."""
    catalogue, rules = files
    whole = catalogue.read_text(encoding="utf-8")
    lines = whole.splitlines(keepends=True)
    for end in range(0, len(lines) - 1, 25):
        catalogue.write_text("".join(lines[:end]), encoding="utf-8")
        assert problems(catalogue, rules)
    catalogue.write_text(whole.removesuffix("...\n"), encoding="utf-8")
    assert "half-written? The last line of the file must be `...`" in problems(catalogue, rules)[0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "must be a mapping"),
        (b"- a\n...\n", "must be a mapping"),
        (b"a: [1\n", "not YAML"),
        (b"a: \xff\n", "not UTF-8"),
        (b"? [a]\n: 1\n...\n", "keys must be plain words"),
        (b"<<: {a: 1}\n...\n", "keys must be plain words"),
        (b"a: !!python/object/apply:os.system [true]\n...\n", "tags are not supported"),
        (b"a: &x [1]\nb: *x\n...\n", "aliases and tags are not supported"),
        (b"a: " + b"[" * 5000 + b"\n", "not YAML"),
        (b"a" * 4_000_001, "larger than 4 MB"),
        (b"version: 1\n...\n", "missing; give it a value"),
    ],
)
def test_what_is_no_catalogue_is_refused(files: tuple[Path, Path], data: bytes, words: str) -> None:
    """Us: nothing that can lie in a file may do more than be refused."""
    catalogue, rules = files
    catalogue.write_bytes(data)
    assert any(words in problem for problem in problems(catalogue, rules))


def test_missing_files_are_both_reported(tmp_path: Path) -> None:
    """Issue: missing file: closed, with an error that names the file and the cure."""
    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path / "catalogue.yaml", tmp_path / "rules.cedar")
    assert [str(problem) for problem in caught.value.problems] == [
        f"{tmp_path / 'catalogue.yaml'}: the file is missing; restore it or name another",
        f"{tmp_path / 'rules.cedar'}: the file is missing; restore it",
    ]
