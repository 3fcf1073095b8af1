"""Every command that the documents or a help text show is one that exists, with these options."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from typer.testing import CliRunner

from deploy.kubernetes.rendering import HERE, find_renderer
from mcp_servers.cli import app as site_app
from orchestrator.cli import app as cloud_app
from tests.conftest import REPOSITORY

DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
RUNBOOKS = sorted((REPOSITORY / "docs" / "runbooks").glob("*.md"))

_BLOCK = re.compile(r"^ *```console\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_ENDS = re.compile(r"\s(?:#|\||>|<|;|&&)\s?.*$")
_APPS = {"tierwise": cloud_app, "tierwise-site": site_app}
_COMMANDS: dict[str, Any] = {name: typer.main.get_command(app) for name, app in _APPS.items()}
"""Any: of typer's own click."""


def shown_commands(text: str) -> Iterator[list[str]]:
    """Our commands in the console blocks, also those that run inside a pod."""
    for block in _BLOCK.findall(text):
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            if not line.strip().startswith("$ "):
                continue
            words = shlex.split(_ENDS.sub("", line.strip()[2:]), comments=True)
            ours = [place for place, word in enumerate(words) if word in _APPS]
            if ours and (ours[0] == 0 or words[ours[0] - 1] == "--" or "=" in words[ours[0] - 1]):
                yield words[ours[0] :]


def parse(words: list[str]) -> None:
    """Parse a command line as the shell would hand it over; nothing is run."""
    command, name, rest = _COMMANDS[words[0]], words[0], words[1:]
    context = command.make_context(name, list(rest), resilient_parsing=True)
    while hasattr(command, "resolve_command"):
        name, command, rest = command.resolve_command(context, list(rest))
        assert command is not None, f"no command {' '.join(words[:3])}"
        grouped = hasattr(command, "resolve_command")
        context = command.make_context(name, list(rest), parent=context, resilient_parsing=grouped)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_every_shown_command_exists_with_its_options(document: Path) -> None:
    """Issue 12: runbooks with steps of commands that exist."""
    for words in shown_commands(document.read_text(encoding="utf-8")):
        if words[1:]:
            parse(words)


def leaves(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every command that does something, with what its help says."""
    if inner := getattr(command, "commands", None):
        for name, one in inner.items():
            yield from leaves(one, (*path, name))
    else:
        yield path, command.help or ""


HELPS = {
    " ".join(path): text
    for name, command in _COMMANDS.items()
    for path, text in leaves(command, (name,))
}
_EXAMPLES = re.compile(r"^ *Examples?\b.*", re.MULTILINE | re.DOTALL)
_ON_LINES = r"(tierwise(?:\S| (?! ))+(?:\n +--(?:\S| (?! ))+)*)"
_EXAMPLE = re.compile(
    rf"`[^`]*?\b(tierwise[^`]+)`|^ +(?:[A-Z_]+=\S+ )?{_ON_LINES}|^ *Example: {_ON_LINES}",
    re.MULTILINE,
)


@pytest.mark.parametrize("command", HELPS)
def test_the_help_of_a_command_shows_one_that_runs_as_it_stands(command: str) -> None:
    """House: --help with examples; each parses, and the help of a command shows that command."""
    examples = _EXAMPLES.search(HELPS[command])
    assert examples, command
    if command in _SHOWN_AS_CONFIGURATION:
        return
    found = [" ".join("".join(one).split()) for one in _EXAMPLE.findall(examples[0])]
    for example in found:
        parse(shlex.split(_ENDS.sub("", example)))
    assert any(example.startswith(command) for example in found), examples[0]


_SHOWN_AS_CONFIGURATION = {"tierwise mcp", "tierwise-site stdio"}
"""A client starts these; people never type them."""


@pytest.mark.parametrize("app", _APPS)
def test_both_halves_tell_their_version(app: str) -> None:
    """Us: the first thing that a report of a problem is asked for."""
    told = CliRunner().invoke(_APPS[app], ["--version"])
    assert (told.exit_code, told.output) == (0, f"{app} {version('tierwise')}\n")


def test_a_misspelt_command_would_be_found() -> None:
    """Us: a test of documents that never fails proves nothing."""
    lines = ("$ tierwise-site bakup site", "$ kubectl exec x -- tierwise doctor --all")
    for words in shown_commands("\n".join(("```console", *lines, "```\n"))):
        with pytest.raises(Exception, match=r"bakup|--all"):
            parse(words)


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda file: file.name)
def test_a_runbook_says_when_how_and_what_to_expect(runbook: Path) -> None:
    """Issue 12: each with when, steps, expected result; every link leads somewhere."""
    text = runbook.read_text(encoding="utf-8")
    if runbook.name != "README.md":
        assert "**When**" in text
        assert "**Expect**" in text
        assert list(shown_commands(text))
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (runbook.parent / target).exists(), target


def test_the_maintenance_patch_lets_the_sites_pod_wait(tmp_path: Path) -> None:
    """Issue 12: a store is restored in the pod that has its disk."""
    renderer = find_renderer()
    if renderer is None:
        pytest.skip("no kubectl and no kustomize on this machine")
    overlay = HERE / "overlays" / "outposts"
    patch = yaml.safe_load((HERE / "maintenance.yaml").read_text(encoding="utf-8"))
    header = {"apiVersion": "apps/v1", "kind": "StatefulSet"}
    meta = {"metadata": {"name": "site", "namespace": "tierwise-site"}}
    (tmp_path / "patch.yaml").write_text(yaml.safe_dump(header | meta | patch))
    (tmp_path / "kustomization.yaml").write_text(
        yaml.safe_dump(
            {
                "resources": [os.path.relpath(overlay, tmp_path)],
                "patches": [{"path": "patch.yaml"}],
            }
        )
    )
    (site,) = [
        one
        for one in renderer.render(tmp_path)
        if one["kind"] == "StatefulSet" and one["metadata"]["name"] == "site"
    ]
    (container,) = site["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["sleep", "86400"]
    assert not [key for key in container if key.endswith("Probe")]
