/* SPDX-License-Identifier: MIT */
/*
 * The version that was compiled into the library.
 */
#include <assert.h>

#include <bareverbs/version.h>

#define TEXT(x) #x
#define VERSION(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

static_assert(sizeof(BV_VERSION_STRING) ==
		      sizeof(VERSION(BV_VERSION_MAJOR, BV_VERSION_MINOR, BV_VERSION_PATCH)),
	      "the string and the numbers of version.h are one version");

const char *bv_version(void)
{
	return VERSION(BV_VERSION_MAJOR, BV_VERSION_MINOR, BV_VERSION_PATCH);
}
