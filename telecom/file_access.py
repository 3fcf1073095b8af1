"""Who else may read a file that holds a secret."""

from __future__ import annotations

import os
import stat


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
