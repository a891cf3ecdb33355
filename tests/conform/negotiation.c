/* SPDX-License-Identifier: MIT */
/*
 * What two ends agree on when they connect, and that several links live beside each other.
 */
#include "link.h"

#include <string.h>

#include "device.h"
#include "local.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t port_mtu(void)
{
	struct bv_device_info *list;
	const uint32_t mtu = device_port(&list)->active_mtu;

	bv_device_list_free(list);
	return mtu;
}

/* A write and a read of several packets each. */
static void exchange(struct link *link)
{
	const struct list here = end_piece(&link->a, 4096, 20000);
	const struct list there = end_piece(&link->b, 65536, 20000);
	const struct list back = end_piece(&link->a, 131072, 20000);
	struct post post = { .op = OP_WRITE, .list = here };
	struct bv_wc wc;
	int64_t work;

	end_fill(&link->a, &here, 77);
	end_fill(&link->b, &there, SEED_GUARD);
	end_fill(&link->a, &back, SEED_GUARD);
	post.remote = end_remote(&link->b, there.piece[0].offset, 20000);
	work = end_post(&link->a, &post);
	end_reap(&link->a, false, 1, &wc);
	expect_sent(&wc, work, OP_WRITE, 0);
	end_check(&link->b, &there, 77, 20000);
	if (link->a.info.rd_atomic == 0)
		return;
	post.op = OP_READ;
	post.list = back;
	work = end_post(&link->a, &post);
	end_reap(&link->a, false, 1, &wc);
	expect_sent(&wc, work, OP_READ, 20000);
	end_check(&link->a, &back, 77, 20000);
}

static void smaller_mtu(void **state)
{
	static const uint32_t mtus[] = { 0, 256, 512, 1024, 2048, 4096 };
	const uint32_t active = port_mtu();
	struct bv_channel_attr a = link_attr(), b = link_attr();
	struct link link;

	for (unsigned i = 0; i < COUNT(mtus) * COUNT(mtus); i++) {
		uint32_t agreed;

		a.mtu = mtus[i % COUNT(mtus)];
		b.mtu = mtus[i / COUNT(mtus)];
		link_up(&link, &a, &b);
		assert_int_equal(link.a.endpoint.mtu, a.mtu ? smaller(a.mtu, active) : active);
		assert_true(!b.mtu || link.b.endpoint.mtu <= b.mtu);
		agreed = smaller(link.a.endpoint.mtu, link.b.endpoint.mtu);
		assert_int_equal(link.a.info.mtu, agreed);
		assert_int_equal(link.b.info.mtu, agreed);
		exchange(&link);
		world_reset(state);
	}
}

/* More reads than may be in flight are the device's to hold back, never an error. */
static void many_reads(struct link *link)
{
	struct post post = post_of(link, OP_READ, 0);
	struct bv_wc wc[32];

	for (unsigned i = 0; i < COUNT(wc); i++) {
		post.list = end_piece(&link->a, 4096 + i * 64, 8);
		end_post(&link->a, &post);
	}
	end_reap(&link->a, false, COUNT(wc), wc);
	for (unsigned i = 0; i < COUNT(wc); i++)
		assert_int_equal(wc[i].status, BV_STATUS_SUCCESS);
}

static void smaller_read_depth(void **state)
{
	static const uint32_t depths[][2] = { { 16, 16 }, { 1, 16 },    { 16, 1 },  { 4, 7 },
					      { 0, 16 },  { 255, 255 }, { 255, 2 }, { 0, 0 } };
	struct bv_channel_attr a = link_attr(), b = link_attr();
	struct bv_device_info *list;
	const uint32_t limit = device_info(&list)->max_rd_atomic;
	struct link link;

	bv_device_list_free(list);
	for (unsigned i = 0; i < COUNT(depths); i++) {
		const uint32_t x = depths[i][0], y = depths[i][1];
		uint32_t agreed;

		a.rd_atomic = x;
		b.rd_atomic = y;
		link_up(&link, &a, &b);
		agreed = smaller(smaller(x, limit), link.b.endpoint.responder_depth);
		assert_true(link.b.endpoint.responder_depth <= y);
		assert_int_equal(link.a.endpoint.initiator_depth, smaller(x, limit));
		assert_int_equal(link.a.endpoint.responder_depth, smaller(x, limit));
		assert_int_equal(link.a.info.rd_atomic, agreed);
		assert_int_equal(link.b.info.rd_atomic, agreed);
		exchange(&link);
		if (agreed > 0)
			many_reads(&link);
		world_reset(state);
	}
}

/* The longer timer of both sides; 0 is the longest of either. */
static void longer_timers(void **state)
{
	static const uint8_t codes[][4] = { { 14, 17, 16, 20 },
					    { 18, 13, 22, 15 },
					    { 14, 0, 0, 16 } };
	struct bv_channel_attr a = link_attr(), b = link_attr();
	struct link link;

	for (unsigned i = 0; i < COUNT(codes); i++) {
		uint8_t ack, rnr;

		a.ack_timeout = codes[i][0];
		b.ack_timeout = codes[i][1];
		a.min_rnr_timer = codes[i][2];
		b.min_rnr_timer = codes[i][3];
		ack = bv_ack_timeout_ns(a.ack_timeout) > bv_ack_timeout_ns(b.ack_timeout) ?
			      a.ack_timeout :
			      b.ack_timeout;
		rnr = bv_rnr_timer_ns(a.min_rnr_timer) > bv_rnr_timer_ns(b.min_rnr_timer) ?
			      a.min_rnr_timer :
			      b.min_rnr_timer;
		link_up(&link, &a, &b);
		assert_int_equal(link.a.endpoint.ack_timeout, a.ack_timeout);
		assert_int_equal(link.b.endpoint.min_rnr_timer, b.min_rnr_timer);
		assert_int_equal(link.a.info.ack_timeout, ack);
		assert_int_equal(link.b.info.ack_timeout, ack);
		assert_int_equal(link.a.info.min_rnr_timer, rnr);
		assert_int_equal(link.b.info.min_rnr_timer, rnr);
		exchange(&link);
		world_reset(state);
	}
}

static bool is_ipv4(const uint8_t gid[16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(gid, prefix, sizeof(prefix)) == 0;
}

static void end_expect_state(struct end *end, enum bv_channel_state expected)
{
	struct side_state state;

	end_state(end, &state);
	assert_int_equal(state.state, expected);
}

/* Ethernet has no LIDs: each side is addressed by a GID, and RoCE v2 is preferred. */
static void gid_by_rule(void **state)
{
	const struct bv_port_info *port;
	struct bv_device_info *list;
	struct link link;
	bool has_v2 = false;

	(void)state;
	need_gid_choice();
	link_up(&link, NULL, NULL);
	port = device_port(&list);
	if (port->link_layer == BV_LINK_ETHERNET) {
		const struct bv_gid_info *chosen = NULL;

		for (uint32_t i = 0; i < port->ngids; i++) {
			has_v2 |= port->gids[i].type == BV_GID_ROCE_V2;
			if (port->gids[i].index == link.a.info.gid_index)
				chosen = &port->gids[i];
		}
		assert_non_null(chosen);
		assert_true(!has_v2 || chosen->type == BV_GID_ROCE_V2);
		assert_memory_equal(chosen->raw, link.a.info.gid, 16);
		assert_memory_equal(chosen->raw, link.a.endpoint.gid, 16);
		assert_int_equal(link.a.endpoint.lid, 0);
	}
	assert_int_equal(link.a.endpoint.link_layer, port->link_layer);
	bv_device_list_free(list);
}

static void gid_by_index(void **state)
{
	struct bv_channel_attr attr = link_attr();
	struct bv_device_info *list;
	const struct bv_port_info *port;
	struct link link;

	need_gid_tables();
	port = device_port(&list);
	for (uint32_t i = 0; i < port->ngids; i++) {
		attr.gid_index = (int)port->gids[i].index;
		link_up(&link, &attr, &attr);
		assert_int_equal(link.a.info.gid_index, port->gids[i].index);
		assert_memory_equal(link.a.info.gid, port->gids[i].raw, 16);
		exchange(&link);
		world_reset(state);
	}
	bv_device_list_free(list);
}

/* Any two rows either carry bytes or are refused with a text that has the table. */
static void gids_of_one_kind(void **state)
{
	struct bv_device_info *list;
	const struct bv_port_info *port;

	need_gid_tables();
	port = device_port(&list);
	for (uint32_t i = 0; i < port->ngids * port->ngids; i++) {
		const struct bv_gid_info *x = &port->gids[i / port->ngids];
		const struct bv_gid_info *y = &port->gids[i % port->ngids];
		const bool v2 = x->type == BV_GID_ROCE_V2;
		struct bv_channel_attr a = link_attr(), b = link_attr();
		struct link link;

		a.gid_index = (int)x->index;
		b.gid_index = (int)y->index;
		link_create(&link, &a, &b);
		if (x->type == y->type && (!v2 || is_ipv4(x->raw) == is_ipv4(y->raw))) {
			link_connect(&link);
			exchange(&link);
		} else {
			assert_int_equal(side_connect(link.a.side, link.a.slot, &link.b.endpoint),
					 -EPROTONOSUPPORT);
			expect_word(link.a.side->text, "gid 0: ");
			end_expect_state(&link.a, BV_CHANNEL_PREPARED);
		}
		world_reset(state);
	}
	bv_device_list_free(list);
}

/* With the peer known, the row is of its IP version. */
static void gid_for_the_peer(void **state)
{
	struct bv_device_info *list;
	const struct bv_port_info *port;

	need_gid_tables();
	port = device_port(&list);
	for (uint32_t i = 0; port->link_layer == BV_LINK_ETHERNET && i < port->ngids; i++) {
		struct bv_channel_attr attr = link_attr();
		struct link link;

		if (port->gids[i].type != BV_GID_ROCE_V2)
			continue;
		memcpy(attr.peer_gid, port->gids[i].raw, 16);
		link_up(&link, &attr, &attr);
		assert_int_equal(is_ipv4(link.a.info.gid), is_ipv4(attr.peer_gid));
		exchange(&link);
		world_reset(state);
	}
	bv_device_list_free(list);
}

/* What a network does with them is its own affair; none of them may harm. */
static void path_attributes(void **state)
{
	struct bv_channel_attr a = link_attr(), b = link_attr();
	struct link link;

	(void)state;
	a.service_level = 3;
	a.traffic_class = 106;
	a.hop_limit = 2;
	a.flow_label = 0xabcde;
	b.flow_label = 1;
	link_up(&link, &a, &b);
	exchange(&link);
}

static void udp_source_port(void **state)
{
	struct bv_channel_attr attr = link_attr();
	struct bv_endpoint ep;
	struct link link;
	int rc;

	(void)state;
	attr.udp_sport = 0xc0de;
	link_create(&link, NULL, NULL);
	rc = side_create(link.a.side, 2, &attr, &ep);
	if (rc == 0) {
		link.a.slot = 2;
		link.a.endpoint = ep;
		rc = side_connect(link.a.side, 2, &link.b.endpoint);
		end_expect_state(&link.a, rc == 0 ? BV_CHANNEL_READY : BV_CHANNEL_ERROR);
	} else {
		assert_string_equal(options.provider, "verbs");
	}
	if (rc < 0) {
		assert_int_equal(rc, -EOPNOTSUPP);
		expect_word(link.a.side->text, "flow_label");
		assert_false(device_is_emulated() && strcmp(options.provider, "mlx5") == 0);
		return;
	}
	assert_int_equal(side_connect(link.b.side, link.b.slot, &link.a.endpoint), 0);
	exchange(&link);
}

/* A stale packet of an earlier connection must not fit the next one. */
static void random_psn(void **state)
{
	uint32_t psn[8];
	unsigned equal = 0;
	struct link link;

	for (unsigned i = 0; i < COUNT(psn); i++) {
		link_create(&link, NULL, NULL);
		psn[i] = link.a.endpoint.psn;
		assert_in_range(psn[i], 0, (1u << 24) - 1);
		for (unsigned j = 0; j < i; j++)
			equal += psn[i] == psn[j];
		world_reset(state);
	}
	/* By chance a pair is equal once in half a million runs, two pairs never. */
	assert_in_range(equal, 0, 1);
}

static void what_query_tells(void **state)
{
	const struct bv_channel_attr attr = link_attr();
	struct side_state a, b;
	struct link link;

	(void)state;
	link_create(&link, NULL, NULL);
	end_state(&link.a, &a);
	assert_int_equal(a.state, BV_CHANNEL_PREPARED);
	assert_int_equal(a.info.mtu, 0);
	assert_int_equal(a.info.peer_qpn, 0);
	assert_int_equal(a.info.rd_atomic, 0);
	assert_int_equal(a.info.qpn, link.a.endpoint.qpn);
	link_connect(&link);
	end_state(&link.a, &a);
	end_state(&link.b, &b);
	assert_int_equal(a.info.peer_qpn, link.b.endpoint.qpn);
	assert_int_equal(b.info.peer_qpn, link.a.endpoint.qpn);
	assert_string_equal(a.info.provider, options.provider);
	assert_true(strlen(a.info.data_path) > 0);
	assert_int_equal(a.info.max_send, attr.max_send);
	assert_int_equal(a.info.max_recv, attr.max_recv);
	assert_int_equal(a.info.max_send_sge, attr.max_send_sge);
	assert_int_equal(a.info.max_recv_sge, attr.max_recv_sge);
	assert_true(a.info.max_inline >= attr.max_inline);
	assert_true(a.info.max_msg >= 1 << 20);
}

/* Endpoints as they travel: both forms connect as well as the struct. */
static void endpoint_forms(void **state)
{
	uint8_t wire[BV_ENDPOINT_WIRE_SIZE];
	char json[BV_ENDPOINT_JSON_MAX];
	struct bv_endpoint ep;
	struct link link;
	int n;

	(void)state;
	link_create(&link, NULL, NULL);
	assert_int_equal(bv_endpoint_encode(&link.a.endpoint, wire), 0);
	assert_int_equal(bv_endpoint_decode(wire, sizeof(wire), &ep), 0);
	link.a.endpoint = ep;
	n = bv_endpoint_to_json(&link.b.endpoint, json, sizeof(json));
	assert_true(n > 0);
	assert_int_equal(bv_endpoint_from_json(json, (size_t)n, &ep), 0);
	link.b.endpoint = ep;
	link_connect(&link);
	exchange(&link);
}

/* Doorbells, credits and completions of one channel are none of another's. */
static void several_links(void **state)
{
	struct link links[8];
	struct bv_wc wc;

	(void)state;
	for (unsigned i = 0; i < COUNT(links); i++)
		link_create_at(&links[i], i, NULL, NULL);
	for (unsigned i = 0; i < COUNT(links); i++)
		link_connect(&links[i]);
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < COUNT(links); i++) {
			struct post post = post_of(&links[i], OP_SEND_IMM, 0);
			const struct post recv = post_recv8(&links[i].b);

			end_post(&links[i].b, &recv);
			post.imm = round << 8 | i;
			end_post(&links[i].a, &post);
		}
		for (unsigned i = COUNT(links); i-- > 0;) {
			end_reap(&links[i].b, true, 1, &wc);
			expect_received(&wc, round | BV_WORK_RECV, OP_SEND_IMM, 8, round << 8 | i);
			end_reap(&links[i].a, false, 1, &wc);
			expect_sent(&wc, round, OP_SEND_IMM, 0);
		}
	}
	/* The rest goes on when some go. */
	for (unsigned i = 0; i < COUNT(links); i += 2)
		assert_int_equal(side_destroy(links[i].a.side, links[i].a.slot), 0);
	for (unsigned i = 1; i < COUNT(links); i += 2)
		exchange(&links[i]);
}

static const struct test tests[] = {
	CONFORM(smaller_mtu, "B18 the path takes the smaller MTU of both and of the port"),
	CONFORM(smaller_read_depth, "B2 the smaller depth; more reads wait, none fails"),
	CONFORM(longer_timers, "design 2 the longer ack and RNR timers of both"),
	CONFORM(gid_by_rule, "B1 GRH on Ethernet, RoCE v2 first"),
	CONFORM(gid_by_index, "B1 any filled row of the GID table"),
	CONFORM(gids_of_one_kind, "design 2 one RoCE version and IP version, or refused"),
	CONFORM(gid_for_the_peer, "design 2 the GID suits the peer"),
	CONFORM(path_attributes, "design 2 service level, traffic class, hop limit, flow label"),
	CONFORM(udp_source_port, "design 2 the UDP source port, or -EOPNOTSUPP"),
	CONFORM(random_psn, "B18 packet numbers start at random"),
	CONFORM(what_query_tells, "QP-3 B20 what was granted can be asked"),
	CONFORM(endpoint_forms, "QP-1 binary and JSON forms"),
	CONFORM(several_links, "MC-1 channels do not touch each other"),
};

GROUP(negotiation, tests, .two_ends = true);
