#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# Process 1 of the guest. Mounts the host's root (9p, read-only) below a tmpfs, sets up rxe0, runs
# /share/run on it, and leaves the exit status in /share/status. /share is a directory of the host.

b=/bin/busybox

give_up() {
	echo "guest: $*" | $b tee /share/broken
	$b poweroff -f
}

$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
for module in virtio_pci 9pnet_virtio 9p overlay dummy crc32_generic ib_uverbs rdma_ucm rdma_rxe; do
	$b modprobe $module || echo "guest: no module $module"
done

options=trans=virtio,version=9p2000.L,msize=262144
$b mount -t 9p -o $options,cache=none share /share || give_up "cannot mount /share"
$b mount -t 9p -o $options,cache=loose,ro host /lower || give_up "cannot mount the host's root"
$b mount -t tmpfs -o size=75% tmpfs /upper
$b mkdir /upper/data /upper/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work overlay /root ||
	give_up "cannot mount an overlay on the host's root"
for directory in proc sys dev; do
	$b mount --rbind /$directory /root/$directory
done
$b mkdir -p /root/dev/shm /root/dev/pts /root/share
$b mount -t tmpfs tmpfs /root/dev/shm
$b mount -t devpts devpts /root/dev/pts
$b mount -t tmpfs tmpfs /root/run
$b mount --bind /share /root/share
[ -e /dev/fd ] || $b ln -s /proc/self/fd /dev/fd

# An Ethernet MTU above 4096 and headers: RoCE packets may be as long as RoCE allows.
$b hostname guest
$b ip link set lo up
$b ip link set dummy0 mtu 4500
$b ip addr add 10.0.0.1/24 dev dummy0
$b ip link set dummy0 up
$b chroot /root /share/bin/rdma link add rxe0 type rxe netdev dummy0 || give_up "cannot add rxe0"
# The GID of the address comes a little later.
tries=0
until $b grep -q ffff:0a00:0001 /sys/class/infiniband/rxe0/ports/1/gids/1; do
	tries=$((tries + 1))
	[ $tries -le 100 ] || give_up "rxe0 has got no GID for its address"
	$b sleep 0.1
done

ulimit -l unlimited
read -r up _ </proc/uptime
echo "guest: ready after $up s"
$b chroot /root /share/run </dev/null >/share/stdout 2>/share/stderr
echo $? >/share/status
read -r up _ </proc/uptime
echo "guest: done after $up s"
$b poweroff -f
