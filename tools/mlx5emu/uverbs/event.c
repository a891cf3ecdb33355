/* SPDX-License-Identifier: MIT */
/*
 * From the engine's upcalls to records that the program reads. They run in the device thread with
 * the engine's lock held: one non-blocking write each, nothing else. An object outlives its upcalls
 * because the engine's object is destroyed first. Only records that went in are counted: the
 * program must acknowledge exactly as many as destroy reports, or its destroy call waits for ever.
 */
#include "uverbs/command.h"

#include "engine/engine.h"

#include <rdma/ib_user_verbs.h>

static void comp_event(void *cq_cookie)
{
	struct emu_object *cq = cq_cookie;
	const struct ib_uverbs_comp_event_desc record = { .cq_handle = cq->user_handle };

	if (cq->type == EMU_OBJECT_DEVX)
		emu_devx_completion(cq->file, cq);
	if (cq->channel && emu_evfile_post(cq->channel, &record, sizeof(record)))
		atomic_fetch_add(&cq->comp_events, 1);
}

static void async_event(void *dev_cookie, enum emu_event type, void *obj_cookie, unsigned port)
{
	struct emu_file *file = dev_cookie;
	struct emu_object *obj = obj_cookie;
	const struct ib_uverbs_async_event_desc record = {
		.element = obj ? obj->user_handle : port,
		.event_type = type,
	};

	if (!obj || obj->type == EMU_OBJECT_DEVX)
		emu_devx_event(file, (int)type, obj);
	if (obj && obj->type == EMU_OBJECT_DEVX)
		return;
	if (!obj)
		emu_file_tell_importers(file, &record, sizeof(record));
	if (emu_evfile_post(obj ? obj->async : file->async, &record, sizeof(record)) && obj)
		atomic_fetch_add(&obj->async_events, 1);
}

const struct emu_callbacks emu_event_callbacks = {
	.comp_event = comp_event,
	.async_event = async_event,
};
