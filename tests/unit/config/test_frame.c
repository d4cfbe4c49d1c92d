// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_frame.c - frames through real pipes: batches, partial writes, the bound, every cut, broken peers.
 */
#include "config/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

struct pair {
	int ends[2];
	struct frame_reader *r;
	struct frame_writer *w;
};

static void open_pair(struct pair *p, size_t bound)
{
	assert_int_equal(pipe2(p->ends, O_CLOEXEC), 0);
	p->r = frame_reader_new(p->ends[0]);
	p->w = frame_writer_new(p->ends[1], bound);
	assert_true(p->r && p->w);
}

static void close_pair(struct pair *p)
{
	frame_reader_free(p->r);
	frame_writer_free(p->w);
	if (p->ends[0] >= 0)
		close(p->ends[0]);
	if (p->ends[1] >= 0)
		close(p->ends[1]);
}

static int put_tick(struct frame_writer *w, uint64_t sequence)
{
	struct wire_tick tick = {.sequence = sequence};

	return frame_put(w, WIRE_TICK, &tick, sizeof(tick), NULL, 0);
}

/* A WIRE_ERROR with len bytes of text: frames of every length. */
static int put_text(struct frame_writer *w, size_t len)
{
	struct wire_error head = {.text_len = (__u32)len};
	char text[WIRE_TEXT_MAX];

	memset(text, 'a' + (int)(len % 26), len);
	return frame_put(w, WIRE_ERROR, &head, sizeof(head), text, len);
}

static void check_text(const struct wire_hdr *hdr, const void *payload, size_t len)
{
	const char *text = (const char *)payload + sizeof(struct wire_error);
	size_t i;

	assert_int_equal(hdr->type, WIRE_ERROR);
	assert_int_equal(hdr->len, sizeof(struct wire_error) + len);
	assert_int_equal((uintptr_t)payload % 8, 0);
	for (i = 0; i < len; i++)
		assert_int_equal(text[i], 'a' + (int)(len % 26));
}

static void test_round_trip(void **state)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	struct pair p;
	size_t len, got = 0;
	int rc;

	(void)state;
	open_pair(&p, 1 << 20);
	assert_int_equal(frame_fill(p.r), -EAGAIN);
	for (len = 0; len < 300; len++)
		assert_int_equal(put_text(p.w, len), 0);
	/* More than FRAME_BATCH was put: some of it is in the pipe already, unasked. */
	assert_int_equal(frame_fill(p.r), 1);
	assert_int_equal(frame_flush(p.w), 0);
	assert_int_equal(frame_pending(p.w), 0);
	do {
		while ((rc = frame_next(p.r, &hdr, &payload, &why)) == 1)
			check_text(hdr, payload, got++);
		assert_int_equal(rc, 0);
	} while (frame_fill(p.r) == 1);
	assert_int_equal(got, 300);
	close(p.ends[1]);
	p.ends[1] = -1;
	assert_int_equal(frame_fill(p.r), 0);
	assert_false(frame_cut(p.r));
	close_pair(&p);
}

static void test_batches(void **state)
{
	struct pair p;

	(void)state;
	open_pair(&p, 1 << 20);
	assert_int_equal(put_tick(p.w, 1), 0);
	assert_int_equal(frame_fill(p.r), -EAGAIN);
	assert_int_equal(frame_pending(p.w), sizeof(struct wire_hdr) + sizeof(struct wire_tick));
	assert_int_equal(frame_flush(p.w), 0);
	assert_int_equal(frame_fill(p.r), 1);
	close_pair(&p);
}

/* Writer and reader take turns over a pipe much smaller than what is written. */
static void test_partial_writes(void **state)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	struct pair p;
	size_t put = 0, got = 0;
	int rc, full = 0;

	(void)state;
	open_pair(&p, 200000);
	assert_true(fcntl(p.ends[1], F_SETPIPE_SZ, 4096) >= 4096);
	while (got < 2000) {
		while (put < 2000 && put_text(p.w, put * 7 % WIRE_TEXT_MAX) == 0)
			put++;
		full += put < 2000;
		rc = frame_flush(p.w);
		assert_true(rc == 0 || rc == -EAGAIN);
		assert_int_equal(frame_fill(p.r), 1);
		while ((rc = frame_next(p.r, &hdr, &payload, &why)) == 1) {
			check_text(hdr, payload, got * 7 % WIRE_TEXT_MAX);
			got++;
		}
		assert_int_equal(rc, 0);
	}
	assert_true(full > 0);
	assert_int_equal(frame_pending(p.w), 0);
	close_pair(&p);
}

static void test_bound(void **state)
{
	const size_t frame = sizeof(struct wire_hdr) + sizeof(struct wire_tick);
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	struct pair p;
	uint64_t put = 0, got = 0;

	(void)state;
	open_pair(&p, 10 * frame + 3);
	assert_true(fcntl(p.ends[1], F_SETPIPE_SZ, 4096) >= 4096);
	while (put_tick(p.w, put) == 0)
		put++;
	/* Ten wait, as the bound has it; the frame that was refused left no byte behind. */
	assert_int_equal(frame_pending(p.w), 10 * frame);
	assert_in_range(put, 10 + 1, 4096 / frame + 10);
	assert_int_equal(put_tick(p.w, put), -ENOBUFS);
	while (got < put) {
		(void)frame_fill(p.r);
		while (frame_next(p.r, &hdr, &payload, &why) == 1)
			assert_int_equal(((const struct wire_tick *)payload)->sequence, got++);
		(void)frame_flush(p.w);
	}
	assert_int_equal(put_tick(p.w, put), 0);
	close_pair(&p);
}

static void test_sizes(void **state)
{
	static char big[WIRE_FRAME_MAX];
	struct wire_settings head = {.generation = 1, .text_len = WIRE_SETTINGS_MAX};
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	struct pair p;
	int rc;

	(void)state;
	open_pair(&p, 2 * WIRE_FRAME_MAX);
	memset(big, ' ', sizeof(big));
	assert_int_equal(frame_put(p.w, WIRE_SETTINGS, big, WIRE_FRAME_MAX - 7, NULL, 0), -EMSGSIZE);
	assert_int_equal(frame_put(p.w, WIRE_SETTINGS, big, SIZE_MAX, big, 9), -EMSGSIZE);
	assert_int_equal(frame_put(p.w, WIRE_SETTINGS, &head, sizeof(head), big, WIRE_SETTINGS_MAX), 0);
	while ((rc = frame_next(p.r, &hdr, &payload, &why)) == 0) {
		(void)frame_flush(p.w);
		assert_int_equal(frame_fill(p.r), 1);
	}
	assert_int_equal(rc, 1);
	assert_int_equal(hdr->len, sizeof(head) + WIRE_SETTINGS_MAX);
	assert_int_equal(frame_pass(p.w, hdr, payload), 0);
	close_pair(&p);
}

static void test_reader_gone(void **state)
{
	struct pair p;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	open_pair(&p, 1 << 20);
	close(p.ends[0]);
	assert_int_equal(put_tick(p.w, 1), 0);
	assert_int_equal(frame_flush(p.w), -EPIPE);
	assert_int_equal(frame_flush(p.w), -EPIPE);
	assert_int_equal(put_tick(p.w, 2), -EPIPE);
	p.ends[0] = dup(p.ends[1]);
	close_pair(&p);
}

/* A stream of two frames, cut at each byte: whole frames come out, the rest is known as cut. */
static void test_truncated(void **state)
{
	const size_t first = 8 + sizeof(struct wire_tick), whole = first + 8 + sizeof(struct wire_error) + 5;
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	char stream[256];
	struct pair p;
	size_t cut;
	int n;

	(void)state;
	open_pair(&p, 4096);
	put_tick(p.w, 1);
	put_text(p.w, 5);
	assert_int_equal(frame_flush(p.w), 0);
	assert_int_equal(read(p.ends[0], stream, sizeof(stream)), whole);
	close_pair(&p);
	for (cut = 0; cut <= whole; cut++) {
		open_pair(&p, 4096);
		assert_int_equal(write(p.ends[1], stream, cut), cut);
		close(p.ends[1]);
		p.ends[1] = -1;
		while (frame_fill(p.r) == 1)
			;
		for (n = 0; frame_next(p.r, &hdr, &payload, &why) == 1; n++)
			;
		assert_int_equal(n, (cut >= first) + (cut >= whole));
		assert_int_equal(frame_cut(p.r) != 0, cut != 0 && cut != first && cut != whole);
		close_pair(&p);
	}
}

static void refuses(const struct wire_hdr *hdr, const char *want)
{
	const struct wire_hdr *h;
	const void *payload;
	const char *why = NULL;
	struct pair p;

	open_pair(&p, 4096);
	assert_int_equal(write(p.ends[1], hdr, sizeof(*hdr)), sizeof(*hdr));
	assert_int_equal(frame_fill(p.r), 1);
	assert_int_equal(frame_next(p.r, &h, &payload, &why), -EPROTO);
	assert_string_equal(why, want);
	/* A good frame behind it does not heal the peer. */
	put_tick(p.w, 1);
	frame_flush(p.w);
	(void)frame_fill(p.r);
	assert_int_equal(frame_next(p.r, &h, &payload, &why), -EPROTO);
	close_pair(&p);
}

static void test_broken(void **state)
{
	(void)state;
	refuses(&(struct wire_hdr){.version = WIRE_VERSION + 1, .type = WIRE_TICK, .len = 8},
		"another version");
	refuses(&(struct wire_hdr){.version = WIRE_VERSION, .type = WIRE_TICK, .len = WIRE_FRAME_MAX},
		"frame too long");
	refuses(&(struct wire_hdr){.version = WIRE_VERSION, .type = WIRE_TICK, .len = 0}, "record too short");
	refuses(&(struct wire_hdr){.version = WIRE_VERSION, .type = WIRE__MAX, .len = 0}, "unknown type");
}

static void test_fill_one(void **state)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	struct pair p;
	int n;

	(void)state;
	open_pair(&p, 4096);
	put_text(p.w, 3);
	put_tick(p.w, 2);
	frame_flush(p.w);
	for (n = 0; frame_next(p.r, &hdr, &payload, &why) == 0; n++)
		assert_int_equal(frame_fill_one(p.r), 1);
	check_text(hdr, payload, 3);
	assert_int_equal(n, 2);
	assert_int_equal(frame_next(p.r, &hdr, &payload, &why), 0);
	assert_false(frame_cut(p.r));
	assert_int_equal(frame_fill(p.r), 1);
	assert_int_equal(frame_next(p.r, &hdr, &payload, &why), 1);
	close_pair(&p);
}

struct shown {
	unsigned frames;
	uint64_t last;
};

static void note(void *arg, const struct wire_hdr *hdr, const void *head, size_t head_len, const void *tail,
		 size_t tail_len)
{
	struct shown *shown = arg;

	assert_int_equal(hdr->type, WIRE_TICK);
	assert_int_equal(hdr->len, head_len + tail_len);
	assert_null(tail);
	shown->frames++;
	memcpy(&shown->last, head, sizeof(shown->last));
}

/* A journal must have what nobody reads any more: who read it may have been killed. */
static void test_tee(void **state)
{
	const size_t size = sizeof(struct wire_hdr) + sizeof(struct wire_tick);
	struct shown shown = {0};
	struct pair p;
	uint64_t i;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	open_pair(&p, 2 * size);
	assert_int_equal(put_tick(p.w, 1), 0);
	frame_writer_tee(p.w, note, &shown);
	assert_int_equal(put_tick(p.w, 2), 0);
	assert_int_equal(shown.frames, 1);
	assert_int_equal(shown.last, 2);
	for (i = 3; put_tick(p.w, i) == 0; i++) /* until the pipe is full */
		assert_int_equal(shown.last, i);
	assert_int_equal(shown.last, i - 1); /* the refused one was not shown */
	close(p.ends[0]);
	p.ends[0] = -1;
	assert_int_equal(frame_flush(p.w), -EPIPE);
	assert_int_equal(put_tick(p.w, 77), -EPIPE);
	assert_int_equal(shown.last, 77);
	frame_writer_tee(p.w, NULL, NULL);
	assert_int_equal(put_tick(p.w, 78), -EPIPE);
	assert_int_equal(shown.last, 77);
	close_pair(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tee),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_partial_writes),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_reader_gone),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_fill_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
