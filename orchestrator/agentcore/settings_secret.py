"""Settings from one secret: a machine that mounts no file gets `tierwise.yaml` and its tokens.

The secret of AWS Secrets Manager is a JSON object of file names and contents, the same files that
a Deployment mounts; paths in `tierwise.yaml` are relative to it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from telecom.errors import SettingsError

SETTINGS_FILE = "tierwise.yaml"

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PATIENCE = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard"})


def unpack_settings(secret_id: str, folder: Path) -> Path:
    """Write a secret's files into an empty folder that only this user reads.

    Args:
        secret_id: Name or ARN; credentials and Region are AWS's usual settings.
        folder: Where to.

    Returns:
        The path of `tierwise.yaml` among them.

    Raises:
        SettingsError: It cannot be read, or is not such an object; no value is repeated.
    """
    files = _files(_fetched(secret_id), secret_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in files.items():
        file = folder / name
        file.touch(mode=0o600)
        file.write_text(content, encoding="utf-8")
    return folder / SETTINGS_FILE


def _fetched(secret_id: str) -> str:
    try:
        client = boto3.client("secretsmanager", config=_PATIENCE)
        answer: dict[str, Any] = client.get_secret_value(SecretId=secret_id)  # boto3 has no types
        client.close()
    except ClientError as exc:
        why = exc.response.get("Error", {}).get("Code", "refused")
        raise SettingsError(
            f"the secret {secret_id} cannot be read ({why}); its reader needs "
            "secretsmanager:GetSecretValue"
        ) from exc
    except BotoCoreError as exc:
        raise SettingsError(
            f"the secret {secret_id} cannot be read ({type(exc).__name__}); set AWS_REGION"
        ) from exc
    return str(answer.get("SecretString", ""))


def _files(text: str, secret_id: str) -> dict[str, str]:
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict) or SETTINGS_FILE not in content:
        raise SettingsError(
            f"the secret {secret_id} must be a JSON object of file names and contents, with "
            f"{SETTINGS_FILE} among them"
        )
    for name, value in content.items():
        if not _FILE_NAME.fullmatch(name) or not isinstance(value, str):
            raise SettingsError(
                f"the secret {secret_id} has {name!r}: a file name has letters, digits, dots, "
                "dashes and underscores, and its content is text"
            )
    return content
