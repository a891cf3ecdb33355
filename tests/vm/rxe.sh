#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs programs of this machine with the soft-RoCE driver of Linux, rdma_rxe, in a virtual machine:
# suite.sh, or the command that is given, as root, in the current directory. The guest has a kernel of
# Debian and sees the host's files; what it writes is gone with it, but for its directory /share.
# Nothing is installed and no privilege is needed. The CPU is emulated, so that it works inside other
# virtual machines.
#
#   rxe.sh [-q] [-t SECONDS] [-p PAGE] BUILD_DIRECTORY [-- COMMAND [ARGUMENT]...]
#
#   -q  quick: each test of the suite repeats less
#   -t  give up after so long, if the host has nothing else to do; on a busy host it takes longer
#   -p  write the suite's results into PAGE, between its marks for this kernel package
#
# BV_VM_KERNEL names the kernel package, default linux-image-amd64. Packages and machine are kept in
# BUILD_DIRECTORY/vm/<kernel package>, or below BV_VM_CACHE. Exit status: the command's; 77 if there
# can be no machine; 124 if the time was over; 125 if the guest ended without an answer.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/vm/image.sh
. "$here/image.sh"

usage() {
	echo "usage: rxe.sh [-q] [-t SECONDS] [-p PAGE] BUILD_DIRECTORY" \
		"[-- COMMAND [ARGUMENT]...]" >&2
	exit 2
}

skip() {
	echo "skipped: $*"
	exit 77
}

seconds=240
page=${BV_VM_PAGE:-}
quick=
while getopts qt:p: option; do
	case $option in
	q) quick=--reduced ;;
	t) seconds=$OPTARG ;;
	p) page=$OPTARG ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || usage
build=$(cd "$1" && pwd) || exit 2
shift
[ "${1:-}" = -- ] && shift
cache=${BV_VM_CACHE:-$build/vm}/$kernel_package

# Emulation on a host with other work to do is ten times slower and more: a limit in seconds would
# be too short there or too long elsewhere.
factor() {
	local load

	read -r load _ </proc/loadavg
	awk -v load="$load" -v cpus="$(nproc)" \
		'BEGIN { f = 2 + 2 * load / cpus; print int(f > 12 ? 12 : f) }'
}

qemu=
run=
leave() {
	[ -z "$qemu" ] || kill -KILL "$qemu" 2>/dev/null || true
	[ -z "$run" ] || rm -rf "$run"
}
trap leave EXIT
trap 'cat "$run/stdout" 2>/dev/null; exit 130' INT TERM HUP

# What the guest's init starts, and the tools of iproute2 that make devices.
fill_share() {
	local library=$cache/root/usr/lib/x86_64-linux-gnu name at word

	mkdir "$run/bin"
	for name in ip rdma; do
		at=$cache/root/sbin/$name
		[ -x "$at" ] || at=$(PATH=$PATH:/sbin:/usr/sbin command -v "$name") ||
			skip "no command $name: install iproute2, or remove $cache to fetch it"
		printf '#!/bin/sh\nLD_LIBRARY_PATH=%q exec %q "$@"\n' \
			"$library:$cache/root/lib/x86_64-linux-gnu" "$at" >"$run/bin/$name"
	done
	{
		printf '#!/bin/bash\ncd %q\nexport PATH=%q HOME=/root LC_ALL=C.UTF-8\nexec' \
			"$PWD" "/share/bin:$PATH"
		for word in "$@"; do
			printf ' %q' "$word"
		done
		echo
	} >"$run/run"
	chmod +x "$run/run" "$run/bin"/*
}

# $qemu runs in the background, ends with us whatever ends us, and is given $1 seconds.
# tsc=reliable: on a busy host the guest takes its clock for unstable, and patches its code for that,
# which Linux 6.12 on two emulated CPUs did not always survive.
boot() {
	local limit=$1 share=$cache/root/usr/share
	local die_with_us=()

	command -v setpriv >/dev/null && die_with_us=(setpriv --pdeathsig KILL)
	(
		library=$cache/root/usr/lib/x86_64-linux-gnu
		export LD_LIBRARY_PATH=$library:$cache/root/lib/x86_64-linux-gnu
		export QEMU_MODULE_DIR=$library/qemu
		program=$cache/root/usr/bin/qemu-system-x86_64
		data=(-L "$share/qemu" -L "$share/seabios" -L "$cache/root/usr/lib/ipxe/qemu")
		if [ ! -x "$program" ]; then
			program=$(command -v qemu-system-x86_64)
			data=()
		fi
		exec "${die_with_us[@]}" "$program" "${data[@]}" \
			-nodefaults -no-user-config -display none -no-reboot \
			-accel tcg,thread=multi -cpu max -machine pc -smp 2 -m 1024 \
			-serial "file:$run/console" \
			-kernel "$cache/linux" -initrd "$cache/initrd" \
			-append "console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable" \
			-fsdev "local,id=share,path=$run,security_model=none" \
			-device virtio-9p-pci,fsdev=share,mount_tag=share \
			-fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
			-device virtio-9p-pci,fsdev=host,mount_tag=host
	) </dev/null >"$run/qemu" 2>&1 &
	qemu=$!
	while kill -0 "$qemu" 2>/dev/null; do
		[ "$limit" -gt 0 ] || return 124
		sleep 1
		limit=$((limit - 1))
	done
	wait "$qemu" || true
	qemu=
}

# The page's text between its marks becomes what the suite wrote.
write_page() {
	local text=$1 file=$2

	awk -v text="$text" -v mark="<!-- results: $kernel_package -->" '
		/^<!-- end of results -->/ { inside = 0 }
		!inside { print }
		$0 == mark {
			inside = 1
			while ((getline line < text) > 0)
				print line
		}' "$file" >"$file.new"
	mv "$file.new" "$file"
}

# No answer from the guest.
tell_end() {
	local late=$1

	grep -qE "fsdev|virtio-9p" "$run/qemu" && skip "this qemu has no 9p: $(head -n 1 "$run/qemu")"
	grep -qs "cannot mount" "$run/broken" && skip "$(<"$run/broken")"
	if [ "$late" -ne 0 ]; then
		echo "rxe.sh: not done in time; the guest's last words:" >&2
	else
		echo "rxe.sh: the guest ended without an answer; its last words:" >&2
	fi
	cat "$run/qemu" "$run/broken" >&2 2>/dev/null || true
	tail -n 20 "$run/console" >&2 2>/dev/null || true
	[ "$late" -ne 0 ] && exit 124
	exit 125
}

compgen -G "/usr/lib/*/libibverbs/librxe-*.so" >/dev/null ||
	skip "the host has no rxe driver of rdma-core: install ibverbs-providers"
why=
image_make || skip "$why"
[ -x "$cache/root/usr/bin/qemu-system-x86_64" ] || command -v qemu-system-x86_64 >/dev/null ||
	skip "qemu-system-x86_64 has gone: remove $cache to fetch it"
run=$(mktemp -d "$cache/run.XXXXXX")
slower=$(factor)
if [ $# -eq 0 ]; then
	set -- "$here/suite.sh" "$build" $((seconds * slower)) ${quick:+"$quick"}
fi
fill_share "$@"
late=0
boot $(((seconds + 30) * slower)) || late=$?
cat "$run/stdout" 2>/dev/null || true
cat "$run/stderr" >&2 2>/dev/null || true
[ -s "$run/status" ] || tell_end "$late"
status=$(<"$run/status")
if [ -n "$page" ] && [ -s "$run/page" ]; then
	write_page "$run/page" "$page"
fi
exit "$status"
