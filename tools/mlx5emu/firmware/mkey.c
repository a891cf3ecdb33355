/* SPDX-License-Identifier: MIT */
/*
 * CREATE_MKEY: keys over other keys, of entries with lengths of their own (KLM) or of one length
 * (KSM), and keys of user memory. The number in the answer is the upper 24 bits of the key; the
 * program chose the lowest eight.
 */
#include "internal.h"

#include "engine/engine.h"

#include <errno.h>
#include <stdlib.h>

static uint32_t access_of(const uint8_t *mkc)
{
	return (emu_get(mkc, EMU_MKC_LW) ? EMU_ACCESS_LOCAL_WRITE : 0u) |
	       (emu_get(mkc, EMU_MKC_RW) ? EMU_ACCESS_REMOTE_WRITE : 0u) |
	       (emu_get(mkc, EMU_MKC_RR) ? EMU_ACCESS_REMOTE_READ : 0u) |
	       (emu_get(mkc, EMU_MKC_A) ? EMU_ACCESS_REMOTE_ATOMIC : 0u);
}

/* length64: all addresses, which 64 bits cannot count. */
static uint64_t length_of(const uint8_t *mkc)
{
	return emu_get(mkc, EMU_MKC_LENGTH64) ? UINT64_MAX : emu_get_long(mkc, EMU_MKC_LEN_AT);
}

static int create_over_keys(struct emu_fw *fw, const struct emu_box *box, uint32_t mode,
			    uint32_t *key)
{
	const uint8_t *mkc = box->in + EMU_MKC_AT;
	const uint32_t n = emu_get(box->in, EMU_MKEY_LIST_OCTWORDS);
	struct emu_indirect_attr attr = {
		.pdn = emu_get(mkc, EMU_MKC_PD),
		.access = access_of(mkc),
		.iova = emu_get_long(mkc, EMU_MKC_START_ADDR_AT),
		.length = length_of(mkc),
		.has_variant = true,
		.variant = (uint8_t)emu_get(mkc, EMU_MKC_VARIANT),
		.log_entity = mode == EMU_MODE_KSM ? (uint8_t)emu_get(mkc, EMU_MKC_LOG_ENTITY) : 0,
		.free = emu_get(mkc, EMU_MKC_FREE),
		.umr = emu_get(mkc, EMU_MKC_UMR_EN),
		.remote_invalidate = emu_get(mkc, EMU_MKC_EN_RINVAL),
		.max_ranges = emu_get(mkc, EMU_MKC_OCTWORDS),
		.nranges = n,
	};
	struct emu_key_range *range;
	int rc;

	if (n > attr.max_ranges || n > (box->in_len - EMU_MKEY_LIST_AT) / EMU_KLM_BYTES ||
	    (mode == EMU_MODE_KSM && attr.log_entity == 0))
		return -EINVAL;
	range = calloc(n ? n : 1, sizeof(*range));
	if (!range)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *klm = box->in + EMU_MKEY_LIST_AT + i * EMU_KLM_BYTES;

		range[i] = (struct emu_key_range){
			.va = emu_get_long(klm, EMU_KLM_ADDRESS_AT),
			.length = emu_get(klm, EMU_KLM_BYTE_COUNT),
			.key = emu_get(klm, EMU_KLM_KEY),
		};
	}
	attr.range = range;
	rc = emu_indirect_create(fw->config.dev, &attr, key);
	free(range);
	return rc;
}

static int create_over_umem(struct emu_fw *fw, const struct emu_box *box, uint32_t *key)
{
	const uint8_t *mkc = box->in + EMU_MKC_AT;
	const uint32_t id = emu_get(box->in, EMU_MKEY_UMEM_ID);
	const uint64_t offset = emu_get_long(box->in, EMU_MKEY_UMEM_OFFSET_AT);
	struct emu_mr_attr attr = {
		.pdn = emu_get(mkc, EMU_MKC_PD),
		.length = emu_get_long(mkc, EMU_MKC_LEN_AT),
		.iova = emu_get_long(mkc, EMU_MKC_START_ADDR_AT),
		.access = access_of(mkc),
	};
	int rc = emu_fw_umem_place(fw, id, offset, attr.length, &attr.addr);

	if (rc == 0)
		rc = emu_mr_reg_variant(fw->config.dev, &attr,
					(uint8_t)emu_get(mkc, EMU_MKC_VARIANT), key);
	return rc;
}

int emu_fw_create_mkey(struct emu_fw *fw, struct emu_box *box, struct emu_fw_object *obj)
{
	const uint8_t *mkc = box->in + EMU_MKC_AT;
	const uint32_t mode = emu_get(mkc, EMU_MKC_MODE) | emu_get(mkc, EMU_MKC_MODE_HIGH) << 2;
	const bool umem = emu_get(box->in, EMU_MKEY_UMEM_VALID);
	uint32_t key = 0;
	int rc;

	if (emu_get(mkc, EMU_MKC_BSF_EN) || emu_get(mkc, EMU_MKC_CRYPTO_EN))
		return emu_fw_refuse(box, EMU_FW_NO_OPTION);
	if (mode == EMU_MODE_MTT && umem)
		rc = create_over_umem(fw, box, &key);
	else if (mode == EMU_MODE_KLM || mode == EMU_MODE_KSM)
		rc = create_over_keys(fw, box, mode, &key);
	else
		return emu_fw_refuse(box, EMU_FW_NO_OPTION);
	if (rc < 0)
		return emu_fw_result(box, rc);
	*obj = (struct emu_fw_object){ .kind = EMU_FW_MKEY, .number = key, .cookie = obj->cookie };
	if (mode == EMU_MODE_MTT)
		emu_fw_umem_use(fw, obj, emu_get(box->in, EMU_MKEY_UMEM_ID));
	emu_set(box->out, EMU_OUT_OBJECT, key >> 8);
	return 0;
}
