"""Files that hold a secret or evidence: who may read one, how one is made and kept."""

from __future__ import annotations

import errno
import os
import stat
import uuid
from pathlib import Path


def is_open_to_others(found: os.stat_result) -> bool:
    """Whether a secret lies open.

    A file of our own user must be closed to everybody else. One that root owns may be readable, not
    writable, to a group that this process is in: so Kubernetes mounts a Secret into a pod with an
    `fsGroup`.
    """
    if not found.st_mode & 0o077:
        return False
    ours = found.st_gid in {os.getegid(), *os.getgroups()}
    mounted = found.st_uid == 0 and ours
    return not mounted or bool(found.st_mode & (stat.S_IRWXO | stat.S_IWGRP))


def write_secret_once(file: Path, content: bytes) -> None:
    """Make a file of mode 0600, on disk when this returns; one that is there already stays.

    It is written aside and linked, so that two first starts agree on one and neither reads half.
    """
    draft = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        try:
            file.hardlink_to(draft)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk, not only the content behind them."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_CURES = {
    errno.ENOSPC: "make room there; what was kept before is whole",
    errno.EDQUOT: "make room there or have the quota raised; what was kept before is whole",
    errno.EROFS: "mount it for writing",
    errno.EACCES: "let this user have it",
    errno.EPERM: "let this user have it",
    errno.EMFILE: "raise the limit of open files (`ulimit -n`)",
}


def told_problem(exc: OSError) -> str:
    """What the system refused, for the person who can help: the file, the reason, the cure."""
    reason = exc.strerror or type(exc).__name__
    where = "" if exc.filename is None else f"{exc.filename}: "
    cure = _CURES.get(exc.errno or 0)
    return f"{where}{reason}" + (f"; {cure}" if cure else "")
