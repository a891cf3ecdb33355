/* SPDX-License-Identifier: MIT */
/*
 * The requests of side.h: each fills one struct request and has it done here or in the server.
 */
#include "side.h"

#include <stdlib.h>
#include <string.h>

#include "local.h"
#include "options.h"
#include "remote.h"

static const struct {
	const char *name;
	bool send, write, with_inline, imm;
} ops[OP_COUNT] = {
	[OP_SEND] = { .name = "send", .send = true },
	[OP_SEND_IMM] = { .name = "send_imm", .send = true, .imm = true },
	[OP_SEND_INLINE] = { .name = "send_inline", .send = true, .with_inline = true },
	[OP_SEND_INLINE_IMM] = { .name = "send_inline_imm",
				 .send = true,
				 .with_inline = true,
				 .imm = true },
	[OP_WRITE] = { .name = "write", .write = true },
	[OP_WRITE_IMM] = { .name = "write_imm", .write = true, .imm = true },
	[OP_WRITE_INLINE] = { .name = "write_inline", .write = true, .with_inline = true },
	[OP_WRITE_INLINE_IMM] = { .name = "write_inline_imm",
				  .write = true,
				  .with_inline = true,
				  .imm = true },
	[OP_READ] = { .name = "read" },
	[OP_RECV] = { .name = "recv" },
};

bool op_is_send(enum op op)
{
	return ops[op].send;
}

bool op_is_write(enum op op)
{
	return ops[op].write;
}

bool op_is_inline(enum op op)
{
	return ops[op].with_inline;
}

bool op_has_imm(enum op op)
{
	return ops[op].imm;
}

bool op_takes_recv(enum op op)
{
	return ops[op].send || ops[op].imm;
}

const char *op_name(enum op op)
{
	return ops[op].name;
}

static int64_t call(struct side *side, const struct request *req, struct reply *rep)
{
	int rc = 0;

	if (side->local)
		local_execute(side->local, req, rep);
	else
		rc = remote_call(side->fd, req, rep);
	if (rc < 0)
		return rc;
	if (rep->rc < 0)
		memcpy(side->text, rep->text, sizeof(side->text));
	return rep->rc;
}

int side_start_local(struct side *side)
{
	memset(side, 0, sizeof(*side));
	side->fd = -1;
	side->local = local_new();
	return side->local ? 0 : -ENOMEM;
}

int side_start_process(struct side *side, const char *program)
{
	memset(side, 0, sizeof(*side));
	side->fd = -1;
	if (options.peer)
		return remote_connect(options.peer, &side->fd);
	return remote_start(program, &side->fd, &side->pid);
}

bool side_stop(struct side *side)
{
	bool well = true;

	local_free(side->local);
	side->local = NULL;
	if (side->fd >= 0)
		well = remote_stop(side->fd, side->pid);
	side->fd = -1;
	side->pid = 0;
	return well;
}

void side_kill(struct side *side)
{
	remote_kill(side->fd, side->pid);
	side->fd = -1;
	side->pid = 0;
}

bool side_alive(const struct side *side)
{
	return side->local || remote_alive(side->fd);
}

int side_open(struct side *side, const char *device, const char *provider)
{
	struct request req = { .command = CMD_OPEN };
	struct reply rep;
	int rc;

	/* On another host it is not ours to choose. */
	if (device && !options.peer)
		strncpy(req.open.device, device, sizeof(req.open.device) - 1);
	strncpy(req.open.provider, provider, sizeof(req.open.provider) - 1);
	rc = (int)call(side, &req, &rep);
	if (rc == 0)
		side->arena = rep.remote;
	return rc;
}

void side_reset(struct side *side)
{
	const struct request req = { .command = CMD_RESET };
	struct reply rep;

	memset(side->next_send, 0, sizeof(side->next_send));
	memset(side->next_recv, 0, sizeof(side->next_recv));
	if (side->local || side->fd >= 0)
		call(side, &req, &rep);
}

static int reg(struct side *side, const struct request *req, struct bv_remote *remote)
{
	struct reply rep;
	const int rc = (int)call(side, req, &rep);

	if (rc == 0 && remote)
		*remote = rep.remote;
	return rc;
}

int side_reg(struct side *side, unsigned mr, unsigned pd, uint64_t offset, uint64_t length,
	     unsigned access, struct bv_remote *remote)
{
	const struct request req = {
		.command = CMD_REG,
		.reg = { .mr = mr, .pd = pd, .offset = offset, .length = length, .access = access },
	};

	return reg(side, &req, remote);
}

int side_reg_own(struct side *side, unsigned mr, uint64_t length, unsigned access,
		 struct bv_remote *remote)
{
	const struct request req = {
		.command = CMD_REG_OWN,
		.reg = { .mr = mr, .length = length, .access = access },
	};

	return reg(side, &req, remote);
}

int side_unmap(struct side *side, unsigned mr)
{
	const struct request req = { .command = CMD_UNMAP, .reg = { .mr = mr } };
	struct reply rep;

	return (int)call(side, &req, &rep);
}

int side_dereg(struct side *side, unsigned mr)
{
	const struct request req = { .command = CMD_DEREG, .reg = { .mr = mr } };
	struct reply rep;

	return (int)call(side, &req, &rep);
}

int side_create(struct side *side, unsigned slot, const struct bv_channel_attr *attr,
		struct bv_endpoint *ep)
{
	const struct request req = {
		.command = CMD_CREATE,
		.slot = slot,
		.create = { .attr = *attr,
			    .own_port = attr->port == options.port,
			    .own_gid = attr->gid_index == options.gid_index },
	};
	struct reply rep;
	const int rc = (int)call(side, &req, &rep);

	if (rc < 0)
		return rc;
	side->next_send[slot] = 0;
	side->next_recv[slot] = BV_WORK_RECV;
	*ep = rep.endpoint;
	return 0;
}

int side_connect(struct side *side, unsigned slot, const struct bv_endpoint *peer)
{
	const struct request req = { .command = CMD_CONNECT, .slot = slot, .endpoint = *peer };
	struct reply rep;

	return (int)call(side, &req, &rep);
}

int side_destroy(struct side *side, unsigned slot)
{
	const struct request req = { .command = CMD_DESTROY, .slot = slot };
	struct reply rep;

	return (int)call(side, &req, &rep);
}

int side_recover(struct side *side, unsigned slot, enum recover what, int64_t timeout_ns,
		 struct bv_endpoint *ep)
{
	const struct request req = {
		.command = CMD_RECOVER,
		.slot = slot,
		.recover = { .what = what, .timeout_ns = timeout_ns },
	};
	struct reply rep;
	const int rc = (int)call(side, &req, &rep);

	if (rc >= 0 && what == RECOVER_RESET)
		*ep = rep.endpoint;
	return rc;
}

int64_t side_post(struct side *side, unsigned slot, const struct post *post)
{
	const struct request req = { .command = CMD_POST, .slot = slot, .post = *post };
	struct reply rep;

	return call(side, &req, &rep);
}

int side_reap(struct side *side, unsigned slot, bool recv, unsigned count, int64_t timeout_ns,
	      struct bv_wc *wc)
{
	const struct request req = {
		.command = CMD_REAP,
		.slot = slot,
		.reap = { .recv = recv, .count = count, .timeout_ns = timeout_ns },
	};
	struct reply rep;
	const int rc = (int)call(side, &req, &rep);

	if (rc > 0)
		memcpy(wc, rep.wc, (unsigned)rc * sizeof(*wc));
	return rc;
}

static int ask(struct side *side, const struct request *req, struct bv_wc *wc)
{
	struct reply rep;
	int rc;

	memset(&rep, 0, sizeof(rep));
	rc = (int)call(side, req, &rep);
	*wc = rep.wc[0];
	return rc;
}

int side_test(struct side *side, unsigned slot, int64_t work, struct bv_wc *wc)
{
	const struct request req = { .command = CMD_TEST, .slot = slot, .work = { .work = work } };

	return ask(side, &req, wc);
}

int side_wait(struct side *side, unsigned slot, int64_t work, int64_t timeout_ns, struct bv_wc *wc)
{
	const struct request req = {
		.command = CMD_WAIT,
		.slot = slot,
		.work = { .work = work, .timeout_ns = timeout_ns },
	};

	return ask(side, &req, wc);
}

int side_state(struct side *side, unsigned slot, struct side_state *state)
{
	const struct request req = { .command = CMD_STATE, .slot = slot };
	struct reply rep;
	const int rc = (int)call(side, &req, &rep);

	if (rc == 0)
		*state = rep.state;
	return rc;
}

int side_fill(struct side *side, const struct list *list, uint32_t seed)
{
	const struct request req = {
		.command = CMD_FILL,
		.memory = { .list = *list, .seed = seed },
	};
	struct reply rep;

	return (int)call(side, &req, &rep);
}

int side_check(struct side *side, const struct list *list, uint32_t seed, uint64_t length)
{
	const struct request req = {
		.command = CMD_CHECK,
		.memory = { .list = *list, .seed = seed, .length = length },
	};
	struct reply rep;

	return (int)call(side, &req, &rep);
}

static int flow(struct side *side, enum command command, unsigned slot, uint64_t base,
		uint64_t first, unsigned n)
{
	const struct request req = {
		.command = command,
		.slot = slot,
		.flow = { .base = base, .first = first, .n = n },
	};
	struct reply rep;

	return (int)call(side, &req, &rep);
}

int side_flow_prepare(struct side *side, unsigned slot, uint64_t base, uint64_t first, unsigned n)
{
	return flow(side, CMD_FLOW_PREPARE, slot, base, first, n);
}

int side_flow_verify(struct side *side, unsigned slot, uint64_t base, uint64_t first, unsigned n)
{
	return flow(side, CMD_FLOW_VERIFY, slot, base, first, n);
}
