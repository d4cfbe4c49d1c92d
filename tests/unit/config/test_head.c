// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_head.c - heartbeats, flush orders and settings down a pipe, with a clock of the test's own.
 */
#include "config/head.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/frame.h"

struct rig {
	int ends[2];
	struct frame_reader *reader;
	struct head *head;
	char config[64];
};

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	assert_int_equal(pipe(r->ends), 0);
	r->reader = frame_reader_new(r->ends[0]);
	r->head = head_new(r->ends[1], 1000);
	strcpy(r->config, "/tmp/femtosnitch-test-XXXXXX");
	close(mkstemp(r->config));
	assert_true(r->reader && r->head);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	unlink(r->config);
	frame_reader_free(r->reader);
	head_free(r->head);
	close(r->ends[0]);
	close(r->ends[1]);
	free(r);
	return 0;
}

/* The payload of the next frame, which is of that type; NULL: there is none. */
static const void *next(struct rig *r, enum wire_type type)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;

	if (frame_next(r->reader, &hdr, &payload, &why) != 1) {
		(void)frame_fill(r->reader);
		if (frame_next(r->reader, &hdr, &payload, &why) != 1)
			return NULL;
	}
	assert_int_equal(hdr->type, type);
	return payload;
}

static void write_config(struct rig *r, const char *text)
{
	FILE *f = fopen(r->config, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_ticks(void **state)
{
	struct rig *r = *state;
	const struct wire_tick *tick;

	assert_int_equal(head_tick(r->head, 1000), 0);
	tick = next(r, WIRE_TICK);
	assert_true(tick && tick->sequence == 1);
	assert_int_equal(head_next_tick_ms(r->head), 6000);
	assert_int_equal(head_tick(r->head, 5999), 0);
	assert_null(next(r, WIRE_TICK));
	assert_true(head_tick_back(r->head, 1, 5999));
	assert_false(head_tick_back(r->head, 1, 5999)); /* feeds no watchdog twice */
	assert_false(head_tick_back(r->head, 2, 5999));
	assert_int_equal(head_tick(r->head, 6000), 0);
	tick = next(r, WIRE_TICK);
	assert_true(tick && tick->sequence == 2);
}

static void test_stuck(void **state)
{
	struct rig *r = *state;
	int64_t now = 1000;

	while (now < 1000 + HEAD_START_MS) { /* the first may take long */
		assert_int_equal(head_tick(r->head, now), 0);
		now += 5000;
	}
	assert_int_equal(head_tick(r->head, now), -ETIMEDOUT);
	/* One that comes late is enough: the chain moves. */
	assert_true(head_tick_back(r->head, 1, now));
	assert_int_equal(head_tick(r->head, now), 0);
	assert_int_equal(head_tick(r->head, now + HEAD_STUCK_MS), -ETIMEDOUT);
}

/* After a day asleep with every heartbeat back, the next one is not late already. */
static void test_not_stuck_when_idle(void **state)
{
	struct rig *r = *state;

	assert_int_equal(head_tick(r->head, 1000), 0);
	assert_true(head_tick_back(r->head, 1, 1001));
	assert_int_equal(head_tick(r->head, 100000000), 0);
	assert_int_equal(head_tick(r->head, 100000000 + 5000), 0);
}

static void test_flush(void **state)
{
	struct rig *r = *state;
	const struct wire_flush *flush;

	assert_int_equal(head_flush(r->head), 1);
	assert_int_equal(head_flush(r->head), 2);
	flush = next(r, WIRE_FLUSH);
	assert_true(flush && flush->id == 1);
	flush = next(r, WIRE_FLUSH);
	assert_true(flush && flush->id == 2);
}

static void test_settings(void **state)
{
	struct rig *r = *state;
	const struct wire_settings *frame;
	struct report report = {0};

	write_config(r, "{\"Dash theme\": \"dark\"} # comment");
	assert_int_equal(head_settings(r->head, r->config, &report), 0);
	frame = next(r, WIRE_SETTINGS);
	assert_true(frame && frame->generation == 1);
	assert_memory_equal(frame + 1, "{\"Dash theme\": \"dark\"} ", frame->text_len);
	assert_non_null(strstr(report.notices, "not in this build"));
	/* What is refused changes nothing. */
	write_config(r, "{\"GeoIP lookup\": 1}");
	assert_int_equal(head_settings(r->head, r->config, &report), -EINVAL);
	assert_int_equal(head_generation(r->head), 1);
	assert_null(next(r, WIRE_SETTINGS));
	assert_non_null(report.notices);
	unlink(r->config);
	assert_int_equal(head_settings(r->head, r->config, &report), -ENOENT);
	write_config(r, "{\"GeoIP lookup\": false}");
	assert_int_equal(head_settings(r->head, r->config, &report), 0);
	assert_null(report.notices);
	assert_int_equal(head_generation(r->head), 2);
	report_free(&report);
}

static void test_no_config(void **state)
{
	struct rig *r = *state;
	const struct wire_settings *frame;
	struct report report = {0};

	unlink(r->config);
	assert_int_equal(head_settings(r->head, r->config, &report), 0);
	frame = next(r, WIRE_SETTINGS);
	assert_true(frame && frame->text_len == 2);
	assert_non_null(strstr(report.notices, "the defaults are used"));
	report_free(&report);
}

/* The collector does not read: what waits is bounded, and an order that cannot be given is said. */
static void test_nobody_reads(void **state)
{
	struct rig *r = *state;
	int i;

	for (i = 0; i < 100000 && head_flush(r->head) > 0; i++)
		;
	assert_in_range(i, 1000, 50000);
	assert_true(head_waits(r->head));
	assert_true(head_write(r->head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ticks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stuck, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_stuck_when_idle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flush, setup, teardown),
		cmocka_unit_test_setup_teardown(test_settings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_config, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_reads, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
