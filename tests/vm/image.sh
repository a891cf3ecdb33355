# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2034
#
# Sourced by rxe.sh, which sets $here and $cache: the machine's parts. image_make leaves these under
# $cache, and says in $why what is missing if it cannot:
#
#   debs/ root/ kernel/   Debian packages as they came, and unpacked; nothing is installed
#   release               the kernel's version
#   linux                 the kernel, unpacked, which spares the guest seconds of decompressing
#   initrd                busybox, the modules that the guest needs, and init.sh as /init
#
# qemu and busybox come from these packages if they were missing on the host when they were fetched.

kernel_package=${BV_VM_KERNEL:-linux-image-amd64}

# What the guest loads; what they depend on comes along. rxe asks for crc32_generic at run time.
modules=(virtio_pci 9pnet_virtio 9p overlay dummy crc32_generic ib_uverbs rdma_ucm rdma_rxe)

# in_cache COMMAND [ARGUMENT]...: a program of the unpacked packages, or of the host.
in_cache() {
	local library=usr/lib/x86_64-linux-gnu program=$1 at
	shift

	for at in "$cache/root/usr/bin/$program" "$cache/root/bin/$program" \
		"$(command -v "$program" || true)"; do
		if [ -x "$at" ]; then
			LD_LIBRARY_PATH=$cache/root/$library:$cache/root/lib/x86_64-linux-gnu \
				QEMU_MODULE_DIR=$cache/root/$library/qemu "$at" "$@"
			return
		fi
	done
	echo "$program: not there" >&2
	return 127
}

# Names of the packages: the kernel behind the meta package, and what the host has not got.
package_names() {
	local kernel

	kernel=$(apt-cache depends "$kernel_package" 2>/dev/null |
		awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
	[ -n "$kernel" ] || return 1
	echo "$kernel"
	apt-get install -s --no-install-recommends qemu-system-x86 busybox-static iproute2 \
		2>/dev/null | awk '$1 == "Inst" { print $2 }'
}

fetch() {
	local names deb to

	if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
		why="no apt-get here, and the packages are Debian's"
		return 1
	fi
	mapfile -t names < <(package_names)
	if [ ${#names[@]} -eq 0 ]; then
		why="apt knows no $kernel_package: run apt-get update as root"
		return 1
	fi
	rm -rf "$cache/debs" "$cache/root" "$cache/kernel"
	mkdir -p "$cache/debs" "$cache/root" "$cache/kernel"
	echo "fetching ${#names[@]} packages for ${names[0]}"
	if ! (cd "$cache/debs" && timeout 600 apt-get download -q "${names[@]}") \
		>"$cache/fetch.log" 2>&1; then
		why="apt-get download failed, see $cache/fetch.log: is there a network?"
		return 1
	fi
	for deb in "$cache"/debs/*.deb; do
		to=$cache/root
		[[ ${deb##*/} != linux-image-* ]] || to=$cache/kernel
		if ! dpkg-deb -x "$deb" "$to"; then
			why="cannot unpack $deb"
			return 1
		fi
	done
	rm -rf "$cache/debs"
	echo "${names[0]#linux-image-}" >"$cache/release"
}

# The kernel inside its self-extracting envelope; the envelope boots as well.
unpack_kernel() {
	local envelope=$1 magic tool offset

	while read -r magic tool; do
		for offset in $(LC_ALL=C grep -aboP "$magic" "$envelope" | cut -d: -f1); do
			# What follows the kernel makes the tool end badly.
			tail -c +$((offset + 1)) "$envelope" | in_cache "$tool" -dc \
				>"$cache/linux" 2>/dev/null || true
			[ "$(head -c 4 "$cache/linux" | tail -c 3)" = ELF ] && return
		done
	done <<-'END'
		\xfd7zXZ\x00		xz
		\x28\xb5\x2f\xfd	zstd
	END
	cp "$envelope" "$cache/linux"
}

# The files of $modules and of all that they depend on, from modules.dep.
module_files() {
	awk -v wanted="${modules[*]}" '
		function take(file,   n, i, list) {
			if (file in taken)
				return
			taken[file]
			n = split(needs[file], list, " ")
			for (i = 1; i <= n; i++)
				take(list[i])
			print file
		}
		{
			file = $1
			sub(/:$/, "", file)
			name = file
			sub(/.*\//, "", name)
			sub(/\.ko.*/, "", name)
			gsub(/-/, "_", name)
			path[name] = file
			$1 = ""
			needs[file] = $0
		}
		END {
			n = split(wanted, list, " ")
			for (i = 1; i <= n; i++)
				if (list[i] in path)
					take(path[list[i]])
		}' "$1"
}

build_initrd() {
	local release=$1 from=$cache/kernel/lib/modules/$1 tree=$cache/tree to file

	rm -rf "$tree"
	to=$tree/lib/modules/$release
	mkdir -p "$tree"/{bin,proc,sys,dev,tmp,share,lower,upper,root} "$to"
	cp "$cache/root/bin/busybox" "$tree/bin/busybox" 2>/dev/null ||
		cp "$(command -v busybox)" "$tree/bin/busybox"
	install -m 755 "$here/init.sh" "$tree/init"
	"$tree/bin/busybox" depmod -b "$cache/kernel" "$release"
	while read -r file; do
		mkdir -p "$to/$(dirname "$file")"
		case $file in
		*.xz) in_cache xz -dc "$from/$file" >"$to/${file%.xz}" ;;
		*) cp "$from/$file" "$to/$file" ;;
		esac
	done < <(module_files "$from/modules.dep")
	cp "$from"/modules.builtin* "$from/modules.order" "$to/"
	"$tree/bin/busybox" depmod -b "$tree" "$release"
	(cd "$tree" && find . | LC_ALL=C sort | ./bin/busybox cpio -o -H newc 2>/dev/null) |
		gzip -1 >"$cache/initrd"
	rm -rf "$tree"
}

# Fetches once; builds again if the scripts have changed since.
image_make() {
	local release

	if [ "$(uname -m)" != x86_64 ]; then
		why="the guest is made for x86_64 hosts"
		return 1
	fi
	mkdir -p "$cache"
	if [ ! -s "$cache/release" ]; then
		fetch || return 1
	fi
	release=$(<"$cache/release")
	[ "$cache/initrd" -nt "$here/init.sh" ] && [ "$cache/initrd" -nt "$here/image.sh" ] &&
		[ "$cache/initrd" -nt "$cache/release" ] && return
	unpack_kernel "$cache/kernel/boot/vmlinuz-$release"
	build_initrd "$release"
}
