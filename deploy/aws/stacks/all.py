"""All stacks in the order in which they are deployed, and the synthesis of them."""

from __future__ import annotations

import tempfile
from typing import Any

from aws_cdk import App

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
        app = App(analytics_reporting=False, outdir=folder, context=_FINDINGS_ARE_ERRORS)
        stacks = (
            network(app),
            state(app),
            agentcore_stack(app, rules),
            cluster(app),
            watch(app),
            site(app),
        )
        assembly = app.synth()
        return {
            stack.stack_name: assembly.get_stack_by_name(stack.stack_name).template
            for stack in stacks
        }
