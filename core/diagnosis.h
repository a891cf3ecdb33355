/* SPDX-License-Identifier: MIT */
/*
 * The parts of a diagnosis: facts of the channel, likely causes, and the pieces that the forms share.
 */
#ifndef BV_CORE_DIAGNOSIS_H
#define BV_CORE_DIAGNOSIS_H

#include <bareverbs/diagnosis.h>

/* A text in a buffer: appended to as long as it fits; @used counts what did not, too. */
struct bvi_text {
	char *text;
	size_t size;
	size_t used;
};

__attribute__((format(printf, 2, 3))) void bvi_text_add(struct bvi_text *out, const char *format,
							...);

/* What is known without asking the kernel; false if no work of @ch has failed. */
bool bvi_diagnosis_facts(const struct bv_channel *ch, struct bv_diagnosis *d);

/* Fills the causes from the rest. */
void bvi_diagnosis_causes(struct bv_diagnosis *d);

/* Whether the operation brings something back from the peer. */
static inline bool bvi_op_fetches(enum bv_op op)
{
	return op == BV_OP_READ || op == BV_OP_FETCH_ADD || op == BV_OP_COMPARE_SWAP;
}

/* "RDMA WRITE with immediate", "receive"; "send-queue work" if it is not known. */
const char *bvi_work_name(const struct bv_diagnosis *d);

/* One line: what failed, how, with whom, and what to look at. */
void bvi_diagnosis_line(const struct bv_diagnosis *d, struct bvi_text *out);

#endif
