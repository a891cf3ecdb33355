/* SPDX-License-Identifier: MIT */
/*
 * What the PCI side tells: how many doorbell registers an mlx5 function has room for, and whether
 * switches keep a GPU and a device from talking to each other.
 */
#include "doctor.h"

#include <stdio.h>
#include <string.h>

/*
 * A UAR is a page of 4 KiB, and the first lies at the start of BAR 0 (Linux, drivers/net/ethernet/
 * mellanox/mlx5/core/uar.c: uar2pfn()). Programs get two of its registers
 * (include/linux/mlx5/device.h: MLX5_NON_FP_BFREGS_PER_UAR).
 */
#define UAR_BYTES 4096
#define REGISTERS_PER_UAR 2
/* Of a function with less, some hundreds of processes may use up all. */
#define UARS_USUAL 512

void doctor_doorbells(struct doctor *d, const char *name)
{
	char line[128], driver[64];
	unsigned long long start, end, uars;

	doctor_line(d, driver, sizeof(driver), "/sys/class/infiniband/%s/device/uevent", name);
	if (strcmp(driver, "DRIVER=mlx5_core") != 0 ||
	    !doctor_line(d, line, sizeof(line), "/sys/class/infiniband/%s/device/resource", name) ||
	    sscanf(line, "%llx %llx", &start, &end) != 2 || end <= start)
		return;
	uars = (end - start + 1) / UAR_BYTES;
	doctor_add(d, uars < UARS_USUAL ? DOCTOR_NOTE : DOCTOR_OK, "doorbells", name,
		   uars < UARS_USUAL ?
			   "where channels cannot be made for want of registers, use a function "
			   "with a larger BAR\n(`mlxconfig -d DEVICE query | grep BAR`)" :
			   NULL,
		   "%llu UAR pages, at most %llu doorbell registers for all processes; a channel "
		   "takes one",
		   uars, uars * REGISTERS_PER_UAR);
}

/* Places in configuration space (linux/pci_regs.h; PCI Express base specification, 7.7.8). */
enum {
	CONFIG_BYTES = 4096,
	HEADER_TYPE = 0x0e,
	HEADER_BRIDGE = 1,
	EXTENDED = 0x100,
	CAPABILITY_ACS = 0x0d,
	ACS_CONTROL = 6,
	ACS_REDIRECTS = 0x04 | 0x08 | 0x20, /* requests, completions, egress control */
};

static unsigned little16(const uint8_t *at)
{
	return (unsigned)at[0] | (unsigned)at[1] << 8;
}

/* The ACS control register, 0 if there is none. Capabilities are a list, here of bounded length. */
static unsigned acs_control(const uint8_t config[CONFIG_BYTES])
{
	size_t at = EXTENDED;

	for (unsigned i = 0; i < 64 && at >= EXTENDED && at <= CONFIG_BYTES - 8; i++) {
		if (little16(config + at) == CAPABILITY_ACS)
			return little16(config + at + ACS_CONTROL);
		at = little16(config + at + 2) >> 4 & ~3u;
	}
	return 0;
}

void doctor_acs(struct doctor *d)
{
	static char names[1024][DOCTOR_NAME_MAX];
	static uint8_t config[CONFIG_BYTES];
	const size_t n = doctor_folder(d, names, 1024, "/sys/bus/pci/devices");
	size_t bridges = 0, hidden = 0, redirect = 0;

	for (size_t i = 0; i < n; i++) {
		const size_t bytes = doctor_bytes(d, config, sizeof(config),
						  "/sys/bus/pci/devices/%s/config", names[i]);

		if (bytes <= HEADER_TYPE || (config[HEADER_TYPE] & 0x7f) != HEADER_BRIDGE)
			continue;
		bridges++;
		hidden += bytes == 64; /* all that others than root may see */
		redirect += bytes == CONFIG_BYTES && acs_control(config) & ACS_REDIRECTS;
	}
	if (redirect > 0)
		doctor_add(d, DOCTOR_WARNING, "acs", NULL,
			   "where virtual machines need no isolation, after each boot for each "
			   "bridge of\n`lspci -vvv | grep -B99 'ACSCtl.*ReqRedir+'`: `setpci -s "
			   "BRIDGE ECAP_ACS+6.w=0`",
			   "%zu of %zu PCI bridges send traffic between GPU and device through the "
			   "root complex",
			   redirect, bridges);
	else if (hidden > 0)
		doctor_add(d, DOCTOR_SKIPPED, "acs", NULL, "run it as root once",
			   "only root may read how %zu PCI bridges are set", hidden);
	else if (bridges > 0)
		doctor_add(d, DOCTOR_OK, "acs", NULL, NULL,
			   "none of %zu PCI bridges redirects traffic between GPU and device",
			   bridges);
}
