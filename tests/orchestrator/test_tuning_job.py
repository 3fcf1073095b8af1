"""From a site's masked training set to a job that the service would accept."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from orchestrator.cli import app

RUNNER = CliRunner()
EXAMPLE = {
    "messages": [
        {"role": "system", "content": "answer JSON"},
        {"role": "user", "content": "window ...; session of SUBSCRIBER_gxh7tj7vwbeu lost"},
        {"role": "assistant", "content": '{"managed_objects": ["pe1"]}'},
    ]
}
COMMON = [
    "--name",
    "noc-slm-1",
    "--role",
    "arn:aws:iam::123456789012:role/tuning",
    "--training",
    "s3://noc-tuning/training.jsonl",
    "--output",
    "s3://noc-tuning/out",
]
SAGEMAKER = ["--base-model", "s3://noc-tuning/base/", "--image", "example.net/trl:1"]
BEDROCK = ["--service", "bedrock", "--base-model", "amazon.nova-micro-v1:0"]


@pytest.fixture
def training_set(tmp_path):
    file = tmp_path / "training.jsonl"
    file.write_text((json.dumps(EXAMPLE) + "\n") * 8)
    return file


def request(file, *options):
    return RUNNER.invoke(app, ["tune", "request", str(file), *COMMON, *options])


def test_a_training_job_for_open_weights_is_valid_and_isolated(training_set) -> None:
    """R3; issue 5: the job specification is generated and validated offline."""
    done = request(training_set, *SAGEMAKER)
    assert done.exit_code == 0, done.output
    job = json.loads(done.stdout)
    assert job["TrainingJobName"] == "noc-slm-1"
    assert job["EnableNetworkIsolation"] is True
    assert [channel["ChannelName"] for channel in job["InputDataConfig"]] == ["train", "base"]
    assert "8 examples" in done.stderr
    assert "8 masked" in done.stderr


@pytest.mark.parametrize(
    ("teacher", "kind"), [("", "FINE_TUNING"), ("amazon.nova-pro-v1:0", "DISTILLATION")]
)
def test_bedrock_fine_tunes_or_distils(training_set, teacher, kind) -> None:
    """R3; issue 5: it is said where distillation fits."""
    done = request(training_set, *BEDROCK, "--teacher-model", teacher)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["customizationType"] == kind


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ([*SAGEMAKER, "--role", "tuning"], "RoleArn"),
        ([*SAGEMAKER, "--instance-type", "ml.t4.huge"], "InstanceType"),
        ([*SAGEMAKER, "--output", "/tmp/out"], "s3://bucket/key"),
        ([*BEDROCK, "--name", "a name"], "jobName"),
        (["--base-model", "s3://noc-tuning/base/"], "--image"),
    ],
)
def test_what_the_service_would_refuse_is_refused_here(training_set, options, why) -> None:
    """Issue 5: validated against the service model, every problem named."""
    done = request(training_set, *options)
    assert done.exit_code == 2
    assert why in done.stderr


@pytest.mark.parametrize("content", ["", "{}\n", '{"messages": "x"}\n', "not json\n", "[1]\n"])
def test_what_is_no_training_set_is_refused(tmp_path, content) -> None:
    """Us: a job that trains on rubbish costs hours."""
    file = tmp_path / "training.jsonl"
    file.write_text(content)
    assert request(file, *SAGEMAKER).exit_code == 2


def test_each_tier_has_an_artifact_that_its_hardware_can_run() -> None:
    """R3: the pipeline produces deployment artifacts for each tier; a T4 has no bf16."""
    done = RUNNER.invoke(app, ["tune", "targets", "--json"])
    targets = json.loads(done.stdout)
    assert {t["tier"] for t in targets} == {"region", "local_zone", "outposts", "ai_factory"}
    assert all("bf16" not in t["form"] for t in targets if "T4" in t["hardware"])
