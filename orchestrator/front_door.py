"""From settings to a report: opens policy, state and sites for one investigation."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.investigation import Inquiry, Services, investigate
from orchestrator.settings import Settings
from orchestrator.sites import open_sites
from orchestrator.state import open_state
from placement.policy import load_policy
from telecom.report import RootCauseReport


async def run_investigation(
    inquiry: Inquiry, settings: Settings, *, progress: Callable[[str], None] = lambda step: None
) -> RootCauseReport:
    """Investigate once, and close everything again.

    Raises:
        TierwiseError: Settings, policy, state or every site failed; the message says what helps.
    """
    policy = load_policy(settings.policy.catalogue, settings.policy.rules)
    async with open_state(settings.state_file) as state, open_sites(settings) as sites:
        services = Services(settings, policy, sites, state)
        return await investigate(inquiry, services, progress=progress)
