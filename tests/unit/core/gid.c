/* SPDX-License-Identifier: MIT */
/*
 * Which GID a channel takes, over tables as hosts have them.
 */
#include "fake.h"

#include <errno.h>
#include <stdlib.h>

#include "core/gid.h"

#define V1 IBV_GID_TYPE_ROCE_V1
#define V2 IBV_GID_TYPE_ROCE_V2

/* The index that is chosen on port 1, or -1. */
static int chosen(enum bv_link_layer link, int index)
{
	struct bvi_gid_table table = { .rows = fake.device[0].gids,
				       .count = (uint32_t)fake.device[0].ngids };
	const struct ibv_gid_entry *row = bvi_gid_choose(&table, 1, link, index);

	return row ? (int)row->gid_index : -1;
}

static void table(const char *const *rows, const uint32_t *types, int count)
{
	fake.device[0].ngids = 0;
	for (int i = 0; i < count; i++)
		fake_gid(&fake.device[0], i, (uint32_t)i, types[i], rows[i]);
}

#define TABLE(...)                                             \
	do {                                                   \
		static const struct {                          \
			uint32_t type;                         \
			const char *text;                      \
		} rows_[] = { __VA_ARGS__ };                   \
		const char *texts_[FAKE_GIDS];                 \
		uint32_t types_[FAKE_GIDS];                    \
		int count_ = sizeof(rows_) / sizeof(rows_[0]); \
		for (int i_ = 0; i_ < count_; i_++) {          \
			texts_[i_] = rows_[i_].text;           \
			types_[i_] = rows_[i_].type;           \
		}                                              \
		table(texts_, types_, count_);                 \
	} while (0)

static void usual_host(void **state)
{
	(void)state;
	TABLE({ V1, "fe80::1" }, { V2, "fe80::1" }, { V1, "::ffff:10.0.0.1" },
	      { V2, "::ffff:10.0.0.1" }, { V1, "2001:db8::1" }, { V2, "2001:db8::1" });
	assert_int_equal(chosen(BV_LINK_ETHERNET, BV_GID_AUTO), 3);
}

static void order_of_preference(void **state)
{
	(void)state;
	TABLE({ V2, "::1" }, { V1, "::ffff:10.0.0.1" });
	assert_int_equal(chosen(BV_LINK_ETHERNET, BV_GID_AUTO), 0);
	TABLE({ V1, "fe80::1" }, { V1, "2001:db8::1" }, { V1, "::ffff:192.0.2.1" });
	assert_int_equal(chosen(BV_LINK_ETHERNET, BV_GID_AUTO), 2);
	TABLE({ V2, "fe80::1" }, { V2, "2001:db8::1" });
	assert_int_equal(chosen(BV_LINK_ETHERNET, BV_GID_AUTO), 1);
	TABLE({ V2, "fd00::1" }, { V2, "fe80::1" });
	assert_int_equal(chosen(BV_LINK_ETHERNET, BV_GID_AUTO), 0);
	TABLE({ V2, "::ffff:127.0.0.1" }, { V2, "febf::1" });
	assert_int_equal(chosen(BV_LINK_ETHERNET, BV_GID_AUTO), 1);
	TABLE({ V2, "::ffff:169.254.1.1" }, { V2, "2001:db8::1" });
	assert_int_equal(chosen(BV_LINK_ETHERNET, BV_GID_AUTO), 1);
}

/* A library that put 10/8 last chose link-local addresses on private networks. */
static void private_is_not_second_class(void **state)
{
	(void)state;
	TABLE({ V2, "2001:db8::1" }, { V2, "::ffff:10.1.2.3" }, { V2, "::ffff:198.51.100.1" });
	assert_int_equal(chosen(BV_LINK_ETHERNET, BV_GID_AUTO), 1);
	TABLE({ V2, "fe80::1" }, { V2, "::ffff:192.168.0.1" });
	assert_int_equal(chosen(BV_LINK_ETHERNET, BV_GID_AUTO), 1);
}

static void unusable_rows(void **state)
{
	(void)state;
	TABLE({ V2, "::" }, { V2, "ff02::1" }, { V2, "::ffff:0.0.0.0" });
	assert_int_equal(chosen(BV_LINK_ETHERNET, BV_GID_AUTO), -1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(chosen(BV_LINK_ETHERNET, i), -1);
	fake.device[0].ngids = 0;
	assert_int_equal(chosen(BV_LINK_ETHERNET, BV_GID_AUTO), -1);
	assert_int_equal(chosen(BV_LINK_INFINIBAND, BV_GID_AUTO), -1);
}

static void asked_for(void **state)
{
	(void)state;
	TABLE({ V1, "fe80::1" }, { V2, "::ffff:10.0.0.1" });
	assert_int_equal(chosen(BV_LINK_ETHERNET, 0), 0);
	assert_int_equal(chosen(BV_LINK_ETHERNET, 2), -1);
}

static void infiniband_takes_row_0(void **state)
{
	(void)state;
	fake.device[0].ngids = 0;
	fake_gid(&fake.device[0], 0, 0, IBV_GID_TYPE_IB, "fe80::2:c903:0:1");
	fake_gid(&fake.device[0], 1, 1, IBV_GID_TYPE_IB, "2001:db8::1");
	assert_int_equal(chosen(BV_LINK_INFINIBAND, BV_GID_AUTO), 0);
	assert_int_equal(chosen(BV_LINK_INFINIBAND, 1), 1);
}

static void other_ports_do_not_count(void **state)
{
	(void)state;
	TABLE({ V2, "fe80::1" }, { V2, "::ffff:10.0.0.1" });
	fake.device[0].gids[1].port_num = 2;
	assert_int_equal(chosen(BV_LINK_ETHERNET, BV_GID_AUTO), 0);
	assert_int_equal(chosen(BV_LINK_ETHERNET, 1), -1);
}

static void as_text(void **state)
{
	struct bvi_gid_table gids = { .rows = fake.device[0].gids };
	char text[1024], small[64];

	(void)state;
	bvi_gid_table_text(&gids, 1, BV_LINK_ETHERNET, text, sizeof(text));
	assert_non_null(strstr(text, "empty"));
	TABLE({ V1, "fe80::1" }, { V2, "::ffff:10.0.0.1" }, { V2, "ff02::1" }, { V2, "::1" },
	      { 9, "::2" });
	gids.count = 5;
	bvi_gid_table_text(&gids, 1, BV_LINK_ETHERNET, text, sizeof(text));
	assert_string_equal(text, "\n  gid 0: fe80::1, RoCE v1, usable, this subnet only"
				  "\n  gid 1: ::ffff:10.0.0.1, RoCE v2, usable"
				  "\n  gid 2: ff02::1, RoCE v2, unusable"
				  "\n  gid 3: ::1, RoCE v2, usable on this host only"
				  "\n  gid 4: ::2, unknown, usable");
	fake.device[0].gids[0].port_num = 2;
	fake.device[0].gids[1].gid_type = IBV_GID_TYPE_IB;
	gids.count = 2;
	bvi_gid_table_text(&gids, 1, BV_LINK_INFINIBAND, text, sizeof(text));
	assert_string_equal(text, "\n  gid 1: ::ffff:10.0.0.1, IB, usable");
	gids.count = 5;
	bvi_gid_table_text(&gids, 1, BV_LINK_ETHERNET, small, sizeof(small));
	assert_int_equal(strlen(small), sizeof(small) - 1);
}

static void formats(void **state)
{
	const uint8_t zero[16] = { 0 },
		      mapped[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 };
	uint8_t longest[16];
	char text[BV_GID_TEXT_MAX];

	(void)state;
	assert_string_equal(bv_gid_format(zero, text), "::");
	assert_string_equal(bv_gid_format(mapped, text), "::ffff:10.0.0.1");
	memset(longest, 0xfe, sizeof(longest));
	assert_string_equal(bv_gid_format(longest, text),
			    "fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe");
}

static void link_layers(void **state)
{
	(void)state;
	assert_int_equal(bvi_link_layer(IBV_LINK_LAYER_ETHERNET), BV_LINK_ETHERNET);
	assert_int_equal(bvi_link_layer(IBV_LINK_LAYER_INFINIBAND), BV_LINK_INFINIBAND);
	assert_int_equal(bvi_link_layer(IBV_LINK_LAYER_UNSPECIFIED), BV_LINK_INFINIBAND);
	assert_int_equal(bvi_link_layer(9), BV_LINK_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(usual_host),
		fake_test(order_of_preference),
		fake_test(private_is_not_second_class),
		fake_test(unusable_rows),
		fake_test(asked_for),
		fake_test(infiniband_takes_row_0),
		fake_test(other_ports_do_not_count),
		fake_test(as_text),
		fake_test(formats),
		fake_test(link_layers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
