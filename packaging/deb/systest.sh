#!/bin/bash
# Runs the steps of an operator and a client inside the booted container. Writes a line per check to /opt/test/results.
set -u
cd /opt/test
export HOME=~root DEBIAN_FRONTEND=noninteractive
DATA=/var/lib/dinkem-appliance
CONFIG=/etc/dinkem-appliance/config.toml
SERVER=dinkem-appliance.service
NODE=dinkem-appliance-node.service

# check NAME COMMAND…
check() {
  local name=$1
  shift
  echo "--- $name: $*"
  if "$@"; then echo "ok $name" >>results; else echo "FAILED $name" >>results; fi
}
# Retries a command for so many seconds.
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.2
  done
}
says() { grep -qF -- "$1" "$2"; }
is_active() { systemctl --quiet is-active "$1"; }
is_inactive() { ! is_active "$1"; }
is_disabled() { ! systemctl --quiet is-enabled "$1"; }
refuses() { ! "$@"; }
main_pid() { systemctl show -p MainPID --value $SERVER; }
is_another_pid() { [ "$(main_pid)" != "$1" ] && [ "$(main_pid)" != 0 ]; }
answers() { curl -sS --fail --max-time 5 --cacert "$HOME/dinkem-ca.pem" https://localhost/healthz; }
as_alice() { runuser -u alice -- env -C /home/alice HOME=/home/alice DINKEM_API_KEY="$key" "$@"; }
job_says() { as_alice curl -sS --cacert dinkem-ca.pem -H "Authorization: Bearer $key" "https://localhost/api/clips/$1" | grep -qF "\"status\":\"$2\""; }
shows_dashboard() { curl -sS --fail --max-time 5 --cacert "$HOME/dinkem-ca.pem" --resolve localhost:8444:127.0.0.1 https://localhost:8444/operator/ | grep -qF /operator/app.js; }
fingerprint() { dinkem-appliance admin tls show | sed -n 's/^SHA-256: *//p'; }
is_fingerprint_still() { [ "$(fingerprint)" = "$1" ]; }
no_strangers() { ! find $DATA ! -user dinkem -print | grep .; }
is_private() { [ "$(stat -c '%U %a' $DATA)" = "dinkem 700" ]; }
no_traces() { ! find / -xdev -name '*dinkem*' -not -path '/proc/*' -not -path '/opt/test/*' -not -path '/home/*' -not -path "$HOME/*" -print | grep .; }

useradd --create-home alice
within 60 systemctl is-system-running --quiet

# The operator installs the package and reads the next steps.
check "installs" apt-get install -y ./package.deb
tail -n 30 log >install.txt
check "the server runs immediately" is_active $SERVER
check "the output says that it runs, and where" says "dinkem-appliance is running at https://" install.txt
check "the operator is told the CA's fingerprint" says "$(fingerprint)" install.txt
check "the output shows the next steps" says "sudo dinkem-appliance admin activate" install.txt
check "the output names the dashboard" says "sudo dinkem-appliance admin dashboard" install.txt
check "the node service is not running" is_inactive $NODE
check "replication is not running" is_inactive dinkem-appliance-litestream.service
check "the unit of a game node is valid and not enabled" sh -c 'systemd-analyze verify --man=no /usr/lib/systemd/user/dinkem-appliance-game-node.service && ! find /etc/systemd/user -name "dinkem*" | grep .'
check "only the service's user can access the data directory" is_private
check "the service's exposure is at most 1.5" sh -c "systemd-analyze security --no-pager --threshold=15 $SERVER | tail -n 1"
check "its memory has a limit" refuses sh -c "systemctl show -p MemoryMax --value $SERVER | grep -qx infinity"
check "a node's memory has a limit" refuses sh -c "systemctl show -p MemoryMax --value $NODE | grep -qx infinity"
check "it runs as its own user" sh -c "ps -o user= -p $(main_pid) | grep -qx dinkem"
check "man pages and completions are installed" sh -c 'ls /usr/share/bash-completion/completions/dinkem-appliance && dpkg -L dinkem-appliance | grep -q man1/dinkem-appliance-serve.1.gz'

# The service's user replaces the file that the script reads with a symlink to a file of root's.
is_not_followed() {
  printf 's3cret-of-root\n' >"$HOME/secret" && chmod 600 "$HOME/secret"
  mkdir -p /run/systemd/system/$SERVER.d
  printf '[Service]\nExecStartPost=/bin/ln -sf %s %s/server-url\n' "$HOME/secret" $DATA >/run/systemd/system/$SERVER.d/link.conf
  systemctl daemon-reload
  /var/lib/dpkg/info/dinkem-appliance.postinst configure >linked.txt 2>&1
  [ -L $DATA/server-url ] && says "dinkem-appliance is running at" linked.txt && ! says "s3cret-of-root" linked.txt
}
check "the package's script follows no symlink in the data directory" is_not_followed
rm -r /run/systemd/system/$SERVER.d && systemctl daemon-reload && rm -f $DATA/server-url "$HOME/secret" && systemctl restart $SERVER

# The operator follows the printed steps, as root.
check "admin account create" sh -c 'dinkem-appliance admin account create "Studio One" >account.txt'
key=$(sed -n 's/^metered key: *//p' account.txt)
check "admin activate" dinkem-appliance admin activate
check "admin tls export to root's home" dinkem-appliance admin tls export -o "$HOME/dinkem-ca.pem"
check "the exported file belongs to root" sh -c '[ "$(stat -c %U "$HOME/dinkem-ca.pem")" = root ]'
check "admin dashboard prints a link" sh -c 'dinkem-appliance admin dashboard | grep -qE "^https://localhost:8444/operator/#code=[0-9a-f]{32}$"'
check "everything in the data directory belongs to the service's user" no_strangers
check "an ordinary user is told to use sudo" sh -c 'runuser -u alice -- dinkem-appliance admin account list 2>&1 | grep -F sudo'
check "root does not serve from the service's directory" sh -c 'dinkem-appliance serve --listen 127.0.0.1:9999 2>&1 | grep -F "systemctl start dinkem-appliance"'
check "HTTPS answers on port 443" answers
check "the dashboard answers on 127.0.0.1:8444" shows_dashboard

# A client makes the first clip.
cp "$HOME/dinkem-ca.pem" /home/alice/ && chown alice: /home/alice/dinkem-ca.pem
as_alice dinkem-appliance sample -o sample.dem | tee sample.txt
player=$(sed -n 's/^player: *//p' sample.txt) round=$(sed -n 's/^round: *//p' sample.txt)
submit() { as_alice dinkem-appliance submit sample.dem --player "$player" --round "$round" --server https://localhost --ca dinkem-ca.pem "$@"; }
check "the first clip, over HTTPS, rendered by the local node" submit --wait -o clip.mp4
cp /home/alice/clip.mp4 .

# The service recovers from crashes.
pid=$(main_pid)
kill -9 "$pid"
check "kill -9: it is restarted" within 60 is_another_pid "$pid"
check "kill -9: it answers again" within 60 answers
mkdir -p /run/systemd/system/$SERVER.d
printf '[Service]\nWatchdogSec=10\nTimeoutAbortSec=2\n' >/run/systemd/system/$SERVER.d/test.conf
systemctl daemon-reload && systemctl restart $SERVER
pid=$(main_pid)
sleep 14
check "the watchdog leaves a healthy server alone" sh -c "[ $(main_pid) = $pid ]"
kill -STOP "$pid"
check "the watchdog restarts a hung server" within 60 is_another_pid "$pid"
check "the restarted server answers" within 60 answers
rm -r /run/systemd/system/$SERVER.d && systemctl daemon-reload

# A job is queued while the package is upgraded.
dinkem-appliance admin nodes drain local-1
job=$(submit --json | sed -n 's/.*"id":"\([^"]*\)".*/\1/p')
check "a job waits" job_says "$job" queued
sed -i 's/^local_nodes = 1/local_nodes = 2/' $CONFIG
echo '# by the operator' >>$CONFIG
authority=$(fingerprint)
dinkem-appliance admin nodes drain local-1
pid=$(main_pid)
check "upgrades" apt-get install -y ./later.deb
check "the new version runs" is_another_pid "$pid"
check "the upgrade keeps the edited config" says "# by the operator" $CONFIG
check "the upgrade keeps the CA" is_fingerprint_still "$authority"
check "the upgrade keeps accounts and keys" as_alice curl -sS --fail --cacert dinkem-ca.pem -H "Authorization: Bearer $key" https://localhost/api/account
dinkem-appliance admin nodes resume local-1
check "the upgrade keeps the waiting job, which is now done" within 300 job_says "$job" "done"
check "after the upgrade, nothing in the data directory belongs to anybody else" no_strangers

# Turns this machine into a node of another server, which here is alice's, on the same machine.
mkdir -m 700 /home/alice/other && chown alice: /home/alice/other
as_alice dinkem-appliance --data-dir other serve --listen 127.0.0.1:9443 --local-nodes 0 --port-file other.port 2>other.log &
within 60 test -e /home/alice/other.port
other() { as_alice dinkem-appliance --data-dir other admin "$@"; }
other account create two >two.txt && other activate && other tls export >/home/alice/other.pem
install_node() { other nodes token | dinkem-appliance node install --name n1 -; }
check "an ordinary user cannot turn a machine into a node" sh -c 'echo x | runuser -u alice -- dinkem-appliance node install - 2>&1 | grep -F sudo'
check "node install" install_node
check "node install: the node's service runs" is_active $NODE
check "node install: the server's service is stopped" is_inactive $SERVER
check "node install: the server's service is disabled" is_disabled $SERVER
check "node install: everything belongs to the service's user" no_strangers
check "node check: all preconditions are met" dinkem-appliance node check
key=$(sed -n 's/^metered key: *//p' two.txt)
check "the node's service renders a clip" as_alice dinkem-appliance submit sample.dem --player "$player" --round "$round" \
  --server https://localhost:9443 --ca other.pem --wait -o other.mp4
key=$(sed -n 's/^metered key: *//p' account.txt)
check "a node stays a node after an upgrade" sh -c "apt-get install -y --reinstall ./later.deb && systemctl --quiet is-active $NODE && ! systemctl --quiet is-active $SERVER"

# Makes this machine one of a farm: its node joins whenever it starts.
systemctl stop $NODE
install -D -m 644 farm.conf /etc/systemd/system/$NODE.d/farm.conf
other nodes token --uses 9 --name-prefix farm- --ephemeral 2>/dev/null | install -m 640 -g dinkem /dev/stdin /etc/dinkem-appliance/join.token
systemctl daemon-reload
farm_node_is() { other nodes list | grep -qE "^farm-[^ ]+ +$1 "; }
has_key_of_farm() { find /var/tmp -name node.json | grep .; }
for time in first second; do
  systemctl start $NODE
  check "a farm's machine joins by itself, the $time time" within 60 farm_node_is up
  check "a farm's machine has a key of its own, the $time time" has_key_of_farm
  systemctl stop $NODE
  check "a farm's machine leaves, the $time time" within 10 farm_node_is stopped
  check "a farm's machine keeps no key, the $time time" refuses has_key_of_farm
done
rm -r /etc/systemd/system/$NODE.d /etc/dinkem-appliance/join.token
systemctl daemon-reload
systemctl disable --now $NODE
systemctl enable --now $SERVER

# Remove, reinstall, purge.
check "removes" apt-get remove -y dinkem-appliance
check "removed: nothing runs" refuses pgrep -u dinkem
check "removed: data and config are kept" sh -c "[ -e $DATA/store.db ] && [ -e $CONFIG ]"
check "installs again" apt-get install -y ./later.deb
check "installed again: the CA is the same" is_fingerprint_still "$authority"
check "installed again: the clip is still there" job_says "$job" "done"
check "purges" apt-get purge -y dinkem-appliance
check "purged: nothing is left" no_traces
check "no unit has failed" sh -c '! systemctl --failed --no-legend | grep .'
echo "ok the end" >>results
