/* SPDX-License-Identifier: MIT */
/*
 * The providers of this build, named one by one: no constructors and no dlopen, so that linking
 * with --gc-sections or LTO loses none. The order is that in which texts list them.
 */
#include "provider.h"

#include <bv_config.h>

const struct bv_provider *const bvi_providers[] = {
#ifdef BV_HAVE_MLX5
	&bvi_provider_mlx5,
#endif
#ifdef BV_HAVE_VERBS
	&bvi_provider_verbs,
#endif
	NULL,
};
