#!/usr/bin/env bash
# Cargo for x86_64-pc-windows-gnu on Debian, which has no prebuilt standard library for it: compiler, Cargo and library
# source come from Debian's rustc-web (see ../setup.sh), and the library is built as well.
#   win-build.sh build --profile dist --locked
set -euo pipefail

cache=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/dinkem-appliance/target}
rust=$cache/windows-rust/usr
root=$(cd "$(dirname "$0")/../.." && pwd)
target=x86_64-pc-windows-gnu
tool=x86_64-w64-mingw32

export CARGO_TARGET_DIR=$cache/windows CARGO_HOME=${CARGO_HOME:-$HOME/.cargo}
# A stable compiler builds the standard library only with this set.
export RUSTC=$rust/bin/rustc RUSTC_BOOTSTRAP=1 LD_LIBRARY_PATH=$rust/lib/x86_64-linux-gnu
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=$tool-gcc
# Remove paths and timestamps for a reproducible build.
maps=("$CARGO_HOME/registry/src=/cargo" "$root=/src" "$rust/src=/rust" "$CARGO_TARGET_DIR=/target")
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUSTFLAGS="-C link-arg=-Wl,--no-insert-timestamp ${maps[*]/#/--remap-path-prefix=}"
export CFLAGS_x86_64_pc_windows_gnu="${maps[*]/#/-ffile-prefix-map=}" CXXFLAGS_x86_64_pc_windows_gnu="${maps[*]/#/-ffile-prefix-map=}"
# Link the encoder's C++ library statically, so that the program needs only Windows itself.
CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUSTFLAGS+=" -L native=$(dirname "$($tool-g++ -print-file-name=libstdc++.a)")"
export CXXSTDLIB_x86_64_pc_windows_gnu=static=stdc++

library=std,panic_unwind
[ "$1" != test ] || library+=,test

cd "$root"
exec "$rust/bin/cargo" "$@" -Zbuild-std=$library --target $target
