/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_UVERBS_FILE_H
#define MLX5EMU_UVERBS_FILE_H

#include "uverbs/evfile.h"
#include "uverbs/object.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>

/*
 * An open device file. The program's descriptor is a memfd whose pages are the UAR pages and, behind
 * them, the device memory (dm.c), so mmap needs no help from us; the memfd's inode is the identity of
 * the open file, through dup() and whatever else multiplies descriptors. Each open() is a file of its
 * own, with its own engine device, handles and event files, as in the kernel.
 */
struct emu_bfregs;
struct emu_device;
struct emu_fw;

enum {
	/* libmlx5 maps device memory at command 8 (MLX5_IB_MMAP_DEVICE_MEM), page index below 256 */
	EMU_DM_FIRST_PAGE = 8 << 8,
	EMU_DM_PAGES = 32,
};

struct emu_file {
	struct emu_file *next; /* registry */
	unsigned refs;         /* registry: 1 while open, and 1 per call in progress */
	bool open;             /* some descriptor of the program refers to it */
	bool inherited;        /* by fork(): the device stayed with the parent */
	atomic_bool told;      /* ... and the log says so */
	dev_t dev;
	ino_t ino;
	unsigned index; /* of the device in the run */
	void *uar;      /* our mapping of the whole memfd */
	bool dm_used[EMU_DM_PAGES];
	pthread_mutex_t lock;      /* one command at a time; guards all below */
	struct emu_device *device; /* NULL before GET_CONTEXT */
	uint8_t cqe_version;       /* of the context */
	int refused;               /* -errno that the fault plan has for its context */
	struct emu_fw *fw;         /* its commands; NULL unless the context asked for DEVX */
	struct emu_bfregs *bfregs; /* NULL: UARs are allocated one by one */
	struct emu_evfile *async;
	struct emu_object_table objects;
	struct emu_channel *channels;
	/* guards subscriptions (devx_event.c) and, with the lock above, changes of channels */
	pthread_mutex_t subscribed;
	struct emu_subscription *subscriptions;
};

enum emu_channel_kind { EMU_CHANNEL_COMPLETION, EMU_CHANNEL_DEVX, EMU_CHANNEL_ASYNC };

/*
 * A completion channel: alive while the program has it open or a CQ uses it. Or one for events of
 * DEVX, or for those of the device that each importer of the file gets.
 */
struct emu_channel {
	struct emu_channel *next;
	enum emu_channel_kind kind;
	struct emu_evfile *ev;
};

/* open("/dev/infiniband/uverbs<index>"): a descriptor or -errno. */
int emu_file_open(unsigned index, int flags);

/* What stat says of the device node, and fstat of an open one. */
void emu_file_stat(unsigned index, struct stat *st);

/* The file behind a descriptor, with a reference, or NULL if it is none of ours. */
struct emu_file *emu_file_get(int fd);
void emu_file_put(struct emu_file *file);

/* False while no device is open: then no descriptor can be ours. */
bool emu_file_any(void);

/*
 * Whether @fd, of which fstat() says @st, is an open device file of another process, as SCM_RIGHTS or
 * exec() bring them: @index of its device. It stays one for fstat(), but the device behind it lives in
 * the other process and can be commanded there alone.
 */
bool emu_file_foreign(int fd, const struct stat *st, unsigned *index);

/* -EOPNOTSUPP for a command on such a file, with a line in the log; 0 for all other files. */
int emu_file_refuse_foreign(int fd);

/*
 * Refuses a command on a file of the parent, with a line in the log once: -EIO, which libmlx5 takes for
 * the end of the device.
 */
int emu_file_refuse_inherited(struct emu_file *file);

/*
 * Around the close of a descriptor: note() before it, gone() after it, which frees what has lost
 * its last descriptor.
 */
struct emu_closing {
	dev_t dev;
	ino_t ino;
	bool ours;
};
void emu_file_close_note(int fd, struct emu_closing *closing);
void emu_file_close_gone(const struct emu_closing *closing);

/* A new channel of @file (its lock held); the program's descriptor or -errno. */
int emu_file_add_channel(struct emu_file *file, enum emu_channel_kind kind);
/* Takes back one that the program never learned of. */
void emu_file_remove_channel(struct emu_file *file, int fd);
/* The same for events: the context's own file, or one of kind ASYNC. */
struct emu_evfile *emu_file_events(struct emu_file *file, int fd);
/* A record for each channel of kind ASYNC; from the engine's upcalls. */
void emu_file_tell_importers(struct emu_file *file, const void *record, size_t size);
/* The channel behind the program's descriptor, with a reference of the event file, or NULL. */
struct emu_evfile *emu_file_channel(struct emu_file *file, int fd, enum emu_channel_kind kind);

#endif
