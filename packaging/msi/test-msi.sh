#!/usr/bin/env bash
# Tests the Windows package under Wine: installs it, renders a clip, stops and starts the service, upgrades, uninstalls.
# Needs no display, and only one free port.
#   test-msi.sh dinkem-appliance.exe
# .github/workflows/windows.yml covers what Wine does not support: file permissions, the firewall, service accounts.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
exe=$(realpath "$1")
work=$(mktemp -d)
cd "$work" || exit 1

export HOME=$work/home WINEPREFIX=$work/prefix WINEDEBUG=-all WINEDLLOVERRIDES=mscoree,mshtml=
export XDG_RUNTIME_DIR=$work/run LC_ALL=C.UTF-8
unset DISPLAY WAYLAND_DISPLAY
mkdir -p "$HOME" "$XDG_RUNTIME_DIR"

drive=$WINEPREFIX/drive_c
folder=$drive/ProgramData/dinkem-appliance
config=$folder/config.toml
log=$folder/logs/server.log
program="$drive/Program Files/Dinkem Appliance/dinkem-appliance.exe"
service='HKLM\System\CurrentControlSet\Services\DinkemAppliance'
environment='HKLM\System\CurrentControlSet\Control\Session Manager\Environment'
# Timeout of a step in seconds, generous for a busy machine.
patience=300
passed=0
failed=0

# Two versions of the same program.
old=$(sed -n 's/^version = "\([0-9.]*\).*/\1/p' "$root/Cargo.toml" | head -n 1)
new=${old%.*}.$((${old##*.} + 1))

ok() { # NAME COMMAND...: the command succeeds
  local name=$1
  shift
  if "$@" >last.txt 2>&1 </dev/null; then
    echo "ok $name"
    passed=$((passed + 1))
  else
    echo "NOT OK $name"
    tail -n 20 last.txt | sed 's/^/    /'
    [ ! -e "$log" ] || { echo "    the end of the service's log:"; tail -n 10 "$log" | sed 's/^/    /'; }
    failed=$((failed + 1))
    return 1
  fi
}
result() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}
not() { ! "$@"; }
win() { timeout -k 10 "$patience" /usr/lib/wine/wine64 "$@"; }
appliance() { win "$program" "$@"; }
msiexec() { win msiexec "$@" /qn; }
net() { win net "$1" DinkemAppliance; }
within() { # COMMAND...: succeeds within the timeout
  local until=$((SECONDS + patience))
  until "$@"; do
    [ $SECONDS -lt $until ] || return 1
    sleep 0.2
  done
}

finish() {
  /usr/lib/wine/wineserver64 -k 2>/dev/null
  /usr/lib/wine/wineserver64 -w 2>/dev/null
  cd / && rm -rf "$work"
}
trap finish EXIT

# --- the package itself -------------------------------------------------------------------------------------------

same_bytes() {
  "$here/build-msi.sh" "$exe" again.msi "$old" && cmp old.msi again.msi
}
needs_only_windows() {
  x86_64-w64-mingw32-objdump -p "$exe" | sed -n 's/.*DLL Name: //p' | tr 'A-Z' 'a-z' | sort -u >imports.txt
  grep -q '^kernel32.dll$' imports.txt && ! grep -E '^(lib|msys|cyg)' imports.txt
}
names_no_path_of_this_machine() {
  ! grep -aoE -m 3 "(${CARGO_HOME:-$HOME/.cargo}|$root|/\.cargo/registry)[^[:space:]]{0,60}" "$exe"
}
signed_and_verified() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=Test of Dinkem Appliance" \
    -addext extendedKeyUsage=codeSigning -keyout key.pem -out cert.pem 2>/dev/null
  SIGN_CERT=$work/cert.pem SIGN_KEY=$work/key.pem "$here/build-msi.sh" "$exe" signed.msi "$old" &&
    osslsigncode verify -CAfile cert.pem -in signed.msi | grep -q '^Succeeded' &&
    msiextract -C signed signed.msi >/dev/null &&
    osslsigncode verify -CAfile cert.pem -in "$(find signed -name '*.exe')" | grep -q '^Succeeded'
}
rights_are_explicit() {
  # SYSTEM, administrators and the service's account, computed as `sc showsid DinkemAppliance` does; nothing inherited.
  local own=S-1-5-80-1632952272-2376914951-2272484163-1951388968-1078452470
  msiinfo export old.msi MsiLockPermissionsEx | tr -d '\r' >rights.txt
  for directory in StoreDir LogsDir; do
    grep -P "\t$directory\tCreateFolder\tD:PAI\(A;OICI;FA;;;SY\)\(A;OICI;FA;;;BA\)\(A;OICI;0x1301ff;;;$own\)\t" rights.txt || return 1
  done
}

ok "the package is built" "$here/build-msi.sh" "$exe" old.msi "$old"
ok "a newer package is built" "$here/build-msi.sh" "$exe" new.msi "$new"
ok "the same program gives the same package" same_bytes
ok "the program depends only on Windows" needs_only_windows
ok "the program contains no path of the build machine" names_no_path_of_this_machine
ok "program and package can be signed, and the signatures verify" signed_and_verified
ok "only the service and administrators can access data and logs" rights_are_explicit

# --- Wine ---------------------------------------------------------------------------------------------------------

win wineboot -i >/dev/null 2>&1
x86_64-w64-mingw32-gcc -shared -O2 -o "$drive/windows/system32/bcryptprimitives.dll" "$here/stub/bcryptprimitives.c" -ladvapi32
ok "Windows 7 is refused" eval 'win winecfg -v win7 && not msiexec /i old.msi'
win winecfg -v win10 2>/dev/null
# Wine reads its Windows version at startup; keep the service manager alive for all following commands.
/usr/lib/wine/wineserver64 -k
/usr/lib/wine/wineserver64 -w
/usr/lib/wine/wineserver64 -p
win cmd /c exit >/dev/null 2>&1

# --- install ------------------------------------------------------------------------------------------------------

# The packaged file with another port, because 443 may be in use here.
own_port() {
  mkdir -p "$folder"
  sed -e 's/^listen = .*/listen = "127.0.0.1:0"\r/' "$here/config.toml" | sed 's/\r*$/\r/' >"$config"
  printf '%s\r\n' "port_file = 'C:\\ProgramData\\dinkem-appliance\\data\\port'" "stop_seconds = 60" 'dashboard_listen = "127.0.0.1:0"' >>"$config"
}
address() { tr -d '\r\n' <"$folder/data/port"; }
answers() { [ -s "$folder/data/port" ] && curl -sf --max-time 10 --cacert ca.pem "https://$(address)/healthz" >/dev/null; }
dashboard_link() { appliance admin dashboard >link.txt && tr -d '\r' <link.txt | grep -E '^https://localhost:[0-9]+/operator/#code=[0-9a-f]{32}$'; }
shows_dashboard() { curl -sf --max-time 10 --cacert ca.pem "$(dashboard_link | sed 's/#.*//')" | grep -qF /operator/app.js; }
export_authority() { appliance admin tls export -o ca.pem && [ -s ca.pem ]; }
is() { win sc query DinkemAppliance | grep -q "STATE.*$1"; }
command_line_is_explicit() {
  win reg query "$service" /v ImagePath | grep -F ' windows-service --config "C:\ProgramData\dinkem-appliance\config.toml"'
}
config_is_packaged() {
  msiextract -C old old.msi >/dev/null && sed 's/$/\r/' "$here/config.toml" | cmp - "$(find old -name config.toml)"
}

own_port
ok "the package contains config.toml" config_is_packaged
ok "it installs" msiexec /i old.msi || { result; exit 1; }
ok "the CA certificate can be exported" within export_authority
ok "HTTPS answers" within answers
ok "admin dashboard prints a link" dashboard_link
ok "the dashboard answers" shows_dashboard
ok "the service is running" within is RUNNING
ok "the service's command line names its configuration" command_line_is_explicit
ok "the program is in the PATH" eval "win reg query '$environment' /v PATH | grep -F 'C:\\Program Files\\Dinkem Appliance'"
ok "the log says where it listens" grep -q 'Listening on 127.0.0.1:' "$log"
ok "the program prints its version" eval 'appliance --version | grep -qF "dinkem-appliance $old"'

# --- the first clip -----------------------------------------------------------------------------------------------

make_account() { appliance --json admin account create "Studio One" >account.json && grep -q metered_key account.json; }
metered_key() { sed 's/.*"metered_key":"\([^"]*\)".*/\1/' account.json; }
api() { curl -sf --max-time 60 --cacert ca.pem -H "Authorization: Bearer $(metered_key)" "https://$(address)$1" "${@:2}"; }
submit() {
  DINKEM_API_KEY=$(metered_key) appliance submit sample.dem --player 76561202200000008 --round 2 \
    --server "https://$(address)" --ca ca.pem --wait -o clip.mp4
}
clip_plays() {
  [ "$(ffprobe -v error -select_streams v -show_entries stream=codec_name,width,height -of csv=p=0 clip.mp4)" = h264,1920,1080 ]
}
jobs_are() { [ "$(api '/api/clips?limit=10' | tr -d ' ' | grep -o '"status":"[a-z]*"' | cut -d '"' -f 4 | tr '\n' ' ')" = "$1 " ]; }
one_job_is_done() { jobs_are done; }
all_jobs_are_there() { jobs_are "$(cat jobs.txt)"; }
note_jobs() { api '/api/clips?limit=10' | tr -d ' ' | grep -o '"status":"[a-z]*"' | cut -d '"' -f 4 | tr '\n' ' ' | sed 's/ $//' >jobs.txt; }

ok "an account is created" make_account
ok "its keys are not accepted yet" not api /api/account
ok "it is activated without a name" appliance admin activate
ok "its keys are accepted" api /api/account
ok "the sample is written" appliance sample -o sample.dem
ok "a local node renders a clip of the sample" submit
ok "the clip is H.264 at 1080p" clip_plays
ok "the job is listed as done" one_job_is_done

# --- a node with a renderer of its own ----------------------------------------------------------------------------

# A build of ffmpeg for Windows, from a package of PyPI.
wheel=imageio_ffmpeg-0.6.0-py3-none-win_amd64.whl
wheel_sha256=02fa47c83703c37df6bfe4896aab339013f62bf02c5ebf2dce6da56af04ffc0a
get_ffmpeg() {
  pip download --quiet --no-deps --only-binary=:all: --platform win_amd64 "${wheel%%-*}==0.6.0" &&
    echo "$wheel_sha256  $wheel" | sha256sum --check --quiet &&
    python3 -c "import zipfile; zipfile.ZipFile('$wheel').extractall('wheel')" &&
    cp wheel/imageio_ffmpeg/binaries/ffmpeg-win*.exe "$drive/ffmpeg.exe"
}
# Runs one job for the game with the settings of the renderer on standard input; prints the job's end.
game_job() { # NAME
  printf '[renderer]\r\nkind = "command"\r\nrequire_pov = false\r\n' >"$drive/$1.toml"
  sed 's/$/\r/' >>"$drive/$1.toml"
  appliance admin nodes token >"$drive/$1.token" 2>/dev/null &&
    demo=$(api /api/demos --data-binary @sample.dem -H 'Content-Type: application/octet-stream' |
      sed 's/.*"demo_url":"\([^"]*\)".*/\1/') &&
    id=$(api /api/clips -H 'Content-Type: application/json' --data \
      "{\"demo_url\":\"$demo\",\"steam64_id\":\"76561202200000008\",\"round\":2,\"renderer\":\"game\"}" |
      sed 's/.*"id":"\([^"]*\)".*/\1/') || return 1
  appliance --config "C:\\$1.toml" node --join-file "C:\\$1.token" --server "https://$(address)" --state-dir "C:\\$1" \
    --name "$1" --max-jobs 1 >"$1.log" 2>&1
  cat "$1.log" # shown if the check fails
  api "/api/clips/$id" | tee "$1.json"
}
renders_with_ffmpeg() {
  game_job ffmpeg <<'END' && grep -q '"status":"done".*"view":"first_person"' ffmpeg.json &&
program = 'C:\ffmpeg.exe'
args = ["-v", "error", "-f", "lavfi", "-i", "testsrc2=size={width}x{height}:rate={fps}:duration={seconds}", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-movflags", "+faststart", "{out}"]
ffmpeg = 'C:\ffmpeg.exe'
END
    curl -sf --cacert ca.pem -o game.mp4 "$(sed 's/.*"clip":{"url":"\([^"]*\)".*/\1/' ffmpeg.json)" &&
    [ "$(ffprobe -v error -select_streams v -show_entries stream=codec_name,width,height -of csv=p=0 game.mp4)" = h264,1920,1080 ]
}
fails_for_good_by_exit_10() {
  game_job exit10 <<'END' && grep -q '"status":"failed"' exit10.json
program = 'cmd'
args = ["/c", "exit 10"]
END
}
is_not_blamed_for_exit_21() {
  game_job exit21 <<'END' && grep -q '"status":"queued".*"attempts":0' exit21.json
program = 'cmd'
args = ["/c", "exit 21"]
END
}
cancel_waiting() { api "/api/clips/$(sed 's/.*"id":"\([^"]*\)".*/\1/' exit21.json)" -X DELETE; }

if get_ffmpeg >/dev/null 2>&1; then
  ok "a node renders a job with ffmpeg as its renderer" renders_with_ffmpeg
else
  echo "Skipped: ffmpeg for Windows could not be fetched from PyPI."
fi
ok "a renderer's exit status 10 fails the job for good" fails_for_good_by_exit_10
ok "a renderer's exit status 21 does not count against the job" is_not_blamed_for_exit_21
ok "the job that still waits can be cancelled" cancel_waiting
note_jobs

# --- stop and start -----------------------------------------------------------------------------------------------

# The service must answer an in-flight request before it stops.
drains() {
  timeout -k 10 "$patience" python3 "$here/drain.py" "$(address)" ca.pem "$(metered_key)" sample.dem \
    "$(command -v timeout)" -k 10 "$patience" /usr/lib/wine/wine64 net stop DinkemAppliance
}
restart() { rm -f "$folder/data/port" && net start && within answers; }
# Wine's `net start` does not wait for the service, so check its exit code.
refuses_to_start() {
  cp "$config" config.keep
  printf 'lisen = "0.0.0.0:1"\r\n' >>"$config"
  net start
  within eval 'win sc query DinkemAppliance | grep "SERVICE_EXIT_CODE *: 2 "'
  local answer=$?
  cp config.keep "$config"
  [ $answer -eq 0 ] && is STOPPED && grep 'The service stopped: .*config.toml, line [0-9]*: unknown key "lisen" in \[serve\]' "$log"
}

ok "a stop finishes the in-flight request" drains
ok "the service has stopped" within is STOPPED
ok "the server no longer answers" not answers
ok "the log reports the stop" grep -q 'Stopped\.' "$log"
ok "an error in config.toml fails the start and is logged" refuses_to_start
ok "it starts again" restart
ok "the job is still there" all_jobs_are_there

# --- upgrade and downgrade ----------------------------------------------------------------------------------------

installed() { win uninstaller --list | grep -c 'Dinkem Appliance'; }
upgrade() { rm -f "$folder/data/port" && msiexec /i new.msi && within answers; }

printf '# edited by the operator\r\n' >>"$config"
ok "it upgrades in place, and answers" upgrade
ok "the edited config.toml is kept" grep -q '^# edited by the operator' "$config"
ok "account and job are kept" all_jobs_are_there
ok "it is installed once" [ "$(installed)" = 1 ]
ok "a downgrade is refused" not msiexec /i old.msi
ok "the installed version still answers" within answers
ok "it is still installed once" [ "$(installed)" = 1 ]

# --- uninstall ----------------------------------------------------------------------------------------------------

ok "it uninstalls" msiexec /x new.msi
ok "the program is gone" not [ -e "$program" ]
ok "the service is gone" not win reg query "$service"
ok "its folder is no longer on the PATH" eval "win reg query '$environment' /v PATH >path.txt && ! grep -F 'Dinkem Appliance' path.txt"
ok "nothing answers after uninstalling" not answers
ok "data and configuration are kept" [ -s "$folder/data/store.db" -a -s "$config" ]
ok "it installs again with the existing data" eval 'rm -f "$folder/data/port"; msiexec /i new.msi && within answers'
ok "the existing job is still there" all_jobs_are_there

result
