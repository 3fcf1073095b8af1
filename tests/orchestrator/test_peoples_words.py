"""People's words pass the site before anything else of ours reads them."""

from __future__ import annotations

import pytest

from orchestrator.doubles.site import SiteDouble
from orchestrator.settings import SiteDeclaration
from orchestrator.site_access.peoples_words import masked_words
from telecom.errors import InvalidArgumentError

WORDS = "why does IMSI 262019876543210 fail?"


def declared(double, folder, token="right"):
    file = folder / "token"
    file.write_text(token)
    return SiteDeclaration(name="core", url=double.url, token_file=file)


def test_a_served_site_replaces_the_identifiers(summary, tmp_path):
    """DESIGN 4: the site's own `/pseudonymize`, with the site's credential."""
    with SiteDouble(summary, token="right") as site:
        masked = masked_words(WORDS, [declared(site, tmp_path)])
    assert masked == "why does IMSI SUBSCRIBER_aaaaaaaaaaaa fail?"


@pytest.mark.parametrize("reached", [True, False])
def test_without_a_site_that_can_do_it_an_identifier_is_refused(summary, tmp_path, reached):
    """DESIGN 4: the site out of reach, or its credential refused."""
    with SiteDouble(summary, token="right") as site:
        wrong = declared(site, tmp_path, "wrong")
        if reached:
            with pytest.raises(InvalidArgumentError, match="holds an identifier"):
                masked_words(WORDS, [wrong])
    with pytest.raises(InvalidArgumentError, match="holds an identifier"):
        masked_words(WORDS, [wrong])
    assert masked_words("why is cell1 down?", [wrong]) == "why is cell1 down?"


def test_a_long_bare_number_has_to_be_named(summary, tmp_path):
    """Us: unlabelled it may be anything, and a conversation is kept."""
    with SiteDouble(summary, token="right") as site:
        sites = [declared(site, tmp_path)]
        with pytest.raises(InvalidArgumentError, match="bare number"):
            masked_words("what if 4917012345 is faulty?", sites)
        assert masked_words("why INC20260301101500 again?", sites).startswith("why INC2026")
