"""What the orchestrator tells a site about the person it acts for, and how the site may trust it.

A statement is a signed JWT in a request's metadata: which pseudonym, for which investigation, for
which site, until when. The orchestrator signs it with its own key; a site verifies it with the
public key that its `site.yaml` has for that caller. Both halves word it here.
"""

from __future__ import annotations

import re

ON_BEHALF_OF_META = "tierwise/on_behalf_of"
"""Where it stands in a request's `_meta`."""

STATEMENT_TYPE = "tierwise-person+jwt"
"""The `typ` of its header, so that no other token of the same key is taken for one."""

STATEMENT_SECONDS = 300
"""How long one holds; a site accepts none that claims longer."""

CLOCK_LEEWAY_SECONDS = 60
"""How far the two clocks may be apart."""

PERSON_PSEUDONYM = re.compile(r"PERSON_(?=[a-z2-7]*[2-7])[a-z2-7]{12}")
"""Whom it names: 12 of base32 with at least one digit, as every pseudonym."""

UNVERIFIED = "unverified"
"""What a ledger says when somebody was named and nobody vouched for it."""


def statement_audience(site_id: str) -> str:
    """For which site a statement is: the name under which the site issues and takes tokens."""
    return f"tierwise-site:{site_id}"
