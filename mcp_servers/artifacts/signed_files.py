"""Signatures of artifacts: `FILE.sig` beside a file, made by whoever releases, checked on the site.

Without a trusted key in `site.yaml` nothing is demanded. With one, a policy, a filter or an
embedding model that no such key has signed is not loaded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field, ValidationError

from mcp_servers.serving.identity import key_id
from mcp_servers.site_directory import SiteDirectory
from telecom.errors import SettingsError, SignatureRefusedError
from telecom.schema import ProductModel

Kind = Literal["policy", "filter", "embedding"]
KINDS: tuple[Kind, ...] = ("policy", "filter", "embedding")

_SIGNED_FOR = b"tierwise artifact\0"
_LARGEST_SIGNATURE = 4096
VERSION = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


class ArtifactSignature(ProductModel):
    """What stands in `FILE.sig`."""

    format: Literal[1] = 1
    kind: Kind
    version: str = Field(pattern=VERSION)
    sha256: str
    """Of the file."""
    key_id: str
    signed_at: datetime
    signature: str = ""
    """Ed25519 over everything else, in hex."""

    def signed_bytes(self) -> bytes:
        """What the signature is over."""
        content = self.model_dump(mode="json", exclude={"signature"})
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return _SIGNED_FOR + text.encode()


def signature_file(file: Path) -> Path:
    """Where the signature of a file stands."""
    return file.with_name(f"{file.name}.sig")


def sign_file(file: Path, *, kind: Kind, version: str, key: Ed25519PrivateKey) -> Path:
    """Write the signature of a file beside it.

    Raises:
        SettingsError: The file cannot be read or its signature written; or the version is no name.
    """
    try:
        unsigned = ArtifactSignature(
            kind=kind,
            version=version,
            sha256=_sha256(file),
            key_id=key_id(key.public_key()),
            signed_at=datetime.now(UTC),
        )
        signature = key.sign(unsigned.signed_bytes()).hex()
        signed = unsigned.model_copy(update={"signature": signature})
        target = signature_file(file)
        target.write_text(signed.model_dump_json(indent=1) + "\n", encoding="utf-8")
    except ValidationError as exc:
        raise SettingsError(f"a version is 1 to 64 of A-Z a-z 0-9 . _ -, got {version!r}") from exc
    except OSError as exc:
        raise SettingsError(f"{file} cannot be signed: {exc.strerror}") from exc
    return target


def read_release_key(file: Path) -> Ed25519PrivateKey:
    """Read the key that releases are signed with.

    Raises:
        SettingsError: It is no Ed25519 private key in PEM.
    """
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise SettingsError(f"{file} cannot be read as a private key: {exc}") from exc
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"{file} must hold an Ed25519 key; openssl genpkey makes one")
    return key


class TrustedKeys:
    """The public keys that a site's artifacts must be signed with; none demands nothing."""

    def __init__(self, keys: Iterable[Ed25519PublicKey]) -> None:
        self._keys = {key_id(key): key for key in keys}

    @classmethod
    def of(cls, site: SiteDirectory) -> TrustedKeys:
        """Read the keys that `artifacts.trusted_keys` of `site.yaml` names.

        Raises:
            SettingsError: One of them is no Ed25519 public key in PEM.
        """
        files = site.settings.artifacts.trusted_keys
        return cls(_read_public_key(site.path / file) for file in files)

    @property
    def demanded(self) -> bool:
        """Whether anything has to be signed."""
        return bool(self._keys)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the keys, as signatures name them."""
        return tuple(self._keys)

    def check(self, file: Path, kind: Kind) -> ArtifactSignature | None:
        """See that a file is what a trusted key signed; None where nothing is demanded.

        Raises:
            SignatureRefusedError: It is not signed, was altered, is of another kind, or is signed
                by somebody else.
        """
        if not self.demanded:
            return None
        signed = read_signature(file)
        key = self._keys.get(signed.key_id)
        if key is None:
            raise SignatureRefusedError(
                str(file), f"signed with key {signed.key_id}, which site.yaml does not trust"
            )
        try:
            key.verify(bytes.fromhex(signed.signature), signed.signed_bytes())
        except (InvalidSignature, ValueError) as exc:
            raise SignatureRefusedError(str(file), "its signature was altered") from exc
        if signed.kind != kind:
            raise SignatureRefusedError(str(file), f"signed as {signed.kind}, not as {kind}")
        try:
            found = _sha256(file)
        except OSError as exc:
            raise SignatureRefusedError(str(file), f"it cannot be read ({exc.strerror})") from exc
        if found != signed.sha256:
            raise SignatureRefusedError(str(file), "altered since it was signed")
        return signed

    def check_together(self, files: Sequence[Path], kind: Kind) -> str | None:
        """See that files are of one signed version; its name, None where nothing is demanded.

        Raises:
            SignatureRefusedError: One does not hold, or they are of different versions.
        """
        signed = [self.check(file, kind) for file in files]
        versions = {each.version for each in signed if each is not None}
        if len(versions) > 1:
            raise SignatureRefusedError(
                str(files[0]), f"of another version than its sibling: {', '.join(sorted(versions))}"
            )
        return next(iter(versions), None)


def read_signature(file: Path) -> ArtifactSignature:
    """Read what stands beside a file, without asking who signed it.

    Raises:
        SignatureRefusedError: There is no signature, or it cannot be read.
    """
    try:
        with signature_file(file).open("rb") as stream:
            return ArtifactSignature.model_validate_json(stream.read(_LARGEST_SIGNATURE))
    except OSError as exc:
        raise SignatureRefusedError(str(file), "not signed") from exc
    except ValidationError as exc:
        raise SignatureRefusedError(str(file), "its .sig is no signature") from exc


def _read_public_key(file: Path) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(file.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as exc:
        raise SettingsError(f"artifacts.trusted_keys: {file} cannot be read: {exc}") from exc
    if not isinstance(key, Ed25519PublicKey):
        raise SettingsError(f"artifacts.trusted_keys: {file} must hold an Ed25519 public key")
    return key


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
