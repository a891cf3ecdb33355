/* SPDX-License-Identifier: MIT */
/*
 * A program outside our tree: the umbrella header, one call, and the library that was installed is
 * the one whose header we compiled against.
 */
#include <bareverbs/bareverbs.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	if (strcmp(bv_version(), BV_VERSION_STRING) != 0) {
		fprintf(stderr, "library %s, header %s\n", bv_version(), BV_VERSION_STRING);
		return 1;
	}
	return 0;
}
