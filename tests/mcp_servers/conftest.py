"""A gate over the real policy, vault and ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mcp_servers.egress.gate import EgressGate, detector_of
from mcp_servers.egress.ledger import EgressLedger
from mcp_servers.egress.pseudonyms import Pseudonymizer
from mcp_servers.serving.identity import SiteKeys, TokenIssuer, TokenVerifier, site_issuer
from mcp_servers.site_directory import BudgetSettings, CallerSettings, SiteSettings
from placement import Policy, load_policy
from telecom.workload import Home
from tests.mcp_servers.fixture_tools import SITE_ID, Guard


@pytest.fixture(scope="session")
def shipped_policy() -> Policy:
    """The reference policy; it never changes."""
    return load_policy()


@pytest.fixture
def guard(tmp_path: Path, shipped_policy: Policy) -> Iterator[Guard]:
    """The real gate, ledger, vault and keys in an empty store."""
    with opened_guard(tmp_path / "store", shipped_policy, BudgetSettings()) as guard:
        yield guard


@pytest.fixture
def patient_guard(tmp_path: Path, shipped_policy: Policy) -> Iterator[Guard]:
    """The same, of a site that lets a caller take out as much as it likes."""
    budgets = BudgetSettings(
        tokens_per_hour=10**9, records_per_hour=10**9, identifiers_per_hour=10**9
    )
    with opened_guard(tmp_path / "store", shipped_policy, budgets) as guard:
        yield guard


@contextmanager
def opened_guard(store: Path, policy: Policy, budgets: BudgetSettings) -> Iterator[Guard]:
    """What surrounds tools, over an empty store."""
    settings = SiteSettings(
        site_id=SITE_ID,
        country="DE",
        budgets=budgets,
        callers=(
            CallerSettings(issuer=site_issuer(SITE_ID), client="region", tier="region"),
            CallerSettings(issuer=site_issuer(SITE_ID), client="site", tier="outposts"),
        ),
    )
    keys = SiteKeys.open(store / "keys")
    with EgressLedger.open(store, keys.signing_key) as ledger:
        yield Guard(
            gate=EgressGate(
                policy,
                Home(site=SITE_ID, country="DE"),
                settings,
                detector_of(settings),
                Pseudonymizer.open(store),
                ledger,
            ),
            policy=policy,
            ledger=ledger,
            issuer=TokenIssuer(SITE_ID, keys),
            verifier=TokenVerifier.open(SITE_ID, keys, settings.callers),
        )
