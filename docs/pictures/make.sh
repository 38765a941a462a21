#!/bin/sh
# Makes the pictures of docs/pictures.md: docs/pictures/make.sh DEMOS
#
# DEMOS is a folder with dust2_overtime.dem.bz2, mirage.dem.zst and nuke.dem. Needs dinkem-appliance and ffmpeg on the PATH.
set -eu
demos=$1
cd "$(dirname "$0")"
clips=$(mktemp -d)
trap 'rm -rf "$clips"' EXIT

# clip NAME DEMO PLAYER ROUND [SETTING...]
clip() {
    name=$1 demo=$2 player=$3 round=$4
    shift 4
    for setting; do
        set -- "$@" --set "$setting"
        shift
    done
    dinkem-appliance render "$demo" --player "$player" --round "$round" "$@" -o "$clips/$name.mp4"
}

# still CLIP SECOND NAME
still() {
    ffmpeg -loglevel error -y -ss "$2" -i "$clips/$1.mp4" -frames:v 1 -vf scale=1280:-1 -q:v 4 "$3.jpg"
}

dinkem-appliance quickstart --exit -o "$clips/sample.mp4"
full="cl_draw_only_deathnotices=0"
clip dust2 "$demos/dust2_overtime.dem.bz2" 76561199063238565 14 $full
clip dust2-default "$demos/dust2_overtime.dem.bz2" 76561199063238565 14
clip nuke "$demos/nuke.dem" 76561197991272318 11 $full
clip mirage "$demos/mirage.dem.zst" 76561197978835160 11 $full
clip mirage-map "$demos/mirage.dem.zst" 76561197978835160 11 $full camera=map

still dust2 1.8 intro
still dust2 63.2 follow
still dust2 72.6 ace
still dust2 74 end
still dust2-default 66.1 default
still nuke 85.7 floors
still nuke 110.5 defuse
still mirage 40 smoke
still mirage-map 40 map
still sample 15 sample
