"""Tuning jobs: the request that would fine-tune a small model in a Region, checked offline.

The request is made and validated against the service model that ships with botocore; nothing is
sent. What a site exported (`tierwise-site filter export`) is the training set; what comes back is
quantized for each target as `TARGETS` says.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from telecom.errors import InvalidArgumentError, MissingExtraError
from telecom.tokens import estimate_tokens

Service = Literal["sagemaker", "bedrock"]

_ROLES = ("system", "user", "assistant")
_S3 = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[^\s]*)?")
_MASKED = re.compile(r"\b[A-Z][A-Z0-9]*_[a-z2-7]{6,12}\b|\[[A-Z_]{2,}\]")
_FEWEST = 8
_LONGEST_DAYS = 1


@dataclass(frozen=True, slots=True)
class Target:
    """An artifact that one kind of tier can run, and why in this form."""

    tier: str
    hardware: str
    form: str
    because: str


TARGETS = (
    Target("region", "L4, L40S or larger", "bf16", "the tuned weights as they are: the reference"),
    Target(
        "local_zone",
        "what the zone offers",
        "fp8 or int8",
        "half the memory of bf16; fp8 needs Ada or newer",
    ),
    Target(
        "outposts",
        "T4 (sm_75), 16 GB",
        "AWQ int4, fp16 activations",
        "no bf16 and no FP8; 7-8B fits one card, 13B needs two",
    ),
    Target("outposts", "CPU only", "GGUF Q4_K_M", "llama.cpp, no GPU: slow, for a small site"),
    Target("ai_factory", "Blackwell or Trainium3", "bf16 or fp8", "memory does not bind there"),
)
"""Sources: what a T4 computes (NVIDIA), llama.cpp's quantization types. Unverified on AWS."""


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """A training set as it was checked."""

    examples: int
    tokens: int
    masked: int
    """Pseudonyms and placeholders in it."""


@dataclass(frozen=True, slots=True)
class TuningPlan:
    """Where a job reads, writes and runs."""

    name: str
    role_arn: str
    training_s3: str
    output_s3: str
    base_model: str
    """Bedrock: a model id or ARN. SageMaker: the S3 prefix of the base weights."""
    image: str = ""
    """SageMaker: the training container."""
    instance_type: str = "ml.g6.12xlarge"
    teacher_model: str = ""
    """Bedrock: distil from this model instead of fine-tuning on the answers."""


def check_training_set(file: Path) -> TrainingSet:
    """Read a training set and see that every line is one chat example.

    Raises:
        InvalidArgumentError: Unreadable, too few examples, or a line of another shape.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidArgumentError("FILE", f"{file} cannot be read: {exc}") from exc
    tokens = masked = 0
    for number, line in enumerate(lines, start=1):
        texts = _texts_of(line)
        if texts is None:
            raise InvalidArgumentError(
                "FILE",
                f"{file}:{number} is no chat example; `tierwise-site filter export` writes them",
            )
        tokens += sum(map(estimate_tokens, texts))
        masked += sum(len(_MASKED.findall(text)) for text in texts)
    if len(lines) < _FEWEST:
        raise InvalidArgumentError(
            "FILE", f"{file} has {len(lines)} examples, a job needs at least {_FEWEST}"
        )
    return TrainingSet(len(lines), tokens, masked)


def _texts_of(line: str) -> list[str] | None:
    """The texts of a chat example; None for anything else."""
    try:
        messages = json.loads(line)["messages"]
        roles = tuple(message["role"] for message in messages)
        texts = [message["content"] for message in messages]
    except (ValueError, TypeError, LookupError):
        return None
    return texts if roles == _ROLES and all(isinstance(text, str) for text in texts) else None


def tuning_request(service: Service, plan: TuningPlan) -> dict[str, Any]:
    """The request of a tuning job, valid by the service's own model (its shape, hence Any).

    Args:
        service: `sagemaker` (CreateTrainingJob) for open weights, `bedrock`
            (CreateModelCustomizationJob) for what Bedrock customizes or distils.
        plan: Where it reads, writes and runs.

    Raises:
        InvalidArgumentError: The service model refuses it; every problem is named.
        MissingExtraError: botocore is not installed.
    """
    for name, place in (("--training", plan.training_s3), ("--output", plan.output_s3)):
        if not _S3.fullmatch(place):
            raise InvalidArgumentError(name, f"{name} must be s3://bucket/key, got {place!r}")
    if service == "sagemaker":
        request, operation = _training_job(plan), "CreateTrainingJob"
    else:
        request, operation = _customization_job(plan), "CreateModelCustomizationJob"
    _validate(service, operation, request)
    return request


def _training_job(plan: TuningPlan) -> dict[str, Any]:
    if not plan.image:
        raise InvalidArgumentError("--image", "a SageMaker job needs --image, its container")
    return {
        "TrainingJobName": plan.name,
        "RoleArn": plan.role_arn,
        "AlgorithmSpecification": {"TrainingImage": plan.image, "TrainingInputMode": "File"},
        # LoRA on a 4-bit base: one machine of 24 GB cards holds a 13B model.
        "HyperParameters": {
            "method": "qlora",
            "lora_rank": "16",
            "epochs": "3",
            "learning_rate": "0.0002",
            "max_tokens": "4096",
        },
        "InputDataConfig": [
            _channel("train", plan.training_s3),
            _channel("base", plan.base_model),
        ],
        "OutputDataConfig": {"S3OutputPath": plan.output_s3},
        "ResourceConfig": {
            "InstanceType": plan.instance_type,
            "InstanceCount": 1,
            "VolumeSizeInGB": 200,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": _LONGEST_DAYS * 86_400},
        # Even masked data is nobody's business but the job's.
        "EnableNetworkIsolation": True,
        "EnableInterContainerTrafficEncryption": True,
    }


def _channel(name: str, place: str) -> dict[str, Any]:
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": place,
        "S3DataDistributionType": "FullyReplicated",
    }
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def _customization_job(plan: TuningPlan) -> dict[str, Any]:
    request: dict[str, Any] = {
        "jobName": plan.name,
        "customModelName": plan.name,
        "roleArn": plan.role_arn,
        "baseModelIdentifier": plan.base_model,
        "customizationType": "DISTILLATION" if plan.teacher_model else "FINE_TUNING",
        "trainingDataConfig": {"s3Uri": plan.training_s3},
        "outputDataConfig": {"s3Uri": plan.output_s3},
    }
    if plan.teacher_model:
        teacher = {
            "teacherModelIdentifier": plan.teacher_model,
            "maxResponseLengthForInference": 1000,
        }
        request["customizationConfig"] = {"distillationConfig": {"teacherModelConfig": teacher}}
    else:
        request["hyperParameters"] = {"epochCount": "3"}
    return request


def _validate(service: Service, operation: str, request: dict[str, Any]) -> None:
    """Check types, required members, lengths, patterns and closed sets, as the service would."""
    try:
        from botocore.session import Session  # noqa: PLC0415 - half a second, only here
        from botocore.validate import ParamValidator  # noqa: PLC0415 - as above
    except ImportError as exc:
        raise MissingExtraError("cloud", "validating a tuning job") from exc
    shape = Session().get_service_model(service).operation_model(operation).input_shape
    report = ParamValidator().validate(request, shape)
    problems = [report.generate_report()] if report.has_errors() else []
    problems += _mismatches(request, shape, operation)
    if problems:
        raise InvalidArgumentError("plan", f"{operation} would be refused: {'; '.join(problems)}")


def _mismatches(value: Any, shape: Any, path: str) -> list[str]:
    """Patterns and closed sets, which botocore leaves to the service; shapes are untyped."""
    if isinstance(value, dict) and shape.type_name == "structure":
        return [
            problem
            for name, item in value.items()
            for problem in _mismatches(item, shape.members[name], f"{path}.{name}")
        ]
    if isinstance(value, list):
        return [p for item in value for p in _mismatches(item, shape.member, path)]
    if not isinstance(value, str):
        return []
    allowed = getattr(shape, "enum", [])
    if allowed and value not in allowed:
        return [f"{path} must be one of the service's {len(allowed)} values, got {value!r}"]
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        return [f"{path} does not match {pattern!r}, got {value!r}"]
    return []
