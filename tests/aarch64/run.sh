#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Builds library and unit tests for aarch64 and runs the unit tests below qemu-user, but those of mlx5emu, which
# looks at mappings of its process: there they are qemu's. The libraries that they need are Debian's of arm64,
# unpacked into a folder; nothing is installed.
#
#   tests/aarch64/run.sh [BUILD_DIRECTORY]     default: build-aarch64
#
# Exit status 77, with the reason, where the compiler, qemu or the packages are not to be had.

set -euo pipefail
cd "$(dirname "$0")/../.."
build=$PWD/${1:-build-aarch64}
root=$build/sysroot
triplet=aarch64-linux-gnu
skip() { echo "skipped: $1" && exit 77; }

command -v $triplet-gcc >/dev/null || skip "no $triplet-gcc (Debian: gcc-aarch64-linux-gnu)"
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64) || skip "no qemu-aarch64 (Debian: qemu-user-static)"
if [ "$(uname -m)" = aarch64 ]; then
	skip "this is such a machine: run the unit tests themselves"
fi

# apt of its own: another architecture, lists and cache in the build directory.
debian() {
	apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64 \
		-o Dir::State::Lists="$build/apt/lists" -o Dir::State::status="$build/apt/status" \
		-o Dir::Cache="$build/apt/cache" -o Debug::NoLocking=1 -o Acquire::Retries=2 "$@"
}

if [ ! -e "$root/complete" ]; then
	command -v apt-get >/dev/null || skip "not a Debian system: no libraries for arm64"
	mkdir -p "$build"/apt/{lists,cache/archives}/partial "$build/apt/packages" "$root"
	: >"$build/apt/status"
	debian update || skip "apt-get update failed: is there a network?"
	(cd "$build/apt/packages" && debian download libibverbs-dev libibverbs1 ibverbs-providers librdmacm-dev librdmacm1 \
		libjansson-dev libjansson4 libcmocka-dev libcmocka0 libnl-3-200 libnl-route-3-200 libnl-3-dev \
		libnl-route-3-dev) || skip "the packages of arm64 cannot be had"
	for package in "$build"/apt/packages/*.deb; do
		dpkg-deb -x "$package" "$root"
	done
	touch "$root/complete"
fi

cat >"$build/toolchain.cmake" <<END
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER $triplet-gcc)
set(CMAKE_FIND_ROOT_PATH "$root")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_LIBRARY_ARCHITECTURE $triplet)
set(CMAKE_C_FLAGS_INIT "-isystem $root/usr/include -isystem $root/usr/include/$triplet")
foreach(kind IN ITEMS EXE SHARED)
	set(CMAKE_\${kind}_LINKER_FLAGS_INIT
		"-L$root/usr/lib/$triplet -Wl,-rpath-link,$root/usr/lib/$triplet -Wl,-rpath-link,$root/lib/$triplet")
endforeach()
END
export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$root/usr/lib/$triplet/pkgconfig:$root/usr/share/pkgconfig
cmake -S . -B "$build" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$build/toolchain.cmake" \
	-DCMAKE_BUILD_TYPE=RelWithDebInfo -DBV_WERROR=ON -DBUILD_TESTING=ON >"$build/build.log"
mapfile -t tests < <(ninja -C "$build" -t targets all | sed -n 's,^bin/tests/\(unit_[^:]*\):.*,\1,p' |
	grep -v '^unit_mlx5emu_')
[ ${#tests[@]} -gt 0 ] || { echo "no unit tests in $build" && exit 1; }
if ! ninja -C "$build" "${tests[@]}" bareverbs >>"$build/build.log" 2>&1; then
	tail -n 40 "$build/build.log"
	exit 1
fi

rc=0 counted=0
for name in "${tests[@]}"; do
	status=0
	timeout 120 "$qemu" -L /usr/$triplet -E LD_LIBRARY_PATH="$root/usr/lib/$triplet:$root/lib/$triplet:/usr/$triplet/lib" \
		"$build/bin/tests/$name" >"$build/$name.log" 2>&1 || status=$?
	case $status in
	0) verdict=passed ;;
	77) verdict="skipped: $(tail -n 1 "$build/$name.log")" ;;
	*) verdict="FAILED ($status)" rc=1 ;;
	esac
	printf '%-40s %s\n' "$name" "$verdict"
	counted=$((counted + 1))
	[ "$status" -eq 0 ] || [ "$status" -eq 77 ] || tail -n 20 "$build/$name.log"
done
echo "$counted unit tests on aarch64"
exit $rc
