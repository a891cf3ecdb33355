/* SPDX-License-Identifier: MIT */
/*
 * UCX, transport rc_mlx5, by its lowest calls (uct). One interface, and one endpoint that is connected
 * to itself.
 *
 * Every work is signaled, which is not UCX's habit, as the other libraries' are: TX_CQ_MODERATION=0. Its
 * sends are active messages: an 8-byte one goes inline, with a header of UCX's. It posts receives by
 * itself, and a poll looks for receives first, then for sends.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uct/api/uct.h>

enum { AM_ID = 3 };

struct bench_side {
	struct bench_base base;
	uct_iface_h iface;
	uct_ep_h ep;
	uint64_t target;
	uct_rkey_t rkey;
	uct_iov_t sge_1;
	uct_iov_t sge_4[BENCH_SGE_MAX];
	uct_iov_t result;
	uct_completion_t completion;
	unsigned received;

	ucs_async_context_t *async;
	uct_worker_h worker;
	uct_component_h component;
	uct_md_h md;
	uct_iface_attr_t attr;
	uct_mem_h mem;
	uct_rkey_bundle_t bundle;
};

/* Until one is not taken. */
#define POSTS(call)                                                       \
	do {                                                              \
		unsigned posted;                                          \
                                                                          \
		for (posted = 0; posted < n; posted++) {                  \
			const ucs_status_t status = (call);               \
                                                                          \
			if (status != UCS_OK && status != UCS_INPROGRESS) \
				break;                                    \
		}                                                         \
		return posted;                                            \
	} while (0)

static unsigned write_inline_8(struct bench_side *s, unsigned n)
{
	POSTS(uct_ep_put_short(s->ep, s->base.memory, 8, s->target, s->rkey));
}

static unsigned write_inline_28(struct bench_side *s, unsigned n)
{
	POSTS(uct_ep_put_short(s->ep, s->base.memory, 28, s->target, s->rkey));
}

static unsigned write_inline_64(struct bench_side *s, unsigned n)
{
	POSTS(uct_ep_put_short(s->ep, s->base.memory, 64, s->target, s->rkey));
}

static unsigned write_sge_1(struct bench_side *s, unsigned n)
{
	POSTS(uct_ep_put_zcopy(s->ep, &s->sge_1, 1, s->target, s->rkey, &s->completion));
}

static unsigned write_sge_4(struct bench_side *s, unsigned n)
{
	POSTS(uct_ep_put_zcopy(s->ep, s->sge_4, BENCH_SGE_MAX, s->target, s->rkey, &s->completion));
}

static unsigned send_inline_8(struct bench_side *s, unsigned n)
{
	uint64_t header;

	memcpy(&header, s->base.memory, sizeof(header));
	POSTS(uct_ep_am_short(s->ep, AM_ID, header, NULL, 0));
}

static unsigned post_read(struct bench_side *s, unsigned n)
{
	POSTS(uct_ep_get_zcopy(s->ep, &s->result, 1, s->target, s->rkey, &s->completion));
}

static unsigned fetch_add(struct bench_side *s, unsigned n)
{
	uint64_t *const result = (uint64_t *)(void *)(s->base.memory + BENCH_RESULT);

	POSTS(uct_ep_atomic64_fetch(s->ep, UCT_ATOMIC_OP_ADD, BENCH_ADD, result, s->target, s->rkey,
				    &s->completion));
}

static unsigned polls(struct bench_side *s, unsigned n)
{
	unsigned found;

	for (found = 0; found < n; found++) {
		if (uct_iface_progress(s->iface) != 1)
			break;
	}
	return found;
}

static unsigned poll_empty(struct bench_side *s, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		if (uct_iface_progress(s->iface) != 0)
			break;
	}
	return i;
}

static ucs_status_t arrived(void *arg, void *data, size_t length, unsigned flags)
{
	struct bench_side *s = arg;

	(void)flags;
	s->received = (unsigned)length;
	memcpy(s->base.memory + BENCH_LANDING, data, length);
	return UCS_OK;
}

static void completed(uct_completion_t *completion)
{
	(void)completion;
}

static void seen(const struct bench_side *s, struct bench_seen *out)
{
	*out = (struct bench_seen){ .good = s->completion.status == UCS_OK, .bytes = s->received };
}

static void lists(struct bench_side *s)
{
	s->target = (uintptr_t)s->base.memory + BENCH_TARGET;
	s->rkey = s->bundle.rkey;
	s->sge_1 = (uct_iov_t){ s->base.memory, BENCH_SGE_LENGTH, s->mem, 0, 1 };
	for (unsigned i = 0; i < BENCH_SGE_MAX; i++)
		s->sge_4[i] = (uct_iov_t){ s->base.memory + i * BENCH_PIECE_STRIDE,
					   BENCH_PIECE_LENGTH, s->mem, 0, 1 };
	s->result = (uct_iov_t){ s->base.memory + BENCH_RESULT, BENCH_SGE_LENGTH, s->mem, 0, 1 };
	/* Many works share it; its count never comes down to 0. */
	s->completion = (uct_completion_t){ .func = completed, .count = INT32_MAX };
}

/* The component whose memory domain is the device. */
static ucs_status_t domain_open(struct bench_side *s)
{
	uct_component_h *components;
	unsigned n;
	ucs_status_t status = uct_query_components(&components, &n);

	if (status != UCS_OK)
		return status;
	status = UCS_ERR_NO_DEVICE;
	for (unsigned i = 0; i < n && status != UCS_OK; i++) {
		uct_component_attr_t attr = { .field_mask = UCT_COMPONENT_ATTR_FIELD_NAME };
		uct_md_config_t *config;

		if (uct_component_query(components[i], &attr) != UCS_OK ||
		    strcmp(attr.name, "ib") != 0 ||
		    uct_md_config_read(components[i], NULL, NULL, &config) != UCS_OK)
			continue;
		s->component = components[i];
		status = uct_md_open(components[i], "mlx5_0", config, &s->md);
		uct_config_release(config);
	}
	uct_release_component_list(components);
	return status;
}

static ucs_status_t iface_open(struct bench_side *s)
{
	const uct_iface_params_t params = {
		.field_mask = UCT_IFACE_PARAM_FIELD_OPEN_MODE | UCT_IFACE_PARAM_FIELD_DEVICE,
		.open_mode = UCT_IFACE_OPEN_MODE_DEVICE,
		.mode.device = { .tl_name = "rc_mlx5", .dev_name = "mlx5_0:1" },
	};
	static const char *const settings[][2] = {
		{ "UCX_IB_GID_INDEX", "3" },           { "UCX_RC_MLX5_TX_CQ_MODERATION", "0" },
		{ "UCX_RC_MLX5_FC_ENABLE", "n" },      { "UCX_RC_MLX5_TX_QUEUE_LEN", "256" },
		{ "UCX_RC_MLX5_RX_QUEUE_LEN", "256" }, { "UCX_RC_MLX5_TX_INLINE_RESP", "0" },
		{ "UCX_RC_MLX5_RX_INLINE", "0" },
	};
	uct_iface_config_t *config;
	ucs_status_t status;

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		setenv(settings[i][0], settings[i][1], 1);
	status = uct_md_iface_config_read(s->md, "rc_mlx5", NULL, NULL, &config);
	if (status != UCS_OK)
		return status;
	status = uct_iface_open(s->md, s->worker, &params, config, &s->iface);
	uct_config_release(config);
	if (status == UCS_OK)
		status = uct_iface_query(s->iface, &s->attr);
	if (status == UCS_OK)
		status = uct_iface_set_am_handler(s->iface, AM_ID, arrived, s, 0);
	if (status == UCS_OK)
		uct_iface_progress_enable(s->iface, UCT_PROGRESS_SEND | UCT_PROGRESS_RECV);
	return status;
}

static ucs_status_t connect_itself(struct bench_side *s)
{
	const uct_ep_params_t params = {
		.field_mask = UCT_EP_PARAM_FIELD_IFACE,
		.iface = s->iface,
	};
	uct_device_addr_t *device = calloc(1, s->attr.device_addr_len);
	uct_ep_addr_t *ep = calloc(1, s->attr.ep_addr_len);
	ucs_status_t status = uct_ep_create(&params, &s->ep);

	if (status == UCS_OK)
		status = uct_iface_get_device_address(s->iface, device);
	if (status == UCS_OK)
		status = uct_ep_get_address(s->ep, ep);
	if (status == UCS_OK)
		status = uct_ep_connect_to_ep(s->ep, device, ep);
	free(device);
	free(ep);
	return status;
}

static ucs_status_t memory_register(struct bench_side *s)
{
	uct_md_attr_t attr;
	void *packed;
	ucs_status_t status = uct_md_query(s->md, &attr);

	if (status == UCS_OK)
		status = uct_md_mem_reg(s->md, s->base.memory, BENCH_MEMORY, UCT_MD_MEM_ACCESS_ALL,
					&s->mem);
	if (status != UCS_OK)
		return status;
	packed = calloc(1, attr.rkey_packed_size);
	status = uct_md_mkey_pack(s->md, s->mem, packed);
	if (status == UCS_OK)
		status = uct_rkey_unpack(s->component, packed, &s->bundle);
	free(packed);
	return status;
}

static void close_side(struct bench_side *s)
{
	if (s->ep)
		uct_ep_destroy(s->ep);
	if (s->iface)
		uct_iface_close(s->iface);
	if (s->bundle.handle || s->bundle.rkey)
		uct_rkey_release(s->component, &s->bundle);
	if (s->mem)
		uct_md_mem_dereg(s->md, s->mem);
	if (s->md)
		uct_md_close(s->md);
	if (s->worker)
		uct_worker_destroy(s->worker);
	if (s->async)
		ucs_async_context_destroy(s->async);
	free(s->base.memory);
	free(s);
}

static struct bench_side *open_side(char *why, size_t size)
{
	struct bench_side *s = aligned_alloc(64, (sizeof(*s) + 63) / 64 * 64);
	ucs_status_t status;

	*s = (struct bench_side){ .base = {
					  .memory = aligned_alloc(4096, BENCH_MEMORY),
					  .about = "uct, rc_mlx5",
					  .own = s,
					  .own_size = sizeof(*s),
				  } };
	status = ucs_async_context_create(UCS_ASYNC_MODE_POLL, &s->async);
	if (status == UCS_OK)
		status = uct_worker_create(s->async, UCS_THREAD_MODE_SINGLE, &s->worker);
	if (status == UCS_OK)
		status = domain_open(s);
	if (status == UCS_OK)
		status = iface_open(s);
	if (status == UCS_OK)
		status = connect_itself(s);
	if (status == UCS_OK)
		status = memory_register(s);
	if (status != UCS_OK) {
		snprintf(why, size, "%s", ucs_status_string(status));
		close_side(s);
		return NULL;
	}
	lists(s);
	return s;
}

const struct bench_library bench_ucx = {
	.name = "ucx",
	.open = open_side,
	.close = close_side,
	.seen = seen,
	.run = {
		[BENCH_WRITE_INLINE_8] = write_inline_8,
		[BENCH_WRITE_INLINE_28] = write_inline_28,
		[BENCH_WRITE_INLINE_64] = write_inline_64,
		[BENCH_WRITE_SGE_1] = write_sge_1,
		[BENCH_WRITE_SGE_4] = write_sge_4,
		[BENCH_SEND_INLINE_8] = send_inline_8,
		[BENCH_READ] = post_read,
		[BENCH_FETCH_ADD] = fetch_add,
		[BENCH_POLL_SEND] = polls,
		[BENCH_POLL_EMPTY] = poll_empty,
	},
};
