/* SPDX-License-Identifier: MIT */
/*
 * Error counters of a port: small files of the kernel, read when somebody asks. Which exist depends
 * on driver and device; their meanings are those of the driver's documentation (mlx5: "RDMA counters",
 * linux/Documentation/ABI/testing/sysfs-class-infiniband).
 */
#include <stdio.h>
#include <stdlib.h>

#include "device.h"
#include "diagnosis.h"
#include "error.h"
#include "sysfs.h"

/* Those of one device are in hw_counters/, those that every InfiniBand port has in counters/. */
static const struct {
	const char *name;
	const char *folder;
} counters[] = {
#define HW(id, file) [BV_COUNTER_##id] = { file, "hw_counters" }
#define PORT(id, file) [BV_COUNTER_##id] = { file, "counters" }
	HW(LOCAL_ACK_TIMEOUT_ERR, "local_ack_timeout_err"),
	HW(OUT_OF_SEQUENCE, "out_of_sequence"),
	HW(PACKET_SEQ_ERR, "packet_seq_err"),
	HW(IMPLIED_NAK_SEQ_ERR, "implied_nak_seq_err"),
	HW(DUPLICATE_REQUEST, "duplicate_request"),
	HW(RNR_NAK_RETRY_ERR, "rnr_nak_retry_err"),
	HW(OUT_OF_BUFFER, "out_of_buffer"),
	HW(REQ_REMOTE_ACCESS_ERRORS, "req_remote_access_errors"),
	HW(RESP_REMOTE_ACCESS_ERRORS, "resp_remote_access_errors"),
	HW(REQ_REMOTE_INVALID_REQUEST, "req_remote_invalid_request"),
	HW(RESP_LOCAL_LENGTH_ERROR, "resp_local_length_error"),
	HW(ROCE_SLOW_RESTART, "roce_slow_restart"),
	HW(NP_ECN_MARKED_ROCE_PACKETS, "np_ecn_marked_roce_packets"),
	HW(RX_ICRC_ENCAPSULATED, "rx_icrc_encapsulated"),
	PORT(PORT_RCV_ERRORS, "port_rcv_errors"),
	PORT(SYMBOL_ERROR, "symbol_error"),
	PORT(LINK_DOWNED, "link_downed"),
#undef PORT
#undef HW
};

static_assert(sizeof(counters) / sizeof(counters[0]) == BV_COUNTERS && BV_COUNTERS <= 32,
	      "one name a counter, one bit a counter");

const char *bv_counter_name(enum bv_counter counter)
{
	return (unsigned)counter < BV_COUNTERS ? counters[counter].name : "unknown";
}

static bool read_counter(const char *device, unsigned port, unsigned i, uint64_t *value)
{
	char path[IBV_SYSFS_PATH_MAX + 96], text[32], *end;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/ports/%u/%s/%s", device, port, counters[i].folder,
		 counters[i].name);
	n = bvi_read_file(path, text, sizeof(text));
	if (n <= 0)
		return false;
	*value = strtoull(text, &end, 10);
	return *end == '\0';
}

int bv_counters_read(const struct bv_device *dev, uint8_t port, struct bv_counters *out)
{
	int found = 0;

	if (!dev || !out)
		return bvi_fail(-EINVAL, "bv_counters_read: an argument is NULL");
	*out = (struct bv_counters){ .valid = 0 };
	for (unsigned i = 0; i < BV_COUNTERS; i++) {
		if (!read_counter(dev->context->device->ibdev_path, port, i, &out->value[i]))
			continue;
		out->valid |= 1u << i;
		found++;
	}
	return found;
}
