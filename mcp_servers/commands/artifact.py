"""`artifact`: what is made elsewhere and decides here, signed and promoted by version."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mcp_servers.commands.output import print_json, print_table, progress_bar, say
from mcp_servers.commands.site import AsJson, Directory
from telecom.errors import InvalidArgumentError

app = typer.Typer(
    no_args_is_help=True,
    help="""Release policies, salience filters and embedding models, and take them in.

    Whoever releases signs with `artifact sign`; `artifacts.trusted_keys` in site.yaml says whom
    the site trusts. From then on it loads nothing that no such key signed; the last good version
    stays. Without a trusted key, nothing has to be signed.""",
)

KindArgument = Annotated[str, typer.Argument(metavar="KIND", help="policy, filter or embedding.")]
_KINDS = ("policy", "filter", "embedding")


@app.command()
def sign(
    kind: KindArgument,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="What is released.")],
    version: Annotated[str, typer.Option(help="Such as 2026.11.1; each is used once.")],
    key: Annotated[Path, typer.Option(metavar="FILE", help="Ed25519 private key, PEM.")],
) -> None:
    """Write FILE.sig beside each file; needs no site.

    Of an embedding model, sign the `manifest.json` in its folder. The key is made once, kept where
    releases are made, and never on a site: openssl genpkey -algorithm ed25519 -out release.pem

    Example:
        tierwise-site artifact sign policy catalogue.yaml rules.cedar --version 2026.11.1
        --key release.pem
    """
    from mcp_servers.artifacts.signed_files import read_release_key, sign_file

    chosen: Any = _known(kind)
    release_key = read_release_key(key)
    for file in files:
        say(f"{sign_file(file, kind=chosen, version=version, key=release_key)}: {kind} {version}")


@app.command()
def verify(directory: Directory, as_json: AsJson = False) -> None:
    """Check every file that decides on the site against its trusted keys; exit code 1 if not.

    Example:
        tierwise-site artifact verify site
    """
    found = _call(directory, "verify_artifacts", {})
    if as_json:
        print_json(found)
    else:
        print_table(
            "what decides here",
            ("kind", "file", "version", "refused because"),
            [(each["kind"], each["file"], each["version"], each["refused"]) for each in found],
        )
    if any(each["refused"] for each in found):
        sys.exit(1)


@app.command()
def promote(
    directory: Directory,
    kind: KindArgument,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The release.")],
    as_json: AsJson = False,
) -> None:
    """Take a release in and put it in force.

    What is not signed by a trusted key, was altered, or does not validate is refused, and the
    version in force stays. A policy decides from the next call on, without a restart. A filter
    must be better than the present one, as with `filter promote`. An embedding model is used from
    the next start on.

    Examples:
        tierwise-site artifact promote site policy catalogue.yaml rules.cedar

        tierwise-site artifact promote site filter filter-0007.json
    """
    wanted = {"kind": _known(kind), "files": [str(file.absolute()) for file in files]}
    _show(_call(directory, "promote_artifact", wanted), as_json=as_json)


@app.command()
def rollback(directory: Directory, kind: KindArgument, as_json: AsJson = False) -> None:
    """Put the version before the present one in force.

    Example:
        tierwise-site artifact rollback site policy
    """
    _show(_call(directory, "roll_back_artifact", {"kind": _known(kind)}), as_json=as_json)


def _known(kind: str) -> str:
    if kind not in _KINDS:
        raise InvalidArgumentError("KIND", f"KIND is one of {', '.join(_KINDS)}, got {kind!r}")
    return kind


def _show(done: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(done)
    else:
        say(f"{done['kind']} in force: {done['in_force'] or 'what site.yaml names'}")


def _call(directory: Path, operation: str, arguments: dict[str, Any]) -> Any:
    """Ask the owner of the store; arguments and answer are JSON, hence Any."""
    from mcp_servers.commands.opening import open_site

    with open_site(directory) as site, progress_bar() as progress:
        return site.call(operation, arguments, progress=progress)
