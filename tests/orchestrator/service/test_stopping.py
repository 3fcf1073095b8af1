"""The service stops in the same order for whoever presses Ctrl-C and for its supervisor."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from orchestrator.service import serving
from orchestrator.service.running import RunningService
from orchestrator.settings import load_settings


def serve_until(number: signal.Signals, folder: Path) -> None:
    """Serve, and send this process a signal as soon as requests are taken."""

    async def listening(_url: str, _service: RunningService) -> None:
        os.kill(os.getpid(), number)

    config = folder / "tierwise.yaml"
    config.write_text("state: state.sqlite\nservice: {port: 0}\n")
    settings = load_settings(config, environment={})
    asyncio.run(serving.serve(settings, listening=listening))


def test_a_supervisor_that_stops_the_service_sees_success(tmp_path: Path) -> None:
    """Issue 9: SIGTERM is how an orchestrated service ends, and it ended well."""
    serve_until(signal.SIGTERM, tmp_path)


def test_who_interrupts_the_service_gets_the_exit_code_of_an_interrupt(tmp_path: Path) -> None:
    """Issue 9: 130 as for every other command, after everything was handed back."""
    with pytest.raises(KeyboardInterrupt):
        serve_until(signal.SIGINT, tmp_path)
