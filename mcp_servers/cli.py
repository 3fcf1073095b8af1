"""`tierwise-site`: the site half from the shell."""

from __future__ import annotations

import sqlite3
import sys
from typing import Annotated

import typer

from mcp_servers.commands import (
    alarms,
    approvals,
    artifact,
    assess,
    backup,
    configs,
    desktop,
    doctor,
    egress,
    epochs,
    evaluate,
    gateway,
    keys,
    knowledge,
    knowledge_upkeep,
    model,
    salience,
    site,
    watching,
)
from mcp_servers.commands.output import say
from mcp_servers.commands.whole_help import whole_help
from telecom.errors import (
    EgressRefusedError,
    InvalidArgumentError,
    PlacementRefusedError,
    TierwiseError,
)
from telecom.file_access import told_problem

COULD_NOT = 1
WRONG_USAGE = 2
REFUSED_BY_POLICY = 3
INTERRUPTED = 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="""The site half of tierwise: alarms, tickets and configurations that stay on the site, and
    the gate through which answers leave.

    First steps: tierwise-site init site --sample; tierwise-site ingest site;
    tierwise-site summarize site; tierwise-site serve site""",
)
for command in (
    site.init,
    site.ingest,
    site.serve,
    watching.watch,
    site.stdio,
    site.token,
    alarms.normalize,
    alarms.summarize,
    alarms.incidents,
    knowledge.search,
    knowledge.confirm_cause,
    egress.anonymize,
    egress.reveal,
    backup.backup,
    backup.restore,
    doctor.doctor,
    gateway.gateway_policy,
    desktop.bundle,
):
    app.command()(command)
app.add_typer(approvals.app, name="approvals")
app.add_typer(artifact.app, name="artifact")
app.add_typer(assess.app, name="assess")
app.add_typer(configs.app, name="config")
app.add_typer(egress.ledger, name="ledger")
app.add_typer(epochs.app, name="epochs")
app.add_typer(keys.app, name="keys")
app.add_typer(salience.app, name="filter")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(knowledge_upkeep.app, name="knowledge")
app.add_typer(model.app, name="model")


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # noqa: PLC0415

        sys.stdout.write(f"tierwise-site {version('tierwise')}\n")
        raise typer.Exit


@app.callback()
def before_any_command(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Take what stands before the name of a command."""


def main() -> None:
    """Run a command; errors become one clear message and an exit code.

    0 done, 1 the work could not be done, 2 wrong usage, 3 refused by policy.
    """
    try:
        whole_help(app)()
    except InvalidArgumentError as exc:
        say(f"tierwise-site: {exc}")
        sys.exit(WRONG_USAGE)
    except (EgressRefusedError, PlacementRefusedError) as exc:
        say(f"tierwise-site: refused: {exc} (rule {exc.rule})")
        sys.exit(REFUSED_BY_POLICY)
    except TierwiseError as exc:
        say(f"tierwise-site: {exc}")
        sys.exit(COULD_NOT)
    except BrokenPipeError:
        sys.exit(COULD_NOT)
    except OSError as exc:
        say(f"tierwise-site: {told_problem(exc)}")
        sys.exit(COULD_NOT)
    except sqlite3.OperationalError as exc:
        say(
            f"tierwise-site: the store cannot be used now ({exc}); make room or mend the disk, "
            "then run this again: it goes on where it stopped"
        )
        sys.exit(COULD_NOT)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
