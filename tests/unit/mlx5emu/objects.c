/* SPDX-License-Identifier: MIT */
/* Completion queues, queue pair states, keys, UAR pages, devices: the calls of engine.h. */
#include "rig.h"

#include <errno.h>
#include <infiniband/verbs.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* engine.h promises the numbers of the verbs API. */
static_assert((int)EMU_QPS_ERR == IBV_QPS_ERR && (int)EMU_QPS_SQD == IBV_QPS_SQD, "states");
static_assert((int)EMU_QPT_RC == IBV_QPT_RC, "types");
static_assert((int)EMU_QP_STATE == IBV_QP_STATE && (int)EMU_QP_AV == IBV_QP_AV &&
		      (int)EMU_QP_TIMEOUT == IBV_QP_TIMEOUT &&
		      (int)EMU_QP_SQ_PSN == IBV_QP_SQ_PSN &&
		      (int)EMU_QP_DEST_QPN == IBV_QP_DEST_QPN &&
		      (int)EMU_QP_MAX_QP_RD_ATOMIC == IBV_QP_MAX_QP_RD_ATOMIC &&
		      (int)EMU_QP_MAX_DEST_RD_ATOMIC == IBV_QP_MAX_DEST_RD_ATOMIC &&
		      (int)EMU_QP_MIN_RNR_TIMER == IBV_QP_MIN_RNR_TIMER,
	      "masks");
static_assert((int)EMU_ACCESS_LOCAL_WRITE == IBV_ACCESS_LOCAL_WRITE &&
		      (int)EMU_ACCESS_REMOTE_ATOMIC == IBV_ACCESS_REMOTE_ATOMIC &&
		      (int)EMU_ACCESS_ON_DEMAND == IBV_ACCESS_ON_DEMAND,
	      "access");
static_assert((int)EMU_EVENT_CQ_ERR == IBV_EVENT_CQ_ERR &&
		      (int)EMU_EVENT_COMM_EST == IBV_EVENT_COMM_EST &&
		      (int)EMU_EVENT_SQ_DRAINED == IBV_EVENT_SQ_DRAINED &&
		      (int)EMU_EVENT_PORT_ERR == IBV_EVENT_PORT_ERR,
	      "events");

/* ---- completion queues ---- */

static void overrun_is_a_cq_error(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RIG_CQES + 1; i++) {
		struct rig_wqe w = rig_begin(&rig.a, EMU_OP_NOP, RIG_SIGNALED);

		rig_send(&rig.a, &w);
		assert_int_equal(rig.nasync, i < RIG_CQES ? 0 : 2);
	}
	assert_int_equal(rig.async[0], EMU_EVENT_CQ_ERR);
	assert_int_equal(rig.async[1], EMU_EVENT_QP_FATAL);
	assert_int_equal(rig_state(&rig.a), EMU_QPS_ERR);
	for (unsigned i = 0; i < RIG_CQES; i++)
		assert_int_equal(rig_expect(&rig.cq_a, EMU_CQE_REQ).wqe_counter, i);
	rig_expect_none(&rig.cq_a);
}

static void nop(struct rig_qp *qp)
{
	struct rig_wqe w = rig_begin(qp, EMU_OP_NOP, RIG_SIGNALED);

	rig_send(qp, &w);
}

static void arming_announces_each_entry_once(void **state)
{
	(void)state;
	nop(&rig.a);
	assert_int_equal(rig.cq_a.events, 0); /* never armed */
	rig_arm(&rig.cq_a, 0, false);         /* record 0, and one is waiting */
	mlx5emu_step();
	assert_int_equal(rig.cq_a.events, 1);
	nop(&rig.a);
	assert_int_equal(rig.cq_a.events, 1); /* one shot */
	rig_arm(&rig.cq_a, 1, false);         /* the second one is new */
	mlx5emu_step();
	assert_int_equal(rig.cq_a.events, 2);
	rig_arm(&rig.cq_a, 2, false); /* nothing new, though none was read */
	mlx5emu_step();
	assert_int_equal(rig.cq_a.events, 2);
	nop(&rig.a);
	assert_int_equal(rig.cq_a.events, 3);
}

static void send_to_b(uint8_t flags)
{
	rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 64, rig.rkey }, 1);
	rig_post_send(&rig.a, flags, 0, 8);
	mlx5emu_step();
}

static void pending_arm_for_any_stays_one(void **state)
{
	(void)state;
	rig_arm(&rig.cq_b, 0, false);
	mlx5emu_step();
	rig_arm(&rig.cq_b, 0, true);
	mlx5emu_step();
	send_to_b(0);
	assert_int_equal(rig.cq_b.events, 1);
	/* That one is over: now solicited ones alone, until any is asked for. */
	rig_arm(&rig.cq_b, 1, true);
	mlx5emu_step();
	send_to_b(0);
	assert_int_equal(rig.cq_b.events, 1);
	rig_arm(&rig.cq_b, 1, false);
	mlx5emu_step();
	assert_int_equal(rig.cq_b.events, 2);
}

static void solicited_arm_waits_for_solicited(void **state)
{
	(void)state;
	rig_arm(&rig.cq_b, 0, true);
	for (unsigned i = 0; i < 3; i++)
		rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 64, rig.rkey }, 1);
	rig_post_send(&rig.a, 0, 0, 8);
	mlx5emu_step();
	assert_int_equal(rig.cq_b.events, 0);
	rig_post_send(&rig.a, RIG_SOLICITED, 0, 8);
	mlx5emu_step();
	assert_int_equal(rig.cq_b.events, 1);
	rig_arm(&rig.cq_b, 1, true);
	rig_modify(&rig.b, EMU_QPS_ERR); /* a failed completion counts as solicited */
	mlx5emu_step();
	assert_int_equal(rig.cq_b.events, 2);
}

static void cq_attributes_are_checked(void **state)
{
	struct emu_cq_attr good = {
		.buf_addr = (uintptr_t)rig.local,
		.dbrec_addr = (uintptr_t)rig.remote,
		.cqe_size = 64,
		.cqe_count = 16,
		.uar_page = rig.uar,
	};
	struct emu_cq_attr a;
	uint32_t cqn;

	(void)state;
	a = good, a.cqe_size = 32;
	assert_int_equal(emu_cq_create(rig.dev, &a, &cqn), -EINVAL);
	a = good, a.cqe_count = 15;
	assert_int_equal(emu_cq_create(rig.dev, &a, &cqn), -EINVAL);
	a = good, a.buf_addr += 8;
	assert_int_equal(emu_cq_create(rig.dev, &a, &cqn), -EINVAL);
	a = good, a.uar_page = rig.uar + 1;
	assert_int_equal(emu_cq_create(rig.dev, &a, &cqn), -EINVAL);
	a = good, a.buf_addr = 4096;
	assert_int_equal(emu_cq_create(rig.dev, &a, &cqn), -EFAULT);
	assert_int_equal(emu_cq_create(rig.dev, &good, &cqn), 0);
	assert_int_equal(emu_cq_destroy(rig.dev, cqn), 0);
	assert_int_equal(emu_cq_destroy(rig.dev, cqn), -EINVAL);
	assert_int_equal(emu_cq_destroy(rig.dev, rig.cq_a.cqn), -EBUSY);
}

/* What a program does with unread entries: libmlx5's mlx5_cq_resize_copy_cqes(). */
static void take_over(struct rig_cq *cq, uint8_t *ring, uint32_t count)
{
	uint32_t i = cq->ci;
	const uint8_t *from = cq->ring + (i & (cq->count - 1)) * 64;

	while (from[63] >> 4 != EMU_CQE_RESIZE) {
		uint8_t *to = ring + (++i & (count - 1)) * 64;

		memcpy(to, from, 64);
		to[63] = (uint8_t)((to[63] & 0xfe) | (i & count ? 1 : 0));
		from = cq->ring + (i & (cq->count - 1)) * 64;
	}
	cq->ci++;
	free(cq->ring);
	cq->ring = ring;
	cq->count = count;
}

static uint8_t *new_ring(uint32_t count)
{
	uint8_t *ring = aligned_alloc(64, count * 64);

	assert_non_null(ring);
	memset(ring, 0xf1, count * 64);
	return ring;
}

static void resizing_keeps_unread_entries(void **state)
{
	static const uint32_t sizes[] = { 16, 128, 8, 64 };
	uint16_t expected = 0;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		uint8_t *ring = new_ring(sizes[i]);

		for (unsigned k = 0; k < 5; k++)
			nop(&rig.a);
		rig_arm(&rig.cq_a, i & 3, false);
		assert_int_equal(emu_cq_resize(rig.dev, rig.cq_a.cqn, (uintptr_t)ring, sizes[i]),
				 0);
		take_over(&rig.cq_a, ring, sizes[i]);
		nop(&rig.a);
		for (unsigned k = 0; k < 6; k++)
			assert_int_equal(rig_expect(&rig.cq_a, EMU_CQE_REQ).wqe_counter,
					 expected++);
		rig_expect_none(&rig.cq_a);
	}
}

static void resizing_needs_room(void **state)
{
	uint8_t *ring = new_ring(4);

	(void)state;
	for (unsigned k = 0; k < 4; k++)
		nop(&rig.a);
	assert_int_equal(emu_cq_resize(rig.dev, rig.cq_a.cqn, (uintptr_t)ring, 4), -EINVAL);
	assert_int_equal(emu_cq_resize(rig.dev, rig.cq_a.cqn, (uintptr_t)ring, 6), -EINVAL);
	assert_int_equal(emu_cq_resize(rig.dev, rig.cq_a.cqn + 7, (uintptr_t)ring, 8), -EINVAL);
	assert_int_equal(emu_cq_resize(rig.dev, rig.cq_a.cqn, 4096, 8), -EFAULT);
	for (unsigned k = 0; k < 4; k++)
		rig_expect(&rig.cq_a, EMU_CQE_REQ);
	free(ring);
}

/* ---- queue pairs ---- */

static int modify(uint32_t mask, const struct emu_qp_attr *a)
{
	return emu_qp_modify(rig.dev, rig.a.qpn, a, mask);
}

enum {
	TO_INIT = EMU_QP_STATE | EMU_QP_PKEY_INDEX | EMU_QP_PORT | EMU_QP_ACCESS_FLAGS,
	TO_RTR = EMU_QP_STATE | EMU_QP_AV | EMU_QP_PATH_MTU | EMU_QP_DEST_QPN | EMU_QP_RQ_PSN |
		 EMU_QP_MAX_DEST_RD_ATOMIC | EMU_QP_MIN_RNR_TIMER,
};

static void transitions_need_their_attributes(void **state)
{
	struct emu_qp_attr a = { .qp_state = EMU_QPS_INIT, .port_num = 1, .path_mtu = 3 };

	(void)state;
	for (unsigned bit = 1; bit < 21; bit++)
		if (TO_INIT & 1u << bit)
			assert_int_equal(modify(TO_INIT & ~(1u << bit), &a), -EINVAL);
	assert_int_equal(modify(TO_INIT | EMU_QP_TIMEOUT, &a), -EINVAL);
	a.qp_state = EMU_QPS_RTS;
	assert_int_equal(modify(EMU_QP_STATE, &a), -EINVAL);
	a.qp_state = EMU_QPS_ERR;
	assert_int_equal(modify(EMU_QP_STATE, &a), -EINVAL);
	a.qp_state = (enum emu_qp_state)99;
	assert_int_equal(modify(EMU_QP_STATE, &a), -EINVAL);
	a.qp_state = EMU_QPS_INIT, a.port_num = 2;
	assert_int_equal(modify(TO_INIT, &a), -EINVAL);
	a.port_num = 1;
	assert_int_equal(modify(TO_INIT, &a), 0);

	a.qp_state = EMU_QPS_RTR;
	assert_int_equal(modify(TO_RTR, &a), -EINVAL); /* no GRH, as the kernel on Ethernet */
	a.av.is_global = true;
	for (unsigned bit = 1; bit < 21; bit++)
		if (TO_RTR & 1u << bit)
			assert_int_equal(modify(TO_RTR & ~(1u << bit), &a), -EINVAL);
	a.path_mtu = 6;
	assert_int_equal(modify(TO_RTR, &a), -EINVAL);
	a.path_mtu = 5, a.max_dest_rd_atomic = EMU_MAX_RD_ATOM + 1;
	assert_int_equal(modify(TO_RTR, &a), -EINVAL);
	assert_int_equal(rig_state(&rig.a), EMU_QPS_INIT);
	a.max_dest_rd_atomic = 1;
	assert_int_equal(modify(TO_RTR, &a), 0);
	assert_int_equal(rig_state(&rig.a), EMU_QPS_RTR);
}

static void drain_finishes_what_it_began(void **state)
{
	struct emu_qp_attr a = { .qp_state = EMU_QPS_SQD, .en_sqd_async_notify = 1 };

	(void)state;
	rig_connect_both(&(struct rig_options){ 0 });
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 100000);
	mlx5emu_step();
	assert_int_equal(modify(EMU_QP_STATE | EMU_QP_EN_SQD_ASYNC_NOTIFY, &a), 0);
	mlx5emu_step();
	assert_int_equal(rig.nasync, 1);
	assert_int_equal(rig.async[0], EMU_EVENT_SQ_DRAINED);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 8);
	mlx5emu_step();
	rig_expect_none(&rig.cq_a);
	a.qp_state = EMU_QPS_RTS;
	assert_int_equal(modify(EMU_QP_STATE, &a), 0);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	a.qp_state = EMU_QPS_SQD; /* without asking for the event again */
	assert_int_equal(modify(EMU_QP_STATE, &a), 0);
	mlx5emu_step();
	assert_int_equal(rig.nasync, 1);
}

static void first_request_in_rtr_is_an_event(void **state)
{
	struct emu_qp_attr a = { .qp_state = EMU_QPS_INIT, .port_num = 1, .access_flags = 0xf };

	(void)state;
	rig_connect(&rig.b, rig.a.qpn, 0, 0, &(struct rig_options){ 0 });
	assert_int_equal(modify(TO_INIT, &a), 0);
	a = (struct emu_qp_attr){ .qp_state = EMU_QPS_RTR,
				  .av = { .is_global = true },
				  .path_mtu = 3,
				  .dest_qpn = rig.b.qpn,
				  .min_rnr_timer = 1 };
	assert_int_equal(modify(TO_RTR, &a), 0);
	for (unsigned i = 0; i < 2; i++) {
		rig_post_write(&rig.b, RIG_SIGNALED, 0, 8);
		mlx5emu_step();
		rig_expect(&rig.cq_b, EMU_CQE_REQ);
	}
	assert_int_equal(rig.nasync, 1);
	assert_int_equal(rig.async[0], EMU_EVENT_COMM_EST);
}

static void query_tells_what_was_set(void **state)
{
	struct emu_qp_attr a;
	struct emu_qp_init init;

	(void)state;
	rig_connect_both(&(struct rig_options){ .timeout = 14, .retry_cnt = 6, .psn = 0x123456 });
	assert_int_equal(emu_qp_query(rig.dev, rig.a.qpn, &a, &init), 0);
	assert_int_equal(a.qp_state, EMU_QPS_RTS);
	assert_int_equal(a.timeout, 14);
	assert_int_equal(a.retry_cnt, 6);
	assert_int_equal(a.sq_psn, 0x123456);
	assert_int_equal(a.rq_psn, 0x123456 + 1000);
	assert_int_equal(a.dest_qpn, rig.b.qpn);
	assert_int_equal(init.rq_wqe_count, RIG_RECEIVES);
	assert_int_equal(emu_qp_query(rig.dev, rig.a.qpn ^ 0x10000, &a, NULL), -EINVAL);
}

/* ---- keys, domains, pages ---- */

static int reg(void *addr, size_t length, uint32_t access)
{
	const struct emu_mr_attr attr = { rig.pd, (uintptr_t)addr, length, 0x5000, access, false };
	uint32_t key;
	const int rc = emu_mr_reg(rig.dev, &attr, &key);

	if (rc == 0)
		assert_int_equal(emu_mr_dereg(rig.dev, key), 0);
	return rc;
}

static void registration_is_checked(void **state)
{
	const size_t page = 4096;
	uint8_t *map = mmap(NULL, 3 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(map != MAP_FAILED);
	munmap(map + page, page);
	assert_int_equal(reg(map, page, 0), 0);
	assert_int_equal(reg(map, page, EMU_ACCESS_REMOTE_READ), 0);
	assert_int_equal(reg(map, page, EMU_ACCESS_LOCAL_WRITE), -EFAULT); /* read-only map */
	assert_int_equal(reg(map, page + 1, 0), -EFAULT);                  /* hole */
	assert_int_equal(reg(map, 0, 0), -EINVAL);
	assert_int_equal(reg(rig.local, SIZE_MAX, 1), -EINVAL);
	assert_int_equal(reg(rig.local, page, EMU_ACCESS_REMOTE_WRITE), -EINVAL);
	assert_int_equal(reg(rig.local, page, EMU_ACCESS_REMOTE_ATOMIC), -EINVAL);
	assert_int_equal(reg(rig.local, page, 1u << 31), -EINVAL);
	assert_int_equal(reg(rig.local, page, EMU_ACCESS_OPTIONAL), 0);
	munmap(map, page);
	munmap(map + 2 * page, page);
}

/* Nothing of a region on demand need be there before it is used. */
static void regions_on_demand(void **state)
{
	const size_t page = 4096;
	const uint32_t access = EMU_ACCESS_ON_DEMAND | 0xf;
	uint8_t *map = mmap(NULL, 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t key;
	struct rig_wqe w;

	(void)state;
	assert_true(map != MAP_FAILED);
	assert_true(emu_mr_on_demand());
	key = rig_reg(rig.pd, map, 2 * page, access);
	assert_int_equal(emu_mr_prefetch(rig.dev, rig.pd, key, (uintptr_t)map, page, false),
			 -EFAULT);
	assert_int_equal(mprotect(map, page, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(emu_mr_prefetch(rig.dev, rig.pd, key, (uintptr_t)map, page, true), 0);
	assert_int_equal(emu_mr_prefetch(rig.dev, rig.pd, key + 1, (uintptr_t)map, 1, true),
			 -ENOENT);
	assert_int_equal(emu_mr_prefetch(rig.dev, rig.pd, rig.lkey, (uintptr_t)rig.local, 1, true),
			 -EINVAL);
	assert_int_equal(emu_mr_prefetch(rig.dev, rig.pd, key, (uintptr_t)map, 3 * page, true),
			 -EINVAL);
	key = rig_reg(rig.pd, NULL, SIZE_MAX, access);
	rig_connect_both(&(struct rig_options){ 0 });
	rig_fill(4);
	for (unsigned i = 0; i < 2; i++) { /* the second page is not there */
		w = rig_begin(&rig.a, EMU_OP_WRITE, RIG_SIGNALED);
		rig_raddr(&w, map + i * page, key);
		rig_data(&w, rig.local, 100, key);
		rig_send(&rig.a, &w);
		if (i == 0)
			rig_expect(&rig.cq_a, EMU_CQE_REQ);
	}
	assert_memory_equal(map, rig.local, 100);
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_ACCESS);
	munmap(map, 2 * page);
}

static void iova_translates(void **state)
{
	const struct emu_mr_attr attr = { rig.pd, (uintptr_t)rig.remote + 64, 4096, 0x7000, 0xf,
					  false };
	struct rig_wqe w;
	uint32_t key;

	(void)state;
	rig_connect_both(&(struct rig_options){ 0 });
	assert_int_equal(emu_mr_reg(rig.dev, &attr, &key), 0);
	rig_fill(3);
	w = rig_begin(&rig.a, EMU_OP_WRITE, RIG_SIGNALED);
	rig_raddr(&w, (void *)0x7010, key);
	rig_data(&w, rig.local, 100, rig.lkey);
	rig_send(&rig.a, &w);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_memory_equal(rig.remote + 64 + 16, rig.local, 100);
}

static void keys_are_not_reused_at_once(void **state)
{
	const struct emu_mr_attr attr = { rig.pd, (uintptr_t)rig.local, 64, 0, 1, false };
	uint32_t first, key;

	(void)state;
	assert_int_equal(emu_mr_reg(rig.dev, &attr, &first), 0);
	assert_int_equal(emu_mr_dereg(rig.dev, first), 0);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(emu_mr_reg(rig.dev, &attr, &key), 0);
		assert_true(key != first && key >> 8 >= 16);
		assert_int_equal(emu_mr_dereg(rig.dev, key), 0);
	}
}

/* Of the program's; the rig has one. */
static void as_many_keys_as_announced(void **state)
{
	const struct emu_mr_attr attr = { rig.pd, (uintptr_t)rig.local, 64, 0, 1, false };
	static uint32_t key[EMU_MAX_MR];
	unsigned n = 0;

	(void)state;
	while (n < EMU_MAX_MR && emu_mr_reg(rig.dev, &attr, &key[n]) == 0)
		n++;
	assert_true(n >= EMU_MAX_MR - 2 && n < EMU_MAX_MR);
	assert_int_equal(emu_mr_reg(rig.dev, &attr, &key[n]), -ENOMEM);
	while (n > 0)
		assert_int_equal(emu_mr_dereg(rig.dev, key[--n]), 0);
}

static void used_objects_stay(void **state)
{
	(void)state;
	assert_int_equal(emu_pd_free(rig.dev, rig.pd), -EBUSY);
	assert_int_equal(emu_uar_free(rig.dev, rig.uar), -EBUSY);
	assert_int_equal(emu_pd_free(rig.dev, rig.pd + 1), -EINVAL);
	assert_int_equal(emu_uar_free(rig.dev, 0), -EINVAL);
}

static void uar_pages_run_out(void **state)
{
	uint32_t page[RIG_UARS], more;
	unsigned n = 0;

	(void)state;
	while (emu_uar_alloc(rig.dev, &page[n]) == 0) {
		assert_in_range(page[n], 1, RIG_UARS - 1);
		n++;
	}
	assert_int_equal(n, RIG_UARS - 2);
	assert_int_equal(emu_uar_free(rig.dev, page[2]), 0);
	assert_int_equal(emu_uar_alloc(rig.dev, &more), 0);
	assert_int_equal(more, page[2]);
}

static void port_changes_are_events(void **state)
{
	(void)state;
	assert_true(emu_port_active(rig.dev));
	assert_int_equal(emu_port_set(rig.dev, false), 0);
	assert_int_equal(emu_port_set(rig.dev, false), 0);
	assert_int_equal(emu_port_set(rig.dev, true), 0);
	assert_int_equal(rig.nasync, 2);
	assert_int_equal(rig.async[0], EMU_EVENT_PORT_ERR);
	assert_int_equal(rig.async[1], EMU_EVENT_PORT_ACTIVE);
}

/* The rig leaves its two regions and its protection domain to the device. */
static void objects_left_are_counted(void **state)
{
	struct mlx5emu_counters c;

	rig_setup_unconnected(state);
	rig_teardown(state);
	mlx5emu_counters(&c, sizeof(c));
	assert_int_equal(c.objects_left, 3);
}

/* ---- fork ---- */

static void child_has_no_device(void **state)
{
	static struct rig inherited; /* still reachable, for leak checkers in the child */
	struct emu_device *parent = rig.dev;
	int status;
	pid_t pid;

	(void)state;
	rig_connect_both(&(struct rig_options){ 0 });
	pid = fork();
	if (pid == 0) {
		uint32_t pd;
		int bad = emu_pd_alloc(parent, &pd) != -ENODEV || emu_slot() != 0;

		rig_post_write(&rig.a, RIG_SIGNALED, 0, 8);
		bad |= mlx5emu_step() != 0;
		emu_device_destroy(parent);
		inherited = rig;
		rig_open(&(struct emu_run_config){ .manual = true });
		bad |= emu_slot() != 1 || rig.uars == inherited.uars;
		rig_close();
		_exit(bad);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 8);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
#define PLAIN(name) cmocka_unit_test_setup_teardown(name, rig_setup_unconnected, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(overrun_is_a_cq_error),
		TEST(arming_announces_each_entry_once),
		TEST(solicited_arm_waits_for_solicited),
		TEST(pending_arm_for_any_stays_one),
		TEST(cq_attributes_are_checked),
		TEST(resizing_keeps_unread_entries),
		TEST(resizing_needs_room),
		PLAIN(transitions_need_their_attributes),
		PLAIN(drain_finishes_what_it_began),
		PLAIN(first_request_in_rtr_is_an_event),
		PLAIN(query_tells_what_was_set),
		PLAIN(registration_is_checked),
		PLAIN(regions_on_demand),
		PLAIN(iova_translates),
		PLAIN(keys_are_not_reused_at_once),
		PLAIN(as_many_keys_as_announced),
		PLAIN(used_objects_stay),
		PLAIN(uar_pages_run_out),
		PLAIN(port_changes_are_events),
		cmocka_unit_test(objects_left_are_counted),
		PLAIN(child_has_no_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
