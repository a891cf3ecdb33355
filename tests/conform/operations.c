/* SPDX-License-Identifier: MIT */
/*
 * Each operation with each shape of list and each size: what arrives, what the completions say, and
 * that no byte beside the data changes, on either end.
 */
#include "link.h"

#include "device.h"

static const uint32_t sizes[] = { 0, 1, 8, 31, 32, 33, 64, 256, 4096, 1 << 20 };
static const uint32_t immediates[] = { 0, 1, 0x12345678, 0xffffffff };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* One work: @nsge pieces at end A, @npeer at end B (of the receive; remote memory is one piece). */
struct shape {
	enum op op;
	uint32_t size;
	unsigned nsge;
	unsigned npeer;
	unsigned salt; /* differs from one work to the next */
};

static uint32_t shape_imm(const struct shape *shape)
{
	return immediates[shape->salt % COUNT(immediates)];
}

/* The receive of a send holds the data; that of a write with immediate must stay untouched. */
static void place_receive(struct list *list, const struct end *b, const struct shape *shape)
{
	const uint64_t base = b->base + (op_is_write(shape->op) ? ARENA_HALF / 2 : 0);
	const uint32_t slack = shape->salt % 2 ? 100 : 0;

	list_place(list, base, shape->npeer, shape->npeer ? shape->size + slack : 0,
		   shape->salt + 1);
}

static void check_receive(struct link *link, const struct shape *shape, int64_t work,
			  const struct list *list, uint32_t seed)
{
	struct bv_wc wc;

	end_reap(&link->b, true, 1, &wc);
	expect_received(&wc, work, shape->op, shape->size, shape_imm(shape));
	end_check(&link->b, list, seed, op_is_send(shape->op) ? shape->size : 0);
}

static void run_shape(struct link *link, const struct shape *shape)
{
	const bool reads = shape->op == OP_READ;
	const uint32_t seed = shape->salt + 1;
	struct post post = { .op = shape->op, .imm = shape_imm(shape) };
	struct post receive = { .op = OP_RECV };
	struct list target;
	int64_t received = 0, work;
	struct bv_wc wc;

	list_place(&post.list, link->a.base, shape->nsge, shape->size, shape->salt);
	end_fill(&link->a, &post.list, reads ? SEED_GUARD : seed);
	list_place(&target, link->b.base, 1, shape->size, shape->salt + 2);
	end_fill(&link->b, &target, reads ? seed : SEED_GUARD);
	post.remote = end_remote(&link->b, target.piece[0].offset, shape->size);
	if (op_takes_recv(shape->op)) {
		place_receive(&receive.list, &link->b, shape);
		end_fill(&link->b, &receive.list, SEED_GUARD);
		received = end_post(&link->b, &receive);
	}

	work = end_post(&link->a, &post);
	end_reap(&link->a, false, 1, &wc);
	expect_sent(&wc, work, shape->op, shape->size);
	if (op_takes_recv(shape->op))
		check_receive(link, shape, received, &receive.list, seed);
	if (!op_is_send(shape->op))
		end_check(&link->b, &target, seed, shape->size);
	end_check(&link->a, &post.list, seed, shape->size);
}

static void run_peers(struct link *link, struct shape *shape)
{
	const unsigned max = link->b.info.max_recv_sge;
	const unsigned counts[] = { 0, 1, max };

	for (unsigned i = 0; i < COUNT(counts); i++) {
		shape->npeer = counts[i];
		/* A receive without memory takes an empty send, and any write. */
		if (shape->npeer == 0 && op_is_send(shape->op) && shape->size > 0)
			continue;
		if (!op_takes_recv(shape->op) && i > 0)
			continue;
		run_shape(link, shape);
		shape->salt++;
	}
}

static void run_operation(enum op op)
{
	struct link link;
	struct shape shape = { .op = op };

	link_up(&link, NULL, NULL);
	for (unsigned i = 0; i < COUNT(sizes); i++) {
		const unsigned max = op_is_inline(op) ? 1 : link.a.info.max_send_sge;
		const unsigned counts[] = { 0, 1, max };

		shape.size = sizes[i];
		if (op_is_inline(op) && shape.size > link.a.info.max_inline)
			continue;
		for (unsigned j = 0; j < COUNT(counts) - op_is_inline(op); j++) {
			shape.nsge = counts[j];
			if (shape.nsge > 0 || shape.size == 0)
				run_peers(&link, &shape);
		}
	}
}

static void operation_send(void **state)
{
	(void)state;
	run_operation(OP_SEND);
}

static void operation_send_imm(void **state)
{
	(void)state;
	run_operation(OP_SEND_IMM);
}

static void operation_send_inline(void **state)
{
	(void)state;
	run_operation(OP_SEND_INLINE);
}

static void operation_send_inline_imm(void **state)
{
	(void)state;
	run_operation(OP_SEND_INLINE_IMM);
}

static void operation_write(void **state)
{
	(void)state;
	run_operation(OP_WRITE);
}

static void operation_write_imm(void **state)
{
	(void)state;
	run_operation(OP_WRITE_IMM);
}

static void operation_write_inline(void **state)
{
	(void)state;
	run_operation(OP_WRITE_INLINE);
}

static void operation_write_inline_imm(void **state)
{
	(void)state;
	run_operation(OP_WRITE_INLINE_IMM);
}

static void operation_read(void **state)
{
	(void)state;
	run_operation(OP_READ);
}

/* No list at all: the immediate is the whole message. */
static void immediate_only(void **state)
{
	struct link link;
	struct shape shape = { .op = OP_SEND_IMM };

	(void)state;
	link_up(&link, NULL, NULL);
	for (shape.salt = 0; shape.salt < COUNT(immediates); shape.salt++)
		run_shape(&link, &shape);
}

/* Elements may be as many as the device takes, and inline payloads as long. */
static void device_limits(void **state)
{
	struct bv_channel_attr attr = link_attr();
	struct shape shape = { .op = OP_SEND, .size = 3000, .salt = 5 };
	struct bv_device_info *list;
	const uint32_t max = device_info(&list)->max_sge;
	struct link link;

	(void)state;
	attr.max_send_sge = max < MAX_PIECES ? max : MAX_PIECES;
	attr.max_recv_sge = attr.max_send_sge;
	attr.max_send = 8;
	bv_device_list_free(list);
	link_up(&link, &attr, &attr);
	shape.nsge = attr.max_send_sge;
	shape.npeer = attr.max_recv_sge;
	run_shape(&link, &shape);
	shape.op = OP_READ;
	run_shape(&link, &shape);
}

static const struct test tests[] = {
	CONFORM(operation_send, "WR-1 WC-1 B4 data and completion exact, guards untouched"),
	CONFORM(operation_send_imm, "WR-1 WR-6 immediate in host order"),
	CONFORM(operation_send_inline, "payload copied at the post, no region needed"),
	CONFORM(operation_send_inline_imm, "payload copied at the post, with immediate"),
	CONFORM(operation_write, "WR-3 B4 no bytes reported for a write"),
	CONFORM(operation_write_imm, "WR-3 takes a receive and none of its memory"),
	CONFORM(operation_write_inline, "payload copied at the post"),
	CONFORM(operation_write_inline_imm, "payload copied at the post, with immediate"),
	CONFORM(operation_read, "WR-4 the list's whole length is read"),
	CONFORM(immediate_only, "WR-1 WR-2 no elements on either end"),
	CONFORM(device_limits, "9.1 as many elements as the device has"),
};

GROUP(operations, tests);
