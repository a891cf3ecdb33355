/* SPDX-License-Identifier: MIT */
/*
 * Per-device options take a list, "a,b,c"; the last value holds for the devices that remain. The
 * number of devices may be given after the list, so lists are kept as text and read at the end.
 */
#include "launcher/devices.h"

#include "fabric/bytes.h"
#include "fabric/ip.h"

#include <argp.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

uint64_t devices_guid(struct argp_state *state, const char *option, const char *text)
{
	uint64_t value = 0;
	unsigned digits = 0;

	for (const char *c = text; *c; c++) {
		char digit[2] = { *c, '\0' };

		if (*c == ':')
			continue;
		if (strspn(digit, "0123456789abcdefABCDEF") != 1 || ++digits > 16) {
			digits = 0;
			break;
		}
		value = value << 4 | strtoul(digit, NULL, 16);
	}
	if (digits != 16 || value == 0)
		argp_error(state, "%s=%s: 16 hexadecimal digits are needed, and not all zero",
			   option, text);
	return value;
}

/* RFC 1122 section 3.2.1.3: neither of this network nor of a group, nor of a broadcast. */
static bool is_unicast(uint32_t ipv4)
{
	return ipv4 >> 24 != 0 && ipv4 >> 24 < 224;
}

uint32_t devices_ipv4(struct argp_state *state, const char *option, const char *text)
{
	struct in_addr in = { 0 };

	if (inet_pton(AF_INET, text, &in) != 1 || !is_unicast(ntohl(in.s_addr)))
		argp_error(state, "%s=%s: an IPv4 address of one host is needed, such as 10.77.0.1",
			   option, text);
	return ntohl(in.s_addr);
}

static bool parse_state(const char *text, bool *active)
{
	*active = strcmp(text, "active") == 0;
	return *active || strcmp(text, "down") == 0;
}

static bool parse_mtu(const char *text, unsigned *mtu)
{
	char *end;
	const unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || !emu_run_mtu_valid(value))
		return false;
	*mtu = (unsigned)value;
	return true;
}

/* ---- lists ---- */

/* Element @index of a list, or its last one, cut into @out; false if it is longer than that. */
static bool list_element(const char *list, unsigned index, char *out, size_t size)
{
	size_t len;
	const char *comma;

	while (index-- && (comma = strchr(list, ',')))
		list = comma + 1;
	len = strcspn(list, ",");
	if (len >= size)
		return false;
	memcpy(out, list, len);
	out[len] = '\0';
	return true;
}

static unsigned count_elements(const char *list)
{
	unsigned n = 1;

	while ((list = strchr(list, ','))) {
		list++;
		n++;
	}
	return n;
}

static void set_defaults(struct argp_state *state, const struct device_options *o,
			 const struct host *host, unsigned index, struct emu_run_device *dev)
{
	char text[16];

	snprintf(dev->name, sizeof(dev->name), "mlx5_%u", host->first_mlx5 + index);
	dev->model = EMU_MODEL_DEFAULT;
	dev->guid = o->guid + index;
	dev->ipv4 = o->ipv4 + index;
	if (!is_unicast(dev->ipv4))
		argp_error(state, "--address: none is left for device %u, they count up from it",
			   index);
	if (!list_element(o->port_state, index, text, sizeof(text)) ||
	    !parse_state(text, &dev->active))
		argp_error(state, "--port-state=%s: use active or down, separated by commas",
			   o->port_state);
	if (!list_element(o->mtu, index, text, sizeof(text)) || !parse_mtu(text, &dev->mtu))
		argp_error(state, "--mtu=%s: use 256, 512, 1024, 2048 or 4096, separated by commas",
			   o->mtu);
}

/* ---- --device ---- */

static void set_model(struct argp_state *state, char *value, struct emu_run_device *dev)
{
	char known[128] = "";
	size_t used = 0;

	for (unsigned i = 0; i < EMU_MODELS; i++) {
		if (strcmp(emu_models[i].name, value) == 0) {
			dev->model = i;
			return;
		}
		used += (size_t)snprintf(known + used, sizeof(known) - used, " %s",
					 emu_models[i].name);
	}
	argp_error(state, "--device: model=%s is none of:%s", value, known);
}

/* "A+B+C", each an IPv4 or IPv6 address. */
static void set_gids(struct argp_state *state, char *value, struct emu_run_device *dev)
{
	char *rest = NULL;

	for (char *one = strtok_r(value, "+", &rest); one; one = strtok_r(NULL, "+", &rest)) {
		struct in_addr in;

		if (dev->naddresses == EMU_RUN_ADDRESSES)
			argp_error(state,
				   "--device: more than %d addresses in gids=", EMU_RUN_ADDRESSES);
		else if (inet_pton(AF_INET, one, &in) == 1)
			emu_run_mapped(ntohl(in.s_addr), dev->address[dev->naddresses++]);
		else if (inet_pton(AF_INET6, one, dev->address[dev->naddresses]) == 1)
			dev->naddresses++;
		else
			argp_error(state,
				   "--device: gids=%s is no list of addresses, such as "
				   "10.0.0.1+fe80::1",
				   one);
	}
	if (dev->naddresses == 0)
		argp_error(state, "--device: gids= is empty");
}

static void set_lid(struct argp_state *state, char *value, struct emu_run_device *dev)
{
	char *end;
	const unsigned long lid = strtoul(value, &end, 0);

	/* IBA vol 1 section 4.1.3: unicast LIDs. */
	if (*value < '0' || *value > '9' || *end != '\0' || lid < 1 || lid > 0xbfff)
		argp_error(state, "--device: lid=%s is no number from 1 to 0xbfff", value);
	dev->lid = (uint16_t)lid;
}

static void set_link(struct argp_state *state, char *value, struct emu_run_device *dev)
{
	dev->infiniband = strcmp(value, "ib") == 0;
	if (!dev->infiniband && strcmp(value, "eth") != 0)
		argp_error(state, "--device: link=%s: use eth or ib", value);
}

static void set_uars(struct argp_state *state, char *value, struct emu_run_device *dev)
{
	dev->static_uars = strcmp(value, "static") == 0;
	if (!dev->static_uars && strcmp(value, "dynamic") != 0)
		argp_error(state, "--device: uar=%s: use dynamic or static", value);
}

static void set_cqes(struct argp_state *state, char *value, struct emu_run_device *dev)
{
	dev->cqe_v0 = strcmp(value, "0") == 0;
	if (!dev->cqe_v0 && strcmp(value, "1") != 0)
		argp_error(state, "--device: cqe=%s: use 1 or 0", value);
}

static void set_name(struct argp_state *state, char *value, struct emu_run_device *dev)
{
	if (!emu_run_name_valid(value))
		argp_error(state,
			   "--device: name=%s: letters, digits, '_', '-' and '.', 63 at most",
			   value);
	snprintf(dev->name, sizeof(dev->name), "%s", value);
}

static void set_mtu(struct argp_state *state, char *value, struct emu_run_device *dev)
{
	if (!parse_mtu(value, &dev->mtu))
		argp_error(state, "--device: mtu=%s: use 256, 512, 1024, 2048 or 4096", value);
}

static void set_guid(struct argp_state *state, char *value, struct emu_run_device *dev)
{
	dev->guid = devices_guid(state, "--device: guid", value);
}

static void set_pkeys(struct argp_state *state, char *value, struct emu_run_device *dev)
{
	if (emu_run_parse_pkeys(value, dev) < 0)
		argp_error(state,
			   "--device: pkeys=%s is no list of up to %d partition keys, such as "
			   "0xffff+0x8001",
			   value, EMU_RUN_PKEYS);
}

static void set_address(struct argp_state *state, char *value, struct emu_run_device *dev)
{
	dev->ipv4 = devices_ipv4(state, "--device: address", value);
}

static void set_state(struct argp_state *state, char *value, struct emu_run_device *dev)
{
	if (!parse_state(value, &dev->active))
		argp_error(state, "--device: state=%s: use active or down", value);
}

static const struct setting {
	const char *name;
	void (*set)(struct argp_state *state, char *value, struct emu_run_device *dev);
} settings[] = {
	{ "name", set_name },   { "model", set_model }, { "mtu", set_mtu },
	{ "gids", set_gids },   { "link", set_link },   { "guid", set_guid },
	{ "lid", set_lid },     { "pkeys", set_pkeys }, { "address", set_address },
	{ "state", set_state }, { "uar", set_uars },    { "cqe", set_cqes },
};

enum { SETTINGS = sizeof(settings) / sizeof(*settings) };

static unsigned find_setting(struct argp_state *state, const char *name)
{
	char known[128] = "";
	size_t used = 0;

	for (unsigned i = 0; i < SETTINGS; i++) {
		if (strcmp(settings[i].name, name) == 0)
			return i;
		used += (size_t)snprintf(known + used, sizeof(known) - used, " %s",
					 settings[i].name);
	}
	argp_error(state, "--device: unknown setting '%s'; known:%s", name, known);
	return 0;
}

static void describe(struct argp_state *state, const char *description, struct emu_run_device *dev)
{
	char *text = strdup(description), *rest = NULL;
	bool given[SETTINGS] = { false };

	if (!text)
		argp_failure(state, argp_err_exit_status, 0, "out of memory");
	for (char *one = strtok_r(text, ",", &rest); one; one = strtok_r(NULL, ",", &rest)) {
		char *value = strchr(one, '=');
		unsigned i;

		if (!value)
			argp_error(state, "--device: '%s' is no setting=value", one);
		*value++ = '\0';
		i = find_setting(state, one);
		if (given[i])
			argp_error(
				state,
				"--device=%s: %s= is given twice: give it once, and another device "
				"a --device of its own",
				description, one);
		given[i] = true;
		settings[i].set(state, value, dev);
	}
	free(text);
}

/* ---- all of them ---- */

/* What follows from the rest where it was not given: addresses of a port, its LID. */
static void complete(struct argp_state *state, unsigned index, struct emu_run_device *dev)
{
	if (dev->lid && !dev->infiniband)
		argp_error(state, "--device: lid= is of link=ib");
	/* IBA annex A16: a port on Ethernet has the default alone */
	if (dev->npkeys && !dev->infiniband)
		argp_error(state, "--device: pkeys= is of link=ib");
	if (!dev->npkeys)
		dev->pkey[dev->npkeys++] = 0xffff;
	if (dev->infiniband && !dev->lid)
		dev->lid = (uint16_t)(index + 1);
	if (dev->naddresses == 0) {
		emu_run_link_local(dev, dev->address[dev->naddresses++]);
		if (!dev->infiniband)
			emu_run_mapped(dev->ipv4, dev->address[dev->naddresses++]);
		return;
	}
	if (dev->infiniband)
		return;
	/* rdma_cm finds the port by the first of its IPv4 addresses. */
	dev->ipv4 = 0;
	for (unsigned i = 0; i < dev->naddresses && !dev->ipv4; i++)
		if (emu_ip_is_v4(dev->address[i]))
			dev->ipv4 = emu_bytes_get32(dev->address[i] + 12);
}

static void check_pair(struct argp_state *state, const struct emu_run_device *a,
		       const struct emu_run_device *b)
{
	if (strcmp(a->name, b->name) == 0)
		argp_error(state, "two devices are named %s", a->name);
	if (a->guid == b->guid)
		argp_error(state, "%s and %s have the same GUID", a->name, b->name);
	if (a->lid && a->lid == b->lid)
		argp_error(state, "%s and %s have the same LID", a->name, b->name);
	for (unsigned i = 0; i < a->naddresses; i++)
		for (unsigned k = 0; k < b->naddresses; k++)
			if (memcmp(a->address[i], b->address[k], sizeof(a->address[i])) == 0)
				argp_error(state, "%s and %s have an address in common", a->name,
					   b->name);
}

void devices_make(struct argp_state *state, const struct device_options *o, const struct host *host,
		  struct emu_run *run)
{
	run->first_uverbs = host->first_uverbs;
	run->ndev = o->n ? o->n : 1;
	if (o->ndescribed > run->ndev) {
		if (o->n)
			argp_error(state, "--device is given %u times, and there are %u devices",
				   o->ndescribed, o->n);
		run->ndev = o->ndescribed;
	}
	if (count_elements(o->port_state) > run->ndev || count_elements(o->mtu) > run->ndev)
		argp_error(state, "a list has more elements than there are devices (%u); see -n",
			   run->ndev);
	for (unsigned i = 0; i < run->ndev; i++) {
		set_defaults(state, o, host, i, &run->dev[i]);
		if (i < o->ndescribed)
			describe(state, o->described[i], &run->dev[i]);
		if (host_has(host, run->dev[i].name))
			argp_error(state, "the host has a device named %s", run->dev[i].name);
		complete(state, i, &run->dev[i]);
		for (unsigned k = 0; k < i; k++)
			check_pair(state, &run->dev[k], &run->dev[i]);
	}
}
