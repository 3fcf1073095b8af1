"""Starts an image as a site would: its own user, a read-only root, no network but loopback.

The settings are the image's own (environment, user, entry point). It runs in namespaces of its
own, so that a look-up of a name or a download at start fails here and not in a disconnect.
"""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

_SMOKE_SECONDS = 600

_ISOLATE = """
ip link set lo up
mount --make-rprivate /
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
for volume in $volumes; do
  mount -t tmpfs -o uid=10001,gid=10001,mode=0700 tmpfs "$root/$volume"
done
exec env -i $environment chroot --userspec="$user" "$root" /bin/sh -euc "$script"
"""

_UNTIL_READY = """
ready() {
  python - "$1" <<'PYTHON'
import sys, time, urllib.error, urllib.request
for _ in range(600):
    try:
        with urllib.request.urlopen(sys.argv[1], timeout=5) as answer:
            sys.exit(0 if answer.status == 200 else 1)
    except OSError:
        time.sleep(0.2)
sys.exit("it never became ready")
PYTHON
}
"""

_SEALED = """
if touch /opt/tierwise/writable 2>/dev/null; then echo "the root can be written" >&2; exit 1; fi
if python -c 'import torch' 2>/dev/null; then echo "torch is in the image" >&2; exit 1; fi
"""

SCRIPTS = {
    "cloud": """
echo 'service: {}' > tierwise.yaml
tierwise serve --config tierwise.yaml --port 8800 2>serve.log & server=$!
ready http://127.0.0.1:8800/healthz
ready http://127.0.0.1:8800/readyz
kill $server
wait $server
tierwise agentcore 2>agentcore.log & server=$!
ready http://127.0.0.1:8080/ping
python - <<'PYTHON'
import json, urllib.error, urllib.request
try:
    urllib.request.urlopen("http://127.0.0.1:8080/invocations", b"{}", timeout=60)
except urllib.error.HTTPError as refused:
    assert "no site to ask" in json.load(refused)["message"]
PYTHON
kill $server
wait $server || test $? -eq 143
echo "healthy, ready, stopped by SIGTERM; /ping and /invocations answer"
""",
    "site": """
tierwise-site init demo --sample >/dev/null 2>&1
tierwise-site ingest demo >/dev/null 2>&1
tierwise-site serve demo --port 8700 2>serve.log & server=$!
ready http://127.0.0.1:8700/readyz
tierwise-site search demo 'link down' --mode dense --json | grep -q INC00
token=$(tierwise-site token demo --scopes alarms:read --ttl 5m 2>/dev/null)
python - "$token" <<'PYTHON'
import json, re, sys, urllib.request
call = {"name": "rank_root_causes", "arguments": {}}
request = urllib.request.Request(
    "http://127.0.0.1:8700/alarms/mcp",
    json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}).encode(),
    {
        "Authorization": f"Bearer {sys.argv[1]}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-11-25",
    },
)
with urllib.request.urlopen(request, timeout=60) as answer:
    first = re.search(r"1[.] (\\S+) score [0-9.]+", answer.read().decode())
print(f"ready; over MCP the cause of the demo incident is {first[0][3:]}" if first else "")
sys.exit(0 if first else "no suspect in the answer")
PYTHON
kill $server
wait $server || test $? -eq 143
""",
}
"""What each half has to do, in a folder of its own; exit code 0 when it did."""

VOLUMES = {"cloud": "tmp var/lib/tierwise", "site": "tmp site"}


def script_of(half: str) -> str:
    """What a half has to do, for a shell with its commands on the path and loopback alone."""
    return f"{_UNTIL_READY}{SCRIPTS[half]}"


def smoke_run(half: str, root: Path, settings: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run the script of a half in a container's root; the result has its exit code and words.

    Args:
        half: `cloud` or `site`.
        root: The mounted root of a container.
        settings: The image's own, with `Env` and `User`.
    """
    environment = " ".join(shlex.quote(entry) for entry in settings["Env"])
    start = _ISOLATE.replace("$environment", environment)
    folder = VOLUMES[half].split()[-1]
    script = f"cd /{folder}\n{_SEALED}{script_of(half)}"
    return subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", start],
        env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "root": str(root),
            "user": settings["User"],
            "volumes": VOLUMES[half],
            "script": script,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=_SMOKE_SECONDS,
    )
