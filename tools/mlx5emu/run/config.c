/* SPDX-License-Identifier: MIT */
/*
 * Written once by the launcher before the program starts, read by each process when it first
 * touches RDMA; never changed in between. The reader trusts nothing: a damaged file is -EINVAL.
 */
#include "run/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

bool emu_run_mtu_valid(unsigned long mtu)
{
	return mtu >= 256 && mtu <= 4096 && (mtu & (mtu - 1)) == 0;
}

const char *emu_run_strict_name(enum emu_run_strict strict)
{
	static const char *const names[] = { "error", "pedantic", "warn", "off" };

	return strict < EMU_RUN_STRICTS ? names[strict] : NULL;
}

int emu_run_strict_parse(const char *name, enum emu_run_strict *strict)
{
	for (unsigned i = 0; i < EMU_RUN_STRICTS; i++) {
		if (strcmp(name, emu_run_strict_name((enum emu_run_strict)i)) == 0) {
			*strict = (enum emu_run_strict)i;
			return 0;
		}
	}
	return -EINVAL;
}

void emu_run_mac(const struct emu_run_device *dev, uint8_t mac[6])
{
	/* mlx5 GUID of MAC aa:bb:cc:dd:ee:ff is aabbcc 0300 ddeeff */
	for (unsigned i = 0; i < 3; i++) {
		mac[i] = (uint8_t)(dev->guid >> (56 - 8 * i));
		mac[3 + i] = (uint8_t)(dev->guid >> (16 - 8 * i));
	}
}

void emu_run_gid(const struct emu_run_device *dev, unsigned index, uint8_t gid[16])
{
	memset(gid, 0, 16);
	if (index < 2) {
		uint8_t mac[6];

		emu_run_mac(dev, mac);
		gid[0] = 0xfe;
		gid[1] = 0x80;
		memcpy(gid + 8, mac, 3);
		gid[8] ^= 2; /* RFC 4291 appendix A: the universal/local bit is inverted */
		gid[11] = 0xff;
		gid[12] = 0xfe;
		memcpy(gid + 13, mac + 3, 3);
	} else if (index < EMU_GID_COUNT) {
		gid[10] = 0xff;
		gid[11] = 0xff;
		for (unsigned i = 0; i < 4; i++)
			gid[12 + i] = (uint8_t)(dev->ipv4 >> (24 - 8 * i));
	}
}

bool emu_run_gid_is_v2(unsigned index)
{
	return index < EMU_GID_COUNT && index % 2 == 1;
}

int emu_run_write(const struct emu_run *run, FILE *out)
{
	fprintf(out,
		"id %s\nmanual %d\nstrict %s\nlog_level %d\nlog_file %s\ntrace_file %s\n"
		"pcap_file %s\n",
		run->id, run->manual, emu_run_strict_name(run->strict), run->log_level,
		run->log_file, run->trace_file, run->pcap_file);
	for (unsigned i = 0; i < run->ndev; i++) {
		const struct emu_run_device *dev = &run->dev[i];

		fprintf(out, "device %s %u %016" PRIx64 " %u.%u.%u.%u\n",
			dev->active ? "active" : "down", dev->mtu, dev->guid, dev->ipv4 >> 24,
			dev->ipv4 >> 16 & 0xff, dev->ipv4 >> 8 & 0xff, dev->ipv4 & 0xff);
	}
	for (const char *line = run->faults; *line;) {
		const size_t len = strcspn(line, "\n");

		fprintf(out, "fault %.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
	return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}

static int read_device(const char *value, struct emu_run *run)
{
	char state[8], address[16];
	struct emu_run_device dev = { 0 };
	struct in_addr in;

	if (run->ndev == EMU_RUN_MAX_DEVICES ||
	    sscanf(value, "%7s %u %" SCNx64 " %15s", state, &dev.mtu, &dev.guid, address) != 4)
		return -EINVAL;
	dev.active = strcmp(state, "active") == 0;
	if ((!dev.active && strcmp(state, "down") != 0) || !emu_run_mtu_valid(dev.mtu) ||
	    inet_pton(AF_INET, address, &in) != 1)
		return -EINVAL;
	dev.ipv4 = ntohl(in.s_addr);
	run->dev[run->ndev++] = dev;
	return 0;
}

static int read_string(const char *value, char *out, size_t size)
{
	size_t len = strlen(value);

	if (len >= size)
		return -EINVAL;
	memcpy(out, value, len + 1);
	return 0;
}

static int read_fault(const char *value, char *out)
{
	const size_t used = strlen(out), len = strlen(value);

	if (used + len + 2 > EMU_RUN_FAULTS_SIZE)
		return -EINVAL;
	memcpy(out + used, value, len);
	memcpy(out + used + len, "\n", 2);
	return 0;
}

static int read_int(const char *value, int max, int *out)
{
	int v;
	char end;

	if (sscanf(value, "%d%c", &v, &end) != 1 || v < 0 || v > max)
		return -EINVAL;
	*out = v;
	return 0;
}

static int read_line(const char *key, const char *value, struct emu_run *run)
{
	int flag = 0, rc;

	if (strcmp(key, "id") == 0)
		return read_string(value, run->id, sizeof(run->id));
	if (strcmp(key, "log_file") == 0)
		return read_string(value, run->log_file, sizeof(run->log_file));
	if (strcmp(key, "trace_file") == 0)
		return read_string(value, run->trace_file, sizeof(run->trace_file));
	if (strcmp(key, "pcap_file") == 0)
		return read_string(value, run->pcap_file, sizeof(run->pcap_file));
	if (strcmp(key, "fault") == 0)
		return read_fault(value, run->faults);
	if (strcmp(key, "log_level") == 0)
		return read_int(value, 5, &run->log_level);
	if (strcmp(key, "strict") == 0)
		return emu_run_strict_parse(value, &run->strict);
	if (strcmp(key, "device") == 0)
		return read_device(value, run);
	if (strcmp(key, "manual") != 0)
		return -EINVAL;
	rc = read_int(value, 1, &flag);
	run->manual = flag;
	return rc;
}

int emu_run_read(FILE *in, struct emu_run *run)
{
	struct emu_run out = { .ndev = 0 };
	char line[EMU_RUN_FAULTS_SIZE + 64]; /* the longest value is a plan in one line */

	while (fgets(line, sizeof(line), in)) {
		size_t len = strlen(line);
		char *value = strchr(line, ' ');

		if (len == 0 || line[len - 1] != '\n' || !value)
			return -EINVAL;
		line[len - 1] = '\0';
		*value++ = '\0';
		if (read_line(line, value, &out) < 0)
			return -EINVAL;
	}
	if (ferror(in))
		return -EIO;
	if (out.ndev == 0 || out.id[0] == '\0')
		return -EINVAL;
	*run = out;
	return 0;
}
