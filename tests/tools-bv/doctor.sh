#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bv doctor: hosts as trees of files, each with one thing wrong, then this machine without a device
# and with an emulated one.

set -uo pipefail
bv=$1 emu=$2 check=$3
# shellcheck source=tests/tools-bv/lib.sh
. "$(dirname "$0")/lib.sh"

root=$work/root

# put FILE TEXT: a file of the tree.
put() {
	mkdir -p "$root/$(dirname "$1")"
	printf '%s\n' "$2" >"$root/$1"
}

# A host with a good device, on which nothing is wrong; made once.
make_healthy() {
	local cpu dev=sys/class/infiniband/mlx5_0

	put proc/sys/kernel/osrelease 6.1.0-13-amd64
	put proc/self/limits 'Limit                     Soft Limit           Hard Limit           Units
Max locked memory         unlimited            unlimited            bytes'
	put proc/self/status 'CapEff:	0000000000000000'
	put proc/meminfo 'HugePages_Total:     512
HugePages_Free:      500'
	put proc/sys/kernel/numa_balancing 0
	put proc/cmdline 'root=/dev/sda1 iommu=pt'
	for cpu in 0 1 2 3; do
		put sys/devices/system/cpu/cpu$cpu/cpufreq/scaling_governor performance
	done
	put sys/devices/system/cpu/cpu0/cpuidle/state0/latency 0
	put sys/devices/system/cpu/cpu0/cpuidle/state1/latency 2
	put sys/devices/system/cpu/cpu0/cpuidle/state2/latency 133
	put sys/devices/system/cpu/cpu0/cpuidle/state2/name C6
	put sys/devices/system/cpu/cpu0/cpuidle/state2/disable 1
	put sys/devices/system/cpu/smt/active 0
	put sys/devices/system/cpu/isolated 2-3
	put proc/irq/24/smp_affinity_list 0-1
	put sys/kernel/iommu_groups/0/type DMA
	put sys/module/ib_uverbs/version 1
	put sys/module/rdma_ucm/version 1
	put dev/infiniband/uverbs0 ''
	put $dev/fw_ver 22.39.1002
	put $dev/board_id MT_0000000359
	put $dev/device/numa_node 0
	put $dev/device/local_cpulist 0-4095
	put $dev/device/current_link_speed '16.0 GT/s PCIe'
	put $dev/device/max_link_speed '16.0 GT/s PCIe'
	put $dev/device/current_link_width 16
	put $dev/device/max_link_width 16
	put $dev/device/uevent DRIVER=mlx5_core
	put $dev/device/resource '0x0000383ffc000000 0x0000383ffdffffff 0x000000000014220c'
	put $dev/device/net/ens1f0np0/mtu 9000
	put $dev/ports/1/state '4: ACTIVE'
	put $dev/ports/1/link_layer Ethernet
	put $dev/ports/1/rate '200 Gb/sec (4X HDR)'
	put $dev/ports/1/gids/0 fe80:0000:0000:0000:ba3f:d2ff:fe00:0001
	put $dev/ports/1/gids/1 0000:0000:0000:0000:0000:ffff:0a00:0001
	put $dev/ports/1/gids/2 0000:0000:0000:0000:0000:0000:0000:0000
	put $dev/ports/1/gid_attrs/types/0 'IB/RoCE v1'
	put $dev/ports/1/gid_attrs/types/1 'RoCE v2'
}

healthy() {
	rm -rf "$root"
	cp -r "$work/healthy" "$root"
}

# Called through expect().
# shellcheck disable=SC2317
doctor() {
	"$bv" doctor --root "$root" "$@"
}

# wrong STATUS PATTERN [OPTION...]: of the tree as it is now, with a remedy; then the healthy one.
wrong() {
	local status=$1 pattern=$2
	shift 2
	expect "$status" "$pattern" doctor "$@"
	grep -E -A1 -- "$pattern" "$work/out" | grep -q '^ *-> ' ||
		failed "names no remedy for '$pattern'"
	healthy
}

unset BV_PROVIDER MLX5_SHUT_UP_BF
dev=sys/class/infiniband/mlx5_0

make_healthy
mv "$root" "$work/healthy"
healthy
expect 0 ' 0 failed, 0 with a warning,' doctor
also '^ok +firmware +mlx5_0: 22.39.1002, board MT_0000000359'
also '^ok +pcie +mlx5_0: 16.0 GT/s x16, 252 Gb/s'
also '^ok +doorbells +mlx5_0: 8192 UAR pages, at most 16384 doorbell registers'
also '^ok +mtu +mlx5_0: ens1f0np0 has MTU 9000'
also '^ok +gids +mlx5_0: port 1 has 2 GIDs, 1 of RoCE v2'
also '^ok +isolcpus +CPUs 2-3 are isolated'
also '^skipped +interrupts .*not known'
also '^skipped +loopback .*no device is opened'
expect 0 '0 interrupts are served by CPU 2' doctor --cpu 2

# Limits and memory.
put proc/self/limits 'Max locked memory         65536                8388608              bytes'
expect 3 '^warning +memlock +soft limit 64 KiB, hard limit 8388608' doctor
also '-> .ulimit -l unlimited'
put proc/self/status 'CapEff:	00000000a80465fb'
expect 0 '^ok +memlock .*CAP_IPC_LOCK' doctor
healthy
put proc/meminfo 'HugePages_Total:       0'
wrong 0 '^note +hugepages +none'
put .dockerenv ''
rm -r "${root:?}/dev"
wrong 1 '^warning +container .*without /dev/infiniband'
put sys/fs/cgroup/rdma.max 'mlx5_0 hca_handle=2 hca_object=2000'
wrong 0 '^note +cgroup +RDMA objects are limited: mlx5_0 hca_handle=2'
put sys/fs/cgroup/devices/devices.list 'c 136:* rwm
c 1:3 rwm'
wrong 3 '^warning +cgroup +its list of devices has none of RDMA'
put sys/fs/cgroup/devices/devices.list 'c 1:3 rwm
c 231:192 rw'
expect 0 ' 0 with a warning,' doctor
healthy

# iWARP: no advice about RoCE.
put $dev/node_type '4: RNIC'
expect 3 '^warning +transport +mlx5_0: iWARP: rdma_cm alone' doctor
also '-> choose a device of RoCE or InfiniBand'
never ' (gids|mtu|flow-control|port) '
healthy
put $dev/node_type '1: CA'
expect 0 ' 0 with a warning,' doctor
healthy

# What makes times uneven.
put sys/devices/system/cpu/cpu1/cpufreq/scaling_governor powersave
wrong 3 '^warning +governor +1 of 4 CPUs have governor powersave'
put sys/devices/system/cpu/cpu0/cpuidle/state2/disable 0
wrong 3 '^warning +c-states .*as deep as C6, and take 133 us'
put sys/devices/system/cpu/intel_pstate/no_turbo 0
wrong 0 '^note +turbo +on'
put sys/devices/system/cpu/smt/active 1
put sys/devices/system/cpu/cpu2/topology/thread_siblings_list 2,6
wrong 0 '^note +smt .*CPUs 2,6' --cpu 2
rm "$root/sys/devices/system/cpu/isolated"
wrong 0 '^note +isolcpus +no CPU'
wrong 3 '^warning +isolcpus +CPUs 2-3 are isolated, CPU 1 is not' --cpu 1
put proc/irq/25/smp_affinity_list 0-3
wrong 3 '^warning +interrupts +1 interrupts are served by CPU 3' --cpu 3
put proc/sys/kernel/numa_balancing 1
wrong 3 '^warning +numa-balancing +on'

# Devices.
rm -r "${root:?}/sys/class"
wrong 1 '^failure +device +there is no RDMA device'
rm -r "${root:?}/sys/module/ib_uverbs"
wrong 1 '^failure +modules +ib_uverbs is not loaded'
rm -r "${root:?}/dev"
wrong 1 '^failure +permissions .*no file'
put $dev/ports/1/state '1: DOWN'
wrong 1 '^failure +port +mlx5_0: port 1 is 1: DOWN'
put $dev/ports/1/state '2: INIT'
put $dev/ports/1/link_layer InfiniBand
expect 1 'subnet manager' doctor
healthy
put $dev/device/current_link_width 8
wrong 3 '^warning +pcie +mlx5_0: runs at 16.0 GT/s x8; the card can 16.0 GT/s x16'
put $dev/ports/1/rate '400 Gb/sec (4X NDR)'
wrong 3 '^warning +pcie +mlx5_0: 16.0 GT/s x16 carries 252 Gb/s, the port 400 Gb/s'
put $dev/device/resource '0x00000000d0000000 0x00000000d00fffff 0x000000000014220c'
wrong 0 '^note +doorbells +mlx5_0: 256 UAR pages, at most 512 doorbell registers'
put $dev/device/uevent DRIVER=rdma_rxe
expect 0 ' 0 failed' doctor
never ' doorbells '
healthy
put $dev/device/local_cpulist 4000-4095
wrong 3 '^warning +numa +mlx5_0: node 0, CPUs 4000-4095; this process may run elsewhere'
put $dev/device/local_cpulist 4-7
wrong 3 'the core of --cpu is not among them' --cpu 2
put $dev/device/net/ens1f0np0/mtu 1500
wrong 0 '^note +mtu +mlx5_0: ens1f0np0 has MTU 1500: RoCE packets carry at most 1024 bytes'
rm "$root/$dev/ports/1/gids/1"
put $dev/ports/1/gid_attrs/types/0 'RoCE v2'
wrong 3 '^warning +gids +mlx5_0: port 1 has link-local GIDs only'
put $dev/ports/1/gid_attrs/types/1 'IB/RoCE v1'
wrong 3 '^warning +gids .*none of RoCE v2'
rm "$root/$dev"/ports/1/gids/[01]
wrong 1 '^failure +gids +mlx5_0: port 1 has no GID'
# soft-RoCE has room for 1024.
for i in {0..299}; do
	put $dev/ports/1/gids/"$i" 0000:0000:0000:0000:0000:ffff:0a00:0001
	put $dev/ports/1/gid_attrs/types/"$i" "RoCE v2"
done
expect 0 '^ok +gids +mlx5_0: port 1 has 300 GIDs, 300 of RoCE v2' doctor
healthy
wrong 1 '^failure +device +mlx5_9: there is no such device' mlx5_9

# Memory of GPUs.
put sys/module/nvidia/version 535
expect 0 '^ok +gpu-memory +DMA-BUF: the kernel has it; peer-memory module: not loaded' doctor
put proc/sys/kernel/osrelease 5.4.0
put proc/cmdline quiet
wrong 3 '^warning +gpu-memory +the kernel offers neither'
put sys/module/amdgpu/version 1
put proc/cmdline quiet
wrong 3 '^warning +iommu +on'

# bridge NAME CONTROL [BYTES]: the configuration space of a bridge: header type 1, two capabilities at
# 0x100 (AER) and 0x148 (ACS), and in the second the control register.
bridge() {
	local config=$root/sys/bus/pci/devices/$1/config

	mkdir -p "$(dirname "$config")"
	head -c 4096 /dev/zero >"$config"
	printf '\1' | dd of="$config" bs=1 seek=14 conv=notrunc status=none
	printf '\x01\x00\x82\x14' | dd of="$config" bs=1 seek=256 conv=notrunc status=none
	printf '\x0d\x00\x01\x00\x5f\x00%b\x00' "$2" |
		dd of="$config" bs=1 seek=328 conv=notrunc status=none
	truncate -s "${3:-4096}" "$config"
}
put sys/module/nvidia/version 535
bridge 0000:00:01.0 '\x00'
bridge 0000:00:02.0 '\x01'
put sys/bus/pci/devices/0000:01:00.0/config 'no bridge'
expect 0 '^ok +acs +none of 2 PCI bridges redirects' doctor
bridge 0000:00:03.0 '\x1d'
wrong 3 '^warning +acs +1 of 3 PCI bridges send'
put sys/module/nvidia/version 535
bridge 0000:00:01.0 '\x1d' 64
wrong 0 '^skipped +acs +only root may read how 1 PCI bridges'
bridge 0000:00:01.0 '\x1d'
expect 0 ' 0 failed' doctor
never ' acs ' # nobody is there whom it would concern

# A tree that is empty is not a crash.
rm -rf "$root"
mkdir "$root"
expect 1 '^failure +device' doctor

# JSON.
healthy
put $dev/device/current_link_width 8
expect 3 '"worst": "warning"' doctor --json
cp "$work/out" "$work/doctor.json"
json "$check" doctor "$work/doctor.json"

# This machine, with an emulated device.
"$emu" run -- "$bv" doctor >"$work/out" 2>&1
also '^note +kind +mlx5_0: EMULATED DEVICE'
also '^ok +provider +mlx5_0: mlx5: direct: own WQEs and CQEs \(version 1\)'
also '^ok +data-path +mlx5_0: mlx5: BlueFlame'
also '^ok +loopback +mlx5_0: mlx5: wrote 64 bytes to itself and read them back, added by an atomic'
also '^ok +loopback +mlx5_0: verbs: wrote 64 bytes'
never '^failure'
"$emu" run --manual -- "$bv" doctor mlx5_0 >"$work/out" 2>&1
also '^ok +loopback +mlx5_0: mlx5: wrote'
"$emu" run --mtu=1024 -- "$bv" doctor >"$work/out" 2>&1 # warns of the limits of an ordinary user
also '^note +active-mtu +mlx5_0: port 1 uses 1024 of the 4096 bytes'
expect 3 '^warning +data-path +mlx5_0: mlx5: doorbell' \
	env MLX5_SHUT_UP_BF=1 "$emu" run -- "$bv" doctor
also '^warning +environment +MLX5_SHUT_UP_BF=1'
expect 1 '^failure +environment +BV_PROVIDER=foo names no provider of this library; there is:' \
	env BV_PROVIDER=foo "$emu" run -- "$bv" doctor
also '^ok +loopback +mlx5_0: verbs: wrote 64 bytes'
expect 1 '^failure +port +mlx5_0: port 1 is' "$emu" run --port-state=down -- "$bv" doctor
also '^skipped +loopback .*port 1 is not active'

# What goes wrong on the way is told by what was posted.
expect 1 'RDMA WRITE #0 \(64 B at 0x[0-9a-f]+ lkey 0x[0-9a-f]+ -> 0x[0-9a-f]+ rkey 0x[0-9a-f]+\) failed: retry' \
	"$emu" run --fault='lose rate=100%' -- "$bv" doctor
also 'tried 7 times, waiting 67.109 ms each, 469.762 ms in all'
also 'likely: \(1\) the peer'
also 'verbs: the write failed: .*RDMA WRITE #0 .* failed: retry exceeded error'
expect 2 'cpu' "$bv" doctor --cpu x
expect 2 'one device' "$bv" doctor a b
finish
