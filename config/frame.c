// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * frame.c - see frame.h. The reader keeps [start, end) of its buffer unread; the writer keeps [start, end) of
 * its own unwritten. Both begin again at offset 0 whenever they run empty, so that a quiet process touches
 * only the first page.
 */
#include "config/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/wire_check.h"

#define HDR sizeof(struct wire_hdr)
#define WRITER_FIRST 4096
#define WRITER_KEPT (2 * FRAME_BATCH) /* a buffer that grew beyond this in a burst is given back */

struct frame_reader {
	int fd;
	size_t start, end;
	const char *broken; /* why, once the peer broke the contract */
	char buf[WIRE_FRAME_MAX] __attribute__((aligned(8)));
};

struct frame_writer {
	int fd;
	int error; /* -EPIPE or whatever write(2) failed with; nothing is taken any more */
	size_t bound;
	size_t start, end, size;
	char *buf;
	frame_tee *tee; /* NULL: none */
	void *tee_arg;
};

static void set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && !(flags & O_NONBLOCK))
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

struct frame_reader *frame_reader_new(int fd)
{
	struct frame_reader *r = malloc(sizeof(*r)); /* not calloc: pages are touched when they are used */

	if (!r)
		return NULL;
	r->fd = fd;
	r->start = r->end = 0;
	r->broken = NULL;
	set_nonblocking(fd);
	return r;
}

void frame_reader_free(struct frame_reader *r)
{
	free(r);
}

/* Read up to limit bytes behind what is there. */
static int fill(struct frame_reader *r, size_t limit)
{
	ssize_t n;

	do
		n = read(r->fd, r->buf + r->end, limit);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	r->end += (size_t)n;
	return n > 0;
}

static void move_to_front(struct frame_reader *r)
{
	if (r->start == 0)
		return;
	memmove(r->buf, r->buf + r->start, r->end - r->start);
	r->end -= r->start;
	r->start = 0;
}

int frame_fill(struct frame_reader *r)
{
	move_to_front(r);
	if (r->end == sizeof(r->buf))
		return 1; /* a whole frame waits in there: none is longer than the buffer */
	return fill(r, sizeof(r->buf) - r->end);
}

int frame_fill_one(struct frame_reader *r)
{
	struct wire_hdr h;

	move_to_front(r);
	if (r->end < HDR)
		return fill(r, HDR - r->end);
	memcpy(&h, r->buf, HDR);
	if (h.len > WIRE_FRAME_MAX - HDR || r->end >= HDR + h.len)
		return 1;
	return fill(r, HDR + h.len - r->end);
}

static int broken(struct frame_reader *r, const char **why, const char *reason)
{
	r->broken = *why = reason;
	return -EPROTO;
}

int frame_next(struct frame_reader *r, const struct wire_hdr **hdr, const void **payload, const char **why)
{
	size_t waiting = r->end - r->start, at;
	struct wire_hdr h;
	const char *wrong;

	if (r->broken)
		return broken(r, why, r->broken);
	if (waiting < HDR)
		return 0;
	memcpy(&h, r->buf + r->start, HDR);
	/* Before its payload came: a foreign length would be waited for without end. */
	if (h.version != WIRE_VERSION)
		return broken(r, why, "another version");
	if (h.len > WIRE_FRAME_MAX - HDR)
		return broken(r, why, "frame too long");
	if (waiting < HDR + h.len)
		return 0;
	/* The bytes before start were consumed: move the frame back onto them until it is aligned. */
	at = r->start & ~(size_t)7;
	if (at != r->start)
		memmove(r->buf + at, r->buf + r->start, HDR + h.len);
	r->start += HDR + h.len;
	*hdr = (const void *)(r->buf + at);
	*payload = r->buf + at + HDR;
	wrong = wire_check(*hdr, *payload);
	return wrong ? broken(r, why, wrong) : 1;
}

int frame_cut(const struct frame_reader *r)
{
	return r->end != r->start;
}

struct frame_writer *frame_writer_new(int fd, size_t bound_bytes)
{
	struct frame_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->fd = fd;
	w->bound = bound_bytes;
	set_nonblocking(fd);
	return w;
}

void frame_writer_free(struct frame_writer *w)
{
	if (!w)
		return;
	free(w->buf);
	free(w);
}

size_t frame_pending(const struct frame_writer *w)
{
	return w->end - w->start;
}

static void emptied(struct frame_writer *w)
{
	w->start = w->end = 0;
	if (w->size > WRITER_KEPT) {
		free(w->buf);
		w->buf = NULL;
		w->size = 0;
	}
}

int frame_flush(struct frame_writer *w)
{
	ssize_t n;

	while (!w->error && w->start < w->end) {
		n = write(w->fd, w->buf + w->start, w->end - w->start);
		if (n >= 0)
			w->start += (size_t)n;
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return -EAGAIN;
		else if (errno != EINTR)
			w->error = -errno;
	}
	emptied(w);
	return w->error;
}

/* Make room for n more bytes behind end. */
static int reserve(struct frame_writer *w, size_t n)
{
	size_t pending = frame_pending(w), size = w->size ? w->size : WRITER_FIRST;
	char *buf;

	if (pending + n > w->bound)
		return -ENOBUFS;
	if (w->size - w->end >= n)
		return 0;
	/* Moving is cheap as long as at least as much was written as has to be moved. */
	if (w->size - pending >= n && w->start >= pending) {
		memmove(w->buf, w->buf + w->start, pending);
	} else {
		while (size < pending + n)
			size *= 2;
		if (size == w->size) /* it would fit, but too much had to be moved each time */
			size *= 2;
		buf = malloc(size);
		if (!buf)
			return -ENOBUFS;
		if (pending > 0)
			memcpy(buf, w->buf + w->start, pending);
		free(w->buf);
		w->buf = buf;
		w->size = size;
	}
	w->start = 0;
	w->end = pending;
	return 0;
}

static void append(struct frame_writer *w, const void *bytes, size_t len)
{
	if (len > 0)
		memcpy(w->buf + w->end, bytes, len);
	w->end += len;
}

int frame_put(struct frame_writer *w, enum wire_type type, const void *head, size_t head_len,
	      const void *tail, size_t tail_len)
{
	struct wire_hdr hdr = {.version = WIRE_VERSION, .type = (__u16)type};
	size_t len = head_len + tail_len;

	if (head_len > WIRE_FRAME_MAX || tail_len > WIRE_FRAME_MAX || HDR + len > WIRE_FRAME_MAX)
		return -EMSGSIZE;
	if (!w->error && frame_pending(w) + HDR + len > w->bound)
		(void)frame_flush(w); /* the reader may have caught up since */
	if (!w->error && reserve(w, HDR + len) != 0)
		return -ENOBUFS;
	hdr.len = (__u32)len;
	if (w->tee)
		w->tee(w->tee_arg, &hdr, head, head_len, tail, tail_len);
	if (w->error)
		return w->error;
	append(w, &hdr, HDR);
	append(w, head, head_len);
	append(w, tail, tail_len);
	if (frame_pending(w) >= FRAME_BATCH)
		(void)frame_flush(w); /* what went wrong is kept for the next call */
	return 0;
}

void frame_writer_tee(struct frame_writer *w, frame_tee *tee, void *arg)
{
	w->tee = tee;
	w->tee_arg = arg;
}

int frame_pass(struct frame_writer *w, const struct wire_hdr *hdr, const void *payload)
{
	return frame_put(w, (enum wire_type)hdr->type, payload, hdr->len, NULL, 0);
}
