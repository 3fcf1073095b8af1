"""Pseudonyms have one shape; raw text that has it by accident or intent is told apart."""

from __future__ import annotations

import re

import pytest

from telecom.identifiers import escape_lookalikes, find_tokens, is_token

PROMISED = re.compile(r"[A-Z][A-Z0-9]*(_[a-z2-7]{6,12})+")


def test_text_that_looks_like_a_pseudonym_is_escaped_once() -> None:
    """Design section 4: nobody plants a pseudonym in a ticket."""
    escaped = escape_lookalikes("seen SUBSCRIBER_k3f9x2mq7abc and IP_k3f7x2mq_a2b3c4d5e6f7 twice")
    assert escape_lookalikes("SUBSCRIBER_k3f7x2mq7abc") == "SUBSCRIBER__k3f7x2mq7abc"
    assert PROMISED.search(escape_lookalikes("SUBSCRIBER_k3f7x2mq7abc")) is None
    assert escape_lookalikes(escaped) == escaped
    assert find_tokens(escaped) == []


def test_a_token_of_ours_stays() -> None:
    """Us: people paste pseudonyms from reports into questions."""
    token = "SUBSCRIBER_k3f7x2mq7abc"
    assert escape_lookalikes(f"why {token}?", lambda known: known == token) == f"why {token}?"


@pytest.mark.parametrize(
    "word",
    [
        "DEVICE_notification",
        "BGP_neighbor",
        "SUBSCRIBER_k3f",
        "subscriber_k3f7x2mq7abc",
        "MAC_address",
    ],
)
def test_words_are_no_tokens(word: str) -> None:
    """Us: vendor mnemonics stay verbatim."""
    assert escape_lookalikes(word) == word
    assert not is_token(word)
