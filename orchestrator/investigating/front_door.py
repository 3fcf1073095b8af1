"""From settings to a report: opens policy, state and sites for one investigation."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.investigating.investigation import Inquiry, Services, investigate
from orchestrator.settings import Settings
from orchestrator.site_access.sites import open_sites
from orchestrator.storage.state import open_state
from placement.live import LivePolicy
from placement.policy import load_policy
from telecom.report import RootCauseReport


async def run_investigation(
    inquiry: Inquiry,
    settings: Settings,
    *,
    policies: LivePolicy | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> RootCauseReport:
    """Investigate once, and close everything again.

    Args:
        inquiry: What is to be investigated.
        settings: Of this process.
        policies: For a process that lives longer than one investigation: each is decided by the
            version that is in force when it begins. None reads the files, and fails if they do not
            validate.
        progress: Called with the name of each finished step.

    Raises:
        TierwiseError: Settings, policy, state or every site failed; the message says what helps.
    """
    if policies is None:
        policy = load_policy(settings.policy.catalogue, settings.policy.rules)
    else:
        policy = policies.current()
    async with (
        open_state(settings.state_address) as state,
        open_sites(settings, state.database) as sites,
    ):
        services = Services(settings, policy, sites, state)
        return await investigate(inquiry, services, progress=progress)
