#!/usr/bin/env bash
# Builds the Debian package from a clean clone; the last line printed is its path: packaging/build-deb.sh [FOLDER]
exec "$(dirname "$0")/deb/build-deb.sh" "$@"
