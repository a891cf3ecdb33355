/* SPDX-License-Identifier: MIT */
/*
 * The choice is made once, by the process that was started, and travels as a value: both sides of a
 * test open the same device with the same providers, in the same order.
 */
#include "select.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bareverbs/bareverbs.h>

#include "error.h"

int select_no_device(void)
{
	return fail(
		-ENODEV,
		"no RDMA device in this machine\n"
		"  with a NIC:    load its driver (modprobe mlx5_ib) and install the package\n"
		"                 ibverbs-providers; `ibv_devices` must list it\n"
		"  without a NIC: mlx5emu run -- bv ...    gives the command a device in software");
}

const char *select_kind_name(enum bv_device_kind kind)
{
	switch (kind) {
	case BV_DEVICE_HARDWARE:
		return "hardware";
	case BV_DEVICE_SOFTWARE:
		return "software";
	case BV_DEVICE_EMULATED:
		return "emulated";
	}
	return "unknown";
}

const char *select_kind_note(enum bv_device_kind kind)
{
	switch (kind) {
	case BV_DEVICE_EMULATED:
		return "EMULATED DEVICE: functional only, not a performance figure";
	case BV_DEVICE_SOFTWARE:
		return "SOFTWARE DEVICE: the kernel is measured, not a NIC";
	case BV_DEVICE_HARDWARE:
		break;
	}
	return NULL;
}

static int not_found(const struct bv_device_info *list, int n, const char *device)
{
	char names[256] = "";
	size_t used = 0;

	for (int i = 0; i < n && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, " %s", list[i].name);
	if (device == NULL)
		return fail(-ENOTUNIQ, "several devices, name one with --device:%s", names);
	return fail(-ENOENT, "no device '%s' in this machine; there is:%s", device, names);
}

int select_find(const struct bv_device_info *list, int n, const char *device)
{
	if (device == NULL)
		return n == 1 ? 0 : not_found(list, n, device);
	for (int i = 0; i < n; i++) {
		if (strcmp(list[i].name, device) == 0)
			return i;
	}
	return not_found(list, n, device);
}

/* " verbs mlx5" */
static void provider_names(const struct bv_device_info *info, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < info->nproviders && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, " %s", info->providers[i].name);
}

static const struct bv_provider_info *find_provider(const struct bv_device_info *info,
						    const char *name)
{
	for (uint32_t i = 0; i < info->nproviders; i++)
		if (strcmp(info->providers[i].name, name) == 0)
			return &info->providers[i];
	return NULL;
}

static int check_provider(const struct bv_device_info *info, const char *name)
{
	const struct bv_provider_info *provider = find_provider(info, name);
	char known[256];

	if (provider != NULL && provider->score > 0)
		return 0;
	if (provider != NULL)
		return fail(-EOPNOTSUPP, "provider %s cannot drive %s: %s", name, info->name,
			    provider->why);
	provider_names(info, known, sizeof(known));
	return fail(-ENOENT, "no provider '%s'; there is:%s", name, known);
}

int select_environment(const struct bv_device_info *list, int n)
{
	const char *name = getenv("BV_PROVIDER");
	char known[256];

	for (int i = 0; i < n && name != NULL && name[0] != '\0'; i++) {
		if (list[i].nproviders == 0)
			continue;
		if (find_provider(&list[i], name) != NULL)
			return 0;
		provider_names(&list[i], known, sizeof(known));
		return fail(-ENOENT,
			    "BV_PROVIDER=%s names no provider of this library; there is:%s\n"
			    "  unset BV_PROVIDER, or set it to one of these: until then every "
			    "program that leaves\n  the choice to the library cannot open a device",
			    name, known);
	}
	return 0;
}

static void add_provider(struct selection *selection, const char *name)
{
	const uint32_t n = selection->nproviders;

	if (n == SELECT_MAX_PROVIDERS)
		return;
	snprintf(selection->provider[n], sizeof(selection->provider[n]), "%s", name);
	selection->nproviders = n + 1;
}

/* "verbs" is what others are compared with: it comes first. */
static int all_providers(const struct bv_device_info *info, struct selection *selection)
{
	for (int verbs = 1; verbs >= 0; verbs--) {
		for (uint32_t i = 0; i < info->nproviders; i++) {
			const struct bv_provider_info *provider = &info->providers[i];

			if (provider->score > 0 && (strcmp(provider->name, "verbs") == 0) == verbs)
				add_provider(selection, provider->name);
		}
	}
	if (selection->nproviders == 0)
		return fail(-EOPNOTSUPP, "no provider can drive %s: `bv info` tells why",
			    info->name);
	return 0;
}

static int choose_providers(const struct bv_device_info *info, const char (*provider)[16],
			    size_t nproviders, struct selection *selection)
{
	const char *preset = getenv("BV_PROVIDER");
	int rc;

	if (nproviders == 0 && (preset == NULL || preset[0] == '\0'))
		return all_providers(info, selection);
	if (nproviders == 0) {
		rc = select_environment(info, 1);
		if (rc == 0)
			rc = check_provider(info, preset);
		if (rc == 0)
			add_provider(selection, preset);
		return rc;
	}
	for (size_t i = 0; i < nproviders; i++) {
		rc = check_provider(info, provider[i]);
		if (rc < 0)
			return rc;
		add_provider(selection, provider[i]);
	}
	return 0;
}

int select_device(const char *device, const char (*provider)[16], size_t nproviders,
		  struct selection *selection)
{
	struct selection chosen = { .nproviders = 0 };
	struct bv_device_info *list;
	int n = bv_device_list(&list);
	int rc;

	if (n < 0)
		return fail_bv(n, NULL, "cannot list the RDMA devices");
	if (n == 0)
		return select_no_device();
	rc = select_find(list, n, device);
	if (rc >= 0) {
		const struct bv_device_info *info = &list[rc];

		memcpy(chosen.device, info->name, sizeof(chosen.device));
		memcpy(chosen.firmware, info->firmware, sizeof(chosen.firmware));
		chosen.kind = info->kind;
		rc = info->open_error == 0 ? choose_providers(info, provider, nproviders, &chosen) :
					     fail(info->open_error, "cannot open %s: %s",
						  info->name, info->open_error_text);
	}
	bv_device_list_free(list);
	if (rc == 0)
		*selection = chosen;
	return rc;
}
