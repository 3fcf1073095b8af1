#!/usr/bin/env bash
# The local stack: one sample site, its three tool servers on loopback, one investigation.
# usage: deploy/demo.sh DIRECTORY    (leaves DIRECTORY/report.json and DIRECTORY/report.md)
set -euo pipefail

demo=${1:?usage: deploy/demo.sh DIRECTORY}
site=$demo/site
mkdir -p "$demo"

if [ ! -f "$site/site.yaml" ]; then
  tierwise-site init "$site" --sample
fi
tierwise-site ingest "$site"

# A free port, so that a demo never meets another server's.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
tierwise-site token "$site" --caller region --scopes tickets:read,alarms:read,configs:read \
  --ttl 1h > "$demo/token"
chmod 600 "$demo/token"

tierwise-site serve "$site" --host 127.0.0.1 --port "$port" 2> "$demo/serve.log" &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true' EXIT

for _ in $(seq 1 300); do
  kill -0 "$server" 2>/dev/null || { echo "the site's servers did not start:" >&2; cat "$demo/serve.log" >&2; exit 1; }
  python3 - "$port" <<'PY' && break || sleep 0.2
import sys, urllib.request
urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/readyz", timeout=2)
PY
done 2>/dev/null

window=$(python3 -c 'import json, sys; print(*json.load(open(sys.argv[1]))["window"])' "$site/truth.json")
read -r from to <<< "$window"
investigate=(tierwise investigate --site "demo=http://127.0.0.1:$port" --token-file "$demo/token"
  --from "$from" --to "$to")
"${investigate[@]}" --format json > "$demo/report.json"
"${investigate[@]}" --format markdown > "$demo/report.md"
"${investigate[@]}"
tierwise-site ledger verify "$site"
echo "report: $demo/report.json and $demo/report.md"
