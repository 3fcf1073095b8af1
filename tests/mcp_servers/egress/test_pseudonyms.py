"""Pseudonyms: typed, stable, the same for all spellings, reversible on the site only."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mcp_servers.egress.pseudonyms import Pseudonymizer
from telecom.identifiers import IdentifierKind, is_token

PROMISED = re.compile(r"[A-Z][A-Z0-9]*(_[a-z2-7]{6,12})+")


@pytest.fixture
def pseudonyms(tmp_path: Path) -> Pseudonymizer:
    return Pseudonymizer.open(tmp_path)


@pytest.mark.parametrize("kind", [kind for kind in IdentifierKind if kind != "SECRET"])
def test_a_pseudonym_has_the_promised_shape(
    kind: IdentifierKind, pseudonyms: Pseudonymizer
) -> None:
    """INTERFACES: `[A-Z][A-Z0-9]*(_[a-z2-7]{6,12})+`."""
    for number in range(50):
        token = pseudonyms.token(kind, f"10.0.{number}.17")
        assert PROMISED.fullmatch(token)
        assert token.startswith(f"{kind}_")
        assert is_token(token)


def test_pseudonyms_are_stable_over_restarts_and_differ_between_sites(tmp_path: Path) -> None:
    """Design section 4: stable per site, so that correlation works."""
    first = Pseudonymizer.open(tmp_path / "a")
    token = first.token("SUBSCRIBER", "262011234567890")
    first.close()
    assert Pseudonymizer.open(tmp_path / "a").token("SUBSCRIBER", "262011234567890") == token
    assert Pseudonymizer.open(tmp_path / "b").token("SUBSCRIBER", "262011234567890") != token


@pytest.mark.parametrize(
    ("kind", "spellings"),
    [
        (
            "SUBSCRIBER",
            ["+49 170 1234567", "491701234567", "0049-170-1234567", "msisdn-491701234567"],
        ),
        ("SUBSCRIBER", ["262011234567890", "imsi-262011234567890", "262 01 1234567890"]),
        (
            "SUBSCRIBER",
            ["262010123456789", "0-262-01-0000-0-0-0123456789", "suci-0-262-01-0-0-0-0123456789"],
        ),
        ("DEVICE", ["490154203237518", "49015420323751", "4901542032375101", "49-015420-323751-8"]),
        ("MAC", ["3c:22:fb:12:34:56", "3C-22-FB-12-34-56", "3c22.fb12.3456"]),
        ("EMAIL", ["Jane.Doe@Example.com", "jane.doe@example.com"]),
        ("IP", ["2001:db8::1", "2001:0DB8:0:0::1"]),
        ("PERSON", ["Megan  Payne", "megan payne"]),
    ],
)
def test_all_spellings_of_one_identifier_have_one_pseudonym(
    kind: str, spellings: list[str], pseudonyms: Pseudonymizer
) -> None:
    """3GPP TS 23.003: check digits, software versions and null-scheme SUCIs name the same thing."""
    assert len({pseudonyms.token(kind, spelling) for spelling in spellings}) == 1


def test_a_shared_subnet_shows_and_nothing_else_of_an_address(pseudonyms: Pseudonymizer) -> None:
    """Design section 4: `IP_<HMAC of its /24 or /64>_<HMAC of the address>`."""
    one, two, far = (
        pseudonyms.token("IP", address).split("_")
        for address in ("10.1.2.3", "10.1.2.4", "10.1.3.3")
    )
    assert one[1] == two[1] != far[1]
    assert len({one[2], two[2], far[2]}) == 3
    six, seven = (
        pseudonyms.token("IP", address).split("_")
        for address in ("2001:db8:1:2::3", "2001:db8:1:2:ffff::4")
    )
    assert six[1] == seven[1]


def test_a_pseudonym_resolves_to_what_was_first_seen_even_before_it_is_written(
    pseudonyms: Pseudonymizer,
) -> None:
    """INTERFACES: reveal gives the originals."""
    token = pseudonyms.token("SUBSCRIBER", "+49 170 1234567")
    assert pseudonyms.resolve(token) == "+49 170 1234567"
    pseudonyms.flush()
    pseudonyms.token("SUBSCRIBER", "491701234567")
    pseudonyms.flush()
    assert pseudonyms.resolve(token) == "+49 170 1234567"


def test_only_pseudonyms_of_this_site_are_resolved_in_a_text(pseudonyms: Pseudonymizer) -> None:
    """Us: anything else is text."""
    token = pseudonyms.token("SUBSCRIBER", "262011234567890")
    text = f"why {token}? SUBSCRIBER_a2b3c4d5e6f7 and DEVICE_notification"
    assert pseudonyms.resolve_text(text) == text.replace(token, "262011234567890")


def test_a_new_epoch_changes_every_pseudonym_and_forgetting_ends_the_old(
    pseudonyms: Pseudonymizer,
) -> None:
    """Design section 4: keys rotate by epoch, an epoch is forgotten by destroying its key."""
    old = pseudonyms.token("SUBSCRIBER", "262011234567890")
    epoch = pseudonyms.start_epoch()
    new = pseudonyms.token("SUBSCRIBER", "262011234567890")
    assert new != old
    assert pseudonyms.resolve(old) == pseudonyms.resolve(new) == "262011234567890"
    pseudonyms.forget_epoch(epoch - 1)
    assert pseudonyms.resolve(old) is None
    assert pseudonyms.resolve(new) == "262011234567890"


def test_threads_agree_on_every_pseudonym(pseudonyms: Pseudonymizer) -> None:
    """Us: the gate runs in several threads."""

    def tokens(_: int) -> list[str]:
        made = [pseudonyms.token("SUBSCRIBER", f"26201123456{n:04d}") for n in range(200)]
        pseudonyms.flush()
        return made

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(tokens, range(8)))
    assert all(result == results[0] for result in results)
    assert all(pseudonyms.is_known(token) for token in results[0])
