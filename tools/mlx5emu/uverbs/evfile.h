/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_UVERBS_EVFILE_H
#define MLX5EMU_UVERBS_EVFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A completion channel or the asynchronous event file: what the program holds is the read end of a
 * pipe, so that read, poll, epoll and O_NONBLOCK work as on the kernel's file. Any thread may call
 * any function; emu_evfile_post() never blocks.
 */
struct emu_evfile;

/*
 * One reference, the caller's; @user_fd (close-on-exec) belongs to the program. @apart: a read gets
 * one record however much it asks for, else as many as fit. -errno.
 */
int emu_evfile_create(struct emu_evfile **out, int *user_fd, bool apart);
struct emu_evfile *emu_evfile_get(struct emu_evfile *ev);
/* The last reference closes our ends; the program then reads end of file. */
void emu_evfile_put(struct emu_evfile *ev);

/* @size <= 16 bytes whose first eight are the key of purge. False: full, the event is lost. */
bool emu_evfile_post(struct emu_evfile *ev, const void *record, size_t size);

/* Takes back the unread records whose key is @key. Return: how many. */
unsigned emu_evfile_purge(struct emu_evfile *ev, size_t record_size, uint64_t key);

/* Is the file behind (@dev, @ino) this pipe? */
bool emu_evfile_is(const struct emu_evfile *ev, dev_t dev, ino_t ino);
/* Is @fd one of our private ends? */
bool emu_evfile_owns_fd(const struct emu_evfile *ev, int fd);

/* Moves @fd out of the way of programs that use select() or close a range of low descriptors. */
int emu_fd_move_up(int fd);

#endif
