"""`tierwise people`: how sites are told whom a question comes from, without a name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.command_line import output, reported
from orchestrator.commands.settings_options import ConfigOption, settings_of

if TYPE_CHECKING:
    from orchestrator.site_access.person_statements import PersonStatements

people_app = typer.Typer(
    no_args_is_help=True,
    help="""Whom this orchestrator acts for, as sites see it.

    A site's ledger names people by a pseudonym that only this orchestrator's key makes, and
    believes it where the site has the public key.""",
)


@people_app.command("key")
def show_key(config: ConfigOption = None) -> None:
    """Print the public key, for `statement_keys` of this caller's row in a site's `site.yaml`.

    The key is made at first use, beside the state; copies of one orchestrator share the file.

    Example: `tierwise people key > orchestrator-keys.json`
    """
    with reported():
        output.file.write(json.dumps(_statements(config).key_set, indent=2) + "\n")


@people_app.command("pseudonym")
def show_pseudonym(
    name: Annotated[str, typer.Argument(help="A login name, or the name of a principal.")],
    config: ConfigOption = None,
) -> None:
    """Print the pseudonym of somebody, to find them in a site's ledger.

    Example: `tierwise people pseudonym akeller`
    """
    with reported():
        output.file.write(_statements(config).pseudonym(name) + "\n")


def _statements(config: ConfigOption) -> PersonStatements:
    from orchestrator.site_access.person_statements import PersonStatements  # noqa: PLC0415

    settings = settings_of(config)
    return PersonStatements.open(settings.statement_key)
