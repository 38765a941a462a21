#!/usr/bin/env bash
# Tests the Debian package: lintian, the sandbox's exposure, an operator's steps in a booted Debian 12 container, and
# piuparts. Requires root on Debian or Ubuntu. Ends with "N passed, N failed".
#
#   packaging/test-deb.sh
set -uo pipefail
export LC_ALL=C
HERE=$(cd "$(dirname "$0")" && pwd)
"$HERE/setup.sh" deb || exit 1

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/dinkem-appliance
BASE=$CACHE/bookworm.tar.gz
# Days before a cached base system is rebuilt.
BASE_DAYS=7
BASE_PACKAGES=systemd-sysv,dbus,ca-certificates,curl,init-system-helpers,libstdc++6,procps
# Timeout of the container and of piuparts in seconds, generous for a busy machine.
CONTAINER_SECONDS=900
PIUPARTS_SECONDS=900

passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT

ok() { passed=$((passed + 1)); echo "ok      $1"; }
failure() { failed=$((failed + 1)); echo "FAILED  $1"; }

# check NAME COMMAND…: prints the output only on failure.
check() {
  local name=$1
  shift
  if "$@" >"$work/said" 2>&1; then ok "$name"; else
    failure "$name"
    tail -n 40 "$work/said" | sed 's/^/        /'
  fi
}

# A minimal Debian with systemd, as a tar file.
fetch_base() {
  if [ -n "$(find "$BASE" -mtime -$BASE_DAYS 2>/dev/null)" ]; then return 0; fi
  mkdir -p "$CACHE"
  # If it cannot be rebuilt, use the old one.
  mmdebstrap --quiet --variant=minbase --include=$BASE_PACKAGES bookworm "$CACHE/new.tar.gz" && mv "$CACHE/new.tar.gz" "$BASE" ||
    [ -e "$BASE" ]
}

# The same program with a higher version.
make_upgrade() {
  dpkg-deb -R "$1" "$work/later" && sed -i 's/^Version: .*/&+1/' "$work/later/DEBIAN/control" &&
    dpkg-deb --root-owner-group -Zgzip -b "$work/later" "$2" && rm -rf "$work/later"
}

# Boots the container, which runs systest.sh, writes ok and FAILED lines, and powers off.
run_container() {
  local root=$work/container
  mkdir "$root" && tar -xzf "$BASE" -C "$root" --numeric-owner || return 1
  # Normally written by an installer, but not by mmdebstrap.
  echo "127.0.0.1 localhost" >"$root/etc/hosts"
  # A booted container mounts its own /tmp, so files are passed in /opt.
  mkdir "$root/opt/test"
  cp "$package" "$root/opt/test/package.deb"
  make_upgrade "$package" "$root/opt/test/later.deb" || return 1
  cp "$HERE/deb/systest.sh" "$HERE/farms/systemd/farm.conf" "$root/opt/test/"
  cat >"$root/etc/systemd/system/systest.service" <<UNIT
[Service]
Type=exec
ExecStart=/opt/test/systest.sh
StandardOutput=append:/opt/test/log
StandardError=append:/opt/test/log
ExecStopPost=systemctl --no-block poweroff
[Install]
WantedBy=multi-user.target
UNIT
  ln -s ../systest.service "$root/etc/systemd/system/multi-user.target.wants/systest.service"
  timeout --kill-after=30 $CONTAINER_SECONDS systemd-nspawn --quiet --register=no --keep-unit -b -D "$root" \
    --private-network >"$work/boot" 2>&1 </dev/null
}

judge_container() {
  local root=$work/container line
  while IFS= read -r line; do
    case $line in
      "ok "*) ok "${line#ok }" ;;
      "FAILED "*) failure "${line#FAILED }" ;;
    esac
  done < <(cat "$root/opt/test/results" 2>/dev/null)
  if ! grep -q '^ok the end$' "$root/opt/test/results" 2>/dev/null; then failure "the container finished its tests"; fi
  if [ $failed -gt 0 ]; then
    tail -n 15 "$work/boot" | sed 's/^/        boot: /'
    tail -n 150 "$root/opt/test/log" | sed 's/^/        /'
  fi
}

is_a_clip() {
  ffprobe -v error -select_streams v -show_entries stream=codec_name,width,height -of csv=p=0 "$1" | tee /dev/stderr |
    grep -qx 'h264,1920,1080'
}

echo "building"
package=$("$HERE/deb/build-deb.sh" | tail -n 1) || exit 1
echo "package $package"
cp "$package" "$work/first.deb"
cp "$package.cdx.json" "$work/first.json"
check "the package can be built again" "$HERE/deb/build-deb.sh"
check "the package is byte-for-byte identical" cmp "$work/first.deb" "$package"
check "its SBOM is byte-for-byte identical" cmp "$work/first.json" "$package.cdx.json"
check "the program contains no path of this machine" sh -c \
  'dpkg-deb --fsys-tarfile "$1" | tar -xO ./usr/bin/dinkem-appliance >"$2" && ! grep -a -m1 -o -e "$HOME/.cargo[^\"]*" -e "$3[^\"]*" "$2"' \
  sh "$package" "$work/program" "$(dirname "$HERE")/src"
check "lintian reports no errors or warnings" lintian --fail-on error,warning "$package"
for unit in dinkem-appliance dinkem-appliance-node; do
  check "the exposure of $unit.service is at most 1.5" systemd-analyze security --no-pager --offline=true --threshold=15 \
    "$HERE/deb/$unit.service"
done

if fetch_base; then
  echo "booting Debian 12"
  run_container
  judge_container
  check "the clip is a video of the right size" is_a_clip "$work/container/opt/test/clip.mp4"
  check "piuparts: installs, upgrades, removes and purges without a trace" timeout --kill-after=30 $PIUPARTS_SECONDS \
    piuparts --basetgz "$BASE" --distribution bookworm --no-eatmydata "$package"
else
  failure "a Debian 12 base system is available"
fi

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
