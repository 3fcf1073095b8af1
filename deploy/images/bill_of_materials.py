"""What is in an image and under which licence, as CycloneDX reads it.

Read from the wheels that the image is installed from, so that the list cannot say more or less.
The packages of the base are the base's own to list.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

UNKNOWN = "not stated"
_LONGEST_NAME = 60
"""A licence field longer than this holds the licence's text, which is no name."""


@dataclass(frozen=True, slots=True)
class Component:
    """One distribution in an image."""

    name: str
    version: str
    licence: str
    """As the distribution states it: an SPDX expression where it has one; else `not stated`."""
    sha256: str
    """Of the wheel."""

    @property
    def wants_a_lawyer(self) -> bool:
        """Whether its licence is not stated, or copyleft without an alternative."""
        copyleft = "GPL" in self.licence and " OR " not in self.licence
        return copyleft or self.licence == UNKNOWN


def read_components(wheels: Path) -> list[Component]:
    """The distributions of a folder of wheels, by name."""
    return sorted((_read_wheel(file) for file in wheels.glob("*.whl")), key=lambda one: one.name)


def cyclonedx(components: Sequence[Component], image: str) -> dict[str, Any]:
    """The components as a CycloneDX 1.6 document.

    Source: CycloneDX 1.6 JSON schema; purl type `pypi` (package-url/purl-spec).
    """
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": image, "bom-ref": image}},
        "components": [
            {
                "type": "library",
                "bom-ref": f"pkg:pypi/{_normalized(one.name)}@{one.version}",
                "purl": f"pkg:pypi/{_normalized(one.name)}@{one.version}",
                "name": one.name,
                "version": one.version,
                "hashes": [{"alg": "SHA-256", "content": one.sha256}],
                "licenses": [] if one.licence == UNKNOWN else [{"license": {"name": one.licence}}],
            }
            for one in components
        ],
    }


def write_bill(half: str, wheels: Path) -> tuple[Path, list[Component]]:
    """Write the bill of an image beside its wheels; returns the file and what is in it."""
    components = read_components(wheels)
    file = wheels.with_name(f"{wheels.name.replace('wheels-', 'tierwise-')}.cdx.json")
    file.write_text(json.dumps(cyclonedx(components, f"tierwise-{half}"), indent=1) + "\n")
    return file, components


def _read_wheel(file: Path) -> Component:
    with zipfile.ZipFile(file) as wheel:
        name = next(one for one in wheel.namelist() if one.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(wheel.read(name).decode())
    return Component(
        name=metadata["Name"],
        version=metadata["Version"],
        licence=_licence(metadata),
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
    )


def _licence(metadata: Message) -> str:
    """The SPDX expression, else the classifiers, else the free field where it is a name."""
    expression = metadata["License-Expression"]
    if expression:
        return str(expression)
    prefix = "License :: "
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in metadata.get_all("Classifier", [])
        if line.startswith(prefix)
    ]
    classifiers = [one for one in classifiers if one != "OSI Approved"]
    if classifiers:
        return " AND ".join(sorted(classifiers))
    free = str(metadata["License"] or "").strip()
    return free if free and "\n" not in free and len(free) <= _LONGEST_NAME else UNKNOWN


def _normalized(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
