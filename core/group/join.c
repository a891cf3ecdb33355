/* SPDX-License-Identifier: MIT */
/*
 * Two ranks connect: an exchange over the channel of the barriers, in which they tell each other their
 * slots and who they are, and a second one over the program's channel.
 *
 * What they tell, five big-endian u32: version, own rank, the rank it takes us for, size, channels.
 */
#include "group.h"

#include "clock.h"
#include "error.h"
#include "wire.h"

#define VERSION 1u
#define CARD_SIZE 20u
/* A barrier takes one place, and "here" now and then another: a queue fills if its peer does not hear. */
#define DEPTH 16u

/* Where the peer is to be met: @address, or the socket @fd. */
struct meeting {
	int fd;
	const char *address;
	enum bv_exchange_role role;
	int64_t deadline;
};

static int meet(const struct meeting *at, struct bv_channel *ch, struct bv_exchange *data)
{
	int64_t left = BV_FOREVER;

	if (at->deadline != BV_FOREVER)
		left = at->deadline <= 0 ? 0 : at->deadline - bvi_clock_ns();
	return at->address ? bv_exchange_tcp(ch, at->address, at->role, data, left) :
			     bv_exchange_fd(ch, at->fd, data, left);
}

static struct bv_channel_attr own_attr(const struct bv_group *group)
{
	struct bv_channel_attr attr = group->channel;

	attr.max_send = DEPTH;
	attr.max_recv = 1;
	attr.max_send_sge = 1;
	attr.max_recv_sge = 1;
	attr.max_inline = sizeof(uint64_t);
	attr.access = BV_ACCESS_LOCAL_WRITE | BV_ACCESS_REMOTE_WRITE;
	attr.rd_atomic = 1;
	attr.wakeups = false;
	attr.spin_ns = BV_FOREVER;
	return attr;
}

static void write_card(const struct bv_group *group, uint32_t peer, uint8_t card[CARD_SIZE])
{
	bvi_put_be32(card, VERSION);
	bvi_put_be32(card + 4, group->rank);
	bvi_put_be32(card + 8, peer);
	bvi_put_be32(card + 12, group->size);
	bvi_put_be32(card + 16, group->channels);
}

static int check_card(const struct bv_group *group, uint32_t peer, const uint8_t *card,
		      uint32_t size)
{
	if (size != CARD_SIZE || bvi_get_be32(card) != VERSION)
		return bvi_fail(-EPROTO,
				"bv_group_connect: the other end connects no group, or one of "
				"another version than %u",
				VERSION);
	if (bvi_get_be32(card + 4) != peer || bvi_get_be32(card + 8) != group->rank ||
	    bvi_get_be32(card + 12) != group->size)
		return bvi_fail(-EPROTO,
				"bv_group_connect: rank %u of %u expects rank %u, and met rank %u "
				"of %u, which expects rank %u",
				group->rank, group->size, peer, bvi_get_be32(card + 4),
				bvi_get_be32(card + 12), bvi_get_be32(card + 8));
	if (bvi_get_be32(card + 16) != group->channels)
		return bvi_fail(
			-EPROTO,
			"bv_group_connect: rank %u keeps channels for its program, and rank "
			"%u does not: set attribute channels on both, or on none",
			group->channels ? group->rank : peer, group->channels ? peer : group->rank);
	return 0;
}

/* Both sides see a mismatch, each in the other's card, so none is left with half a connection. */
static int introduce(const struct bv_group *group, uint32_t rank, const struct meeting *at,
		     struct bvi_peer *peer)
{
	const struct bv_remote all = bv_mr_remote(group->mr);
	const struct bv_remote mine =
		bv_remote_array_element_unchecked(&all, struct bvi_slot, rank);
	uint8_t card[CARD_SIZE], came[CARD_SIZE];
	struct bv_remote slot = { 0 };
	struct bv_exchange data = {
		.regions = &mine,
		.nregions = 1,
		.blob = card,
		.blob_size = sizeof(card),
		.peer_regions = &slot,
		.max_peer_regions = 1,
		.peer_blob = came,
		.max_peer_blob = sizeof(came),
	};
	int rc;

	write_card(group, rank, card);
	rc = meet(at, peer->own, &data);
	if (rc == 0)
		rc = check_card(group, rank, came, data.peer_blob_size);
	if (rc < 0)
		return rc;
	if (data.npeer_regions != 1 ||
	    bv_remote_struct_field(&slot, struct bvi_slot, told, &peer->told) < 0 ||
	    bv_remote_struct_field(&slot, struct bvi_slot, news, &peer->news) < 0)
		return bvi_fail(-EPROTO, "bv_group_connect: rank %u has no memory for us", rank);
	return 0;
}

static int connect_both(const struct bv_group *group, uint32_t rank, const struct meeting *at,
			struct bvi_peer *peer)
{
	const struct bv_channel_attr attr = own_attr(group);
	int rc;

	rc = bv_channel_create(group->pd, &attr, &peer->own);
	if (rc == 0)
		rc = introduce(group, rank, at, peer);
	if (rc == 0 && group->channels)
		rc = bv_channel_create(group->pd, &group->channel, &peer->program);
	if (rc == 0 && group->channels)
		rc = meet(at, peer->program, NULL);
	return rc;
}

static int join(struct bv_group *group, uint32_t rank, const struct meeting *at)
{
	struct bvi_peer peer = { 0 };
	int rc;

	if (!group)
		return bvi_fail(-EINVAL, "bv_group_connect: group is NULL");
	if (!bvi_group_has(group, rank))
		return bvi_fail(-EINVAL, "bv_group_connect: rank %u is not a peer of rank %u of %u",
				rank, group->rank, group->size);
	if (group->peers[rank].own)
		return bvi_fail(-EINVAL, "bv_group_connect: rank %u is connected already", rank);
	/* An attempt that failed on our side alone may have been told something. */
	group->slots[rank] = (struct bvi_slot){ 0 };
	rc = connect_both(group, rank, at, &peer);
	if (rc < 0) {
		bv_channel_destroy(peer.own);
		bv_channel_destroy(peer.program);
		return rc;
	}
	group->peers[rank] = peer;
	return 0;
}

int bv_group_connect_fd(struct bv_group *group, uint32_t peer, int fd, int64_t timeout_ns)
{
	const struct meeting at = { .fd = fd, .deadline = bvi_deadline_after(timeout_ns).at };

	return join(group, peer, &at);
}

int bv_group_connect_tcp(struct bv_group *group, uint32_t peer, const char *address,
			 enum bv_exchange_role role, int64_t timeout_ns)
{
	const struct meeting at = {
		.address = address,
		.role = role,
		.deadline = bvi_deadline_after(timeout_ns).at,
	};

	if (!address)
		return bvi_fail(-EINVAL, "bv_group_connect: address is NULL");
	return join(group, peer, &at);
}
