/* SPDX-License-Identifier: MIT */
/* Whether the device can reach memory of a GPU: peer-memory module, DMA-BUF, IOMMU, and ACS. */
#include "doctor.h"

#include <string.h>

static bool has_gpu(const struct doctor *d)
{
	return doctor_exists(d, "/sys/module/nvidia") || doctor_exists(d, "/sys/module/amdgpu");
}

static void gpu_memory(struct doctor *d)
{
	const bool peermem = doctor_exists(d, "/sys/module/nvidia_peermem") ||
			     doctor_exists(d, "/sys/module/nv_peer_mem");
	const bool dmabuf = doctor_kernel(d, 5, 12); /* where ibv_reg_dmabuf_mr() came */

	if (!has_gpu(d))
		doctor_add(d, DOCTOR_OK, "gpu-memory", NULL, NULL,
			   "no GPU driver is loaded: nothing to check");
	else if (!dmabuf && !peermem)
		doctor_add(
			d, DOCTOR_WARNING, "gpu-memory", NULL,
			"`modprobe nvidia-peermem`, or Linux 5.12 or later for DMA-BUF",
			"the kernel offers neither DMA-BUF regions nor a peer-memory module: GPU "
			"memory cannot be registered");
	else
		doctor_add(d, DOCTOR_OK, "gpu-memory", NULL, NULL,
			   "DMA-BUF: %s; peer-memory module: %s",
			   dmabuf ? "the kernel has it" : "needs Linux 5.12",
			   peermem ? "loaded" : "not loaded");
}

static void iommu(struct doctor *d)
{
	char cmdline[4096], groups[1][DOCTOR_NAME_MAX];

	if (doctor_folder(d, groups, 1, "/sys/kernel/iommu_groups") == 0) {
		doctor_add(d, DOCTOR_OK, "iommu", NULL, NULL, "off");
		return;
	}
	doctor_text(d, cmdline, sizeof(cmdline), "/proc/cmdline");
	if (strstr(cmdline, "iommu=pt") != NULL || strstr(cmdline, "iommu.passthrough=1") != NULL)
		doctor_add(d, DOCTOR_OK, "iommu", NULL, NULL, "on, passing through");
	else
		doctor_add(d, has_gpu(d) ? DOCTOR_WARNING : DOCTOR_NOTE, "iommu", NULL,
			   "boot with iommu=pt", "on: it may translate each access of the device");
}

void doctor_gpu(struct doctor *d)
{
	gpu_memory(d);
	iommu(d);
	if (has_gpu(d))
		doctor_acs(d);
}
