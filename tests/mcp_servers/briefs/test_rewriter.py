"""A small model may say the brief in better words, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.models.openai_double import Answer, Flood, OpenAiDouble, Raw, Silent, Truncated
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.site_directory import SiteDirectory
from telecom.times import Window, parse_instant
from telecom.tokens import estimate_tokens
from tests.mcp_servers.small_site import IMSI, SITE_YAML, WINDOW, make_site

PERIOD = Window(*map(parse_instant, WINDOW))


def given_to(message: str) -> str:
    """The brief in what a model was asked."""
    return message.partition("\nBRIEF\n")[2].rpartition("\nEND")[0]


def in_better_words(message: str) -> str:
    """What a good small model does: the same facts without the headings."""
    lines = [line.strip() for line in given_to(message).splitlines()]
    return "\n".join(line for line in lines if not line.endswith(":"))


def with_a_lie(message: str) -> str:
    return in_better_words(message).replace("10.0.12.2", "10.0.99.9", 1)


def without_its_proof(message: str) -> str:
    return "\n".join(
        line for line in in_better_words(message).splitlines() if "[alarm:" not in line
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """One small site for all of them; each test declares its own model server."""
    return make_site(tmp_path_factory.mktemp("rewriting") / "site")


def declare(folder: Path, url: str, *, tier: str = "outposts", seconds: float = 20.0) -> None:
    server = f"{{base_url: '{url}', model: qwen, tier: {tier}, seconds: {seconds}}}"
    (folder / "site.yaml").write_text(f"{SITE_YAML}edge_slm: {server}\n")


def summarized(folder: Path, url: str, *, tier: str = "outposts", seconds: float = 20.0):
    """The summary of a site whose briefs a model at `url` rewrites, and what its ledger got."""
    declare(folder, url, tier=tier, seconds=seconds)
    host = SiteHost(SiteDirectory.open(folder))
    try:
        known = len(host.ledger.entries())
        summary = host.alarms.summarize(PERIOD, 2000)
        return summary, host.ledger.entries()[known:]
    finally:
        host.close()


def test_a_rewritten_brief_that_keeps_every_fact_stands(site) -> None:
    """Issue 5, part 6: the model rewrites the brief, never the raw window, through the gate."""
    with OpenAiDouble(Answer(in_better_words)) as double:
        summary, ledger = summarized(site, double.base_url)
    assert summary.rewriting is not None
    assert (summary.rewriting.stands, summary.rewriting.model) == ("rewritten", "qwen")
    assert "messages, most telling" not in summary.brief
    assert [(entry.tool, entry.tier) for entry in ledger] == [("rewrite_brief", "outposts")]
    asked = double.requests[0]["messages"][-1]["content"]
    assert given_to(asked).startswith("window 2026-03-01T10:00:00Z")
    assert estimate_tokens(given_to(asked)) < summary.tokens_before


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (Answer(with_a_lie), "not in the brief"),
        (Answer(without_its_proof), "proofs"),
        (Answer(lambda message: in_better_words(message) * 30), "tokens of at most"),
        (Answer(lambda message: in_better_words(message).splitlines()[0]), "loses"),
        (Answer(in_better_words, finish="length"), "stopped early"),
        (Answer(""), "said nothing"),
        (Truncated("window"), "ended before"),
        (Silent(), "1 s"),
        (Flood(), "longer than"),
        (Flood(lines=False), "longer than"),
        (Raw(b"<html>busy</html>", status=503), "503"),
        (Raw(b'data: {"choices": [{"delta": \n\n'), "protocol"),
        (Raw(b"data: " + b"[" * 100_000 + b"\n\n"), "protocol"),
        (Raw(b'data: {"usage": 7, "choices": []}\n\n'), "protocol"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_otherwise_the_extracted_brief_stands_and_the_answer_says_why(site, behaviour, why) -> None:
    """Issue 5, part 6: a double that lies, truncates, is slow, floods or is broken."""
    with OpenAiDouble(behaviour) as double:
        patience = 1.0 if isinstance(behaviour, Silent) else 20.0
        summary, _ = summarized(site, double.base_url, seconds=patience)
    assert summary.rewriting is not None
    assert summary.rewriting.stands == "extracted"
    assert why in summary.rewriting.why
    assert summary.brief.startswith("window 2026-03-01T10:00:00Z")


def test_a_server_that_is_down_is_not_asked_again_at_once(site) -> None:
    """Issue 5: a dead model must not delay every question of a storm."""
    declare(site, "http://127.0.0.1:9/v1")
    host = SiteHost(SiteDirectory.open(site))
    try:
        first = host.alarms.summarize(PERIOD, 2000).rewriting
        second = host.alarms.summarize(PERIOD, 1500).rewriting
    finally:
        host.close()
    assert first is not None
    assert "connection failed" in first.why
    assert second is not None
    assert "not asked" in second.why


@pytest.mark.parametrize("tier", ["nowhere", "region"])
def test_what_a_server_gets_is_what_its_tier_may_read(site, tier) -> None:
    """Issue 5: the URL is a declared tier instance, else refused; the gate decides by it."""
    with OpenAiDouble(Answer(in_better_words)) as double:
        summary, ledger = summarized(site, double.base_url, tier=tier)
    assert summary.rewriting is not None
    assert len(double.requests) == len(ledger) == (0 if tier == "nowhere" else 1)
    assert IMSI not in str(double.requests)
    if tier == "nowhere":
        assert "the gate refused it" in summary.rewriting.why
