"""The guide from an empty account, walked without one: what it types exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from deploy.aws.synthesis import Template, published_templates

ROOT = Path(__file__).resolve().parents[2]
GUIDES = ("aws.md", "deployment.md", "operations.md", "runbooks/outage.md")
OF_THE_CLI = {("cloudformation", "deploy"), ("eks", "update-kubeconfig")}
"""Commands that the AWS CLI adds to the services' own."""
OPTIONS_OF_ALL = {"query", "output", "region"}
COMMAND = re.compile(r"(?<![\w./-])aws ([a-z][a-z0-9-]+) ([a-z][a-z0-9-]+)([^`|;\n]*)")


def text_of(guide: str) -> str:
    """A guide with the lines of a command joined."""
    return (ROOT / "docs" / guide).read_text().replace("\\\n", " ")


def commands(guide: str) -> Iterator[tuple[str, str, set[str]]]:
    """Service, operation and options of every command of the AWS CLI in a guide."""
    for service, operation, rest in COMMAND.findall(text_of(guide)):
        options = {each.removeprefix("no-") for each in re.findall(r"--([a-z0-9-]+)", rest)}
        if (service, operation) not in OF_THE_CLI:
            yield service, operation, options - OPTIONS_OF_ALL


@pytest.fixture(scope="module")
def templates() -> dict[str, Template]:
    return published_templates()


def test_every_command_of_the_guides_is_one_that_aws_has() -> None:
    """Issue 12: each AWS fact comes with the command that answers it, so that must be one."""
    session = botocore.session.get_session()
    services = set(session.get_available_services())
    wrong = []
    for guide in GUIDES:
        for service, operation, options in commands(guide):
            model = session.get_service_model(service) if service in services else None
            names = {xform_name(each, "-"): each for each in model.operation_names} if model else {}
            if model is None or operation not in names:
                wrong.append(f"{guide}: aws {service} {operation}")
                continue
            shape = model.operation_model(names[operation]).input_shape
            known = {xform_name(each, "-") for each in (shape.members if shape else ())}
            wrong += [f"{guide}: aws {service} {operation} --{each}" for each in options - known]
    assert not wrong


def test_the_guide_gives_every_parameter_that_has_no_default_and_no_other(
    templates: dict[str, Template],
) -> None:
    """Issue 12: a platform engineer follows it from an empty account, without a failed stack."""
    given: dict[str, set[str]] = {}
    for stack, rest in re.findall(r"\bdeploy (tierwise-[a-z]+)([^\n`]*)", text_of("aws.md")):
        given.setdefault(stack, set()).update(re.findall(r"\b([A-Z][A-Za-z0-9]+)=", rest))
    assert set(given) == set(templates)
    for stack, template in templates.items():
        parameters = template["Parameters"]
        needed = {name for name, one in parameters.items() if "Default" not in one}
        assert needed <= given[stack] <= set(parameters)


def test_the_guide_reads_outputs_that_the_stacks_have(templates: dict[str, Template]) -> None:
    """Us: a name that no stack publishes reads as an empty word in a shell."""
    read = re.findall(r"\$\(out (tierwise-[a-z]+) ([A-Za-z]+)\)", text_of("aws.md"))
    assert read
    assert [each for each in read if each[1] not in templates[each[0]]["Outputs"]] == []


def test_no_template_is_too_large_to_be_deployed_without_a_bucket() -> None:
    """AWS: CloudFormation takes 51,200 bytes of template in a request; the guide has no bucket."""
    sizes = {file.stem: file.stat().st_size for file in (ROOT / "deploy/aws/templates").iterdir()}
    assert {name: size for name, size in sizes.items() if size > 51_200} == {}
