/* SPDX-License-Identifier: MIT */
/*
 * A libibverbs of the test's, whose calls fail on demand and whose objects are counted: what the tests share
 * that make and destroy channels. Whoever includes it says by IBV_FUNCTION(type, name, parameters) how the
 * functions of libibverbs are replaced; memory is the linker's: --wrap=calloc,--wrap=aligned_alloc.
 */
#ifndef BV_TESTS_UNIT_IBV_OBJECTS_H
#define BV_TESTS_UNIT_IBV_OBJECTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <infiniband/verbs.h>

static struct {
	struct verbs_context vctx;
	int tds, domains, cqs, qps, contexts;
	const char *failing; /* this call fails */
	int failing_in;      /* the n-th time from now on */
	int error;           /* with this errno; 0: it leaves none */
	int memory_in;       /* the n-th allocation of ours fails */
} ibv;

static inline bool fails(const char *call)
{
	if (!ibv.failing || strcmp(ibv.failing, call) != 0 || --ibv.failing_in > 0)
		return false;
	ibv.failing = NULL;
	errno = ibv.error;
	return true;
}

static inline void *make(const char *call, size_t size, int *count)
{
	if (fails(call))
		return NULL;
	++*count;
	return malloc(size);
}

#define WRAP(type, name, ...)            \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);

static inline bool no_memory(void)
{
	return ibv.memory_in > 0 && --ibv.memory_in == 0;
}

WRAP(void *, calloc, size_t count, size_t size)
{
	return no_memory() ? NULL : __real_calloc(count, size);
}

WRAP(void *, aligned_alloc, size_t align, size_t size)
{
	return no_memory() ? NULL : __real_aligned_alloc(align, size);
}

static inline struct ibv_td *alloc_td(struct ibv_context *context, struct ibv_td_init_attr *attr)
{
	struct ibv_td *td = make("td", sizeof(*td), &ibv.tds);

	(void)attr;
	if (td)
		td->context = context;
	return td;
}

static inline int dealloc_td(struct ibv_td *td)
{
	assert_int_equal(ibv.domains, 0); /* it would be busy */
	ibv.tds--;
	free(td);
	return 0;
}

static inline struct ibv_pd *alloc_parent_domain(struct ibv_context *context,
						 struct ibv_parent_domain_init_attr *attr)
{
	(void)context;
	assert_non_null(attr->td);
	return make("domain", sizeof(struct ibv_pd), &ibv.domains);
}

IBV_FUNCTION(int, ibv_destroy_qp, struct ibv_qp *qp)
{
	ibv.qps--;
	free(qp);
	return 0;
}

IBV_FUNCTION(int, ibv_destroy_cq, struct ibv_cq *cq)
{
	assert_int_equal(ibv.qps, 0);
	ibv.cqs--;
	free(cq);
	return 0;
}

IBV_FUNCTION(int, ibv_dealloc_pd, struct ibv_pd *pd)
{
	assert_int_equal(ibv.qps, 0);
	ibv.domains--;
	free(pd);
	return 0;
}

IBV_FUNCTION(struct ibv_context *, ibv_open_device, struct ibv_device *device)
{
	(void)device;
	return make("open", sizeof(struct ibv_context), &ibv.contexts);
}

static inline void ibv_setup(void)
{
	memset(&ibv, 0, sizeof(ibv));
	ibv.vctx.sz = sizeof(ibv.vctx);
	ibv.vctx.context.abi_compat = __VERBS_ABI_IS_EXTENDED;
	ibv.vctx.alloc_td = alloc_td;
	ibv.vctx.dealloc_td = dealloc_td;
	ibv.vctx.alloc_parent_domain = alloc_parent_domain;
}

/* Nothing that was made is left. */
static inline void ibv_expect_none(void)
{
	assert_int_equal(ibv.tds + ibv.domains + ibv.cqs + ibv.qps + ibv.contexts, 0);
}

#endif
