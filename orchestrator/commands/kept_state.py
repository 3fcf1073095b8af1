"""A look into the state that orchestrators keep, for one question."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator.commands.settings_options import settings_of

if TYPE_CHECKING:
    from orchestrator.storage.state import State

Result = TypeVar("Result")


def with_state(config: Path | None, look: Callable[[State], Coroutine[Any, Any, Result]]) -> Result:
    """Open the state for one question."""
    import asyncio  # noqa: PLC0415

    from orchestrator.incidents.tables import TABLES  # noqa: PLC0415
    from orchestrator.storage.state import open_state  # noqa: PLC0415

    async def run() -> Result:
        async with open_state(settings_of(config).state_address) as state:
            await state.database.create_tables(TABLES)
            return await look(state)

    return asyncio.run(run())
