// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_losses.c - losses add up, gaps do not, and a flood of them is bounded without losing a count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/losses.h"
#include "tests/unit/store/scratch.h"

static struct scratch s;
static struct losses *losses;

static int setup(void **state)
{
	(void)state;
	scratch_open(&s);
	losses = losses_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	losses_free(losses);
	scratch_close(&s);
	return 0;
}

static int add(unsigned kind, uint64_t from, uint64_t to, const char *detail)
{
	struct wire_loss l = {.from_ns = from * FEED_NS,
			      .to_ns = to * FEED_NS,
			      .records = 1,
			      .bytes = 10,
			      .kind = kind,
			      .stage = WIRE_STAGE_COLLECTOR};

	return losses_add(losses, &l, detail, strlen(detail));
}

static void write_all(void)
{
	scratch_run(&s, "BEGIN");
	assert_int_equal(losses_write(losses, &s.db), 0);
	scratch_run(&s, "COMMIT");
	losses_clear(losses);
}

static void the_same_again_adds_up(void **state)
{
	(void)state;
	assert_int_equal(add(WIRE_LOSS_PIPE, 100, 110, "x"), 1);
	assert_int_equal(add(WIRE_LOSS_PIPE, 90, 105, "x"), 0);
	assert_int_equal(add(WIRE_LOSS_PIPE, 100, 110, "y"), 1);
	write_all();
	add(WIRE_LOSS_PIPE, 120, 130, "x"); /* goes on in the next window: the row grows */
	write_all();
	add(WIRE_LOSS_PIPE, 5000, 5000, "x"); /* long after: another row */
	write_all();
	assert_string_equal(scratch_ask(&s, "SELECT time_from, time_to, records, bytes, detail FROM loss"
					    " ORDER BY time_to, detail"),
			    "100|110|1|10|y\n90|130|3|30|x\n5000|5000|1|10|x");
}

/* To whoever reads it, one trouble is one row, whatever its details were; the table has them all. */
static void one_trouble_is_one_row(void **state)
{
	char detail[32];
	unsigned i;

	(void)state;
	for (i = 0; i < 100; i++) { /* a second each, with a detail of its own */
		snprintf(detail, sizeof(detail), "detail %u", i);
		add(WIRE_LOSS_RING_FULL, 1000 + i, 1001 + i, detail);
		add(WIRE_LOSS_MOUNT, 1000, 1000, i % 2 ? "/mnt/a" : "/mnt/b"); /* two things, not one */
		write_all();
	}
	add(WIRE_LOSS_PEER, 1050, 1051, "x");
	add(WIRE_LOSS_RING_FULL, 1700, 1701, "later"); /* within ten minutes of the last */
	write_all();
	add(WIRE_LOSS_RING_FULL, 2302, 2303, "again");
	write_all();
	assert_string_equal(scratch_ask(&s,
					"SELECT unix_from, unix_to, kind, records, bytes, detail FROM losses"
					" ORDER BY unix_from, kind, detail"),
			    "1000|1000|mount|50|500|/mnt/a\n1000|1000|mount|50|500|/mnt/b\n"
			    "1000|1701|ring full|101|1010|later (and others)\n1050|1051|peer|1|10|x\n"
			    "2302|2303|ring full|1|10|again");
	assert_string_equal(scratch_ask(&s, "SELECT time_from, time_to FROM losses WHERE kind = 'peer'"),
			    "1970-01-01T00:17:30Z|1970-01-01T00:17:31Z");
	assert_string_equal(scratch_ask(&s, "SELECT count(*) FROM loss WHERE kind = 2"), "102");
}

/* Another stage's trouble is another trouble. */
static void stages_are_told_apart(void **state)
{
	struct wire_loss l = {.from_ns = FEED_NS, .to_ns = FEED_NS, .records = 1, .kind = WIRE_LOSS_PIPE};

	(void)state;
	for (l.stage = WIRE_STAGE_COLLECTOR; l.stage < WIRE_CHAIN_END; l.stage++)
		losses_add(losses, &l, "x", 1);
	write_all();
	assert_string_equal(scratch_ask(&s, "SELECT stage FROM losses ORDER BY 1"),
			    "collector\nhasher\nstore");
}

static void every_kind_has_its_words(void **state)
{
	char want[64];
	unsigned kind;

	(void)state;
	for (kind = 0; kind < WIRE_LOSS__MAX; kind++)
		add(kind, 1000, 1000, "x");
	write_all();
	snprintf(want, sizeof(want), "%d|%d|%d|%d", WIRE_LOSS__MAX, WIRE_LOSS__MAX, WIRE_LOSS__MAX,
		 WIRE_LOSS__MAX - 3);
	assert_string_equal(
		scratch_ask(&s, "SELECT count(kind), count(meaning), count(advice), count(records_are)"
				" FROM losses"),
		want);
	assert_string_equal(scratch_ask(&s, "SELECT kind FROM losses WHERE records_are IS NULL ORDER BY 1"),
			    "clock\nnot watching\nsuspended");
}

static void two_gaps_are_two(void **state)
{
	(void)state;
	add(WIRE_LOSS_NOT_WATCHING, 100, 110, "x");
	add(WIRE_LOSS_NOT_WATCHING, 200, 210, "x");
	write_all();
	add(WIRE_LOSS_SUSPENDED, 300, 310, "y");
	write_all();
	add(WIRE_LOSS_SUSPENDED, 320, 330, "y");
	write_all();
	assert_string_equal(scratch_ask(&s, "SELECT unix_from, unix_to FROM losses ORDER BY unix_from"),
			    "100|110\n200|210\n300|310\n320|330");
}

static void a_flood_is_counted(void **state)
{
	char detail[32];
	unsigned i;

	(void)state;
	for (i = 0; i < 10000; i++) {
		snprintf(detail, sizeof(detail), "mount %u", i);
		add(WIRE_LOSS_MOUNT, 100, 100, detail);
	}
	assert_true(losses_count(losses) <= LOSSES_MAX + 1);
	write_all();
	assert_string_equal(scratch_ask(&s, "SELECT sum(records), sum(bytes) FROM losses"), "10000|100000");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_same_again_adds_up),	TEST(one_trouble_is_one_row), TEST(stages_are_told_apart),
		TEST(every_kind_has_its_words), TEST(two_gaps_are_two),	      TEST(a_flood_is_counted),
	};

	return cmocka_run_group_tests_name("store losses", tests, NULL, NULL);
}
