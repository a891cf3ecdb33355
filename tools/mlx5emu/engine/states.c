/* SPDX-License-Identifier: MIT */
#include "transport.h"

/*
 * The states of a queue pair and what each step between them must and may be given: qp_state_table of
 * the kernel's drivers/infiniband/core/verbs.c, which has it from IBA vol 1 section 11.2.5.2. A row a
 * transport; RESET and ERR can be reached from everywhere (but ERR from RESET) and take nothing.
 */
struct emu_states {
	uint32_t init;                       /* RESET -> INIT: must; INIT -> INIT: may */
	uint32_t rtr_required, rtr_optional; /* INIT -> RTR */
	uint32_t rts_required;               /* RTR -> RTS */
	uint32_t running;                    /* -> RTS from RTR, RTS and SQD: may */
	uint32_t drained;                    /* SQD -> SQD: may */
	bool has_sqe;                        /* a send error stops the send queue alone */
	uint32_t sqe_optional;               /* SQE -> RTS */
};

enum {
	ADDRESS = EMU_QP_PKEY_INDEX | EMU_QP_PORT | EMU_QP_ACCESS_FLAGS,
	PEER = EMU_QP_AV | EMU_QP_PATH_MTU | EMU_QP_DEST_QPN | EMU_QP_RQ_PSN,
	RESPONDER = EMU_QP_MAX_DEST_RD_ATOMIC | EMU_QP_MIN_RNR_TIMER,
	REQUESTER = EMU_QP_RETRY_CNT | EMU_QP_RNR_RETRY | EMU_QP_MAX_QP_RD_ATOMIC,
	TO_RTR_OPTIONAL = EMU_QP_ALT_PATH | EMU_QP_ACCESS_FLAGS | EMU_QP_PKEY_INDEX,
	PATHS = EMU_QP_CUR_STATE | EMU_QP_ALT_PATH | EMU_QP_ACCESS_FLAGS | EMU_QP_PATH_MIG_STATE |
		EMU_QP_UDP_SPORT,
	DRAINED_PATHS = EMU_QP_AV | EMU_QP_ALT_PATH | EMU_QP_ACCESS_FLAGS | EMU_QP_PKEY_INDEX |
			EMU_QP_PATH_MIG_STATE,
};

const struct emu_states emu_states_rc = {
	.init = ADDRESS,
	.rtr_required = PEER | RESPONDER,
	.rtr_optional = TO_RTR_OPTIONAL,
	.rts_required = EMU_QP_SQ_PSN | EMU_QP_TIMEOUT | REQUESTER,
	.running = PATHS | EMU_QP_MIN_RNR_TIMER,
	.drained = DRAINED_PATHS | EMU_QP_PORT | EMU_QP_TIMEOUT | REQUESTER | RESPONDER,
};

const struct emu_states emu_states_uc = {
	.init = ADDRESS,
	.rtr_required = PEER,
	.rtr_optional = TO_RTR_OPTIONAL,
	.rts_required = EMU_QP_SQ_PSN,
	.running = PATHS,
	.drained = DRAINED_PATHS,
	.has_sqe = true,
	.sqe_optional = EMU_QP_CUR_STATE | EMU_QP_ACCESS_FLAGS,
};

const struct emu_states emu_states_ud = {
	.init = EMU_QP_PKEY_INDEX | EMU_QP_PORT | EMU_QP_QKEY,
	.rtr_optional = EMU_QP_PKEY_INDEX | EMU_QP_QKEY,
	.rts_required = EMU_QP_SQ_PSN,
	.running = EMU_QP_CUR_STATE | EMU_QP_QKEY,
	.drained = EMU_QP_PKEY_INDEX | EMU_QP_QKEY,
	.has_sqe = true,
	.sqe_optional = EMU_QP_CUR_STATE | EMU_QP_QKEY,
};

const struct emu_states emu_states_xrc_ini = {
	.init = ADDRESS,
	.rtr_required = PEER,
	.rtr_optional = TO_RTR_OPTIONAL,
	.rts_required = EMU_QP_SQ_PSN | EMU_QP_TIMEOUT | REQUESTER,
	.running = PATHS,
	.drained = DRAINED_PATHS | EMU_QP_PORT | EMU_QP_TIMEOUT | REQUESTER,
};

const struct emu_states emu_states_xrc_tgt = {
	.init = ADDRESS,
	.rtr_required = PEER | RESPONDER,
	.rtr_optional = TO_RTR_OPTIONAL,
	.rts_required = EMU_QP_SQ_PSN | EMU_QP_TIMEOUT,
	.running = PATHS | EMU_QP_MIN_RNR_TIMER,
	.drained = DRAINED_PATHS | EMU_QP_PORT | EMU_QP_TIMEOUT | RESPONDER,
};

/* Whether there is such a step, and its attributes. */
static bool step(const struct emu_states *s, enum emu_qp_state from, enum emu_qp_state to,
		 uint32_t *required, uint32_t *optional)
{
	enum { /* a step as one number */
	       RESET_INIT = EMU_QPS_RESET << 4 | EMU_QPS_INIT,
	       INIT_INIT = EMU_QPS_INIT << 4 | EMU_QPS_INIT,
	       INIT_RTR = EMU_QPS_INIT << 4 | EMU_QPS_RTR,
	       RTR_RTS = EMU_QPS_RTR << 4 | EMU_QPS_RTS,
	       RTS_RTS = EMU_QPS_RTS << 4 | EMU_QPS_RTS,
	       RTS_SQD = EMU_QPS_RTS << 4 | EMU_QPS_SQD,
	       SQD_RTS = EMU_QPS_SQD << 4 | EMU_QPS_RTS,
	       SQD_SQD = EMU_QPS_SQD << 4 | EMU_QPS_SQD,
	       SQE_RTS = EMU_QPS_SQE << 4 | EMU_QPS_RTS,
	};

	switch ((unsigned)from << 4 | (unsigned)to) {
	case RESET_INIT:
		*required = s->init;
		return true;
	case INIT_INIT:
		*optional = s->init;
		return true;
	case INIT_RTR:
		*required = s->rtr_required;
		*optional = s->rtr_optional;
		return true;
	case RTR_RTS:
		*required = s->rts_required;
		*optional = s->running;
		return true;
	case RTS_RTS:
	case SQD_RTS:
		*optional = s->running;
		return true;
	case RTS_SQD:
		*optional = EMU_QP_EN_SQD_ASYNC_NOTIFY;
		return true;
	case SQD_SQD:
		*optional = s->drained;
		return true;
	case SQE_RTS:
		*optional = s->sqe_optional;
		return s->has_sqe;
	default:
		return to == EMU_QPS_RESET || (to == EMU_QPS_ERR && from != EMU_QPS_RESET);
	}
}

bool emu_states_allow(const struct emu_states *states, enum emu_qp_state from, enum emu_qp_state to,
		      uint32_t mask)
{
	uint32_t required = 0, optional = 0;

	return step(states, from, to, &required, &optional) && (mask & required) == required &&
	       (mask & ~(required | optional | EMU_QP_STATE)) == 0;
}

uint32_t emu_qp_required(enum emu_qp_type type, enum emu_qp_state from, enum emu_qp_state to)
{
	const struct emu_transport *t = emu_transport_of(type);
	uint32_t required = 0, optional = 0;

	return t && step(t->states, from, to, &required, &optional) ? required : 0;
}
