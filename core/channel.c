/* SPDX-License-Identifier: MIT */
/*
 * Channels: made, asked about and destroyed. The provider allocates the channel and its queues,
 * core brings the queue pair to INIT and keeps what is the same for all.
 */
#include <bareverbs/channel.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "channel.h"
#include "connect.h"
#include "debug.h"
#include "error.h"
#include "memlock.h"
#include "pd.h"
#include "plan.h"
#include "provider.h"
#include "wait.h"

/* No slot is NULL, in any state (style R8). */
static bool complete(const struct bv_channel_ops *ops)
{
	uintptr_t slots[sizeof(*ops) / sizeof(uintptr_t)];

	memcpy(slots, ops, sizeof(*ops));
	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
		if (!slots[i])
			return false;
	return true;
}

/* Random, so that packets of an earlier connection on the same queue pair number are told apart. */
static int random_psn(uint32_t *psn)
{
	uint32_t random;
	ssize_t n;

	do
		n = getrandom(&random, sizeof(random), 0);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(random))
		return bvi_fail(bv_rc(-1), "no random numbers from the kernel");
	*psn = random & 0xffffff;
	return 0;
}

static int make_local(const struct bvi_plan *plan, struct bvi_channel_core *core)
{
	core->local = (struct bv_endpoint){
		.qpn = core->qp->qp_num,
		.lid = plan->link == BV_LINK_ETHERNET ? 0 : plan->port.lid,
		.link_layer = plan->link,
		.mtu = plan->attr.mtu,
		.responder_depth = plan->responder_depth,
		.initiator_depth = plan->initiator_depth,
		.ack_timeout = plan->attr.ack_timeout,
		.min_rnr_timer = plan->attr.min_rnr_timer,
		.gid_type = plan->gid_type,
	};
	memcpy(core->local.gid, plan->gid, sizeof(core->local.gid));
	return random_psn(&core->local.psn);
}

static int to_init(const struct bv_device *dev, const struct bvi_channel_core *core)
{
	const struct bv_channel_attr *asked = &core->attr;
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.pkey_index = asked->pkey_index,
		.port_num = asked->port,
		.qp_access_flags = asked->access,
	};
	const int rc = bv_rc(ibv_modify_qp(core->qp, &attr,
					   IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
						   IBV_QP_ACCESS_FLAGS));

	if (rc < 0)
		return bvi_fail(rc,
				"%s: the queue pair could not go to INIT (port %u, pkey_index %u, "
				"access 0x%x): %s",
				dev->name, asked->port, asked->pkey_index, asked->access,
				bvi_errno_text(rc));
	return 0;
}

int bvi_channel_init(struct bv_channel *ch)
{
	struct bvi_channel_core *core = ch->core;
	uint32_t psn = 0;
	int rc;

	rc = random_psn(&psn);
	if (rc == 0)
		rc = to_init(core->pd->device, core);
	if (rc == 0)
		core->local.psn = psn;
	return rc;
}

static int set_up(struct bv_pd *pd, const struct bvi_plan *plan, struct bv_channel *ch)
{
	struct bvi_channel_core *core = ch->core;
	const bool whole = complete(core->prepared) && complete(core->ready) &&
			   complete(core->error);
	int rc;

	(void)whole;
	assert(whole);
	assert(core->qp && core->data_path && core->max_inline >= plan->attr.max_inline);
	ch->max_send = plan->attr.max_send;
	ch->max_recv = plan->attr.max_recv;
	ch->max_send_sge = (uint16_t)plan->attr.max_send_sge;
	ch->max_recv_sge = (uint16_t)plan->attr.max_recv_sge;
	ch->max_inline = core->max_inline < BVI_WHAT_N_MAX ? core->max_inline : BVI_WHAT_N_MAX;
	ch->sq_limit = ch->sq_posted + ch->max_send;
	ch->rq_posted = ch->rq_done = BV_WORK_RECV;
	ch->rq_limit = ch->rq_done + ch->max_recv;
	ch->atomics = pd->device->limits.atomic_cap != IBV_ATOMIC_NONE;
	ch->max_msg = plan->port.max_msg_sz;
	core->pd = pd;
	core->attr = plan->attr;
	core->gid_index = plan->gid_index;
	core->link_layer = plan->link;
	core->ack_timeout = plan->attr.ack_timeout;
	core->min_rnr_timer = plan->attr.min_rnr_timer;
	rc = make_local(plan, core);
	if (rc < 0)
		return rc;
	rc = to_init(pd->device, core);
	if (rc < 0)
		return rc;
	bvi_debug_attach(ch);
	core->state = BV_CHANNEL_PREPARED;
	bvi_channel_enter(ch, core->prepared);
	return 0;
}

static void tear_down(const struct bv_provider *provider, struct bv_channel *ch)
{
	struct ibv_comp_channel *wake = ch->core->wake;

	bvi_debug_detach(ch);
	bvi_channel_disconnect(ch->core);
	provider->channel_destroy(ch);
	bvi_wake_destroy(wake);
}

/*
 * Drivers do not say which limit they met; what was asked for and what the device has at most are at
 * least there to see. Rings are pinned memory: with ENOMEM the limit of that may be the cause.
 */
static int fail_create(const struct bv_device *dev, const struct bv_channel_attr *attr,
		       const char *why, int rc)
{
	const struct ibv_device_attr *limits = &dev->limits;
	const struct bvi_memlock memlock = bvi_memlock_read();
	const bool pinned = rc == -ENOMEM && memlock.limit != UINT64_MAX;
	char limit[32], used[32], lock[320] = "";

	if (pinned)
		snprintf(lock, sizeof(lock),
			 "\nqueues are pinned memory: the limit is %s, pinned %s\n%s",
			 bvi_size_text(memlock.limit, limit, sizeof(limit)),
			 bvi_size_text(memlock.pinned, used, sizeof(used)), bvi_memlock_remedy);
	return bvi_fail(rc,
			"%s: provider %s could not make a channel: %s\nasked for: max_send %u, "
			"max_recv %u, max_send_sge %u, max_recv_sge %u, max_inline %u\nthe device "
			"has at most: %d works of a queue, %d elements, %d completions, %d queue "
			"pairs (`rdma resource show` tells how many are in use)%s",
			dev->name, dev->provider->name, why[0] ? why : bvi_errno_text(rc),
			attr->max_send, attr->max_recv, attr->max_send_sge, attr->max_recv_sge,
			attr->max_inline, limits->max_qp_wr, limits->max_sge, limits->max_cqe,
			limits->max_qp, lock);
}

static bvi_qp_create_fn *qp_create_of(struct ibv_device *ibdev)
{
	bvi_qp_create_fn *create = NULL;

	for (unsigned i = 0; !create && bvi_providers[i]; i++)
		create = bvi_providers[i]->qp_create(ibdev);
	return create;
}

int bv_channel_create(struct bv_pd *pd, const struct bv_channel_attr *attr, struct bv_channel **out)
{
	struct bv_channel_params params;
	const struct bv_device *dev;
	struct bv_channel *ch;
	struct bvi_plan plan;
	char why[256] = "";
	int rc;

	if (!pd || !out)
		return bvi_fail(-EINVAL, "bv_channel_create: an argument is NULL");
	dev = pd->device;
	rc = bvi_plan_channel(dev, attr, &plan);
	if (rc < 0)
		return rc;
	params = (struct bv_channel_params){
		.context = dev->context,
		.pd = pd->ibv,
		.attr = &plan.attr,
		.qp_create = qp_create_of(dev->context->device),
	};
	if (plan.attr.wakeups) {
		rc = bvi_wake_create(dev->context, dev->name, &params.wake);
		if (rc < 0)
			return rc;
	}
	rc = dev->provider->channel_create(&params, &ch, why, sizeof(why));
	if (rc < 0) {
		bvi_wake_destroy(params.wake);
		return fail_create(dev, &plan.attr, why, rc);
	}
	ch->core->wake = params.wake;
	rc = set_up(pd, &plan, ch);
	if (rc < 0) {
		tear_down(dev->provider, ch);
		return rc;
	}
	bvi_pd_get(pd);
	bvi_events_add(ch);
	*out = ch;
	return 0;
}

void bv_channel_destroy(struct bv_channel *ch)
{
	struct bv_pd *pd;

	if (!ch)
		return;
	pd = ch->core->pd;
	bvi_events_remove(ch);
	tear_down(pd->device->provider, ch);
	bvi_pd_put(pd);
}

int bv_channel_endpoint(const struct bv_channel *ch, struct bv_endpoint *ep)
{
	if (!ch || !ep)
		return bvi_fail(-EINVAL, "bv_channel_endpoint: an argument is NULL");
	*ep = ch->core->local;
	return 0;
}

enum bv_channel_state bv_channel_state(const struct bv_channel *ch)
{
	return ch->core->state;
}

int bv_channel_error(const struct bv_channel *ch, struct bv_wc *wc)
{
	const struct bvi_channel_core *core = ch->core;

	if (!core->failed)
		return 0;
	*wc = (struct bv_wc){
		.work = core->first_error.work,
		.status = core->first_error.status,
		.vendor_err = core->first_error.vendor_err,
	};
	return 1;
}

uint64_t bv_channel_flushed(const struct bv_channel *ch)
{
	return ch->core->flushed;
}

void bv_channel_query(const struct bv_channel *ch, struct bv_channel_info *info)
{
	const struct bvi_channel_core *core = ch->core;

	*info = (struct bv_channel_info){
		.provider = core->pd->device->provider->name,
		.data_path = core->data_path,
		.qpn = core->local.qpn,
		.peer_qpn = core->peer.qpn,
		.mtu = core->mtu,
		.rd_atomic = core->rd_atomic,
		.ack_timeout = core->ack_timeout,
		.min_rnr_timer = core->min_rnr_timer,
		.gid_index = core->gid_index,
		.max_send = ch->max_send,
		.max_recv = ch->max_recv,
		.max_send_sge = ch->max_send_sge,
		.max_recv_sge = ch->max_recv_sge,
		.max_inline = ch->max_inline,
		.max_msg = ch->max_msg,
		.atomics = ch->atomics,
	};
	memcpy(info->gid, core->local.gid, sizeof(info->gid));
}
