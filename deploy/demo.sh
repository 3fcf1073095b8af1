#!/usr/bin/env bash
# The local stack: one sample site, its three tool servers on loopback, one investigation.
# usage: deploy/demo.sh DIRECTORY    (leaves DIRECTORY/report.json and DIRECTORY/report.md)
set -euo pipefail

demo=${1:?usage: deploy/demo.sh DIRECTORY}
site=$demo/site
mkdir -p "$demo"

# Only what is written below decides here, not the settings of whoever runs it.
unset "${!TIERWISE_@}" "${!AWS_@}"

if [ ! -f "$site/site.yaml" ]; then
  # Whole or not at all, however often it is interrupted.
  rm -rf "$site.new"
  tierwise-site init "$site.new" --sample
  mv "$site.new" "$site"
fi
# A store that an earlier version wrote, and this one does not read, is made anew.
tierwise-site ingest "$site" || tierwise-site ingest "$site" --rebuild
(umask 077 && tierwise-site token "$site" --caller region \
  --scopes tickets:read,alarms:read,configs:read --ttl 1h > "$demo/token")

server=
stop() {
  rm -f "$demo/report.json.new"
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
}
trap stop EXIT
: > "$demo/serve.log"  # an earlier run's address must not be taken for this one's
tierwise-site serve "$site" --host 127.0.0.1 --port 0 2> "$demo/serve.log" &
server=$!
until url=$(sed -n 's/^ready: \([^ ]*\).*/\1/p' "$demo/serve.log") && [ -n "$url" ]; do
  if ! kill -0 "$server" 2>/dev/null; then
    echo "the site's servers did not start:" >&2
    cat "$demo/serve.log" >&2
    exit 1
  fi
  sleep 0.2
done

cat > "$demo/tierwise.yaml" <<YAML
# The orchestrator of the demo stands in for one in an AWS Region of the site's country.
# Without \`country\` it would be nowhere in particular, and the policy would keep all that is
# pseudonymized on the site. Where the site is, the site says itself.
tier: region
country: DE
state: state.sqlite
sites:
  - name: demo
    url: $url
    token_file: token
YAML
tierwise investigate --config "$demo/tierwise.yaml" --json > "$demo/report.json.new"
mv "$demo/report.json.new" "$demo/report.json"
tierwise show "$demo/report.json" --format markdown > "$demo/report.md"
tierwise show "$demo/report.json"
tierwise-site ledger verify "$site"
echo "report: $demo/report.json and $demo/report.md"
