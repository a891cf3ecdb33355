/* SPDX-License-Identifier: MIT */
/*
 * Devices and protection domains.
 *
 * A device is opened with one provider, chosen at that moment, and everything made from it goes
 * through that provider. The same device may be open several times, with different providers, in
 * one process.
 *
 * Handles are reference counted: a pd holds its device, memory regions and channels hold their pd.
 * Release them in any order; the objects underneath go when the last user of each does.
 */
#ifndef BV_BAREVERBS_DEVICE_H
#define BV_BAREVERBS_DEVICE_H

#include <bareverbs/common.h>

BV_BEGIN_DECLS

struct bv_device;
struct bv_pd;

enum bv_link_layer {
	BV_LINK_UNKNOWN,
	BV_LINK_INFINIBAND,
	BV_LINK_ETHERNET,
};

/* Values of enum ibv_port_state. */
enum bv_port_state {
	BV_PORT_NOP = 0,
	BV_PORT_DOWN = 1,
	BV_PORT_INIT = 2,
	BV_PORT_ARMED = 3,
	BV_PORT_ACTIVE = 4,
	BV_PORT_ACTIVE_DEFER = 5,
};

enum bv_gid_type {
	BV_GID_IB,
	BV_GID_ROCE_V1,
	BV_GID_ROCE_V2,
};

/* What stands behind the verbs device. Figures measured on anything but hardware say so. */
enum bv_device_kind {
	BV_DEVICE_HARDWARE,
	BV_DEVICE_SOFTWARE, /* a kernel software device: rxe, siw */
	BV_DEVICE_EMULATED, /* mlx5emu: functional only, its times mean nothing for a real NIC */
};

/**
 * struct bv_gid_info - One filled entry of a port's GID table
 * @raw: network order, as on the wire
 * @index: its place in the table
 * @type: what it addresses
 * @netdev: name of the network interface, "" if unknown
 */
struct bv_gid_info {
	uint8_t raw[16];
	uint32_t index;
	enum bv_gid_type type;
	char netdev[16];
};

/**
 * struct bv_port_info - One port
 * @num: 1..255
 * @state: only BV_PORT_ACTIVE carries traffic
 * @lid: 0 on Ethernet
 * @active_mtu, @max_mtu: bytes, 256..4096
 * @max_msg: bytes
 * @ngids: entries of @gids; empty table entries are left out
 */
struct bv_port_info {
	uint8_t num;
	enum bv_port_state state;
	enum bv_link_layer link_layer;
	uint16_t lid;
	uint32_t active_mtu;
	uint32_t max_mtu;
	uint32_t max_msg;
	uint32_t ngids;
	const struct bv_gid_info *gids;
};

/**
 * struct bv_provider_info - Whether one provider can drive the device
 * @name: "verbs", "mlx5"
 * @score: > 0 if it can, the highest is the default choice; else -errno
 * @why: one line: why not, or what it will use
 */
struct bv_provider_info {
	const char *name;
	int score;
	char why[192];
};

/**
 * struct bv_device_info - One device of the machine
 * @name: as libibverbs has it, e.g. "mlx5_0"
 * @guid: node GUID as a number: the first byte on the wire is the most significant
 *	(bv_guid_format() prints it)
 * @kind: what stands behind it
 * @firmware: "" if the device could not be opened
 * @vendor_id, @part_id: of the chip; 0 if the device could not be opened
 * @open_error: 0, or -errno if the device could not be opened; then ports, providers, firmware and
 *	limits are empty
 * @open_error_text: what to do about it
 * @max_wr: works of a queue
 * @max_sge: elements of a work's list
 * @max_rd_atomic: reads and atomics that it serves at once, for one channel
 * @nports, @ports: entries, and the array
 * @nproviders, @providers: entries, and the array, in the order of the build
 */
struct bv_device_info {
	char name[64];
	uint64_t guid;
	enum bv_device_kind kind;
	char firmware[64];
	uint32_t vendor_id;
	uint32_t part_id;
	int open_error;
	char open_error_text[256];
	uint32_t max_wr;
	uint32_t max_sge;
	uint32_t max_rd_atomic;
	uint32_t nports;
	const struct bv_port_info *ports;
	uint32_t nproviders;
	const struct bv_provider_info *providers;
};

/**
 * bv_device_list - All RDMA devices of this machine
 * @list: receives an array of as many entries as returned
 *
 * Return: the number of devices, 0 included (then *@list is NULL); -EINVAL @list is NULL; -ENOMEM;
 *	-errno of the device enumeration.
 * Owner: the caller, who frees with bv_device_list_free().  Threads: any.
 * Blocks: opens and closes each device.
 */
BV_API BV_MUST_CHECK int bv_device_list(struct bv_device_info **list);

/**
 * bv_device_list_free - Free what bv_device_list() gave
 * @list: the array; NULL is fine
 *
 * Owner: pointers into the list end.  Threads: any.  Blocks: never.
 */
BV_API void bv_device_list_free(struct bv_device_info *list);

#define BV_GUID_TEXT_MAX 20
#define BV_GID_TEXT_MAX 46

/**
 * bv_guid_format - "0c42:a103:0065:2d8e"
 * @guid: from struct bv_device_info
 * @text: receives at most BV_GUID_TEXT_MAX bytes with the terminator
 *
 * Return: @text.  Owner: the caller's buffer.  Threads: any.  Blocks: never.
 */
BV_API const char *bv_guid_format(uint64_t guid, char text[BV_GUID_TEXT_MAX]);

/**
 * bv_gid_format - A GID in the text form of an IPv6 address, IPv4-mapped ones as "::ffff:10.0.0.1"
 * @raw: network order
 * @text: receives at most BV_GID_TEXT_MAX bytes with the terminator
 *
 * Return: @text.  Owner: the caller's buffer.  Threads: any.  Blocks: never.
 */
BV_API const char *bv_gid_format(const uint8_t raw[16], char text[BV_GID_TEXT_MAX]);

/**
 * bv_gid_parse - Read "10.0.0.1" (it becomes IPv4-mapped), "2001:db8::1", "fe80::1", "::ffff:10.0.0.1"
 * @text: an address without a scope, and no name
 * @raw: receives the GID, network order, on success
 *
 * Return: 0; -EINVAL @text is none of these, or an argument is NULL.
 * Owner: the caller's buffers.  Threads: any.  Blocks: never.
 */
BV_API BV_MUST_CHECK int bv_gid_parse(const char *text, uint8_t raw[16]);

/**
 * struct bv_open_opts - How to open a device
 * @provider: "verbs", "mlx5", or NULL: then $BV_PROVIDER, and if that is unset or empty the best
 *	probe score
 */
struct bv_open_opts {
	const char *provider;
};

/**
 * bv_open - Open a device with a provider
 * @name: exact device name; NULL opens the only device there is
 * @opts: NULL for the defaults
 * @dev: receives the device on success
 *
 * Return: 0; -EINVAL @dev is NULL; -ENODEV no device in this machine; -ENOENT no device of that
 *	name, or an unknown provider; -ENOTUNIQ @name is NULL and there are several; -EOPNOTSUPP the
 *	provider cannot drive this device; -ENOMEM; -EACCES and other -errno of the device's open.
 *	The texts list what would have been possible.
 * Owner: the caller, until bv_close().  Threads: any; so are all uses of the device.
 * Blocks: in the kernel.
 */
BV_API BV_MUST_CHECK int bv_open(const char *name, const struct bv_open_opts *opts,
				 struct bv_device **dev);

/**
 * bv_close - Release a device
 * @dev: from bv_open(); NULL is fine
 *
 * Owner: @dev ends here; the device closes when its last pd goes.  Threads: any.
 * Blocks: in the kernel.
 */
BV_API void bv_close(struct bv_device *dev);

/**
 * bv_device_name - The name it was opened by
 * @dev: an open device
 *
 * Return: never NULL.  Owner: the device.  Threads: any.  Blocks: never.
 */
BV_API const char *bv_device_name(const struct bv_device *dev);

/**
 * bv_device_provider - The name of the provider that drives it: "verbs", "mlx5"
 * @dev: an open device
 *
 * Return: never NULL.  Owner: the library.  Threads: any.  Blocks: never.
 */
BV_API const char *bv_device_provider(const struct bv_device *dev);

/**
 * bv_device_kind - What stands behind it
 * @dev: an open device
 *
 * Return: the kind.  Owner: nothing changes hands.  Threads: any.  Blocks: never.
 */
BV_API enum bv_device_kind bv_device_kind(const struct bv_device *dev);

/**
 * bv_pd_alloc - Make a protection domain: regions and channels of one pd may be used together
 * @dev: an open device
 * @pd: receives the pd on success
 *
 * Return: 0; -EINVAL an argument is NULL; -ENOMEM; -errno of the driver.
 * Owner: the caller, until bv_pd_free(); the pd keeps @dev open.  Threads: any.
 * Blocks: in the kernel.
 */
BV_API BV_MUST_CHECK int bv_pd_alloc(struct bv_device *dev, struct bv_pd **pd);

/**
 * bv_pd_free - Release a protection domain
 * @pd: from bv_pd_alloc(); NULL is fine
 *
 * Owner: @pd ends here; the kernel object goes with the last region and channel made from it.
 * Threads: any.  Blocks: in the kernel.
 */
BV_API void bv_pd_free(struct bv_pd *pd);

/**
 * bv_pd_device - The device of a protection domain
 * @pd: a pd
 *
 * Return: never NULL.  Owner: the pd; no reference is taken.  Threads: any.  Blocks: never.
 */
BV_API struct bv_device *bv_pd_device(const struct bv_pd *pd);

BV_END_DECLS

#endif
