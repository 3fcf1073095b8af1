"""Synthesis: templates from the stacks, offline, without credentials and without npm.

The CDK for Python runs on node; a machine without one reads the published templates instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from deploy.aws.gateway_rules import rules_of, rules_of_the_reference

HERE = Path(__file__).resolve().parent
TEMPLATES = HERE / "templates"
OLDEST_NODE = 20

Template = dict[str, Any]  # a CloudFormation template

_NOTE = """\
# Made by `python -m deploy.aws --write` from deploy/aws/stacks; do not edit.
"""


def why_not() -> str | None:
    """Why this machine cannot synthesise, or None."""
    node = shutil.which("node")
    if node is None:
        return "there is no node (the CDK runs on it): install Node.js 22"
    said = subprocess.run(
        [node, "--version"], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    major = said.strip().removeprefix("v").split(".")[0]
    if not major.isdecimal() or int(major) < OLDEST_NODE:
        return f"node {said.strip()} is older than {OLDEST_NODE}: install Node.js 22"
    return None


def fresh_templates(site: Path | None = None) -> dict[str, Template]:
    """Templates by stack name, synthesised now.

    Args:
        site: A site directory whose policy and catalogue the Gateway's rules follow; None is the
            shipped reference.
    """
    rules = rules_of_the_reference() if site is None else rules_of(site)
    # Its banner names what works here as unsupported; the variable lists major versions.
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", str(OLDEST_NODE))
    from deploy.aws.stacks.all import synthesise  # noqa: PLC0415 - it starts node

    return synthesise(rules)


def published_templates() -> dict[str, Template]:
    """Templates by stack name, as they are published."""
    return {
        file.stem: yaml.safe_load(file.read_text("utf-8"))
        for file in sorted(TEMPLATES.glob("*.yaml"))
    }


def write_templates(templates: dict[str, Template], folder: Path) -> None:
    """Write templates, one file for each stack; what is there under another name goes."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.yaml"):
        stale.unlink()
    for name, template in templates.items():
        (folder / f"{name}.yaml").write_text(_NOTE + as_yaml(template), "utf-8")


def as_yaml(template: Template) -> str:
    """A template as text; the same template is the same text."""
    text: str = yaml.dump(template, Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True)
    return text


class _Dumper(yaml.SafeDumper):
    """Several lines stay several lines; nothing is an alias of something else."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Write everything out."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    )


_Dumper.add_representer(str, _text)
