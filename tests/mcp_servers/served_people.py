"""A site's pages for people, served on loopback, with everything that stands behind them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import httpx

from mcp_servers.egress.gate import EgressGate, detector_of
from mcp_servers.egress.guess_limit import GuessLimit
from mcp_servers.egress.ledger import EgressLedger
from mcp_servers.egress.pseudonyms import Pseudonymizer
from mcp_servers.serving.http_app import LOOPBACK_HOSTS, build_app
from mcp_servers.serving.identity import SiteKeys, TokenIssuer, TokenVerifier, site_issuer
from mcp_servers.serving.page_guard import PageGuard
from mcp_servers.serving.people_pages import PeoplePages
from mcp_servers.serving.rate_limits import RateLimiter
from mcp_servers.site_directory import (
    BudgetSettings,
    CallerSettings,
    RateSettings,
    ServingSettings,
    SiteSettings,
)
from placement import load_policy
from placement.live import LivePolicy, PolicyStatus
from telecom.workload import Home
from tests.mcp_servers.fixture_tools import serving
from tests.mcp_servers.own_certificate import certificate

SITE = "north"
_policy = lru_cache(load_policy)


@lru_cache
def _status() -> PolicyStatus:
    """Read once for all tests: it takes longer than most of them."""
    return LivePolicy().status


@dataclass
class People:
    """A served site and what is behind it."""

    url: str
    issuer: TokenIssuer
    verifier: TokenVerifier
    gate: EgressGate
    pseudonyms: Pseudonymizer
    ledger: EgressLedger
    guard: PageGuard

    def token(self, *scopes: str, caller: str = "region") -> str:
        """A token of this site, as its operator issues it."""
        return self.issuer.issue(scopes, caller, timedelta(minutes=5))

    def client(self) -> httpx.Client:
        """A browser: cookies, and the origin of the page it stands on."""
        return httpx.Client(base_url=self.url, headers={"Origin": self.url}, timeout=20)


@contextmanager
def served_people(
    folder: Path, *parents: str, name: str = SITE, tls: bool = False
) -> Iterator[People]:
    """Serve the pages of a site whose frames `parents` may hold."""
    settings = SiteSettings(
        site_id=SITE,
        country="DE",
        budgets=BudgetSettings(typed_identifiers_per_hour=5),
        callers=(CallerSettings(issuer=site_issuer(SITE), client="region", tier="region"),),
    )
    keys = SiteKeys.open(folder / "keys")
    verifier = TokenVerifier.open(SITE, keys, settings.callers)
    pseudonyms = Pseudonymizer.open(folder)
    guard = PageGuard(LOOPBACK_HOSTS, parents)
    with EgressLedger.open(folder, keys.signing_key) as ledger:
        gate = EgressGate(
            _policy(),
            Home(site=SITE, country="DE", on_premises=True),
            settings,
            detector_of(settings),
            pseudonyms,
            ledger,
        )
        pages = PeoplePages(
            name,
            gate,
            pseudonyms,
            ledger,
            verifier,
            guard,
            RateLimiter(RateSettings()),
            GuessLimit(settings.budgets.typed_identifiers_per_hour),
        )
        app = build_app(
            {},
            verifier,
            ServingSettings(),
            missing=lambda: (),
            policy=_status,
            people=pages.routes(),
        )
        pair = certificate(folder) if tls else None
        files = None if pair is None else (folder / pair.certificate, folder / pair.key)
        with serving(app, tls=files) as url:
            issuer = TokenIssuer(SITE, keys)
            yield People(url, issuer, verifier, gate, pseudonyms, ledger, guard)
    pseudonyms.close()
