#!/bin/bash
# SPDX-License-Identifier: MIT
#
# build_in.sh SOURCE_DIRECTORY: build_in() of tools/setup.sh on a project of nothing: builds, goes on with
# its own directory, and says what to do about those of other generators and other sources.

set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/tools" "$scratch/build"
cp "$1/tools/setup.sh" "$scratch/tools"
echo 'cmake_minimum_required(VERSION 3.21)
project(nothing LANGUAGES NONE)' >"$scratch/CMakeLists.txt"
echo '{ "version": 3, "configurePresets": [ { "name": "ours", "generator": "Ninja" } ] }' \
	>"$scratch/CMakePresets.json"
cache=$scratch/build/CMakeCache.txt

# build [ARGUMENT]...: build_in() in a shell of its own, since it may end it.
build() {
	bash -euc '. "$1/tools/setup.sh"; shift; build_in build "$@"' build_in.sh "$scratch" "$@" 2>&1
}

# refused TEXT [ARGUMENT]...
refused() {
	local text=$1 said
	shift
	if said=$(build "$@"); then
		echo "build_in $*: was not refused ($text)"
		exit 1
	fi
	[[ $said == *"$text: remove it, or move it away" ]] || { echo "'$text' was not said: $said"; exit 1; }
}

build --preset ours
build --preset ours
build
sed -i 's/^\(CMAKE_GENERATOR:INTERNAL=\).*/\1Unix Makefiles/' "$cache"
refused "$scratch/build was configured for 'Unix Makefiles', and this builds with Ninja" --preset ours
mkdir "$scratch/elsewhere"
sed -i -e 's/^\(CMAKE_GENERATOR:INTERNAL=\).*/\1Ninja/' \
	-e "s,^\(CMAKE_HOME_DIRECTORY:INTERNAL=\).*,\1$scratch/elsewhere," "$cache"
refused "$scratch/build was configured for the sources in $scratch/elsewhere" --preset ours
