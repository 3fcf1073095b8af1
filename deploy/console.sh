#!/usr/bin/env bash
# The NOC console on this machine: a sample site, the service, and its one alarm storm.
# usage: deploy/console.sh DIRECTORY [SITE_PORT CONSOLE_PORT]    (until Ctrl-C)
set -euo pipefail

folder=${1:?usage: deploy/console.sh DIRECTORY [SITE_PORT CONSOLE_PORT]}
site_port=${2:-8700}
port=${3:-8800}
site=$folder/site
mkdir -p "$folder"

# Only what is written below decides here, not the settings of whoever runs it.
unset "${!TIERWISE_@}" "${!AWS_@}"

if [ ! -f "$site/site.yaml" ]; then
  # Whole or not at all, however often it is interrupted.
  rm -rf "$site.new"
  tierwise-site init "$site.new" --sample
  # The site's own frames, in which identifiers are typed and read, may stand on the console's pages.
  printf '\nserving: {page_parents: ["http://127.0.0.1:%s"]}\n' "$port" >> "$site.new/site.yaml"
  tierwise-site ingest "$site.new"
  mv "$site.new" "$site"
else
  # A store that an earlier version wrote, and this one does not read, is made anew.
  tierwise-site ingest "$site" > /dev/null || tierwise-site ingest "$site" --rebuild > /dev/null
fi
[ -s "$folder/storm.token" ] || (umask 077 && head -c 32 /dev/urandom | base64 > "$folder/storm.token")
(umask 077 && tierwise-site token "$site" --caller region \
  --scopes tickets:read,alarms:read,configs:read,causes:confirm --ttl 12h > "$folder/token")

server=
stop() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
}
trap stop EXIT
: > "$folder/site.log"  # an earlier run's address must not be taken for this one's
tierwise-site serve "$site" --host 127.0.0.1 --port "$site_port" 2> "$folder/site.log" &
server=$!
until url=$(sed -n 's/^ready: \([^ ]*\).*/\1/p' "$folder/site.log") && [ -n "$url" ]; do
  if ! kill -0 "$server" 2>/dev/null; then
    echo "the site's servers did not start:" >&2
    cat "$folder/site.log" >&2
    exit 1
  fi
  sleep 0.2
done

cat > "$folder/tierwise.yaml" <<YAML
# An orchestrator that stands in for one in an AWS Region of the site's country.
tier: region
country: DE
state: state.sqlite
service: {port: $port}
sites:
  - name: sudmark
    url: $url
    token_file: token
triggers:
  - {name: alarm-system, kind: generic, sites: [sudmark], token_file: storm.token}
YAML

# What an alarm system would do: say when it hurts and how badly. The service pulls the rest.
report_storm() {
  python - "$folder" "$port" <<'PY'
import json, pathlib, sys, time, urllib.request
folder, port = pathlib.Path(sys.argv[1]), sys.argv[2]
begin = json.loads((folder / "site/truth.json").read_text())["window"][0]
storm = {"id": "sample-storm", "time": begin, "perceived_severity": "CRITICAL"}
request = urllib.request.Request(
    f"http://127.0.0.1:{port}/triggers/generic",
    data=json.dumps(storm).encode(),
    headers={"Authorization": "Bearer " + (folder / "storm.token").read_text().strip()},
)
for _ in range(120):
    try:
        urllib.request.urlopen(request, timeout=5)
        break
    except OSError:
        time.sleep(0.5)
PY
}
report_storm &
tierwise serve --console --config "$folder/tierwise.yaml"
