#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Installs the build below a fresh prefix and uses it as a stranger would: by pkg-config and by the
# CMake package, shared and static. Then holds what was installed against what was promised.
#
#   run.sh BUILD_DIRECTORY SOURCE_DIRECTORY CMAKE GENERATOR CC LIBDIR

set -euo pipefail
build=$1 source=$2 cmake=$3 generator=$4 cc=$5 libdir=$6

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

# The sanitizer runtimes belong to the build, not to a stranger's compiler line.
sanitizer=$(sed -n 's/^BV_SANITIZER:STRING=//p' "$build/CMakeCache.txt")
if [ -n "$sanitizer" ]; then
	echo "skipped: a library built with -fsanitize=$sanitizer is not one to install"
	exit 77
fi

if grep -qx 'BV_COVERAGE:BOOL=ON' "$build/CMakeCache.txt"; then
	echo "skipped: a library that counts its coverage is not one to install"
	exit 77
fi

work=$(mktemp -d "$build/install.XXXXXX")
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
lib=$prefix/$libdir
"$cmake" --install "$build" --prefix "$prefix" >"$work/log" || fail "cmake --install: $(cat "$work/log")"

echo "-- pkg-config, shared"
export PKG_CONFIG_PATH=$lib/pkgconfig
read -ra flags <<<"$(pkg-config --cflags --libs bareverbs)"
"$cc" -std=c11 -Wall -Wextra -Werror -o "$work/shared" "$source/consumer/consumer.c" "${flags[@]}"
LD_LIBRARY_PATH=$lib "$work/shared"
readelf -d "$work/shared" | grep -q 'NEEDED.*\[libbareverbs\.so\.0\]' ||
	fail "the consumer does not need libbareverbs.so.0"

echo "-- pkg-config, static"
read -ra flags <<<"$(pkg-config --cflags bareverbs)"
read -ra libs <<<"$(pkg-config --libs --static bareverbs)"
"$cc" -std=c11 -Wall -Wextra -Werror -o "$work/static" "$source/consumer/consumer.c" \
	"${flags[@]}" "${libs[@]/#-lbareverbs/-l:libbareverbs.a}"
! readelf -d "$work/static" | grep 'NEEDED.*libbareverbs' || fail "not linked statically"
"$work/static"

echo "-- CMake package, shared and static"
"$cmake" -S "$source/consumer" -B "$work/consumer" -G "$generator" -DCMAKE_PREFIX_PATH="$prefix" \
	-DCMAKE_C_COMPILER="$cc" >"$work/log" || fail "find_package: $(cat "$work/log")"
"$cmake" --build "$work/consumer" >"$work/log" || fail "consumer build: $(cat "$work/log")"
"$work/consumer/consumer"
"$work/consumer/consumer_static"

echo "-- the tools, by themselves"
"$prefix/bin/mlx5emu" run -- "$prefix/bin/bv" info >"$work/info" || fail "bv info"
"$prefix/bin/mlx5emu" run -- "$prefix/bin/bv" selftest --match endpoint_forms >"$work/selftest" 2>&1 ||
	fail "bv selftest: $(cat "$work/selftest")"
grep -q '^mlx5_0' "$work/info" || fail "bv info shows no emulated device: $(cat "$work/info")"

echo "-- contents"
readelf -d "$lib/libbareverbs.so" | grep -q 'SONAME.*\[libbareverbs\.so\.0\]' ||
	fail "SONAME is not libbareverbs.so.0"
nm -D --defined-only "$lib/libbareverbs.so" | awk '$2 != "A" { print $3 }' >"$work/symbols"
! grep -v '^bvi\?_' "$work/symbols" || fail "exported, and neither bv_* nor bvi_*"
(cd "$prefix/include" && find . -type f | sort) >"$work/installed"
(cd "$source/../../include" && find . -name '*.h' | sort) | diff - "$work/installed" ||
	fail "the installed headers are not those of include/"
[ -s "$prefix/share/man/man3/bv_post_write.3" ] || fail "no page of bv_post_write in share/man"
! grep -rl "$build\|$(realpath "$source/../..")" "$prefix/include" "$prefix/share" "$lib/pkgconfig" "$lib/cmake" ||
	fail "installed text names the build or source directory"
echo ok
