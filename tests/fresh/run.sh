#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The promise of the README, kept to the letter: a bare Debian 12 made by debootstrap, a clone of the
# last commit, tools/demo.sh and tools/test.sh as root, which installs, and then as an ordinary user.
#
#   run.sh SOURCE_DIRECTORY [WORK_DIRECTORY]

set -euo pipefail
source=$1
work=${2:-$(mktemp -d /var/tmp/bareverbs-fresh.XXXXXX)}
mirror=${BV_DEBIAN_MIRROR:-http://deb.debian.org/debian}
chroot=$work/root

[ "$(id -u)" -eq 0 ] || { echo "skipped: chroot needs root"; exit 77; }
command -v debootstrap >/dev/null || { echo "skipped: no debootstrap"; exit 77; }

mounts=(proc dev dev/shm)
leave() {
	local index

	for ((index = ${#mounts[@]} - 1; index >= 0; index--)); do
		mountpoint -q "$chroot/${mounts[index]}" && umount "$chroot/${mounts[index]}"
	done
	# Never remove through a mount that would not go.
	if findmnt -rn -o TARGET | grep -q "^$chroot/"; then
		echo "still mounted below $chroot: left as it is" >&2
	elif [ -z "${BV_FRESH_KEEP:-}" ]; then
		rm -rf "$work"
	fi
}
trap leave EXIT

inside() {
	chroot "$chroot" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		"$@"
}

echo "-- debootstrap"
mkdir -p "$chroot"
debootstrap --variant=minbase --include=ca-certificates,git bookworm "$chroot" "$mirror" \
	>"$work/debootstrap.log" || { tail "$work/debootstrap.log"; exit 1; }
cp /etc/resolv.conf "$chroot/etc/resolv.conf"
mount -t proc proc "$chroot/proc"
mount -t tmpfs tmpfs "$chroot/dev"
mkdir "$chroot/dev/shm"
mount -t tmpfs tmpfs "$chroot/dev/shm"
for node in null zero full random urandom tty; do
	cp -a "/dev/$node" "$chroot/dev/"
done
ln -s /proc/self/fd "$chroot/dev/fd"
chmod 1777 "$chroot/dev/shm"

echo "-- clone"
git -c safe.directory='*' clone -q "$source" "$chroot/root/bareverbs"

echo "-- tools/demo.sh"
inside /root/bareverbs/tools/demo.sh
echo "-- tools/test.sh"
inside /root/bareverbs/tools/test.sh

echo "-- the same as an ordinary user"
inside useradd --create-home somebody
cp -r "$chroot/root/bareverbs" "$chroot/home/somebody/bareverbs"
rm -rf "$chroot/home/somebody/bareverbs/build"
inside chown -R somebody: /home/somebody/bareverbs
inside su - somebody -c "cd bareverbs && tools/demo.sh && tools/test.sh"
echo ok
