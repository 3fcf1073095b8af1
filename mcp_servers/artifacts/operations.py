"""What a command may ask about artifacts, in the process that owns the store."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from mcp_servers.artifacts.in_force import (
    CATALOGUE,
    MANIFEST,
    RULES,
    load_trusted_policy,
    policy_files,
    shelf_of,
)
from mcp_servers.artifacts.signed_files import Kind, signature_file
from mcp_servers.artifacts.version_shelf import VersionShelf
from mcp_servers.ownership.owner_protocol import JsonValue
from mcp_servers.ownership.store_owner import Arguments, Operation, Progress
from telecom.errors import InvalidArgumentError, SignatureRefusedError, StoreDamagedError

if TYPE_CHECKING:
    from mcp_servers.ownership.site_host import SiteHost

_ROLES = {".yaml": CATALOGUE, ".yml": CATALOGUE, ".cedar": RULES}


class ArtifactOperations:
    """Promote, roll back and examine what decides on an open site."""

    def __init__(self, host: SiteHost) -> None:
        self._host = host

    @property
    def operations(self) -> dict[str, Operation]:
        """Every operation by the name under which a command asks for it."""
        return {
            "promote_artifact": self.promote,
            "roll_back_artifact": self.roll_back,
            "verify_artifacts": self.verify,
        }

    def promote(self, arguments: Arguments, progress: Progress) -> JsonValue:
        """Put a release in force; what is not trusted or not sound changes nothing."""
        kind: Kind = arguments["kind"]
        files = [Path(file) for file in arguments["files"]]
        match kind:
            case "policy":
                return {"kind": kind, "in_force": self._promote_policy(files)}
            case "embedding":
                return {"kind": kind, "in_force": self._promote_embedding(files)}
            case "filter":
                return {"kind": kind} | self._promote_filter(files, progress)
            case _:
                assert_never(kind)

    def roll_back(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Put the version before the present one in force; None is what `site.yaml` names."""
        kind: Kind = arguments["kind"]
        if kind == "filter":
            return {"kind": kind, "in_force": self._host.filter_desk.roll_back()}
        version = shelf_of(self._host.site, kind).roll_back()
        if kind == "policy":
            self._host.live_policy.follow(*policy_files(self._host.site))
        return {"kind": kind, "in_force": version}

    def verify(self, _arguments: Arguments, _progress: Progress) -> JsonValue:
        """Each file that decides here, its version, and why it is refused where it is."""
        return [
            {"kind": kind, "file": str(file)} | self._verified(file, kind)
            for kind, file in self._deciding()
        ]

    def _deciding(self) -> list[tuple[Kind, Path]]:
        site, found = self._host.site, list[tuple[Kind, Path]]()
        found += [("policy", file) for file in policy_files(site) if file is not None]
        filter_name = self._host.filters.promotions[-1]
        if filter_name in self._host.filters.versions():
            found.append(("filter", site.store / "filters" / f"{filter_name}.json"))
        artifact = _embedding_manifest(shelf_of(site, "embedding"))
        return [*found, *([("embedding", artifact)] if artifact is not None else ())]

    def _verified(self, file: Path, kind: Kind) -> dict[str, JsonValue]:
        try:
            signed = self._host.trust.check(file, kind)
        except SignatureRefusedError as exc:
            return {"version": None, "refused": exc.why}
        return {"version": None if signed is None else signed.version, "refused": None}

    def _promote_policy(self, files: Sequence[Path]) -> str:
        roles = {_ROLES.get(file.suffix, ""): file for file in files}
        if "" in roles or len(roles) != len(files) or not files:
            raise InvalidArgumentError(
                "files", "a policy is a catalogue (.yaml), its rules (.cedar), or one of each"
            )
        site, trust = self._host.site, self._host.trust
        named = policy_files(site)

        def fill(draft: Path) -> None:
            for role, file in roles.items():
                _take(file, draft / role)
            load_trusted_policy(
                draft / CATALOGUE if CATALOGUE in roles else named[0],
                draft / RULES if RULES in roles else named[1],
                trust=trust,
            )

        version = trust.check_together(list(files), "policy") or _unsigned_version(files)
        shelf = shelf_of(site, "policy")
        shelf.put(version, fill)
        shelf.promote(version)
        self._host.live_policy.follow(*policy_files(site))
        return version

    def _promote_embedding(self, files: Sequence[Path]) -> str:
        from rag.model_artifact import ARTIFACT, find_artifact  # noqa: PLC0415 - numpy

        if len(files) != 1 or files[0].name != ARTIFACT:
            raise InvalidArgumentError(
                "files", f"this version embeds with a folder that `model build` made: {ARTIFACT}"
            )
        manifest = files[0] / MANIFEST
        signed = self._host.trust.check(manifest, "embedding")

        def fill(draft: Path) -> None:
            shutil.copytree(files[0], draft / ARTIFACT)
            self._host.trust.check(draft / ARTIFACT / MANIFEST, "embedding")
            if find_artifact(draft) is None:
                raise StoreDamagedError(f"{files[0]} is damaged: its digests do not hold")

        version = _unsigned_version([manifest]) if signed is None else signed.version
        shelf = shelf_of(self._host.site, "embedding")
        shelf.put(version, fill)
        shelf.promote(version)
        return version

    def _promote_filter(self, files: Sequence[Path], progress: Progress) -> dict[str, JsonValue]:
        if len(files) != 1:
            raise InvalidArgumentError("files", "a filter is one file, as `filter train` wrote it")
        version = self._host.filters.take_in(files[0])
        name, new, old = self._host.filter_desk.promote(version, progress)
        return {"in_force": name, "new": new.model_dump(), "old": old.model_dump()}


def _embedding_manifest(shelf: VersionShelf) -> Path | None:
    """The manifest of the artifact that is used; None while there is none."""
    from rag.model_artifact import find_artifact  # noqa: PLC0415 - numpy

    artifact = find_artifact(shelf.current)
    return None if artifact is None else artifact.folder / MANIFEST


def _take(file: Path, target: Path) -> None:
    """Copy a file with its signature, if it has one."""
    shutil.copyfile(file, target)
    if signature_file(file).is_file():
        shutil.copyfile(signature_file(file), signature_file(target))


def _unsigned_version(files: Sequence[Path]) -> str:
    """What an unsigned release is called: the same content, the same name."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return f"unsigned-{digest.hexdigest()[:12]}"
