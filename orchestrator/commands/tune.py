"""`tierwise tune`: from a site's masked training set to a job request, and back to each tier."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.command_line import notes, output, print_json, reported

tune_app = typer.Typer(
    help="Fine-tune a small model in a Region and bring it back quantized: the request is made "
    "and checked offline, nothing is sent.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


class TuningService(StrEnum):
    """Who would run the job."""

    SAGEMAKER = "sagemaker"
    BEDROCK = "bedrock"


@tune_app.command()
def request(  # noqa: PLR0917 - a command's options are named on the command line
    training_set: Annotated[
        Path, typer.Argument(metavar="FILE", help="What `tierwise-site filter export` wrote.")
    ],
    name: Annotated[str, typer.Option(help="Name of the job and of the model.")],
    role: Annotated[str, typer.Option(help="ARN of the role that the job assumes.")],
    training: Annotated[str, typer.Option(help="Where FILE will lie: s3://bucket/key.")],
    output_place: Annotated[str, typer.Option("--output", help="Where the model goes: s3://...")],
    base_model: Annotated[
        str, typer.Option(help="SageMaker: s3:// prefix of open weights. Bedrock: a model id.")
    ],
    service: Annotated[TuningService, typer.Option(help="Who runs it.")] = TuningService.SAGEMAKER,
    image: Annotated[str, typer.Option(help="SageMaker: the training container.")] = "",
    instance_type: Annotated[str, typer.Option(help="SageMaker.")] = "ml.g6.12xlarge",
    teacher_model: Annotated[
        str, typer.Option(help="Bedrock: distil from this model instead of fine-tuning.")
    ] = "",
) -> None:
    """Print the request of a tuning job as JSON, valid by the service's own model.

    Example: `tierwise tune request training.jsonl --name noc-slm-1
    --role arn:aws:iam::123456789012:role/tuning --training s3://my-bucket/training.jsonl
    --output s3://my-bucket/out --base-model s3://my-bucket/base/ --image IMAGE`
    """
    from orchestrator.assessments.tuning_job import (  # noqa: PLC0415 - a command imports its heavy half
        TuningPlan,
        check_training_set,
        tuning_request,
    )

    with reported():
        found = check_training_set(training_set)
        plan = TuningPlan(
            name=name,
            role_arn=role,
            training_s3=training,
            output_s3=output_place,
            base_model=base_model,
            image=image,
            instance_type=instance_type,
            teacher_model=teacher_model,
        )
        print_json(json.dumps(tuning_request(service.value, plan), indent=2))
    notes.print(
        f"{found.examples} examples, about {found.tokens} tokens, {found.masked} masked values; "
        "checked against the service model, not sent"
    )


@tune_app.command()
def targets(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show in which form a tuned model goes to each tier.

    Example: `tierwise tune targets`
    """
    from rich.table import Table  # noqa: PLC0415 - as above

    from orchestrator.assessments.tuning_job import TARGETS  # noqa: PLC0415 - as above

    if as_json:
        print_json(json.dumps([asdict(target) for target in TARGETS], indent=2))
        return
    table = Table("tier", "hardware", "form", "because", title="Artifacts of a tuned small model")
    for target in TARGETS:
        table.add_row(target.tier, target.hardware, target.form, target.because)
    output.print(table)
