/* SPDX-License-Identifier: MIT */
/*
 * Written once by the launcher before the program starts, read by each process when it first
 * touches RDMA; never changed in between. The reader trusts nothing: a damaged file is -EINVAL.
 */
#include "run/config.h"

#include "fabric/bytes.h"
#include "fabric/ip.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
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

const struct emu_model emu_models[EMU_MODELS] = {
	{ "connectx-4", "MT4115", 0x1013, 12, 28, 2006 },
	{ "connectx-4lx", "MT4117", 0x1015, 14, 32, 1010 },
	{ "connectx-5", "MT4119", 0x1017, 16, 35, 1012 },
	{ "connectx-5ex", "MT4121", 0x1019, 16, 35, 1012 },
	{ "connectx-6lx", "MT4127", 0x101f, 26, 35, 1012 },
	{ "connectx-6", "MT4123", 0x101b, 20, 35, 1012 },
	{ "connectx-6dx", "MT4125", 0x101d, 22, 35, 1012 },
	{ "connectx-7", "MT4129", 0x1021, 28, 35, 1012 },
};

void emu_run_link_local(const struct emu_run_device *dev, uint8_t address[16])
{
	uint8_t mac[6];

	memset(address, 0, 16);
	address[0] = 0xfe;
	address[1] = 0x80;
	if (dev->infiniband) {
		for (unsigned i = 0; i < 8; i++)
			address[8 + i] = (uint8_t)(dev->guid >> (56 - 8 * i));
		return;
	}
	emu_run_mac(dev, mac);
	memcpy(address + 8, mac, 3);
	address[8] ^= 2; /* RFC 4291 appendix A: the universal/local bit is inverted */
	address[11] = 0xff;
	address[12] = 0xfe;
	memcpy(address + 13, mac + 3, 3);
}

void emu_run_mapped(uint32_t ipv4, uint8_t address[16])
{
	uint8_t bytes[4];

	emu_bytes_put32(bytes, ipv4);
	emu_ip_map_v4(bytes, address);
}

static unsigned rows_each(const struct emu_run_device *dev)
{
	return dev->infiniband ? 1 : 2;
}

unsigned emu_run_gids(const struct emu_run_device *dev)
{
	return dev->naddresses * rows_each(dev);
}

unsigned emu_run_address_row(const struct emu_run_device *dev, unsigned i)
{
	return (i + 1) * rows_each(dev) - 1;
}

void emu_run_gid(const struct emu_run_device *dev, unsigned index, uint8_t gid[16])
{
	if (index < emu_run_gids(dev))
		memcpy(gid, dev->address[index / rows_each(dev)], 16);
	else
		memset(gid, 0, 16);
}

bool emu_run_gid_is_v2(const struct emu_run_device *dev, unsigned index)
{
	return !dev->infiniband && index < emu_run_gids(dev) && index % 2 == 1;
}

const struct emu_run_device *emu_run_find_gid(const struct emu_run *run, const uint8_t gid[16])
{
	for (unsigned i = 0; i < run->ndev; i++)
		for (unsigned k = 0; k < run->dev[i].naddresses; k++)
			if (memcmp(run->dev[i].address[k], gid, 16) == 0)
				return &run->dev[i];
	return NULL;
}

bool emu_run_name_valid(const char *name)
{
	static const char legal[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	const size_t n = strlen(name);

	return n > 0 && n < EMU_RUN_NAME_SIZE && strspn(name, legal) == n &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static void write_device(const struct emu_run_device *dev, FILE *out)
{
	char text[INET6_ADDRSTRLEN];

	fprintf(out, "device %s %s %s %s %s cqe%d %u %016" PRIx64 " %u %u.%u.%u.%u", dev->name,
		emu_models[dev->model].name, dev->infiniband ? "ib" : "eth",
		dev->active ? "active" : "down", dev->static_uars ? "static" : "dynamic",
		!dev->cqe_v0, dev->mtu, dev->guid, dev->lid, dev->ipv4 >> 24,
		dev->ipv4 >> 16 & 0xff, dev->ipv4 >> 8 & 0xff, dev->ipv4 & 0xff);
	for (unsigned i = 0; i < dev->npkeys; i++)
		fprintf(out, "%c%04x", i ? '+' : ' ', dev->pkey[i]);
	for (unsigned i = 0; i < dev->naddresses; i++)
		fprintf(out, " %s", inet_ntop(AF_INET6, dev->address[i], text, sizeof(text)));
	fputc('\n', out);
}

/* RFC 1112 section 6.4, RFC 2464 section 7. */
static bool group_mac(const uint8_t gid[16], uint8_t mac[6])
{
	if (emu_ip_is_v4(gid) && gid[12] >> 4 == 0xe) {
		memcpy(mac, "\x01\x00\x5e", 3);
		memcpy(mac + 3, gid + 13, 3);
		mac[3] &= 0x7f;
		return true;
	}
	memcpy(mac, "\x33\x33", 2);
	memcpy(mac + 2, gid + 12, 4);
	return gid[0] == 0xff;
}

bool emu_run_mac_of_gid(const struct emu_run *run, const uint8_t gid[16], uint8_t mac[6])
{
	const struct emu_run_device *dev = emu_run_find_gid(run, gid);

	if (dev)
		emu_run_mac(dev, mac);
	return dev || group_mac(gid, mac);
}

int emu_run_write(const struct emu_run *run, FILE *out)
{
	fprintf(out,
		"id %s\nfirst_uverbs %u\nmanual %d\nwrite_commands %d\nstrict %s\nlog_level %d\n"
		"log_file %s\ntrace_file %s\npcap_file %s\n",
		run->id, run->first_uverbs, run->manual, run->write_commands,
		emu_run_strict_name(run->strict), run->log_level, run->log_file, run->trace_file,
		run->pcap_file);
	for (unsigned i = 0; i < run->ndev; i++)
		write_device(&run->dev[i], out);
	for (const char *line = run->faults; *line;) {
		const size_t len = strcspn(line, "\n");

		fprintf(out, "fault %.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
	return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}

static int read_model(const char *name, unsigned *model)
{
	for (unsigned i = 0; i < EMU_MODELS; i++) {
		if (strcmp(emu_models[i].name, name) == 0) {
			*model = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int read_addresses(const char *at, struct emu_run_device *dev)
{
	char text[INET6_ADDRSTRLEN];
	int used;

	while (sscanf(at, " %45s%n", text, &used) == 1) {
		if (dev->naddresses == EMU_RUN_ADDRESSES ||
		    inet_pton(AF_INET6, text, dev->address[dev->naddresses]) != 1)
			return -EINVAL;
		dev->naddresses++;
		at += used;
	}
	return dev->naddresses ? 0 : -EINVAL;
}

int emu_run_parse_pkeys(const char *text, struct emu_run_device *dev)
{
	dev->npkeys = 0;
	for (;;) {
		char *end;
		const unsigned long key = strtoul(text, &end, 16);

		/* IBA vol 1 section 10.9.1: partition 0 is none */
		if (!isxdigit((unsigned char)*text) || key > UINT16_MAX || !(key & 0x7fff) ||
		    dev->npkeys == EMU_RUN_PKEYS)
			return -EINVAL;
		dev->pkey[dev->npkeys++] = (uint16_t)key;
		if (*end != '+')
			return *end ? -EINVAL : 0;
		text = end + 1;
	}
}

static int read_device(const char *value, struct emu_run *run)
{
	char model[16], link[8], state[8], uars[8], address[16], pkeys[64];
	struct emu_run_device dev = { .naddresses = 0 };
	unsigned lid, cqe;
	struct in_addr in;
	int used = 0;

	if (run->ndev == EMU_RUN_MAX_DEVICES ||
	    sscanf(value, "%63s %15s %7s %7s %7s cqe%u %u %" SCNx64 " %u %15s %63s%n", dev.name,
		   model, link, state, uars, &cqe, &dev.mtu, &dev.guid, &lid, address, pkeys,
		   &used) != 11)
		return -EINVAL;
	dev.active = strcmp(state, "active") == 0;
	dev.infiniband = strcmp(link, "ib") == 0;
	dev.static_uars = strcmp(uars, "static") == 0;
	dev.cqe_v0 = cqe == 0;
	dev.lid = (uint16_t)lid;
	if ((!dev.active && strcmp(state, "down") != 0) || lid > UINT16_MAX || cqe > 1 ||
	    (!dev.infiniband && strcmp(link, "eth") != 0) ||
	    (!dev.static_uars && strcmp(uars, "dynamic") != 0) || !emu_run_mtu_valid(dev.mtu) ||
	    !emu_run_name_valid(dev.name) || inet_pton(AF_INET, address, &in) != 1 ||
	    read_model(model, &dev.model) < 0 || emu_run_parse_pkeys(pkeys, &dev) < 0 ||
	    read_addresses(value + used, &dev) < 0)
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

static int read_number(const char *value, int max, unsigned *out)
{
	int number = 0;
	const int rc = read_int(value, max, &number);

	*out = (unsigned)number;
	return rc;
}

static int read_flag(const char *value, bool *out)
{
	int flag = 0;
	const int rc = read_int(value, 1, &flag);

	*out = flag;
	return rc;
}

static int read_line(const char *key, const char *value, struct emu_run *run)
{
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
	if (strcmp(key, "manual") == 0)
		return read_flag(value, &run->manual);
	if (strcmp(key, "first_uverbs") == 0)
		return read_number(value, EMU_RUN_MAX_UVERBS, &run->first_uverbs);
	if (strcmp(key, "write_commands") == 0)
		return read_flag(value, &run->write_commands);
	return -EINVAL;
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
