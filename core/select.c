/* SPDX-License-Identifier: MIT */
/*
 * Choosing a provider: argument, else environment, else the best probe score; the first of equals.
 */
#include "select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

uint32_t bvi_probe(struct ibv_device *ibdev, struct ibv_context *context,
		   struct bv_provider_info *infos)
{
	uint32_t n = 0;

	for (; n < BVI_PROVIDERS_MAX && bvi_providers[n]; n++) {
		infos[n].name = bvi_providers[n]->name;
		infos[n].why[0] = '\0';
		infos[n].score =
			bvi_providers[n]->probe(ibdev, context, infos[n].why, sizeof(infos[n].why));
	}
	return n;
}

/* "mlx5 (BlueFlame …), verbs (…)": those that can (@possible), or those that cannot. */
static const char *list(const struct bv_provider_info *infos, uint32_t count, bool possible,
			char *text, size_t size)
{
	size_t used = 0;

	snprintf(text, size, "none");
	for (uint32_t i = 0; i < count && used < size; i++) {
		int n;

		if ((infos[i].score > 0) != possible)
			continue;
		n = snprintf(text + used, size - used, "%s%s (%s)", used > 0 ? ", " : "",
			     infos[i].name, infos[i].why);
		used += n > 0 ? (size_t)n : 0;
	}
	return text;
}

static int unknown(const char *device, const char *wanted, const char *source,
		   const struct bv_provider_info *infos, uint32_t count)
{
	char can[384], cannot[384];

	return bvi_fail(-ENOENT,
			"%s: no provider \"%s\" (%s) in this build\npossible: %s\nnot "
			"possible: %s",
			device, wanted, source, list(infos, count, true, can, sizeof(can)),
			list(infos, count, false, cannot, sizeof(cannot)));
}

static int impossible(const char *device, const struct bv_provider_info *info, const char *source,
		      const struct bv_provider_info *infos, uint32_t count)
{
	char can[384];

	return bvi_fail(-EOPNOTSUPP, "%s: provider \"%s\" (%s) cannot drive it: %s\npossible: %s",
			device, info->name, source, info->why,
			list(infos, count, true, can, sizeof(can)));
}

static int select_named(const char *device, const char *wanted, const char *source,
			const struct bv_provider_info *infos, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (strcmp(infos[i].name, wanted) != 0)
			continue;
		if (infos[i].score <= 0)
			return impossible(device, &infos[i], source, infos, count);
		return (int)i;
	}
	return unknown(device, wanted, source, infos, count);
}

static int select_best(const char *device, const struct bv_provider_info *infos, uint32_t count)
{
	char cannot[768];
	int best = -1;

	for (uint32_t i = 0; i < count; i++)
		if (infos[i].score > 0 && (best < 0 || infos[i].score > infos[best].score))
			best = (int)i;
	if (best < 0)
		return bvi_fail(-EOPNOTSUPP, "%s: no provider of this build can drive it: %s",
				device, list(infos, count, false, cannot, sizeof(cannot)));
	return best;
}

int bvi_select(struct ibv_device *ibdev, struct ibv_context *context, const char *wanted,
	       const struct bv_provider **provider)
{
	struct bv_provider_info infos[BVI_PROVIDERS_MAX];
	const uint32_t count = bvi_probe(ibdev, context, infos);
	const char *device = ibv_get_device_name(ibdev);
	const char *environment = getenv("BV_PROVIDER");
	int chosen;

	if (wanted)
		chosen = select_named(device, wanted, "asked for", infos, count);
	else if (environment && environment[0] != '\0')
		chosen = select_named(device, environment, "from BV_PROVIDER", infos, count);
	else
		chosen = select_best(device, infos, count);
	if (chosen < 0)
		return chosen;
	*provider = bvi_providers[chosen];
	return 0;
}
