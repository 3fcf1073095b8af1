"""`tierwise console`: who may sign in at the NOC console that `tierwise serve --console` has."""

from __future__ import annotations

import getpass
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.command_line import notes, output, reported
from orchestrator.commands.settings_options import ConfigOption, settings_of

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from orchestrator.service.running import RunningService
    from orchestrator.settings import Settings

console_app = typer.Typer(
    help="The NOC console of `tierwise serve --console`: who may sign in.", no_args_is_help=True
)


class RoleName(StrEnum):
    """What somebody is in the NOC."""

    TIER_1 = "tier-1"
    TIER_2_3 = "tier-2/3"
    LEAD = "lead"
    AUDITOR = "auditor"
    ARCHITECT = "architect"


@console_app.command("link")
def link(
    name: Annotated[str, typer.Argument(help="Whom it signs in; records go by this name.")],
    role: Annotated[RoleName, typer.Option(help="As what.")] = RoleName.TIER_1,
    config: ConfigOption = None,
) -> None:
    """Print a link that signs somebody in, once, within ten minutes.

    For `console.sign_in: link`, the default. Whoever has the link is let in: hand it over yourself.

    Example: `tierwise console link "Ada Byron" --role tier-2/3`
    """
    with reported():
        import asyncio  # noqa: PLC0415

        require_console()
        settings = settings_of(config)
        if settings.console.sign_in != "link":
            from telecom.errors import SettingsError  # noqa: PLC0415

            raise SettingsError(
                f"people sign in by {settings.console.sign_in} here: a link would not let them in"
            )
        output.print(asyncio.run(_printed(name, role, settings)), soft_wrap=True, markup=False)


async def _printed(name: str, role: RoleName, settings: Settings) -> str:
    from orchestrator.console.sessions import Engineer, Sessions  # noqa: PLC0415
    from orchestrator.storage.state import open_state  # noqa: PLC0415

    async with open_state(settings.state_address) as state:
        sessions = Sessions(state.database)
        await sessions.prepare()
        secret = await sessions.issue_link(Engineer(name.strip(), name.strip(), role.value))
    at = f"http://{settings.service.host}:{settings.service.port}"
    return f"{settings.console.public_url or at}/sign-in?link={secret}"


def require_console() -> None:
    """Say how to install the console where it is missing.

    Raises:
        MissingExtraError: It is.
    """
    if find_spec("nicegui") is None:
        from telecom.errors import MissingExtraError  # noqa: PLC0415

        raise MissingExtraError("console", "the NOC console")


def console_door(settings: Settings) -> ConsoleDoor:
    """What `tierwise serve --console` puts on the service.

    Raises:
        MissingExtraError: The console is not installed.
    """
    require_console()
    return ConsoleDoor(settings)


class ConsoleDoor:
    """The console of a service that starts, and the first link into it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def open(
        self, app: Starlette, service: RunningService
    ) -> AbstractAsyncContextManager[object]:
        """Mount the console."""
        from orchestrator.console.desk import open_desk  # noqa: PLC0415
        from orchestrator.console.mounting import console_running, mount_console  # noqa: PLC0415

        desk = await open_desk(service)
        mount_console(app, desk)
        return console_running(app)

    async def invite(self, url: str, service: RunningService) -> None:
        """Print a link for whoever started the process, where links are the way in."""
        from orchestrator.console.sessions import Engineer, Sessions  # noqa: PLC0415

        public = self._settings.console.public_url or url.rstrip("/")
        if self._settings.console.sign_in != "link":
            notes.print(f"console: {public}/", soft_wrap=True)
            return
        who = getpass.getuser()
        secret = await Sessions(service.state.database).issue_link(Engineer(who, who, "lead"))
        notes.print(f"console: {public}/sign-in?link={secret}", soft_wrap=True, markup=False)
        notes.print(
            "[dim]it signs you in once, within ten minutes; `tierwise console link` "
            "prints another[/dim]"
        )
