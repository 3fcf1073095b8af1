"""All stacks in the order in which they are deployed, and the synthesis of them.

As a program it is the application that the `cdk` command runs.
"""

from __future__ import annotations

import tempfile
from typing import Any

from aws_cdk import App, Stack

from deploy.aws.gateway_rules import rules_of_the_reference
from deploy.aws.stacks.agentcore import agentcore_stack
from deploy.aws.stacks.cluster import cluster
from deploy.aws.stacks.network import network
from deploy.aws.stacks.site import site
from deploy.aws.stacks.state import state
from deploy.aws.stacks.watch import watch
from placement.second_lock import SecondLock

_FINDINGS_ARE_ERRORS = {"@aws-cdk/core:validateAgainstDefaultRules": True}
"""The CDK's own look at the templates stops a synthesis, not only cfn-lint's afterwards."""


def synthesise(rules: SecondLock) -> dict[str, dict[str, Any]]:
    """Templates by stack name, in the order of deployment."""
    with tempfile.TemporaryDirectory(prefix="tierwise-cdk-") as folder:
        app = _app(outdir=folder)
        stacks = _stacks(app, rules)
        assembly = app.synth()
        return {
            stack.stack_name: assembly.get_stack_by_name(stack.stack_name).template
            for stack in stacks
        }


def _app(outdir: str | None = None) -> App:
    """An application; without a folder it writes where the `cdk` command says."""
    return App(analytics_reporting=False, outdir=outdir, context=_FINDINGS_ARE_ERRORS)


def _stacks(app: App, rules: SecondLock) -> list[Stack]:
    return [
        network(app),
        state(app),
        agentcore_stack(app, rules),
        cluster(app),
        watch(app),
        site(app),
    ]


if __name__ == "__main__":
    application = _app()
    _stacks(application, rules_of_the_reference())
    application.synth()
