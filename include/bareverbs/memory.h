/* SPDX-License-Identifier: MIT */
/*
 * Memory: registered regions, the elements of scatter/gather lists, and remote regions.
 *
 * A region never owns its buffer: the buffer must outlive the region, and both every work that uses
 * them. Gather elements are sources (send, write), scatter elements destinations (receive, read);
 * the compiler keeps them apart.
 *
 * Each element has three constructors:
 *	bv_gather()            checks in debug builds only (asserts unless NDEBUG)
 *	bv_gather_checked()    always checks: the length first (-EMSGSIZE), then the bounds of the
 *	                       region (-ERANGE)
 *	bv_gather_unchecked()  never checks; a length above UINT32_MAX is cut to its low 32 bits
 * and the same for bv_scatter. They take a pointer into the buffer that was registered. Memory that
 * has no address in this process, such as that of a GPU behind a DMA-BUF, is named by the 64-bit
 * address that the device knows it by: bv_gather_addr() and its kin.
 */
#ifndef BV_BAREVERBS_MEMORY_H
#define BV_BAREVERBS_MEMORY_H

#include <assert.h>
#include <stddef.h>

#include <bareverbs/common.h>

BV_BEGIN_DECLS

struct bv_pd;

/* Access rights of a region; the values of enum ibv_access_flags. Local read is always there. */
#define BV_ACCESS_LOCAL_WRITE 0x1u
#define BV_ACCESS_REMOTE_WRITE 0x2u
#define BV_ACCESS_REMOTE_READ 0x4u
#define BV_ACCESS_REMOTE_ATOMIC 0x8u
/*
 * Pages come when the device touches them instead of being pinned. Slower and less even; needs a
 * device with on-demand paging for reliable connections, and peers with rnr_retry above 0.
 */
#define BV_ACCESS_ON_DEMAND 0x40u
/* With on-demand paging: the buffer is on hugepages. */
#define BV_ACCESS_HUGETLB 0x80u
/*
 * Writes of the device into the buffer may pass each other on PCIe: faster for bulk on some hosts.
 * A completion still means that all bytes are there, but the last byte no longer tells that the
 * others are: poll the channel, never the data. A wish: where kernel or device cannot, it is left
 * out silently, because everything that holds with it holds without.
 */
#define BV_ACCESS_RELAXED_ORDERING 0x100000u
/* For buffers that only this side's works touch. */
#define BV_ACCESS_LOCAL BV_ACCESS_LOCAL_WRITE
/* For buffers that peers write and read. */
#define BV_ACCESS_SHARED (BV_ACCESS_LOCAL_WRITE | BV_ACCESS_REMOTE_WRITE | BV_ACCESS_REMOTE_READ)

/**
 * struct bv_mr - A registered memory region; read it through the accessors
 */
struct bv_mr {
	/* private: */
	uint64_t addr;
	uint64_t length;
	uint32_t lkey;
	uint32_t rkey;
};

/**
 * bv_mr_reg - Register a buffer with the device
 * @pd: the protection domain of the channels that will use it
 * @addr, @length: the buffer; 1 byte at least
 * @access: BV_ACCESS_* or'ed; 0 is a region that works may only read
 * @mr: receives the region on success
 *
 * Return: 0; -EINVAL @length is 0 or wraps, an unknown flag, remote write or atomic without local
 *	write, or @pd or @mr is NULL; -ENOMEM the memory-lock limit or the device's is reached (the
 *	text tells which); -EFAULT the range is not all mapped, or not writable while @access asks
 *	for it; -EOPNOTSUPP a flag the device does not offer; -errno of the driver.
 * Owner: the caller, until bv_mr_dereg(); the buffer stays the caller's and must outlive the
 *	region.
 * Threads: any.  Blocks: in the kernel, longer for larger buffers.
 */
BV_API BV_MUST_CHECK int bv_mr_reg(struct bv_pd *pd, void *addr, size_t length, unsigned access,
				   struct bv_mr **mr);

/**
 * bv_mr_reg_dmabuf - Register a part of a DMA-BUF: memory of another device, or of any exporter
 * @pd: the protection domain of the channels that will use it
 * @fd: the DMA-BUF; may be closed afterwards
 * @offset: where the region starts in it, bytes
 * @length: bytes, 1 at least
 * @iova: the address of its first byte from now on, in elements and for peers. Any, if it is as far
 *	into a page as @offset; 0 with an @offset of whole pages counts from the region's start, and
 *	the address of a mapping lets pointers be used.
 * @access: BV_ACCESS_* or'ed, without ON_DEMAND and HUGETLB
 * @mr: receives the region on success
 *
 * bv_mr_iova() and bv_mr_remote() of the region tell @iova; its elements come from bv_gather_addr()
 * and bv_scatter_addr().
 *
 * Return: 0; -EINVAL an argument (the text tells which), or the DMA-BUF is shorter; -EBADF @fd is
 *	no descriptor; -EOPNOTSUPP this libibverbs, driver or exporter has no DMA-BUFs (kernels also
 *	say 524, which means the same and is passed on as -EOPNOTSUPP); -EFAULT, -ENOMEM as
 *	bv_mr_reg(); -errno of the driver or exporter.
 * Owner: the caller, until bv_mr_dereg(); the region holds its own reference to the DMA-BUF.
 * Threads: any.  Blocks: in the kernel.
 */
BV_API BV_MUST_CHECK int bv_mr_reg_dmabuf(struct bv_pd *pd, int fd, uint64_t offset, size_t length,
					  uint64_t iova, unsigned access, struct bv_mr **mr);

/**
 * bv_mr_dereg - Take a registration back
 * @mr: from bv_mr_reg() or bv_mr_reg_dmabuf(); NULL is fine. No work that uses it may be
 *	outstanding.
 *
 * Owner: @mr ends here; the buffer is the caller's alone.  Threads: any.  Blocks: in the kernel.
 */
BV_API void bv_mr_dereg(struct bv_mr *mr);

/**
 * bv_mr_addr, bv_mr_iova, bv_mr_length, bv_mr_lkey, bv_mr_rkey - What was registered
 * @mr: a region
 *
 * The iova is the address that elements and peers use for the first byte: that of the buffer, or
 * what the caller chose for a DMA-BUF. bv_mr_addr() is the same as a pointer, and points to memory
 * only if the iova is an address of this process.
 *
 * Return: the value; lengths in bytes, keys in host order.
 * Owner: nothing changes hands.  Threads: any.  Blocks: never.
 */
static inline void *bv_mr_addr(const struct bv_mr *mr)
{
	return (void *)(uintptr_t)mr->addr;
}

static inline uint64_t bv_mr_iova(const struct bv_mr *mr)
{
	return mr->addr;
}

static inline size_t bv_mr_length(const struct bv_mr *mr)
{
	return (size_t)mr->length;
}

static inline uint32_t bv_mr_lkey(const struct bv_mr *mr)
{
	return mr->lkey;
}

static inline uint32_t bv_mr_rkey(const struct bv_mr *mr)
{
	return mr->rkey;
}

/**
 * bv_mr_encloses, bv_mr_encloses_addr - Whether a range lies inside a region
 * @mr: a region
 * @ptr or @addr, @length: the range; an empty one may start anywhere from the first byte to one
 *	past the last
 *
 * Return: true or false; no pair of address and @length overflows it.
 * Owner: nothing changes hands.  Threads: any.  Blocks: never.
 */
static inline bool bv_mr_encloses_addr(const struct bv_mr *mr, uint64_t addr, size_t length)
{
	const uint64_t offset = addr - mr->addr;

	return offset <= mr->length && length <= mr->length - offset;
}

static inline bool bv_mr_encloses(const struct bv_mr *mr, const void *ptr, size_t length)
{
	return bv_mr_encloses_addr(mr, (uint64_t)(uintptr_t)ptr, length);
}

/**
 * struct bv_gather - One piece of memory that a work reads; layout of struct ibv_sge
 */
struct bv_gather {
	/* private: */
	uint64_t addr;
	uint32_t length;
	uint32_t lkey;
};

/**
 * struct bv_scatter - One piece of memory that a work writes; layout of struct ibv_sge
 */
struct bv_scatter {
	/* private: */
	uint64_t addr;
	uint32_t length;
	uint32_t lkey;
};

/**
 * bv_gather_unchecked, bv_scatter_unchecked - An element without any check
 * bv_gather_addr_unchecked, bv_scatter_addr_unchecked - The same, of a device address
 * @mr: the region
 * @ptr or @addr, @length: a range inside it; bytes, at most UINT32_MAX
 *
 * Return: the element.
 * Owner: the range is the device's from post to completion.  Threads: any.  Blocks: never.
 */
static inline struct bv_gather bv_gather_addr_unchecked(const struct bv_mr *mr, uint64_t addr,
							size_t length)
{
	struct bv_gather sge;

	sge.addr = addr;
	sge.length = (uint32_t)length;
	sge.lkey = mr->lkey;
	return sge;
}

static inline struct bv_scatter bv_scatter_addr_unchecked(const struct bv_mr *mr, uint64_t addr,
							  size_t length)
{
	struct bv_scatter sge;

	sge.addr = addr;
	sge.length = (uint32_t)length;
	sge.lkey = mr->lkey;
	return sge;
}

static inline struct bv_gather bv_gather_unchecked(const struct bv_mr *mr, const void *ptr,
						   size_t length)
{
	return bv_gather_addr_unchecked(mr, (uint64_t)(uintptr_t)ptr, length);
}

static inline struct bv_scatter bv_scatter_unchecked(const struct bv_mr *mr, void *ptr,
						     size_t length)
{
	return bv_scatter_addr_unchecked(mr, (uint64_t)(uintptr_t)ptr, length);
}

/**
 * bv_gather_checked, bv_scatter_checked - An element, if the range fits
 * bv_gather_addr_checked, bv_scatter_addr_checked - The same, of a device address
 * @mr: the region
 * @ptr or @addr, @length: the range, bytes
 * @sge: receives the element on success
 *
 * Return: 0; -EMSGSIZE @length is above UINT32_MAX; -ERANGE the range is not inside the region.
 * Owner: the range is the device's from post to completion.  Threads: any.  Blocks: never.
 */
static inline BV_MUST_CHECK int bv_gather_addr_checked(const struct bv_mr *mr, uint64_t addr,
						       size_t length, struct bv_gather *sge)
{
	if (length > UINT32_MAX)
		return -EMSGSIZE;
	if (!bv_mr_encloses_addr(mr, addr, length))
		return -ERANGE;
	*sge = bv_gather_addr_unchecked(mr, addr, length);
	return 0;
}

static inline BV_MUST_CHECK int bv_scatter_addr_checked(const struct bv_mr *mr, uint64_t addr,
							size_t length, struct bv_scatter *sge)
{
	if (length > UINT32_MAX)
		return -EMSGSIZE;
	if (!bv_mr_encloses_addr(mr, addr, length))
		return -ERANGE;
	*sge = bv_scatter_addr_unchecked(mr, addr, length);
	return 0;
}

static inline BV_MUST_CHECK int bv_gather_checked(const struct bv_mr *mr, const void *ptr,
						  size_t length, struct bv_gather *sge)
{
	return bv_gather_addr_checked(mr, (uint64_t)(uintptr_t)ptr, length, sge);
}

static inline BV_MUST_CHECK int bv_scatter_checked(const struct bv_mr *mr, void *ptr, size_t length,
						   struct bv_scatter *sge)
{
	return bv_scatter_addr_checked(mr, (uint64_t)(uintptr_t)ptr, length, sge);
}

/* The bodies of bv_gather(), bv_scatter() and their _addr twins. */
static inline struct bv_gather bvi_gather_addr(const struct bv_mr *mr, uint64_t addr, size_t length)
{
	assert(length <= UINT32_MAX && bv_mr_encloses_addr(mr, addr, length));
	return bv_gather_addr_unchecked(mr, addr, length);
}

static inline struct bv_scatter bvi_scatter_addr(const struct bv_mr *mr, uint64_t addr,
						 size_t length)
{
	assert(length <= UINT32_MAX && bv_mr_encloses_addr(mr, addr, length));
	return bv_scatter_addr_unchecked(mr, addr, length);
}

static inline struct bv_gather bvi_gather(const struct bv_mr *mr, const void *ptr, size_t length)
{
	return bvi_gather_addr(mr, (uint64_t)(uintptr_t)ptr, length);
}

static inline struct bv_scatter bvi_scatter(const struct bv_mr *mr, void *ptr, size_t length)
{
	return bvi_scatter_addr(mr, (uint64_t)(uintptr_t)ptr, length);
}

/**
 * bv_gather, bv_scatter - An element, checked by assert() unless NDEBUG
 * bv_gather_addr, bv_scatter_addr - The same, of a device address
 * @mr: the region
 * @ptr or @addr, @length: a range inside it; bytes, at most UINT32_MAX
 *
 * In C each is an lvalue that lives as long as the enclosing block, so a list of one needs no
 * variable:
 *	bv_post_send(ch, &bv_gather(mr, buf, 64), 1, 0);
 * bv_gather_list() and bv_scatter_list() make a list of several in the same way.
 *
 * Return: the element.
 * Owner: the range is the device's from post to completion.  Threads: any.  Blocks: never.
 */
#ifndef __cplusplus
#define bv_gather(mr, ptr, length) (*(struct bv_gather[1]){ bvi_gather(mr, ptr, length) })
#define bv_scatter(mr, ptr, length) (*(struct bv_scatter[1]){ bvi_scatter(mr, ptr, length) })
#define bv_gather_addr(mr, addr, length) \
	(*(struct bv_gather[1]){ bvi_gather_addr(mr, addr, length) })
#define bv_scatter_addr(mr, addr, length) \
	(*(struct bv_scatter[1]){ bvi_scatter_addr(mr, addr, length) })
#define bv_gather_list(...) ((struct bv_gather[]){ __VA_ARGS__ })
#define bv_scatter_list(...) ((struct bv_scatter[]){ __VA_ARGS__ })
#else
#define bv_gather(mr, ptr, length) bvi_gather(mr, ptr, length)
#define bv_scatter(mr, ptr, length) bvi_scatter(mr, ptr, length)
#define bv_gather_addr(mr, addr, length) bvi_gather_addr(mr, addr, length)
#define bv_scatter_addr(mr, addr, length) bvi_scatter_addr(mr, addr, length)
#endif

/**
 * struct bv_remote - A region of a peer: a plain value that may be copied, sent and stored
 * @addr: the peer's address
 * @rkey: host order
 * @length: bytes that may be accessed from @addr on
 */
struct bv_remote {
	uint64_t addr;
	uint32_t rkey;
	uint64_t length;
};

/**
 * bv_mr_remote - The whole of a region, as a peer addresses it
 * @mr: a region
 *
 * Return: the value to send to the peer.
 * Owner: nothing changes hands.  Threads: any.  Blocks: never.
 */
static inline struct bv_remote bv_mr_remote(const struct bv_mr *mr)
{
	struct bv_remote remote;

	remote.addr = mr->addr;
	remote.length = mr->length;
	remote.rkey = mr->rkey;
	return remote;
}

/**
 * bv_remote_slice_unchecked - @length bytes from @offset on, not checked; sums wrap
 * bv_remote_sub_unchecked - What is left from @offset on, not checked; sums wrap
 * @remote: the region
 * @offset, @length: bytes
 *
 * Return: the region.  Owner: nothing changes hands.  Threads: any.  Blocks: never.
 */
static inline struct bv_remote bv_remote_slice_unchecked(const struct bv_remote *remote,
							 uint64_t offset, uint64_t length)
{
	struct bv_remote slice;

	slice.addr = remote->addr + offset;
	slice.length = length;
	slice.rkey = remote->rkey;
	return slice;
}

static inline struct bv_remote bv_remote_sub_unchecked(const struct bv_remote *remote,
						       uint64_t offset)
{
	return bv_remote_slice_unchecked(remote, offset, remote->length - offset);
}

/**
 * bv_remote_slice - @length bytes from @offset on
 * @remote: the region
 * @offset, @length: bytes
 * @out: receives the region on success; may be @remote
 *
 * Return: 0; -ERANGE it does not lie inside @remote, or its address wraps.
 * Owner: nothing changes hands.  Threads: any.  Blocks: never.
 */
static inline BV_MUST_CHECK int bv_remote_slice(const struct bv_remote *remote, uint64_t offset,
						uint64_t length, struct bv_remote *out)
{
	if (offset > remote->length || length > remote->length - offset ||
	    offset > UINT64_MAX - remote->addr)
		return -ERANGE;
	*out = bv_remote_slice_unchecked(remote, offset, length);
	return 0;
}

/**
 * bv_remote_sub - What is left from @offset on; nothing, if @offset is the length
 * @remote: the region
 * @offset: bytes, 0..length
 * @out: receives the region on success; may be @remote
 *
 * Return: 0; -ERANGE @offset is past the end, or the address wraps.
 * Owner: nothing changes hands.  Threads: any.  Blocks: never.
 */
static inline BV_MUST_CHECK int bv_remote_sub(const struct bv_remote *remote, uint64_t offset,
					      struct bv_remote *out)
{
	if (offset > remote->length)
		return -ERANGE;
	return bv_remote_slice(remote, offset, remote->length - offset, out);
}

/*
 * The bodies of the macros below: element @index of an array of @stride bytes each, and in it
 * @length bytes at @field.
 */
static inline BV_MUST_CHECK int bvi_remote_element(const struct bv_remote *remote, uint64_t index,
						   uint64_t stride, uint64_t field, uint64_t length,
						   struct bv_remote *out)
{
	if (index > (UINT64_MAX - field) / stride)
		return -ERANGE;
	return bv_remote_slice(remote, index * stride + field, length, out);
}

/**
 * bv_remote_array_element, bv_remote_struct_field, bv_remote_array_field - Where a typed thing is
 * @remote: const struct bv_remote *
 * @type: type of the element or struct
 * @index: element, from 0
 * @field: member of @type
 * @out: struct bv_remote *, receives exactly that thing; may be @remote
 *
 * Of a peer's memory that holds an array of @type, or one. The _unchecked twins return the region
 * instead, without any check.
 *
 * Return: 0; -ERANGE the whole thing does not lie inside @remote.
 * Owner: nothing changes hands.  Threads: any.  Blocks: never.
 */
#define bv_remote_array_element(remote, type, index, out) \
	bvi_remote_element(remote, index, sizeof(type), 0, sizeof(type), out)
#define bv_remote_struct_field(remote, type, field, out) \
	bv_remote_slice(remote, offsetof(type, field), sizeof(((type *)0)->field), out)
#define bv_remote_array_field(remote, type, index, field, out)                 \
	bvi_remote_element(remote, index, sizeof(type), offsetof(type, field), \
			   sizeof(((type *)0)->field), out)
#define bv_remote_array_element_unchecked(remote, type, index) \
	bv_remote_slice_unchecked(remote, (uint64_t)(index) * sizeof(type), sizeof(type))
#define bv_remote_struct_field_unchecked(remote, type, field) \
	bv_remote_slice_unchecked(remote, offsetof(type, field), sizeof(((type *)0)->field))
#define bv_remote_array_field_unchecked(remote, type, index, field)                         \
	bv_remote_slice_unchecked(remote,                                                   \
				  (uint64_t)(index) * sizeof(type) + offsetof(type, field), \
				  sizeof(((type *)0)->field))

/*
 * Bytes of the binary form. All big-endian: magic "BVRM" u32, version u16, size u16, rkey u32, addr
 * u64, length u64, CRC-32C u32 over the 28 bytes before.
 */
#define BV_REMOTE_WIRE_SIZE 32
/* Enough for the JSON form with its terminator. */
#define BV_REMOTE_JSON_MAX 128

/**
 * bv_remote_encode - The binary form, to send to a peer
 * @remote: the region
 * @wire: receives BV_REMOTE_WIRE_SIZE bytes
 *
 * Owner: the caller's buffers.  Threads: any.  Blocks: never.
 */
BV_API void bv_remote_encode(const struct bv_remote *remote, uint8_t wire[BV_REMOTE_WIRE_SIZE]);

/**
 * bv_remote_decode - Read the binary form; any bytes are safe
 * @wire, @size: what came, bytes
 * @remote: receives the region on success
 *
 * Return: 0; -EMSGSIZE @size is not BV_REMOTE_WIRE_SIZE; -EPROTO another version; -EBADMSG no
 *	remote region, damaged, or an impossible range.
 * Owner: the caller's buffers.  Threads: any.  Blocks: never.
 */
BV_API BV_MUST_CHECK int bv_remote_decode(const void *wire, size_t size, struct bv_remote *remote);

/**
 * bv_remote_to_json - {"addr":"0x7f0012340000","length":4096,"rkey":74565}
 * @remote: the region
 * @text, @size: the buffer, bytes; BV_REMOTE_JSON_MAX always suffices
 *
 * Return: the length of the text without its terminator; -ENOSPC @size is too small; -ENOMEM.
 * Owner: the caller's buffers.  Threads: any.  Blocks: never.
 */
BV_API BV_MUST_CHECK int bv_remote_to_json(const struct bv_remote *remote, char *text, size_t size);

/**
 * bv_remote_from_json - Read the JSON form; any text is safe
 * @text, @length: the text, bytes without a terminator
 * @remote: receives the region on success
 *
 * The address and the length may be strings with "0x" or numbers; unknown members are an error.
 *
 * Return: 0; -EBADMSG not JSON, or not a remote region (the text tells where); -ENOMEM.
 * Owner: the caller's buffers.  Threads: any.  Blocks: never.
 */
BV_API BV_MUST_CHECK int bv_remote_from_json(const char *text, size_t length,
					     struct bv_remote *remote);

BV_END_DECLS

#endif
