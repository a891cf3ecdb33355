/* SPDX-License-Identifier: MIT */
/*
 * The list of devices, their kinds, GUIDs.
 */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/sysfs.h"

static void guid_order(void **state)
{
	struct bv_device_info *list;
	char text[BV_GUID_TEXT_MAX];

	(void)state;
	assert_int_equal(bv_device_list(&list), 3);
	assert_int_equal(list[0].guid, 0x0c42a10300652d8e);
	assert_string_equal(bv_guid_format(list[0].guid, text), "0c42:a103:0065:2d8e");
	assert_string_equal(bv_guid_format(UINT64_MAX, text), "ffff:ffff:ffff:ffff");
	assert_string_equal(bv_guid_format(0, text), "0000:0000:0000:0000");
	bv_device_list_free(list);
}

static void everything(void **state)
{
	struct bv_device_info *list;
	const struct bv_device_info *info;
	const struct bv_port_info *port;

	(void)state;
	fake.score[0] = -EOPNOTSUPP;
	assert_int_equal(bv_device_list(&list), 3);
	info = &list[0];
	assert_string_equal(info->name, "mlx5_0");
	assert_string_equal(info->firmware, "16.35.2000");
	assert_int_equal(info->open_error, 0);
	assert_int_equal(info->vendor_id, 0x2c9);
	assert_int_equal(info->part_id, 4119);
	assert_int_equal(info->max_wr, 32768);
	assert_int_equal(info->max_sge, 30);
	assert_int_equal(info->max_rd_atomic, 16);
	assert_int_equal(info->nports, 1);
	port = &info->ports[0];
	assert_int_equal(port->num, 1);
	assert_int_equal(port->state, BV_PORT_ACTIVE);
	assert_int_equal(port->link_layer, BV_LINK_ETHERNET);
	assert_int_equal(port->lid, 0);
	assert_int_equal(port->active_mtu, 4096);
	assert_int_equal(port->max_mtu, 4096);
	assert_int_equal(port->max_msg, 1u << 30);
	assert_int_equal(port->ngids, 3);
	assert_int_equal(port->gids[2].index, 3);
	assert_int_equal(port->gids[0].type, BV_GID_ROCE_V1);
	assert_int_equal(port->gids[2].type, BV_GID_ROCE_V2);
	assert_int_equal(port->gids[2].raw[15], 1);
	assert_int_equal(info->nproviders, 2);
	assert_string_equal(info->providers[0].name, "slow");
	assert_int_equal(info->providers[0].score, 10);
	assert_string_equal(info->providers[1].name, "fast");
	assert_int_equal(info->providers[1].score, -EOPNOTSUPP);
	assert_non_null(strstr(info->providers[1].why, "no such hardware"));
	assert_int_equal(list[1].ports[0].link_layer, BV_LINK_INFINIBAND);
	assert_int_equal(list[1].ports[0].lid, 7);
	assert_int_equal(list[1].ports[0].gids[0].type, BV_GID_IB);
	bv_device_list_free(list);
}

static void two_ports(void **state)
{
	struct bv_device_info *list;

	(void)state;
	fake.ndevices = 1;
	fake.device[0].attr.phys_port_cnt = 2;
	fake.device[0].gids[1].port_num = 2;
	fake.device[0].gids[1].ndev_ifindex = 1; /* lo, where there is one */
	fake.device[0].port[1].state = IBV_PORT_DOWN;
	assert_int_equal(bv_device_list(&list), 1);
	assert_int_equal(list[0].nports, 2);
	assert_int_equal(list[0].ports[0].ngids, 2);
	assert_int_equal(list[0].ports[1].ngids, 1);
	assert_int_equal(list[0].ports[1].num, 2);
	assert_int_equal(list[0].ports[1].gids[0].index, 1);
	assert_int_equal(list[0].ports[1].state, BV_PORT_DOWN);
	bv_device_list_free(list);
}

static void none(void **state)
{
	struct bv_device_info *list = (struct bv_device_info *)state;

	fake.ndevices = 0;
	assert_int_equal(bv_device_list(&list), 0);
	assert_null(list);
	bv_device_list_free(NULL);
	fake.list_errno = ENOSYS;
	assert_int_equal(bv_device_list(&list), 0);
	fake.list_errno = EPERM;
	assert_int_equal(bv_device_list(&list), -EPERM);
	assert_int_equal(bv_device_list(NULL), -EINVAL);
}

static void not_opened(void **state)
{
	struct bv_device_info *list;

	(void)state;
	fake.open_errno = EACCES;
	assert_int_equal(bv_device_list(&list), 3);
	assert_int_equal(list[0].open_error, -EACCES);
	assert_non_null(strstr(list[0].open_error_text, "/dev/infiniband"));
	assert_string_equal(list[0].firmware, "");
	assert_int_equal(list[0].nports, 0);
	assert_int_equal(list[0].nproviders, 0);
	assert_int_equal(list[0].guid, 0x0c42a10300652d8e);
	bv_device_list_free(list);
}

static void not_queried(void **state)
{
	int *const faults[] = { &fake.query_device_errno, &fake.query_port_errno,
				&fake.query_gid_errno };
	struct bv_device_info *list;

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		*faults[i] = EIO;
		assert_int_equal(bv_device_list(&list), 3);
		assert_int_equal(list[0].open_error, -EIO);
		assert_non_null(strstr(list[0].open_error_text, "queried"));
		assert_int_equal(list[0].nports, 0);
		assert_null(list[0].ports);
		bv_device_list_free(list);
		*faults[i] = 0;
	}
}

/* The table of GIDs could be read, and then the port could not: the device failed meanwhile. */
static void gone_while_queried(void **state)
{
	struct bv_device_info *list;

	(void)state;
	fake.query_port_errno = ENODEV;
	fake.query_port_after = 1;
	assert_int_equal(bv_device_list(&list), 3);
	assert_int_equal(list[0].open_error, -ENODEV);
	assert_int_equal(list[0].nports, 0);
	assert_null(list[0].ports);
	bv_device_list_free(list);
}

static void without_memory(void **state)
{
	struct bv_device_info *list = NULL;
	int n = 1;

	(void)state;
	for (;; n++) {
		fake.calloc_in = n;
		if (bv_device_list(&list) == 3)
			break;
		assert_int_equal(bv_last_error()->code, -ENOMEM);
		assert_null(list);
		assert_int_equal(fake.lists, 0);
		assert_int_equal(fake.contexts, 0);
	}
	assert_true(n > 6);
	bv_device_list_free(list);
}

/* sysfs of an emulated device, as libibverbs names it. */
static void kinds(void **state)
{
	char path[] = "/tmp/bv-unit-XXXXXX", file[64];
	struct bv_device_info *list;
	struct bv_device *dev;
	FILE *board;

	(void)state;
	assert_non_null(mkdtemp(path));
	snprintf(file, sizeof(file), "%s/board_id", path);
	board = fopen(file, "w");
	assert_non_null(board);
	fputs("MLX5EMU0000001\n", board);
	fclose(board);
	snprintf(fake.device[0].ibdev.ibdev_path, IBV_SYSFS_PATH_MAX, "%s", path);
	fake.device[1].attr.vendor_id = 0xffffff; /* an rxe of another name */
	assert_int_equal(bv_device_list(&list), 3);
	assert_int_equal(list[0].kind, BV_DEVICE_EMULATED);
	assert_int_equal(list[1].kind, BV_DEVICE_SOFTWARE);
	assert_int_equal(list[2].kind, BV_DEVICE_SOFTWARE);
	bv_device_list_free(list);
	assert_int_equal(bv_open("mlx5_0", NULL, &dev), 0);
	assert_int_equal(bv_device_kind(dev), BV_DEVICE_EMULATED);
	bv_close(dev);
	/* A board as Mellanox names them; siw by its vendor, and by its name. */
	board = fopen(file, "w");
	fputs("MT_0000000008\n", board);
	fclose(board);
	fake.device[1].attr.vendor_id = 0x626d74;
	snprintf(fake.device[2].ibdev.name, sizeof(fake.device[2].ibdev.name), "siw_eth0");
	assert_int_equal(bv_device_list(&list), 3);
	assert_int_equal(list[0].kind, BV_DEVICE_HARDWARE);
	assert_int_equal(list[1].kind, BV_DEVICE_SOFTWARE);
	assert_int_equal(list[2].kind, BV_DEVICE_SOFTWARE);
	bv_device_list_free(list);
	unlink(file);
	rmdir(path);
	assert_int_equal(bv_open("mlx5_0", NULL, &dev), 0);
	assert_int_equal(bv_device_kind(dev), BV_DEVICE_HARDWARE);
	bv_close(dev);
}

static void small_files(void **state)
{
	char text[8];

	(void)state;
	assert_int_equal(bvi_read_file("/nonexistent", text, sizeof(text)), -ENOENT);
	assert_int_equal(bvi_read_file("/", text, sizeof(text)), -EISDIR);
	assert_int_equal(bvi_read_file("/dev/null", text, sizeof(text)), 0);
	assert_string_equal(text, "");
	assert_int_equal(bvi_read_file("/proc/self/status", text, 6), 5);
	assert_string_equal(text, "Name:");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(guid_order),         fake_test(everything),
		fake_test(two_ports),          fake_test(none),
		fake_test(not_opened),         fake_test(not_queried),
		fake_test(gone_while_queried), fake_test(kinds),
		fake_test(without_memory),     fake_test(small_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
