/* SPDX-License-Identifier: MIT */
/*
 * Small files of the kernel, read whole however they come; and what is made of them.
 */
#include "host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/memlock.h"
#include "core/sysfs.h"

static char path[] = "/tmp/bv-file-XXXXXX";

static void put(const char *content)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(content, file);
	fclose(file);
}

static int setup(void **state)
{
	int fd;

	strcpy(path, "/tmp/bv-file-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	return host_reset(state);
}

static int teardown(void **state)
{
	unlink(path);
	return host_check(state);
}

#define file_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void in_pieces(void **state)
{
	char text[32];

	(void)state;
	put("0000:00:1f.6 eth0 \n\n");
	for (host.at_most = 1; host.at_most < 25; host.at_most++) {
		assert_int_equal(bvi_read_file(path, text, sizeof(text)), 17);
		assert_string_equal(text, "0000:00:1f.6 eth0");
	}
	host.at_most = 3;
	assert_int_equal(bvi_read_file(path, text, 5), 4);
	assert_string_equal(text, "0000");
	put(" \n \n");
	assert_int_equal(bvi_read_file(path, text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

static void failing(void **state)
{
	char text[8] = "before";

	(void)state;
	put("1\n");
	host_fail(HOST_OPEN, 1, EACCES);
	assert_int_equal(bvi_read_file(path, text, sizeof(text)), -EACCES);
	host_fail(HOST_READ, 1, EIO);
	assert_int_equal(bvi_read_file(path, text, sizeof(text)), -EIO);
	host_fail(HOST_READ, 1, EINTR);
	assert_int_equal(bvi_read_file(path, text, sizeof(text)), 1);
	assert_string_equal(text, "1");
}

/* Nothing known of what is locked is nothing locked. */
static void memory_locks(void **state)
{
	struct bvi_memlock m;
	char size[32];

	(void)state;
	host_fail(HOST_OPEN, 1, ENOENT);
	m = bvi_memlock_read();
	assert_int_equal(m.locked, 0);
	assert_int_equal(m.pinned, 0);
	m = (struct bvi_memlock){ .limit = 100, .pinned = 40 };
	assert_false(bvi_memlock_reached(&m, 60));
	assert_true(bvi_memlock_reached(&m, 61));
	assert_true(bvi_memlock_reached(&m, 101));
	assert_true(bvi_memlock_reached(&m, UINT64_MAX));
	m.limit = UINT64_MAX;
	assert_false(bvi_memlock_reached(&m, UINT64_MAX));
	assert_string_equal(bvi_size_text(1023, size, sizeof(size)), "1023 B");
	assert_string_equal(bvi_size_text(1536, size, sizeof(size)), "1.5 KiB");
	assert_string_equal(bvi_size_text((uint64_t)3 << 40, size, sizeof(size)), "3 TiB");
	assert_string_equal(bvi_size_text((uint64_t)2048 << 40, size, sizeof(size)), "2048 TiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		file_test(in_pieces),
		file_test(failing),
		file_test(memory_locks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
