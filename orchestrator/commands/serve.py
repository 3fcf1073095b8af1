"""`tierwise serve`: the long-lived process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.command_line import notes, quiet_logs, reported
from orchestrator.commands.console import console_door
from orchestrator.commands.settings_options import ConfigOption, settings_of

if TYPE_CHECKING:
    from orchestrator.service.running import RunningService


def serve(
    *,
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Instead of service.host.")] = None,
    port: Annotated[int | None, typer.Option(help="Instead of service.port.")] = None,
    console: Annotated[
        bool, typer.Option("--console", help="The NOC console at /, too (extra `console`).")
    ] = False,
) -> None:
    """Take triggers, investigate them, tell the sinks; API, health and metrics on one port.

    SIGTERM stops it: what runs may finish for service.drain_seconds, the rest is handed back.

    Examples:
    - `tierwise serve --config tierwise.yaml`
    - `tierwise serve --console`: prints a link that signs you in, once
    """
    with reported():
        import gc  # noqa: PLC0415

        import uvloop  # noqa: PLC0415

        from orchestrator.service import serving  # noqa: PLC0415

        quiet_logs()
        settings = settings_of(config)
        listen = {"host": host, "port": port}
        given = {key: value for key, value in listen.items() if value is not None}
        settings = settings.model_copy(
            update={"service": settings.service.model_copy(update=given)}
        )
        door = console_door(settings) if console else None

        async def listening(url: str, service: RunningService) -> None:
            # What is loaded by now stays: looked through again, it stops everybody for 0.1 s.
            gc.collect()
            gc.freeze()
            notes.print(f"serving: {url}")
            if door is not None:
                await door.invite(url, service)

        uvloop.run(
            serving.serve(settings, listening=listening, pages=None if door is None else door.open)
        )
