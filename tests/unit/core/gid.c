/* SPDX-License-Identifier: MIT */
/*
 * Which GID a channel takes, over tables as hosts have them.
 */
#include "fake.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "core/gid.h"
#include "core/route.h"

#define V1 IBV_GID_TYPE_ROCE_V1
#define V2 IBV_GID_TYPE_ROCE_V2

static int chosen_for(const struct bvi_gid_wish *wish)
{
	struct bvi_gid_table table = { .rows = fake.device[0].gids,
				       .count = (uint32_t)fake.device[0].ngids };
	const struct ibv_gid_entry *row = bvi_gid_choose(&table, wish);

	return row ? (int)row->gid_index : -1;
}

/* The index that is chosen on port 1, or -1. */
static int chosen(enum bv_link_layer link, int index)
{
	const struct bvi_gid_wish wish = { .port = 1, .link = link, .index = index };

	return chosen_for(&wish);
}

/* Row i is of interface i + 1, and all of those above @last_up are down. */
static uint32_t last_up;

static bool up(uint32_t ifindex)
{
	return ifindex <= last_up;
}

static void on_netdevs(uint32_t all_up_to)
{
	last_up = all_up_to;
	for (int i = 0; i < fake.device[0].ngids; i++)
		fake.device[0].gids[i].ndev_ifindex = (uint32_t)i + 1;
}

/* With the peer known, and where there is one the address on the route to it. */
static int chosen_to(const char *peer, const char *source)
{
	uint8_t to[16], from[16];
	const struct bvi_gid_wish wish = { .port = 1,
					   .link = BV_LINK_ETHERNET,
					   .index = BV_GID_AUTO,
					   .peer = to,
					   .source = source ? from : NULL,
					   .up = up };

	assert_int_equal(bv_gid_parse(peer, to), 0);
	if (source)
		assert_int_equal(bv_gid_parse(source, from), 0);
	return chosen_for(&wish);
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

/* What only looks like an address of a scope has another. */
static void near_the_edges_of_scopes(void **state)
{
	(void)state;
	TABLE({ V2, "fe80::1" }, { V2, "fec0::1" });
	assert_int_equal(chosen(BV_LINK_ETHERNET, BV_GID_AUTO), 1);
	TABLE({ V2, "::ffff:169.254.1.1" }, { V2, "::ffff:169.253.1.1" });
	assert_int_equal(chosen(BV_LINK_ETHERNET, BV_GID_AUTO), 1);
	TABLE({ V2, "::ffff:169.254.1.1" }, { V2, "::ffff:168.254.1.1" });
	assert_int_equal(chosen(BV_LINK_ETHERNET, BV_GID_AUTO), 1);
}

/* A table that names an interface which is gone by now, and a port without a table. */
static void interfaces_that_are_gone(void **state)
{
	struct bvi_gid_table gids = { .rows = fake.device[0].gids, .count = 1 };
	const struct bvi_gid_wish wish = { .port = 1, .link = BV_LINK_ETHERNET };
	struct bv_gid_info info;
	struct bv_device_info *list;
	char text[200];

	(void)state;
	TABLE({ V2, "::ffff:10.0.0.1" });
	fake.device[0].gids[0].ndev_ifindex = INT32_MAX;
	bvi_gid_table_text(&gids, &wish, text, sizeof(text));
	assert_string_equal(text, "\n  gid 0: ::ffff:10.0.0.1, RoCE v2, usable");
	bvi_gid_info(&fake.device[0].gids[0], &info);
	assert_string_equal(info.netdev, "");
	fake.device[0].port[0].gid_tbl_len = 0;
	assert_int_equal(bv_device_list(&list), 3);
	assert_int_equal(list[0].open_error, 0);
	assert_int_equal(list[0].ports[0].ngids, 0);
	bv_device_list_free(list);
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

/* The first rows are IPv6, as on hosts where the IPv4 address came late. */
static void of_the_peers_ip_version(void **state)
{
	(void)state;
	TABLE({ V2, "fe80::1" }, { V2, "2001:db8::1" }, { V2, "::ffff:10.0.0.1" });
	on_netdevs(9);
	assert_int_equal(chosen_to("10.0.0.2", NULL), 2);
	assert_int_equal(chosen_to("198.51.100.7", NULL), 2);
	assert_int_equal(chosen_to("2001:db8::2", NULL), 1);
	assert_int_equal(chosen_to("fe80::2", NULL), 1);
	TABLE({ V2, "fe80::1" }, { V2, "2001:db8::1" });
	assert_int_equal(chosen_to("10.0.0.2", NULL), -1);
	TABLE({ V2, "::ffff:10.0.0.1" });
	assert_int_equal(chosen_to("2001:db8::2", NULL), -1);
	/* RoCE v1 has no IP header; it is better than nothing. */
	TABLE({ V2, "::ffff:10.0.0.1" }, { V1, "fe80::1" });
	assert_int_equal(chosen_to("2001:db8::2", NULL), 1);
}

/* Several addresses, private and public, and VLANs: the route decides, not the kind of address. */
static void on_the_route_first(void **state)
{
	(void)state;
	TABLE({ V2, "::ffff:203.0.113.5" }, { V1, "::ffff:10.0.0.1" }, { V2, "::ffff:10.0.0.1" },
	      { V2, "::ffff:192.168.7.1" }, { V2, "::ffff:172.16.0.1" });
	on_netdevs(9);
	assert_int_equal(chosen_to("10.0.0.2", "10.0.0.1"), 2);
	assert_int_equal(chosen_to("192.168.7.2", "192.168.7.1"), 3);
	assert_int_equal(chosen_to("8.8.8.8", "203.0.113.5"), 0);
	assert_int_equal(chosen_to("172.16.9.9", "172.16.0.1"), 4);
	/* The route leads over another device. */
	assert_int_equal(chosen_to("10.0.0.2", "127.0.0.1"), 0);
	TABLE({ V2, "2001:db8:1::1" }, { V2, "2001:db8:2::1" }, { V2, "fe80::1" });
	assert_int_equal(chosen_to("2001:db8:2::9", "2001:db8:2::1"), 1);
}

/* Each VLAN interface has rows of its own, behind those of the interface below it. */
static void vlan_rows(void **state)
{
	(void)state;
	TABLE({ V1, "fe80::1" }, { V2, "fe80::1" }, { V2, "::ffff:10.0.0.1" }, { V1, "fe80::1" },
	      { V2, "fe80::1" }, { V2, "::ffff:10.42.0.1" });
	on_netdevs(9);
	assert_int_equal(chosen(BV_LINK_ETHERNET, BV_GID_AUTO), 2);
	assert_int_equal(chosen_to("10.42.0.2", "10.42.0.1"), 5);
	assert_int_equal(chosen_to("10.0.0.2", "10.0.0.1"), 2);
	assert_int_equal(chosen(BV_LINK_ETHERNET, 5), 5);
}

static void interfaces_that_are_up(void **state)
{
	struct bvi_gid_wish wish = {
		.port = 1, .link = BV_LINK_ETHERNET, .index = BV_GID_AUTO, .up = up
	};

	(void)state;
	TABLE({ V2, "fe80::1" }, { V2, "2001:db8::1" }, { V2, "::ffff:10.0.0.1" });
	on_netdevs(9);
	assert_int_equal(chosen_for(&wish), 2);
	on_netdevs(2);
	assert_int_equal(chosen_for(&wish), 1);
	on_netdevs(1);
	assert_int_equal(chosen_for(&wish), 0);
	/* None is: what is best comes up first. */
	on_netdevs(0);
	assert_int_equal(chosen_for(&wish), 2);
	/* Asked for is asked for. */
	wish.index = 2;
	on_netdevs(1);
	assert_int_equal(chosen_for(&wish), 2);
}

/* The kernel's own answers, which every machine has for its loopback interface. */
static void routes(void **state)
{
	uint8_t peer[16], source[16], expected[16];

	(void)state;
	assert_int_equal(bv_gid_parse("127.0.0.1", peer), 0);
	assert_int_equal(bv_gid_parse("127.0.0.1", expected), 0);
	assert_int_equal(bvi_route_source(peer, source), 0);
	assert_memory_equal(source, expected, 16);
	assert_int_equal(bv_gid_parse("::1", peer), 0);
	if (bvi_route_source(peer, source) == 0)
		assert_memory_equal(source, peer, 16);
	/* A link-local address says nothing without its interface. */
	assert_int_equal(bv_gid_parse("fe80::1", peer), 0);
	assert_true(bvi_route_source(peer, source) < 0);
	assert_true(bvi_netdev_up(0));
	assert_true(bvi_netdev_up(INT32_MAX));
	assert_true(bvi_netdev_up(if_nametoindex("lo")));
}

static void parses(void **state)
{
	static const char *const wrong[] = {
		"", "10.0.0", "10.0.0.256", "host", "fe80::1%eth0", "[::1]", "::ffff:10.0.0.1/24"
	};
	uint8_t raw[16] = { 7 };
	char text[BV_GID_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(bv_gid_parse(wrong[i], raw), -EINVAL);
		assert_text(wrong[i]);
	}
	assert_int_equal(bv_gid_parse(NULL, raw), -EINVAL);
	assert_int_equal(bv_gid_parse("::1", NULL), -EINVAL);
	assert_int_equal(raw[0], 7);
	assert_int_equal(bv_gid_parse("10.1.2.3", raw), 0);
	assert_string_equal(bv_gid_format(raw, text), "::ffff:10.1.2.3");
	assert_int_equal(bv_gid_parse("2001:db8::5", raw), 0);
	assert_string_equal(bv_gid_format(raw, text), "2001:db8::5");
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
	struct bvi_gid_wish wish = { .port = 1, .link = BV_LINK_ETHERNET };
	char text[1024], small[64];
	uint8_t peer[16];

	(void)state;
	bvi_gid_table_text(&gids, &wish, text, sizeof(text));
	assert_non_null(strstr(text, "empty"));
	TABLE({ V1, "fe80::1" }, { V2, "::ffff:10.0.0.1" }, { V2, "ff02::1" }, { V2, "::1" },
	      { 9, "::2" });
	gids.count = 5;
	bvi_gid_table_text(&gids, &wish, text, sizeof(text));
	assert_string_equal(text, "\n  gid 0: fe80::1, RoCE v1, usable, this subnet only"
				  "\n  gid 1: ::ffff:10.0.0.1, RoCE v2, usable"
				  "\n  gid 2: ff02::1, RoCE v2, unusable"
				  "\n  gid 3: ::1, RoCE v2, usable on this host only"
				  "\n  gid 4: ::2, unknown, usable");
	assert_int_equal(bv_gid_parse("2001:db8::9", peer), 0);
	wish.peer = peer;
	wish.up = up;
	last_up = 0;
	fake.device[0].gids[1].ndev_ifindex = if_nametoindex("lo");
	bvi_gid_table_text(&gids, &wish, text, sizeof(text));
	assert_string_equal(
		text, "\n  gid 0: fe80::1, RoCE v1, would reach the peer in this subnet only"
		      "\n  gid 1: ::ffff:10.0.0.1, RoCE v2, lo (down), not of the peer's IP version"
		      "\n  gid 2: ff02::1, RoCE v2, unusable"
		      "\n  gid 3: ::1, RoCE v2, usable on this host only"
		      "\n  gid 4: ::2, unknown, would reach the peer");
	wish.peer = NULL;
	fake.device[0].gids[1].ndev_ifindex = 0;
	fake.device[0].gids[0].port_num = 2;
	fake.device[0].gids[1].gid_type = IBV_GID_TYPE_IB;
	gids.count = 2;
	wish.link = BV_LINK_INFINIBAND;
	bvi_gid_table_text(&gids, &wish, text, sizeof(text));
	assert_string_equal(text, "\n  gid 1: ::ffff:10.0.0.1, IB, usable");
	gids.count = 5;
	bvi_gid_table_text(&gids, &wish, small, sizeof(small));
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
		fake_test(near_the_edges_of_scopes),
		fake_test(interfaces_that_are_gone),
		fake_test(asked_for),
		fake_test(infiniband_takes_row_0),
		fake_test(of_the_peers_ip_version),
		fake_test(on_the_route_first),
		fake_test(vlan_rows),
		fake_test(interfaces_that_are_up),
		fake_test(routes),
		fake_test(parses),
		fake_test(other_ports_do_not_count),
		fake_test(as_text),
		fake_test(formats),
		fake_test(link_layers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
