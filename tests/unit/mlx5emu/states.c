/* SPDX-License-Identifier: MIT */
/*
 * Steps between the states of a queue pair, and what each must and may be given: IBA vol 1 section
 * 11.2.5.2 (Modify Queue Pair), tables "QP state transition properties" with annex A14 for XRC, and
 * section 10.3.1 for the diagram. Written down here on its own; every combination of transport, step
 * and single attribute is tried.
 */
#include "tools/mlx5emu/engine/transport.h"
#include "rig.h"

enum { RC, UC, UD, XRC_INI, XRC_TGT, NTYPES };

static const struct emu_states *const states_of[NTYPES] = {
	[RC] = &emu_states_rc,           [UC] = &emu_states_uc,           [UD] = &emu_states_ud,
	[XRC_INI] = &emu_states_xrc_ini, [XRC_TGT] = &emu_states_xrc_tgt,
};

enum { /* short names, so that a row fits its line */
       PKEY = EMU_QP_PKEY_INDEX,
       PORT = EMU_QP_PORT,
       ACCESS = EMU_QP_ACCESS_FLAGS,
       QKEY = EMU_QP_QKEY,
       AV = EMU_QP_AV,
       MTU = EMU_QP_PATH_MTU,
       DEST = EMU_QP_DEST_QPN,
       RQ_PSN = EMU_QP_RQ_PSN,
       SQ_PSN = EMU_QP_SQ_PSN,
       RESPONDS = EMU_QP_MAX_DEST_RD_ATOMIC, /* responder resources */
       ASKS = EMU_QP_MAX_QP_RD_ATOMIC,       /* initiator depth */
       RNR_NAK = EMU_QP_MIN_RNR_TIMER,
       TIMEOUT = EMU_QP_TIMEOUT,
       RETRY = EMU_QP_RETRY_CNT,
       RNR_RETRY = EMU_QP_RNR_RETRY,
       CUR = EMU_QP_CUR_STATE,
       ALT = EMU_QP_ALT_PATH,
       MIGRATION = EMU_QP_PATH_MIG_STATE,
       NOTIFY = EMU_QP_EN_SQD_ASYNC_NOTIFY,
       SPORT = EMU_QP_UDP_SPORT, /* ours: by command alone, of what has paths */
};

struct step {
	enum emu_qp_state from, to;
	uint32_t required[NTYPES], optional[NTYPES];
};

#define ALL(bits)                            \
	{                                    \
		bits, bits, bits, bits, bits \
	}

static const struct step steps[] = {
	{ EMU_QPS_RESET,
	  EMU_QPS_INIT,
	  { PKEY | PORT | ACCESS, PKEY | PORT | ACCESS, PKEY | PORT | QKEY, PKEY | PORT | ACCESS,
	    PKEY | PORT | ACCESS },
	  ALL(0) },
	{ EMU_QPS_INIT,
	  EMU_QPS_INIT,
	  ALL(0),
	  { PKEY | PORT | ACCESS, PKEY | PORT | ACCESS, PKEY | PORT | QKEY, PKEY | PORT | ACCESS,
	    PKEY | PORT | ACCESS } },
	{ EMU_QPS_INIT,
	  EMU_QPS_RTR,
	  { AV | MTU | DEST | RQ_PSN | RESPONDS | RNR_NAK, AV | MTU | DEST | RQ_PSN, 0,
	    AV | MTU | DEST | RQ_PSN, AV | MTU | DEST | RQ_PSN | RESPONDS | RNR_NAK },
	  { ALT | ACCESS | PKEY, ALT | ACCESS | PKEY, PKEY | QKEY, ALT | ACCESS | PKEY,
	    ALT | ACCESS | PKEY } },
	{ EMU_QPS_RTR,
	  EMU_QPS_RTS,
	  { SQ_PSN | TIMEOUT | RETRY | RNR_RETRY | ASKS, SQ_PSN, SQ_PSN,
	    SQ_PSN | TIMEOUT | RETRY | RNR_RETRY | ASKS, SQ_PSN | TIMEOUT },
	  { CUR | ALT | ACCESS | RNR_NAK | MIGRATION | SPORT,
	    CUR | ALT | ACCESS | MIGRATION | SPORT, CUR | QKEY,
	    CUR | ALT | ACCESS | MIGRATION | SPORT,
	    CUR | ALT | ACCESS | RNR_NAK | MIGRATION | SPORT } },
	{ EMU_QPS_RTS,
	  EMU_QPS_RTS,
	  ALL(0),
	  { CUR | ALT | ACCESS | RNR_NAK | MIGRATION | SPORT,
	    CUR | ALT | ACCESS | MIGRATION | SPORT, CUR | QKEY,
	    CUR | ALT | ACCESS | MIGRATION | SPORT,
	    CUR | ALT | ACCESS | RNR_NAK | MIGRATION | SPORT } },
	{ EMU_QPS_RTS, EMU_QPS_SQD, ALL(0), ALL(NOTIFY) },
	{ EMU_QPS_SQD,
	  EMU_QPS_RTS,
	  ALL(0),
	  { CUR | ALT | ACCESS | RNR_NAK | MIGRATION | SPORT,
	    CUR | ALT | ACCESS | MIGRATION | SPORT, CUR | QKEY,
	    CUR | ALT | ACCESS | MIGRATION | SPORT,
	    CUR | ALT | ACCESS | RNR_NAK | MIGRATION | SPORT } },
	{ EMU_QPS_SQD,
	  EMU_QPS_SQD,
	  ALL(0),
	  { PORT | AV | TIMEOUT | RETRY | RNR_RETRY | ASKS | RESPONDS | ALT | ACCESS | PKEY |
		    RNR_NAK | MIGRATION,
	    AV | ALT | ACCESS | PKEY | MIGRATION, PKEY | QKEY,
	    PORT | AV | TIMEOUT | RETRY | RNR_RETRY | ASKS | ALT | ACCESS | PKEY | MIGRATION,
	    PORT | AV | TIMEOUT | RESPONDS | ALT | ACCESS | PKEY | RNR_NAK | MIGRATION } },
};

/* A failed send stops only the send queues of these. */
static const struct step from_sqe = {
	EMU_QPS_SQE, EMU_QPS_RTS, ALL(0), { [UC] = CUR | ACCESS, [UD] = CUR | QKEY }
};

static const struct step to_end = { .from = EMU_QPS_RESET };

static const struct step *find(unsigned type, enum emu_qp_state from, enum emu_qp_state to)
{
	if (to == EMU_QPS_RESET || (to == EMU_QPS_ERR && from != EMU_QPS_RESET))
		return &to_end;
	if (from == EMU_QPS_SQE && to == EMU_QPS_RTS)
		return type == UC || type == UD ? &from_sqe : NULL;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i].from == from && steps[i].to == to)
			return &steps[i];
	}
	return NULL;
}

static void try_step(unsigned type, enum emu_qp_state from, enum emu_qp_state to)
{
	const struct step *step = find(type, from, to);
	const uint32_t required = step ? step->required[type] : 0;
	const uint32_t optional = step ? step->optional[type] : 0;

	assert_int_equal(emu_states_allow(states_of[type], from, to, required), step != NULL);
	for (unsigned bit = 0; bit < 32; bit++) {
		const uint32_t one = 1u << bit;
		const bool known = (required | optional | EMU_QP_STATE) & one;

		assert_int_equal(emu_states_allow(states_of[type], from, to, required | one),
				 step && known);
		if (required & one)
			assert_false(emu_states_allow(states_of[type], from, to, required & ~one));
	}
	assert_int_equal(emu_states_allow(states_of[type], from, to,
					  required | optional | EMU_QP_STATE),
			 step != NULL);
}

static void test_every_step(void **state)
{
	(void)state;
	for (unsigned type = 0; type < NTYPES; type++) {
		for (unsigned from = EMU_QPS_RESET; from <= EMU_QPS_ERR; from++) {
			for (unsigned to = EMU_QPS_RESET; to <= EMU_QPS_ERR; to++)
				try_step(type, (enum emu_qp_state)from, (enum emu_qp_state)to);
		}
	}
}

/* What commands of the device take without being told (QUERY_QP and its kin of the PRM). */
static void test_required(void **state)
{
	static const enum emu_qp_type types[NTYPES] = { EMU_QPT_RC, EMU_QPT_UC, EMU_QPT_UD,
							EMU_QPT_XRC_INI, EMU_QPT_XRC_TGT };

	(void)state;
	for (unsigned type = 0; type < NTYPES; type++) {
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
			assert_int_equal(emu_qp_required(types[type], steps[i].from, steps[i].to),
					 steps[i].required[type]);
		assert_int_equal(emu_qp_required(types[type], EMU_QPS_ERR, EMU_QPS_RTS), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_step),
		cmocka_unit_test(test_required),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
