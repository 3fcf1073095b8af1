"""The short kill soak; `make soak` is the long one."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.soak.killing import soak


@pytest.mark.skipif(not os.environ.get("CI"), reason="takes a minute: set CI, or `make soak`")
def test_killed_orchestrators_lose_nothing_and_do_nothing_twice(tmp_path: Path) -> None:
    """R24, issue 9: kill -9 over real processes; repeated reads at most the calls in flight."""
    state = str(tmp_path / "state.sqlite")
    outcome = asyncio.run(soak(tmp_path, state=state, incidents=20, kills=4))
    assert (outcome.incidents, outcome.lost, outcome.doubled) == (20, 0, 0)
    assert outcome.repeated_reads <= 4 * outcome.kills  # four investigations run at a time
