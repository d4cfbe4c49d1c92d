/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame.h - whole frames in and out of a non-blocking stream pipe.
 *
 * The reader owns one buffer of WIRE_FRAME_MAX bytes. The writer never blocks and never splits a frame
 * between its caller and the pipe: what the pipe does not take waits in a buffer that grows up to a bound
 * given by the caller; at the bound frame_put() refuses, and the caller drops, counts and says so downstream.
 * Frames are batched: a pipe of 1 MiB holds only 256 small writes (one page each), so nothing is written
 * before FRAME_BATCH bytes wait or frame_flush() is called. Neither closes its fd.
 */
#ifndef FEMTOSNITCH_FRAME_H
#define FEMTOSNITCH_FRAME_H

#include <stddef.h>

#include "bpf/wire.h"

#define FRAME_BATCH 32768

struct frame_reader;
struct frame_writer;

struct frame_reader *frame_reader_new(int fd); /* makes fd non-blocking; NULL: no memory */
void frame_reader_free(struct frame_reader *); /* NULL is fine */

/* One read(2) of what the pipe holds. 1: bytes came, 0: end of file, -EAGAIN: nothing there, else -errno. */
int frame_fill(struct frame_reader *);

/* The same, but nothing behind the next whole frame is taken out of the pipe. */
int frame_fill_one(struct frame_reader *);

/* The next whole frame, checked with wire_check(). 1: *hdr and *payload are valid until the next frame_next()
 * or frame_fill() and *payload is 8-byte aligned; 0: fill first; -EPROTO: broken peer, *why says how (the
 * reader is done). */
int frame_next(struct frame_reader *, const struct wire_hdr **hdr, const void **payload, const char **why);

/* True at end of file if the last frame was cut: its writer died while writing. */
int frame_cut(const struct frame_reader *);

/* Makes fd non-blocking. NULL: no memory. */
struct frame_writer *frame_writer_new(int fd, size_t bound_bytes);
void frame_writer_free(struct frame_writer *); /* NULL is fine */

/* Append a frame whose payload is head, then tail (tail may be NULL with tail_len 0). 0, or -ENOBUFS at the
 * bound: nothing of the frame was taken. -EMSGSIZE: longer than a frame may be. -EPIPE (or what else write(2)
 * said): the reader is gone and nothing is taken any more. */
int frame_put(struct frame_writer *, enum wire_type, const void *head, size_t head_len, const void *tail,
	      size_t tail_len);

/* Have every frame from now on shown to tee as well, also those that nobody reads any more (-EPIPE), but not
 * those that are refused for want of room; NULL: no longer. */
typedef void frame_tee(void *arg, const struct wire_hdr *, const void *head, size_t head_len,
		       const void *tail, size_t tail_len);
void frame_writer_tee(struct frame_writer *, frame_tee *, void *arg);

/* Append a frame as it was read. */
int frame_pass(struct frame_writer *, const struct wire_hdr *, const void *payload);

/* Write what waits. 0: all written, -EAGAIN: some waits (poll for POLLOUT), -EPIPE: the reader is gone.
 * SIGPIPE must be ignored (stage_start() does it). */
int frame_flush(struct frame_writer *);

size_t frame_pending(const struct frame_writer *); /* bytes that wait */

#endif
