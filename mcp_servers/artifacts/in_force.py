"""What decides on a site now: its policy and its embedding model, opened only when trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mcp_servers.artifacts.signed_files import TrustedKeys
from mcp_servers.artifacts.version_shelf import VersionShelf
from mcp_servers.site_directory import SiteDirectory
from placement.policy import Policy, load_policy
from telecom.errors import PolicyError, PolicyProblem, SignatureRefusedError

if TYPE_CHECKING:
    from rag.embedding import Embedder

CATALOGUE, RULES = "catalogue.yaml", "rules.cedar"
MANIFEST = "manifest.json"
"""What is signed of an embedding model: it has the digest of the graph."""


def shelf_of(site: SiteDirectory, kind: str) -> VersionShelf:
    """The promoted versions of a kind of artifact."""
    return VersionShelf(site.store / "artifacts" / kind)


def policy_files(site: SiteDirectory) -> tuple[Path | None, Path | None]:
    """Catalogue and rules in force: the promoted version's, else those that `site.yaml` names.

    None is the shipped reference.
    """
    promoted = shelf_of(site, "policy").current
    named = site.settings.policy
    found = list[Path | None]()
    for own, file in ((CATALOGUE, named.catalogue), (RULES, named.rules)):
        if promoted is not None and (promoted / own).is_file():
            found.append(promoted / own)
        else:
            found.append(None if file is None else site.path / file)
    return found[0], found[1]


def load_trusted_policy(
    catalogue: Path | None, rules: Path | None, *, trust: TrustedKeys
) -> Policy:
    """Load a policy whose files a trusted key signed; the shipped reference needs no signature.

    Raises:
        PolicyError: A file is not trusted, or does not validate; lists every problem.
    """
    files = [file for file in (catalogue, rules) if file is not None]
    _check(files, trust)
    policy = load_policy(catalogue, rules)
    _check(files, trust)  # what was read is what was checked: nobody changed it in between
    return policy


def _check(files: list[Path], trust: TrustedKeys) -> None:
    try:
        trust.check_together(files, "policy")
    except SignatureRefusedError as exc:
        raise PolicyError([PolicyProblem(exc.file, None, exc.why)]) from exc


def open_trusted_embedder(site: SiteDirectory, trust: TrustedKeys) -> Embedder:
    """Open the embedder that `site.yaml` names, from the promoted version where there is one.

    Raises:
        SignatureRefusedError: The artifact is not signed by a trusted key.
        SettingsError: No such engine, or it cannot run this model.
        MissingExtraError: What it needs is not installed.
        StoreDamagedError: The installed weights are not the pinned ones.
    """
    from rag.embedding import OnnxEmbedder, open_embedder  # noqa: PLC0415 - numpy, half a second

    settings = site.settings.embedding
    embedder = open_embedder(
        settings.model, settings.engine, models=shelf_of(site, "embedding").current
    )
    if isinstance(embedder, OnnxEmbedder):
        trust.check(embedder.artifact.folder / MANIFEST, "embedding")
    elif trust.demanded:
        raise SignatureRefusedError(
            settings.model, "the engine 'torch' loads weights that cannot be signed"
        )
    return embedder
