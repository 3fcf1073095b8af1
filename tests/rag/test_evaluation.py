"""The measures are those of the literature."""

from __future__ import annotations

import math

import pytest

from rag.evaluation import evaluate, ndcg, read_qrels, recall, reciprocal_rank

GRADES = {"a": 3.0, "b": 2.0, "c": 1.0}


def test_measures_agree_with_a_hand_calculation() -> None:
    """Jarvelin and Kekalainen 2002 (nDCG), TREC (recall, reciprocal rank)."""
    found = ["x", "b", "a"]
    dcg = 2 / math.log2(3) + 3 / math.log2(4)
    ideal = 3 + 2 / math.log2(3) + 1 / math.log2(4)
    assert ndcg(found, GRADES) == pytest.approx(dcg / ideal)
    assert recall(found, GRADES, 2) == pytest.approx(1 / 3)
    assert reciprocal_rank(found, GRADES) == 0.5
    assert reciprocal_rank(["x"], GRADES) == 0.0
    assert ndcg(["a", "b", "c"], GRADES) == 1.0


def test_scores_are_means_over_judged_queries_with_an_interval() -> None:
    """Issue: nDCG@10, recall@k, MRR with confidence intervals."""
    qrels = read_qrels("1 0 a 1\n1 0 b 0\n\n2 0 b 1\n3 0 c 0\n")
    scores = evaluate(lambda text: ["a", "a", "b"], {"1": "x", "2": "y", "3": "z"}, qrels)
    assert scores.queries == 2
    assert scores.mrr.mean == 0.75
    assert scores.ndcg.low <= scores.ndcg.mean <= scores.ndcg.high
    assert scores.recall.mean == 1.0


def test_a_malformed_judgement_is_named() -> None:
    """Us: a shifted column would give silent nonsense."""
    with pytest.raises(ValueError, match="line 2"):
        read_qrels("1 0 a 1\n2 b 1\n")
