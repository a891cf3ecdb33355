/* SPDX-License-Identifier: MIT */
/*
 * The shape is the kernel's: /sys/class holds links into /sys/devices/pci.../<function>/, and
 * realpath() of a device ends in <function>/infiniband/<name>, by which UCX recognises an mlx5
 * device. PCI domain 4d4c ("ML") keeps clear of functions that the host really has. Counters are
 * left out: none would count.
 */
#include "launcher/tree.h"

#include "trace/stat.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CDEV_MAJOR = 231, CDEV_FIRST_MINOR = 192 };

/* Where files go: a directory, and the first error met there. */
struct out {
	int fd;
	int rc;
};

static int make_parents(int fd, const char *path)
{
	char part[PATH_MAX];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t len = (size_t)(slash - path);

		memcpy(part, path, len);
		part[len] = '\0';
		if (mkdirat(fd, part, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int write_file(int dir, const char *path, const char *text)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	size_t len = strlen(text);
	int rc = 0, fd = openat(dir, path, flags, 0644);

	if (fd < 0 && errno == ENOENT) {
		rc = make_parents(dir, path);
		if (rc < 0)
			return rc;
		fd = openat(dir, path, flags, 0644);
	}
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len)
		rc = -ENOSPC;
	close(fd);
	return rc;
}

/* One attribute: the folder, the name in it, and the line it reads. */
__attribute__((format(printf, 4, 5))) static void put(struct out *out, const char *folder,
						      const char *name, const char *format, ...)
{
	char path[PATH_MAX], text[256];
	va_list ap;

	if (out->rc < 0)
		return;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	out->rc = write_file(out->fd, path, text);
}

static void put_link(struct out *out, const char *path, const char *target)
{
	if (out->rc == 0)
		out->rc = make_parents(out->fd, path);
	if (out->rc == 0 && symlinkat(target, out->fd, path) < 0)
		out->rc = -errno;
}

static void put_gid_table(struct out *out, const char *port, const struct emu_run_device *dev)
{
	char name[32];

	for (unsigned i = 0; i < EMU_GID_TABLE; i++) {
		uint8_t g[16];

		emu_run_gid(dev, i, g);
		snprintf(name, sizeof(name), "gids/%u", i);
		put(out, port, name,
		    "%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x\n",
		    g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7], g[8], g[9], g[10], g[11], g[12],
		    g[13], g[14], g[15]);
		snprintf(name, sizeof(name), "gid_attrs/types/%u", i);
		put(out, port, name, "%s\n", emu_run_gid_is_v2(dev, i) ? "RoCE v2" : "IB/RoCE v1");
		if (i >= emu_run_gids(dev) || dev->infiniband)
			continue;
		/* must name an interface that exists; this one does everywhere */
		snprintf(name, sizeof(name), "gid_attrs/ndevs/%u", i);
		put(out, port, name, "lo\n");
	}
}

static void put_port(struct out *out, const char *ib, const struct emu_run_device *dev)
{
	char port[320], name[32];

	snprintf(port, sizeof(port), "%s/ports/1", ib);
	put(out, port, "state", "%s\n", dev->active ? "4: ACTIVE" : "1: DOWN");
	put(out, port, "phys_state", "%s\n", dev->active ? "5: LinkUp" : "3: Disabled");
	put(out, port, "rate", "100 Gb/sec (4X EDR)\n");
	put(out, port, "link_layer", dev->infiniband ? "InfiniBand\n" : "Ethernet\n");
	put(out, port, "lid", "0x%x\n", dev->lid);
	put(out, port, "lid_mask_count", "0\n");
	put(out, port, "sm_lid", "0x%x\n", dev->infiniband ? 1u : 0u);
	put(out, port, "sm_sl", "0\n");
	put(out, port, "cap_mask", "0x04010000\n");
	for (unsigned i = 0; i < dev->npkeys; i++) {
		snprintf(name, sizeof(name), "pkeys/%u", i);
		put(out, port, name, "0x%04x\n", dev->pkey[i]);
	}
	put_gid_table(out, port, dev);
}

static void put_guid(struct out *out, const char *ib, const char *name, uint64_t guid)
{
	put(out, ib, name, "%04x:%04x:%04x:%04x\n", (unsigned)(guid >> 48),
	    (unsigned)(guid >> 32 & 0xffff), (unsigned)(guid >> 16 & 0xffff),
	    (unsigned)(guid & 0xffff));
}

static void put_ib(struct out *out, const char *pci, const char *function,
		   const struct emu_run_device *dev)
{
	const struct emu_model *model = &emu_models[dev->model];
	char ib[256], name[320], target[64];

	snprintf(ib, sizeof(ib), "%s/infiniband/%s", pci, dev->name);
	put(out, ib, "node_type", "1: CA\n");
	put_guid(out, ib, "node_guid", dev->guid);
	put_guid(out, ib, "sys_image_guid", dev->guid);
	put(out, ib, "node_desc", "mlx5emu: software device, no hardware\n");
	put(out, ib, "fw_ver", "%d.%d.%04d\n", model->fw_major, model->fw_minor,
	    model->fw_subminor);
	put(out, ib, "hw_rev", "0\n");
	put(out, ib, "hca_type", "%s\n", model->hca_type);
	put(out, ib, "board_id", EMU_BOARD_ID "\n");
	put_port(out, ib, dev);
	snprintf(name, sizeof(name), "%s/device", ib);
	snprintf(target, sizeof(target), "../../../%s", function);
	put_link(out, name, target);
}

static void put_uverbs(struct out *out, const char *pci, const char *function, unsigned number,
		       const struct emu_run_device *dev)
{
	char uverbs[192], name[256], target[64];

	snprintf(uverbs, sizeof(uverbs), "%s/infiniband_verbs/uverbs%u", pci, number);
	put(out, uverbs, "ibdev", "%s\n", dev->name);
	put(out, uverbs, "dev", "%u:%u\n", CDEV_MAJOR, CDEV_FIRST_MINOR + number);
	put(out, uverbs, "abi_version", "1\n");
	snprintf(name, sizeof(name), "%s/device", uverbs);
	snprintf(target, sizeof(target), "../../../%s", function);
	put_link(out, name, target);
	snprintf(name, sizeof(name), "uverbs%u", number);
	put(out, "dev/infiniband", name, "%s", "");
}

static void put_pci(struct out *out, const char *pci, const char *function,
		    const struct emu_run_device *dev)
{
	const unsigned number = emu_models[dev->model].pci_device;

	put(out, pci, "vendor", "0x%04x\n", EMU_PCI_VENDOR);
	put(out, pci, "device", "0x%04x\n", number);
	put(out, pci, "subsystem_vendor", "0x%04x\n", EMU_PCI_VENDOR);
	put(out, pci, "subsystem_device", "0x%04x\n", number);
	put(out, pci, "class", dev->infiniband ? "0x020700\n" : "0x020000\n");
	put(out, pci, "revision", "0x00\n");
	/* by this line libibverbs gives the device to libmlx5 */
	put(out, pci, "modalias", "pci:v%08Xd%08Xsv%08Xsd%08Xbc02sc00i00\n", EMU_PCI_VENDOR, number,
	    EMU_PCI_VENDOR, number);
	put(out, pci, "uevent", "DRIVER=mlx5_core\nPCI_ID=%04X:%04X\nPCI_SLOT_NAME=%s\n",
	    EMU_PCI_VENDOR, number, function);
	put(out, pci, "numa_node", "-1\n");
	put(out, pci, "local_cpus", "ffffffff,ffffffff\n");
	put(out, pci, "local_cpulist", "0-63\n");
	put(out, pci, "max_link_speed", "16.0 GT/s PCIe\n");
	put(out, pci, "current_link_speed", "16.0 GT/s PCIe\n");
	put(out, pci, "max_link_width", "16\n");
	put(out, pci, "current_link_width", "16\n");
}

static void put_device(struct out *out, unsigned index, const struct emu_run *run)
{
	const struct emu_run_device *const dev = &run->dev[index];
	const unsigned number = run->first_uverbs + index;
	char function[32], pci[128], name[128], target[160];

	snprintf(function, sizeof(function), "4d4c:%02x:00.0", index + 1);
	snprintf(pci, sizeof(pci), "sys/devices/pci4d4c:00/%s", function);
	put_pci(out, pci, function, dev);
	put_ib(out, pci, function, dev);
	put_uverbs(out, pci, function, number, dev);

	snprintf(name, sizeof(name), "sys/class/infiniband/%s", dev->name);
	snprintf(target, sizeof(target), "../../devices/pci4d4c:00/%s/infiniband/%s", function,
		 dev->name);
	put_link(out, name, target);
	snprintf(name, sizeof(name), "sys/class/infiniband_verbs/uverbs%u", number);
	snprintf(target, sizeof(target), "../../devices/pci4d4c:00/%s/infiniband_verbs/uverbs%u",
		 function, number);
	put_link(out, name, target);
	snprintf(name, sizeof(name), "sys/bus/pci/devices/%s", function);
	snprintf(target, sizeof(target), "../../../devices/pci4d4c:00/%s", function);
	put_link(out, name, target);
}

static int put_config(int dir, const struct emu_run *run)
{
	int rc, fd = openat(dir, EMU_RUN_CONFIG_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			    0644);
	FILE *out;

	if (fd < 0)
		return -errno;
	out = fdopen(fd, "w");
	if (!out) {
		close(fd);
		return -ENOMEM;
	}
	rc = emu_run_write(run, out);
	fclose(out);
	return rc;
}

/* Empty, and for whatever user the program becomes. */
static int put_reports(int dir)
{
	const int fd =
		openat(dir, EMU_RUN_REPORTS_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	int rc;

	if (fd < 0)
		return -errno;
	rc = fchmod(fd, 0666) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

/* Each process puts its counters there, as whatever user it is. */
static int make_stat_dir(int dir)
{
	if (mkdirat(dir, EMU_STAT_DIR, 0700) < 0 || fchmodat(dir, EMU_STAT_DIR, 01777, 0) < 0)
		return -errno;
	return 0;
}

int tree_write(const char *dir, const struct host *host, const struct emu_run *run)
{
	struct out out = { .fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	mode_t mask;

	if (out.fd < 0)
		return -errno;
	mask = umask(022); /* the program may run as another user */
	out.rc = host_link(host, out.fd);
	put(&out, "sys/class/infiniband_verbs", "abi_version", "6\n");
	put(&out, "sys/class/misc/rdma_cm", "abi_version", "4\n");
	put(&out, "dev/infiniband", "rdma_cm", "%s", "");
	/* libibverbs lists devices in the order of the directory, where a tmpfs has the newest first. */
	for (unsigned i = run->ndev; i-- > 0;)
		put_device(&out, i, run);
	if (out.rc == 0)
		out.rc = put_config(out.fd, run);
	if (out.rc == 0)
		out.rc = put_reports(out.fd);
	if (out.rc == 0)
		out.rc = make_stat_dir(out.fd);
	umask(mask);
	close(out.fd);
	return out.rc;
}
