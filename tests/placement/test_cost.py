"""Token economics: the article's figures, and an honest answer when cost is no argument."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from placement import (
    AiFunction,
    TokenPrice,
    article_preset,
    assess_cost,
    cost_chart_svg,
    cost_chart_text,
)
from placement.cost import ARTICLE_FUNCTION, ARTICLE_PRICE, hourly_cost
from placement.reports import cost_report
from telecom.workload import LifecyclePhase

PRICE = TokenPrice(input=1.0, output=5.0, cached_input=0.1, source="test", date="2026-10-01")
CHEAP = TokenPrice(input=0.10, output=0.50, source="vendor price page", date="2026-10-01")


def function(**facts: object) -> AiFunction:
    return AiFunction.model_validate(
        {
            "name": "triage",
            "phase": LifecyclePhase.BATCH_INFERENCE,
            "data_classes": ["alarms_raw"],
            "events_per_hour": 100,
            "tokens_per_event": 10_000,
            **facts,
        }
    )


def test_the_preset_reproduces_the_articles_figures() -> None:
    """REFERENCE R12, R17: $52 raw, $20.80 at the 60 % floor, $5.20 at the 90 % target."""
    assert [(cost.label, cost.cost_usd) for cost in article_preset().totals] == [
        ("raw", 52.0),
        ("floor", 20.8),
        ("target", 5.2),
    ]


def test_output_loops_and_caching_are_paid_for() -> None:
    """Issue: output tokens, agent loops and caching belong to the cost."""
    work = function(output_tokens_per_event=500, agent_loops=3, cached_share=0.5)
    cost = hourly_cost(work, PRICE, 0.0)
    # 1 M input once, 2 M repeated of which half is cached; 150 k output.
    assert (cost.input_tokens, cost.output_tokens) == (3_000_000, 150_000)
    assert cost.cost_usd == pytest.approx(1.0 + 1.0 + 1.0 * 0.1 + 0.15 * 5.0)


def test_caching_without_a_cache_price_saves_nothing() -> None:
    """Us: an unknown price is no discount."""
    work = function(agent_loops=2, cached_share=1.0)
    assert hourly_cost(work, CHEAP, 0.0).cost_usd == pytest.approx(0.2)


def test_with_the_cheapest_models_cost_alone_does_not_justify_the_edge() -> None:
    """FACTS, Bedrock: raw text costs $2/h with the cheapest models; say so."""
    assessment = assess_cost((ARTICLE_FUNCTION,), CHEAP, edge_usd_per_hour=25.0)
    assert assessment.totals[0].cost_usd == 2.0
    assert not assessment.edge_justified_by_cost
    assert "cost alone does not justify the edge" in assessment.statement
    assert "Sovereignty, latency or data gravity may" in assessment.statement
    assert assessment.break_even_events_per_hour == pytest.approx(25.0 / 1.8 * 1000, rel=1e-4)


def test_the_articles_volume_pays_for_a_small_edge() -> None:
    """REFERENCE R12: 90 % less tokens at the edge."""
    assessment = assess_cost((ARTICLE_FUNCTION,), ARTICLE_PRICE, edge_usd_per_hour=25.0)
    assert (assessment.saved_usd_per_hour, assessment.net_usd_per_hour) == (46.8, 21.8)
    assert assessment.edge_justified_by_cost


def test_measured_compression_counts_instead_of_the_target_and_is_marked() -> None:
    """Issue: compression measured, with the floor and the target marked."""
    low = assess_cost((function(),), PRICE, edge_usd_per_hour=0.1, measured_compression=0.5)
    assert low.totals[-1].label == "measured"
    assert low.saved_usd_per_hour == 0.5
    assert "below the 60 % floor" in low.statement
    high = assess_cost((function(),), PRICE, edge_usd_per_hour=0.1, measured_compression=0.93)
    assert "at or above the 90 % target" in high.statement


def test_nothing_saved_never_breaks_even() -> None:
    """Us: no division by nothing, and a sentence that is true."""
    idle = assess_cost((function(events_per_hour=0),), PRICE, edge_usd_per_hour=1.0)
    assert idle.break_even_events_per_hour is None
    assert "at no volume" in idle.statement


def test_the_report_names_the_price_its_source_and_its_date() -> None:
    """Issue: price table with source and date."""
    page = cost_report(article_preset())
    assert "| **all** | **$52.00** | **$20.80** | **$5.20** |" in page
    assert ARTICLE_PRICE.source in page


def test_charts_show_every_compression_and_the_edge() -> None:
    """Issue: a chart of cost against events/hour and compression, SVG and terminal."""
    svg = cost_chart_svg(ARTICLE_FUNCTION, ARTICLE_PRICE, measured=0.93, edge_usd_per_hour=25)
    texts = [element.text for element in ET.fromstring(svg).iter() if element.text]
    for label in ("raw", "60 % floor", "90 % target", "93% measured", "edge capacity"):
        assert label in texts
    text = cost_chart_text(ARTICLE_FUNCTION, ARTICLE_PRICE)
    assert [line.split()[-1] for line in text.splitlines()[5:8]] == [
        "$52.00/h",
        "$20.80/h",
        "$5.20/h",
    ]
    assert cost_chart_text(function(events_per_hour=0), PRICE)
