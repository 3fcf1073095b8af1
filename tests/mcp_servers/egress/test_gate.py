"""The egress gate: the weakest form that the policy permits leaves, and nothing else does."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcp_servers.egress.budgets import EgressBudgets
from mcp_servers.egress.gate import LARGEST_ANSWER_BYTES, EgressGate, Release, detector_of
from mcp_servers.egress.ledger import EgressLedger
from mcp_servers.egress.pseudonyms import Pseudonymizer
from mcp_servers.serving.identity import LOCAL_CALLER, READ_SCOPES, STDIO_CALLER, Caller, SiteKeys
from mcp_servers.site_directory import BudgetSettings, SiteSettings
from placement import load_policy
from placement.catalogue_file import REFERENCE_CATALOGUE
from telecom.errors import BudgetExceededError, EgressRefusedError, TierwiseError
from telecom.identifiers import is_token
from telecom.workload import Home

IMSI = "262011234567890"
HOME = Home(site="north", country="DE", on_premises=True)


def caller(tier: str | None) -> Caller:
    return Caller(f"test/{tier}", "test", str(tier), tier, READ_SCOPES, "http")


REGION, SITE_TIER, OUTSIDE = caller("region"), caller("outposts"), caller(None)


@dataclass
class Site:
    gate: EgressGate
    ledger: EgressLedger
    pseudonyms: Pseudonymizer

    def released(
        self, answer: object, to: Caller, *classes: str, summary_field: str | None = None
    ) -> Any:
        release = Release(
            to, "summarize_alarms", classes or ("alarms_raw",), "inv-1", "oncall-7", summary_field
        )
        return self.gate.release(answer, release)


def open_site(store: Path, **settings: Any) -> Site:
    site = SiteSettings(site_id="north", country="DE", **settings)
    ledger = EgressLedger.open(store, SiteKeys.open(store / "keys").signing_key)
    pseudonyms = Pseudonymizer.open(store)
    gate = EgressGate(load_policy(), HOME, site, detector_of(site), pseudonyms, ledger)
    return Site(gate, ledger, pseudonyms)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    opened = open_site(tmp_path)
    yield opened
    opened.ledger.close()
    opened.pseudonyms.close()


ANSWER = {
    "brief": f"amf1 rejects SUPI imsi-{IMSI}, community: hunter22x",
    "evidence": {"a:1": {"quote": f"IMSI {IMSI} cell id 0x1F", "data_class": "alarms_raw"}},
}


def test_an_in_country_region_gets_pseudonyms(site: Site) -> None:
    """Design decision 7: where the row of class and country says so."""
    released = site.released(ANSWER, REGION)
    assert released.form == "pseudonymized"
    token = site.pseudonyms.token("SUBSCRIBER", IMSI)
    place = site.pseudonyms.token("LOCATION", "0x1F")
    assert released.value == {
        "brief": f"amf1 rejects SUPI imsi-{token}, community: [SECRET]",
        "evidence": {"a:1": {"quote": f"IMSI {token} cell id {place}", "data_class": "alarms_raw"}},
    }
    assert released.masked == {"SUBSCRIBER": 2, "SECRET": 1, "LOCATION": 1}


@pytest.mark.parametrize("to", [STDIO_CALLER, OUTSIDE, caller("no-such-tier")])
def test_outside_an_identifier_leaves_as_its_kind_alone(site: Site, to: Caller) -> None:
    """Design decision 7: nothing to link, nothing to reverse."""
    released = site.released(ANSWER, to)
    assert released.form == "anonymized"
    assert released.value == {
        "brief": "amf1 rejects SUPI imsi-[SUBSCRIBER], community: [SECRET]",
        "evidence": {
            "a:1": {"quote": "IMSI [SUBSCRIBER] cell id [LOCATION]", "data_class": "alarms_raw"}
        },
    }


@pytest.mark.parametrize("to", [LOCAL_CALLER, SITE_TIER])
def test_the_site_itself_sees_all_but_secrets(site: Site, to: Caller) -> None:
    """Design section 4: secrets are masked even on the site."""
    released = site.released(ANSWER, to)
    assert (released.form, released.masked) == ("raw", {"SECRET": 1})
    assert released.value == ANSWER | {
        "brief": f"amf1 rejects SUPI imsi-{IMSI}, community: [SECRET]"
    }


def test_open_classes_leave_as_they_are_unless_they_name_somebody(site: Site) -> None:
    """Us: a vendor document may go anywhere, a subscriber in it may not."""
    assert site.released({"text": "replace the fan"}, OUTSIDE, "vendor_docs").form == "raw"
    named = site.released({"text": f"seen with IMSI {IMSI}"}, REGION, "vendor_docs")
    assert (named.form, named.value) == ("anonymized", {"text": "seen with IMSI [SUBSCRIBER]"})
    assert site.released({"text": f"IMSI {IMSI}"}, SITE_TIER, "vendor_docs").form == "raw"


def test_a_long_answer_is_no_summary_and_the_refusal_says_what_would_be(site: Site) -> None:
    """Design section 3: summarized means what the gate measured."""
    long = {"brief": "link down", "lines": ["interface Hu0/0/0/1 down"] * 800}
    with pytest.raises(EgressRefusedError) as refusal:
        site.released(long, REGION)
    assert refusal.value.rule
    assert "at most 2000 tokens" in str(refusal.value.remedy)
    assert site.released(long, REGION, summary_field="brief").form == "pseudonymized"


@pytest.mark.parametrize(
    "classes", ["subscriber_identifier", "secrets", "content", "grey_area", "made_up"]
)
def test_a_closed_or_unknown_class_does_not_leave_in_any_form(site: Site, classes: str) -> None:
    """R8 and INTERFACES: an unknown data class counts as the most closed."""
    for to in (REGION, OUTSIDE):
        with pytest.raises(EgressRefusedError) as refusal:
            site.released({"a": "b"}, to, classes)
        assert refusal.value.rule
        assert refusal.value.remedy


def test_a_tool_without_a_declared_class_gets_nothing_out(site: Site) -> None:
    """Us: undeclared is refused, for the site's own shell, too."""
    for to in (REGION, LOCAL_CALLER):
        with pytest.raises(EgressRefusedError) as refusal:
            site.gate.release({}, Release(to, "rogue", ()))
        assert refusal.value.rule == "gate.undeclared_class"


@pytest.mark.parametrize(
    "answer", [b"bytes", {"a": b"bytes"}, {"a": object()}, {1: 2}, {"a": float("inf")}]
)
def test_an_unknown_shape_is_refused_and_leaves_no_trace_of_itself(
    site: Site, answer: object
) -> None:
    """Design section 4: unknown shape, refused."""
    with pytest.raises(EgressRefusedError):
        site.released(answer, REGION)
    assert site.ledger.entries() == []


def test_sizes_are_capped_with_a_way_to_ask_for_less(site: Site) -> None:
    """Us: 256 KB on the wire, and the token cap of site.yaml."""
    with pytest.raises(EgressRefusedError) as refusal:
        site.released({"a": "x" * LARGEST_ANSWER_BYTES}, LOCAL_CALLER, "vendor_docs")
    assert refusal.value.rule == "gate.size"
    with pytest.raises(BudgetExceededError, match="narrow it"):
        site.released({"a": "link down " * 9000}, OUTSIDE, "vendor_docs")


def test_the_ledger_has_an_answer_before_the_caller_and_describes_its_bytes(site: Site) -> None:
    """Design section 4: class, bytes, tokens, masked, decision, payload hash, for whom."""
    released = site.released(ANSWER, REGION)
    [entry] = site.ledger.entries("inv-1")
    payload = json.dumps(released.value, ensure_ascii=False, separators=(",", ":")).encode()
    assert (entry.hash, entry.payload_sha256) == (
        released.ledger_hash,
        hashlib.sha256(payload).hexdigest(),
    )
    assert (entry.bytes, entry.tokens, entry.masked, entry.records) == (
        len(payload),
        released.tokens,
        released.masked,
        1,
    )
    assert (entry.tier, entry.form, entry.decision_id, entry.on_behalf_of) == (
        "region",
        "pseudonymized",
        released.decision_id,
        "oncall-7",
    )
    assert IMSI not in site.ledger.entries()[0].model_dump_json()


def test_what_a_caller_says_about_itself_reaches_the_ledger_without_identifiers(site: Site) -> None:
    """Us: the ledger is shown to auditors."""
    site.gate.release(
        {"a": "b"},
        Release(REGION, "t", ("vendor_docs",), f"imsi-{IMSI}", f"x\x00{'y' * 500} {IMSI}"),
    )
    [entry] = site.ledger.entries()
    assert entry.investigation == "imsi-[SUBSCRIBER]"
    assert len(entry.on_behalf_of or "") <= 128


def test_the_same_question_has_the_same_decision_id(site: Site) -> None:
    """Design section 3: data, replayable, comparable."""
    first, second, other = (
        site.released(ANSWER, to).decision_id for to in (REGION, REGION, OUTSIDE)
    )
    assert first == second != other


def test_text_that_looks_like_a_pseudonym_is_escaped_unless_it_is_ours(site: Site) -> None:
    """Design section 4: nobody plants a pseudonym in a ticket."""
    ours = site.pseudonyms.token("SUBSCRIBER", IMSI)
    released = site.released({"t": f"{ours} SUBSCRIBER_k3f7x2mq7abc"}, REGION)
    assert released.value == {"t": f"{ours} SUBSCRIBER__k3f7x2mq7abc"}


def test_people_words_pass_as_text_and_twice_is_once(site: Site) -> None:
    """Design section 4: a question or comment may contain an identifier."""
    release = Release(REGION, "pseudonymize", ("tickets_raw",))
    once = site.gate.release_text(f"why can IMSI {IMSI} not attach?", release)
    assert is_token(str(once.value).split()[3])
    assert site.gate.release_text(str(once.value), release).value == once.value


def test_a_raw_identifier_in_an_argument_from_outside_is_refused(site: Site) -> None:
    """Design section 4: a hit, or the pseudonym in the answer, would confirm the guess."""
    for to in (REGION, STDIO_CALLER, OUTSIDE):
        with pytest.raises(EgressRefusedError) as refusal:
            site.gate.admit({"query": f"imsi {IMSI}"}, to)
        assert refusal.value.rule == "gate.raw_identifier_in_argument"
        assert IMSI not in str(refusal.value)
    for to in (LOCAL_CALLER, SITE_TIER):
        assert site.gate.admit({"query": f"imsi {IMSI}"}, to) == {"query": f"imsi {IMSI}"}


@pytest.mark.parametrize("digits", ["4917139200123", "447700900326", IMSI, "490154203237518"])
def test_a_bare_number_that_a_subscriber_may_have_is_a_guess_too(site: Site, digits: str) -> None:
    """Design section 4: whoever searches for a number need not say what it is."""
    for arguments in ({"query": f"any news of {digits}?"}, {"symptoms": ["down", digits]}):
        with pytest.raises(EgressRefusedError) as refusal:
            site.gate.admit(arguments, REGION)
        assert digits not in str(refusal.value)
    for harmless in ("20260301101500", "1772357400", "AS 4200000001", "100000000000"):
        assert site.gate.admit({"query": harmless}, REGION) == {"query": harmless}
    assert site.gate.admit({"alarm_id": "447700900326"}, REGION) == {"alarm_id": "447700900326"}


def test_a_pseudonym_in_an_argument_is_resolved_on_the_site(site: Site) -> None:
    """Design section 4: retrieval works on what the site has."""
    token = (
        site.released(ANSWER, REGION).value["brief"].split()[3].removeprefix("imsi-").rstrip(",")
    )
    arguments = {"query": f"history of {token}", "around": [token], "limit": 5, "flag": True}
    assert site.gate.admit(arguments, REGION) == {
        "query": f"history of {IMSI}",
        "around": [IMSI],
        "limit": 5,
        "flag": True,
    }


def test_arguments_are_cleaned_like_answers(site: Site) -> None:
    """FACTS: one lone surrogate kills a client and every concurrent call."""
    assert site.gate.admit({"q": "a\ud800\x00b\u202e"}, OUTSIDE) == {"q": "a\ufffdb"}
    with pytest.raises(EgressRefusedError):
        site.gate.admit({"q": b"x"}, OUTSIDE)


@pytest.mark.parametrize(
    ("budgets", "spent"),
    [
        ({"tokens_per_hour": 40}, "tokens_per_hour"),
        ({"records_per_hour": 2}, "records_per_hour"),
        ({"identifiers_per_hour": 2}, "identifiers_per_hour"),
    ],
)
def test_budgets_add_up_per_principal_whatever_the_investigation(
    tmp_path: Path, budgets: dict[str, int], spent: str
) -> None:
    """Design section 4: ask-back cannot drain a site page by page, nor can a restart help."""
    site = open_site(tmp_path, budgets=budgets)
    taken, refusal = _drain(site)
    assert refusal.budget == spent
    assert 0 < taken < 50
    site.released({"quote": "one"}, OUTSIDE)
    site.released({"quote": "two"}, LOCAL_CALLER)
    site.ledger.close()
    site.pseudonyms.close()
    again = open_site(tmp_path, budgets=budgets)
    assert _drain(again)[0] <= 1
    again.ledger.close()
    again.pseudonyms.close()


def _drain(site: Site) -> tuple[int, BudgetExceededError]:
    """Ask page by page, each time for another incident, until the budget refuses."""
    for number in range(50):
        release = Release(REGION, "get_ticket", ("alarms_raw",), f"inv-{number}")
        try:
            site.gate.release({"quote": f"IMSI 2620112345678{number:02d} lost"}, release)
        except BudgetExceededError as exc:
            return number, exc
    raise AssertionError("no budget was exceeded")


def test_a_budget_refills_after_an_hour() -> None:
    """Us: per hour means the last sixty minutes."""
    now = datetime(2026, 3, 1, 10, tzinfo=UTC)
    clock = iter([now, now, now + timedelta(minutes=59), now + timedelta(minutes=61)])
    budgets = EgressBudgets(BudgetSettings(tokens_per_hour=100), now=lambda: next(clock))
    budgets.spend("p", tokens=100, records=0, identifiers=())
    with pytest.raises(BudgetExceededError):
        budgets.spend("p", tokens=1, records=0, identifiers=())
    budgets.spend("p", tokens=100, records=0, identifiers=())


def test_an_edited_row_of_the_catalogue_changes_what_leaves(site: Site, tmp_path: Path) -> None:
    """R9: the policy decides, not the code."""
    catalogue = yaml.safe_load(REFERENCE_CATALOGUE.read_text(encoding="utf-8"))
    catalogue["classes"]["alarms_raw"]["once"] = {"anonymized+summarized": "any"}
    edited = tmp_path / "catalogue.yaml"
    edited.write_text(yaml.safe_dump(catalogue, sort_keys=False) + "...\n", encoding="utf-8")
    settings = SiteSettings(site_id="north", country="DE")
    gate = EgressGate(
        load_policy(edited), HOME, settings, site.gate.detector, site.pseudonyms, site.ledger
    )
    release = Release(REGION, "summarize_alarms", ("alarms_raw",))
    assert gate.release(ANSWER, release).form == "anonymized"


_CANARY: dict[str, Callable[[random.Random], tuple[str, str]]] = {
    "imsi": lambda r: ("IMSI {}", f"26201{r.randrange(10**10):010d}"),
    "supi": lambda r: ("supi=imsi-{}", f"310410{r.randrange(10**9):09d}"),
    "msisdn": lambda r: ("MSISDN {}", f"49171{r.randrange(10**7):07d}"),
    "tel": lambda r: ("tel:+{}", f"4915{r.randrange(10**9):09d}"),
    "imei": lambda r: ("IMEI: {}", f"35{r.randrange(10**13):013d}"),
    "iccid": lambda r: ("iccid={}", f"8949{r.randrange(10**15):015d}"),
    "suci": lambda r: ("suci-{}", f"0-262-01-0000-0-0-{r.randrange(10**10):010d}"),
    "tmsi": lambda r: ("5G-TMSI 0x{}", f"{r.randrange(16**7, 16**8):08X}"),
    "mail": lambda r: ("mail {}", f"user{r.randrange(10**6)}@customer.example"),
    "impu": lambda r: ("sip:{}", f"u{r.randrange(10**6)}@ims.example.net"),
    "ue ip": lambda r: ("UE IP {}", f"10.45.{r.randrange(256)}.{r.randrange(1, 255)}"),
    "mac": lambda r: ("client MAC {}", ":".join(f"{r.randrange(16, 256):02x}" for _ in range(6))),
    "name": lambda r: (
        "Reported by: {}",
        f"Xa{r.choice('bcdf')}er Qu{r.choice('aeio')}lle{r.choice('rst')}",
    ),
    "community": lambda r: ("snmp-server community {} ro", f"c{r.randrange(10**8)}x"),
    "password": lambda r: ("password: {}", f"Pw{r.randrange(10**8)}z"),
    "psk": lambda r: (" pre-shared-key {}", f"psk{r.randrange(10**8)}"),
    "hash": lambda r: ("secret 5 {}", f"$1$a{r.randrange(10**4):04d}$Ledl3D{r.randrange(10**8)}"),
}


@pytest.mark.parametrize("to", [REGION, OUTSIDE, STDIO_CALLER])
def test_no_canary_of_any_kind_leaves(tmp_path: Path, to: Caller) -> None:
    """Issue of the gate: random canaries of every kind, none in what leaves or is logged."""
    source = random.Random(20260301)
    canaries = [make(source) for _ in range(25) for make in _CANARY.values()]
    site = open_site(tmp_path)
    for start in range(0, len(canaries), 17):
        part = canaries[start : start + 17]
        answer = {
            "brief": "\n".join(text.format(value) for text, value in part),
            "keys": {text.format(value): index for index, (text, value) in enumerate(part)},
            "json": json.dumps([{"text": text.format(value)} for text, value in part]),
        }
        left = json.dumps(site.released(answer, to, summary_field="brief").value)
        assert [
            value for _, value in part if value in left or value in json.loads(left)["json"]
        ] == []
        assert all(
            text.format(value) in json.dumps(answer) for text, value in part if '"' not in text
        )
    ledger = (tmp_path / "egress.jsonl").read_text(encoding="utf-8")
    assert [value for _, value in canaries if value in ledger] == []
    site.ledger.close()


def test_a_refusal_repeats_nothing_of_the_answer(site: Site) -> None:
    """STYLE: no identifier in an exception message."""
    for classes in (("content",), ("alarms_raw",)):
        with pytest.raises(TierwiseError) as refusal:
            site.released({"a": f"IMSI {IMSI} " * 900}, replace(OUTSIDE), *classes)
        assert IMSI not in str(refusal.value)
