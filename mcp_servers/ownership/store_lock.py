"""Who owns `store/`: a lock that the system takes back when its holder dies."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from telecom.errors import SiteDirectoryError

_LOCK_FILE = "owner.lock"
_SOCKET_FILE = "owner.sock"
_LONGEST_SOCKET_PATH = 100
"""A unix socket's path has at most 108 bytes on Linux, 104 on macOS."""


@dataclass(slots=True)
class StoreLock:
    """The lock on a store, held by this process."""

    store: Path
    _descriptor: int

    @classmethod
    def take(cls, store: Path) -> StoreLock | None:
        """Take the lock, or return None when another process holds it.

        Raises:
            SiteDirectoryError: The store's folder cannot be made or locked.
        """
        try:
            store.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(store / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise SiteDirectoryError(f"{store} cannot be used as a store: {exc}") from exc
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError as exc:
            os.close(descriptor)
            raise SiteDirectoryError(
                f"{store} is on a file system without locks ({exc.strerror}); "
                "put the site directory on a local disk"
            ) from exc
        with suppress(OSError):  # for people only: a full disk must not keep anybody from looking
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps({"pid": os.getpid()}).encode(), 0)
        return cls(store, descriptor)

    def release(self) -> None:
        """Give the store back."""
        if self._descriptor >= 0:
            with suppress(OSError):
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1


def is_owned(store: Path) -> bool:
    """Whether a process holds the lock on a store now."""
    try:
        descriptor = os.open(store / _LOCK_FILE, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def owner_pid(store: Path) -> int | None:
    """The process that owns a store, as it wrote down; None when nobody did."""
    try:
        return int(json.loads((store / _LOCK_FILE).read_bytes())["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def socket_path(store: Path) -> Path:
    """Where the owner of a store listens: in the store, or in a private folder if that is too deep.

    Raises:
        SiteDirectoryError: That folder belongs to somebody else.
    """
    beside = store.absolute() / _SOCKET_FILE
    if len(os.fsencode(beside)) <= _LONGEST_SOCKET_PATH:
        return beside
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    folder = Path(base) / f"tierwise-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise SiteDirectoryError(
            f"{folder} must be a folder that only this user may enter; remove it, or set "
            "XDG_RUNTIME_DIR to one"
        )
    name = hashlib.sha256(os.fsencode(store.resolve())).hexdigest()[:24]
    return folder / f"{name}.sock"
