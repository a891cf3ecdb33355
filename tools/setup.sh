# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
#
# Sourced by demo.sh and test.sh: where we are, packages, and the build into build/.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
jobs=$(nproc)
export LC_ALL=C.UTF-8

# What the library and its tools are built from.
packages_build=(gcc libc6-dev cmake ninja-build pkg-config libibverbs-dev ibverbs-providers
	librdmacm-dev libjansson-dev)
# What the tests use beside that.
packages_test=(g++ libcmocka-dev ibverbs-utils perftest valgrind universal-ctags)
# What the checks of --all use beside that.
packages_all=(clang clang-format cppcheck shellcheck gcc-aarch64-linux-gnu libc6-dev-arm64-cross
	pandoc groff mandoc tshark ucx-utils rdmacm-utils python3-pyverbs)

die() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

# packages PACKAGE...: all of them are installed on return.
packages() {
	local missing=() package as_root=()

	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		echo "not a Debian system: this build needs the equivalents of: $*"
		return
	fi
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null |
			grep -qx installed || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0

	if [ "$(id -u)" -ne 0 ]; then
		if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
			as_root=(sudo)
		else
			die "missing packages, and no right to install them; as root run:
  apt-get install --no-install-recommends ${missing[*]}"
		fi
	fi
	echo "installing ${missing[*]}"
	"${as_root[@]}" apt-get -qq update || die "apt-get update failed: is there a network?"
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null ||
		die "apt-get could not install: ${missing[*]}"
}

# goes_on DIRECTORY [CMAKE ARGUMENT]...: CMake can go on with what it made there, if it made anything. What
# it cannot go on with it refuses in words that do not say what to do. Our presets are all for Ninja.
goes_on() {
	local cache=$1/CMakeCache.txt generator sources todo="remove it, or move it away"

	[ -e "$cache" ] || return 0
	generator=$(sed -n 's/^CMAKE_GENERATOR:INTERNAL=//p' "$cache")
	sources=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$cache")
	[[ " $* " != *" --preset "* || ${generator:-Ninja} == Ninja ]] ||
		die "$root/$1 was configured for '$generator', and this builds with Ninja: $todo"
	[ "${sources:-.}" -ef . ] ||
		die "$root/$1 was configured for the sources in $sources: $todo"
}

# build_in DIRECTORY [CMAKE ARGUMENT]...: configured and built; the compiler's words only on failure.
build_in() {
	local directory=$1 log
	shift

	mkdir -p "$directory" 2>/dev/null || die "cannot create $root/$directory"
	[ -w "$directory" ] ||
		die "$root/$directory belongs to somebody else: remove it, or make it yours"
	goes_on "$directory" "$@"
	log=$directory/build.log
	if ! { cmake -S . -B "$directory" "$@" && cmake --build "$directory" -j "$jobs"; } \
		>"$log" 2>&1; then
		tail -n 60 "$log" >&2
		die "the build in $directory failed; all of it is in $directory/build.log"
	fi
}
