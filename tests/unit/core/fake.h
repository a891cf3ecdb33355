/* SPDX-License-Identifier: MIT */
/*
 * A libibverbs without devices, under core alone: fake_reset() gives a machine with one good device
 * of each link layer, and a test then changes what it wants to see fail.
 */
#ifndef BV_TESTS_UNIT_CORE_FAKE_H
#define BV_TESTS_UNIT_CORE_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <bareverbs/bareverbs.h>

#include "core/provider.h"

#define FAKE_DEVICES 3
#define FAKE_GIDS 8

struct fake_device {
	struct ibv_device ibdev;
	__be64 guid;
	struct ibv_device_attr attr;
	struct ibv_port_attr port[2];
	struct ibv_gid_entry gids[FAKE_GIDS];
	int ngids;
};

struct fake {
	int ndevices;
	struct fake_device device[FAKE_DEVICES]; /* "mlx5_0" Ethernet, "ib0" InfiniBand, "rxe0" */

	/* errno of the next and all later calls; 0: they work */
	int list_errno;
	int open_errno;
	int query_device_errno;
	int query_port_errno;
	int query_port_after; /* so many queries of ports work before */
	int query_gid_errno;
	int alloc_pd_errno;
	int reg_mr_errno;
	int destroy_errno;                 /* of dealloc_pd and dereg_mr */
	int modify_errno[IBV_QPS_ERR + 1]; /* by the state that is asked for */
	enum ibv_qp_state qp_state;        /* what querying tells */
	int query_qp_errno;
	bool modify_by_errno; /* -1 and errno instead of a positive return */
	int random_errno;
	int (*reg_mr_hook)(void); /* called by registrations: 0, or their errno */
	uint64_t odp_general;
	uint32_t odp_rc;
	int calloc_in; /* the n-th calloc from now on fails; 0: none does */

	/* what was seen */
	int contexts, pds, mrs, lists;
	char order[64]; /* Q M P D: queue pair, region, pd, device gone */
	struct ibv_qp_attr qp_attr[IBV_QPS_ERR + 1];
	int qp_mask[IBV_QPS_ERR + 1];
	unsigned int reg_access;
	int dmabuf_fd;
	uint64_t dmabuf_iova;

	/* the clock: every look moves it on */
	int64_t now;
	int64_t tick;
	unsigned int clock_looks;

	/* the providers: score[0] of "fast" is 100, score[1] of "slow" 10, and slow is listed first */
	int score[2];
	int provider_open_rc;
	int channel_create_rc;
	int udp_sport_rc[2]; /* of set_udp_sport: asked whether, and asked to */
	uint16_t udp_sport;  /* of the last call that asked to */
	const char *channel_why;
	int arm_rc;
	unsigned int armed;             /* queues of the last call */
	struct bv_channel_attr created; /* attr of the last channel_create */
	struct fake_post {
		const char *slot;
		unsigned int nsge, flags;
		size_t len;
		uint32_t imm;
		const struct bv_remote *remote;
		struct bv_remote target; /* what @remote was */
		uint64_t add, compare, swap;
		uint64_t payload; /* inline, its first eight bytes */
	} post;                   /* the last one, as its slot got it */
	int post_rc;              /* of the post number post_rc_at */
	uint64_t post_rc_at;
	int flush_rc;
	uint64_t flush_withdraws;      /* so many works, as a driver that refuses a chain does */
	uint32_t unsignaled;           /* what channel_unsignaled says */
	struct bv_work_info described; /* what describe tells of any work; op 0: nothing */
};

extern struct fake fake;

/* For cmocka's setup; asserts in teardown that nothing is left. */
int fake_reset(void **state);
int fake_check(void **state);

#define fake_test(f) cmocka_unit_test_setup_teardown(f, fake_reset, fake_check)

/* The same with a protection domain on the first device. */
extern struct bv_pd *fake_pd;
int fake_pd_open(void **state);
int fake_pd_close(void **state);

#define fake_pd_test(f) cmocka_unit_test_setup_teardown(f, fake_pd_open, fake_pd_close)

void fake_gid(struct fake_device *device, int row, uint32_t index, uint32_t type, const char *text);

/* A channel of the fake provider, and what its device is made to report. */
struct bv_channel *fake_channel(const struct bv_channel_attr *attr, struct bv_device **dev,
				struct bv_pd **pd);
/* One that keeps its device and its domain: when it is destroyed, nothing is left. */
struct bv_channel *fake_lone_channel(const struct bv_channel_attr *attr);
void fake_complete_send(struct bv_channel *ch, uint64_t number, enum bv_status status);
void fake_complete_recv(struct bv_channel *ch, uint32_t bytes, enum bv_status status);
void fake_break(struct bv_channel *ch);
unsigned int fake_polls(struct bv_channel *ch);
/* The n-th poll from now on first completes every send posted. */
void fake_complete_at_poll(struct bv_channel *ch, unsigned int n);
/* The endpoint of a fitting peer. */
struct bv_endpoint fake_peer(void);

#define assert_text(part) assert_non_null(strstr(bv_last_error()->text, part))

#endif
