#!/usr/bin/env bash
# Runs schemathesis against a server as a studio runs it: HTTPS, its own CA, one render node, one finished clip.
# Usage: run.sh BINARY [EXAMPLES [LEAST]]. Fails on any finding, or if fewer than LEAST cases were generated.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
binary=$(realpath "$1")
examples=${2:-760}
least=${3:-20000}
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

# Ignore this machine's proxy and settings.
export DINKEM_DATA_DIR="$work/data" NO_PROXY=127.0.0.1 no_proxy=127.0.0.1

field() { python3 -c "import json,sys; print(json.load(sys.stdin)$1)"; }

"$binary" serve --listen 127.0.0.1:0 --port-file "$work/port" --local-nodes 1 2>"$work/server.log" >&2 &
server=$!
for _ in $(seq 100); do [ -s "$work/port" ] || sleep 0.1; done
url="https://$(cat "$work/port")"
ca="$work/ca.pem"
"$binary" admin tls export >"$ca"

key=$("$binary" admin account create studio --json | field '["metered_key"]')
"$binary" admin activate studio >"$work/activate.log"
token=$("$binary" admin nodes token --json 2>"$work/token.log" | field '["join_token"]')
node=$(curl -sS --cacert "$ca" "$url/api/node/join" -H 'Content-Type: application/json' \
  -d "{\"join_token\":\"$token\",\"name\":\"schemathesis\"}" | field '["node_key"]')

# A finished clip, so that its URLs exist.
"$binary" sample -o "$work/sample.dem" --json >"$work/sample.json"
DINKEM_API_KEY=$key "$binary" submit "$work/sample.dem" --player "$(field '["steam64_id"]' <"$work/sample.json")" \
  --round "$(field '["round"]' <"$work/sample.json")" --server "$url" --ca "$ca" --wait --json >"$work/job.json"
clip=$(field '["clip"]["embed_url"].rsplit("/",1)[1]' <"$work/job.json")

sed -e "s|@ACCOUNT_KEY@|$key|; s|@NODE_KEY@|$node|; s|@CLIP@|$clip|" \
  "$here/schemathesis.toml" >"$work/schemathesis.toml"
cd "$work"
SCHEMATHESIS_HOOKS="$here/hooks.py" st --config-file schemathesis.toml run "$url/api/openapi.json" --tls-verify "$ca" \
  --max-examples "$examples" --max-response-time 1 --seed 1 --report json --report-json-path report.json

kill -0 "$server"
cases=$(field '["test_cases"]["generated"]' <report.json)
echo "$cases cases"
[ "$cases" -ge "$least" ] || { echo "fewer than $least cases; increase EXAMPLES" >&2; exit 1; }
