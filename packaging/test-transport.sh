#!/usr/bin/env bash
# Compiles the transport's tests for Windows and runs them under Wine, from a clean clone. Not part of .ci/run: it takes
# minutes, and all it adds to the Linux run is Windows sockets, which Wine only emulates.
set -euo pipefail

packaging=$(cd "$(dirname "$0")" && pwd)
# All connections go through wineserver, which these tests keep too busy for a 50 ms deadline.
crowds=(
  clients_that_disconnect hundreds_of_slow_bodies hundreds_of_stalled_downloads thousands_of_idle_connections
  unsupported_http_2
)
# Wine reports some reset connections as closed.
resets=(failed_answer_never_looks_complete)
patience=300

"$packaging/setup.sh" msi
work=$(mktemp -d)
export WINEPREFIX=$work/wine WINEDEBUG=-all
finish() {
  /usr/lib/wine/wineserver64 -k 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
wine() { timeout -k 10 "$patience" /usr/lib/wine/wine64 "$@"; }

"$packaging/msi/win-build.sh" test --release --locked -p tiny_http --no-run 2>&1 | tee "$work/build.log"
programs=$(sed -n 's/^ *Executable .* (\(.*\.exe\))$/\1/p' "$work/build.log")
[ -n "$programs" ]

wine wineboot -i >/dev/null 2>&1
x86_64-w64-mingw32-gcc -shared -O2 -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" \
  "$packaging/msi/stub/bcryptprimitives.c" -ladvapi32
wine winecfg -v win10 2>/dev/null

skips=()
for name in "${crowds[@]}" "${resets[@]}"; do
  skips+=(--skip "$name")
done
cd "$packaging/../crates/transport"
failed=0
for program in $programs; do
  echo "== $(basename "$program")"
  wine "$program" --test-threads 2 "${skips[@]}" || failed=1
done
echo "skipped under Wine: ${crowds[*]} ${resets[*]}"
exit $failed
