/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_VENDOR_H
#define MLX5EMU_ENGINE_VENDOR_H

/*
 * Vendor error syndromes beside the standard ones, as seen in logs of real ConnectX adapters. The
 * PRM does not list them; no program should depend on them.
 */
enum {
	EMU_VENDOR_LOCAL_PROTECTION_SEND = 0x51,
	EMU_VENDOR_LOCAL_PROTECTION_RECEIVE = 0x52,
	EMU_VENDOR_MW_BIND = 0x54,
	EMU_VENDOR_LOCAL_QP_OPERATION = 0x68,
	EMU_VENDOR_LOCAL_LENGTH = 0x6a,
	EMU_VENDOR_RETRY_EXCEEDED = 0x81,
	EMU_VENDOR_RNR_RETRY_EXCEEDED = 0x87,
	EMU_VENDOR_REMOTE_ACCESS = 0x88,
	EMU_VENDOR_REMOTE_OPERATION = 0x89,
	EMU_VENDOR_REMOTE_INVALID_REQUEST = 0x8a,
	EMU_VENDOR_FLUSH = 0xf9,
};

#endif
