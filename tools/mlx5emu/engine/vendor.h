/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_VENDOR_H
#define MLX5EMU_ENGINE_VENDOR_H

/*
 * Vendor error syndromes beside the standard ones, as seen in logs of real ConnectX adapters; the PRM
 * does not list them, and no program should depend on them. Where each was seen, with its syndrome, is
 * said beside it; a value without a place was seen by none whom we could name.
 */
enum {
	EMU_VENDOR_LOCAL_PROTECTION_SEND = 0x51, /* 0x04: linux-rdma/perftest issue 173 */
	EMU_VENDOR_LOCAL_PROTECTION_RECEIVE = 0x52,
	EMU_VENDOR_LOCAL_QP_OPERATION = 0x68, /* 0x02: openucx/ucx issues 1151, 3618 */
	EMU_VENDOR_LOCAL_LENGTH = 0x6a,
	EMU_VENDOR_MW_BIND = 0x78,        /* 0x06: Linux commit abb604a1a9c8, UMR of a freed key */
	EMU_VENDOR_RETRY_EXCEEDED = 0x81, /* 0x15: openucx/ucx issues 2973, 6669 */
	EMU_VENDOR_RNR_RETRY_EXCEEDED = 0x87,
	EMU_VENDOR_REMOTE_ACCESS = 0x88,          /* 0x13: ofiwg/libfabric issue 4283 */
	EMU_VENDOR_REMOTE_OPERATION = 0x89,       /* 0x14: openucx/ucx issue 5472 */
	EMU_VENDOR_REMOTE_INVALID_REQUEST = 0x8a, /* 0x12: charmplusplus/charm issue 2532 */
	EMU_VENDOR_FLUSH = 0xf9,                  /* 0x05: linux-nvme/nvme-cli issue 3268 */
};

#endif
