/* SPDX-License-Identifier: MIT */
/* One parser for the commands that run tests on a device; what can be refused without one is. */
#include "where.h"

#include <argp.h>

#include "error.h"
#include "parse.h"

enum { OPT_PORT = 256 };

static const struct argp_option option_list[] = {
	{ "provider", 'p', "LIST", 0, "Providers, e.g. verbs,mlx5 (default: all that can)", 0 },
	{ "device", 'd', "NAME", 0, "Device (default: the only one)", 0 },
	{ "port", OPT_PORT, "N", 0, "Port of the device (default: 1)", 0 },
	{ "gid-index", 'x', "N", 0, "Row of the GID table (default: by rule, see bv info)", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct where *where = state->input;
	int rc = 0;

	switch (key) {
	case 'p':
		rc = parse_words(arg, "--provider", where->provider, SELECT_MAX_PROVIDERS,
				 &where->nproviders);
		break;
	case 'd':
		where->device = arg;
		break;
	case OPT_PORT:
		rc = parse_port(arg, &where->port);
		break;
	case 'x':
		rc = parse_gid_index(arg, &where->gid_index);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	if (rc < 0)
		argp_error(state, "%s", fail_text());
	return 0;
}

const struct argp where_argp = { option_list, parse, NULL, NULL, NULL, NULL, NULL };

int where_select(const struct where *where, struct selection *selection)
{
	return select_device(where->device, where->provider, where->nproviders, selection);
}
