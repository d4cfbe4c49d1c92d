// SPDX-License-Identifier: GPL-2.0-or-later
/* What the journal hands to the next run, whenever this one is killed. To be killed is to be looked at by
 * another mapping of the same memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "collector/journal.h"

#define ID 77

static struct journal *j;

static int setup(void **state)
{
	(void)state;
	j = journal_new(ID);
	return j ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	journal_free(j);
	return 0;
}

static void add(enum wire_type type, const void *payload, size_t len)
{
	struct wire_hdr hdr = {.version = WIRE_VERSION, .type = type, .len = len};

	journal_add(j, &hdr, payload, len, NULL, 0);
}

static void flow(uint64_t bytes)
{
	struct wire_flow f = {.sent_bytes = bytes, .family = 2};

	add(WIRE_FLOW, &f, sizeof(f));
}

static void window(wire_ns to_ns)
{
	struct wire_window w = {.to_ns = to_ns};

	add(WIRE_WINDOW, &w, sizeof(w));
}

static void exec(uint32_t tgid, enum wire_exec_source source)
{
	struct wire_exec e = {.image.tgid = tgid, .image.start_ns = 1000 + tgid, .source = source};

	add(WIRE_EXEC, &e, sizeof(e));
}

static void ended(uint32_t tgid)
{
	struct wire_exit e = {.tgid = tgid, .start_ns = 1000 + tgid};

	add(WIRE_EXIT, &e, sizeof(e));
}

/* Done with so much that the rest is copied. */
static void copies(wire_ns to_ns)
{
	for (int i = 0; i < 500; i++)
		flow(1);
	window(to_ns);
	journal_durable(j, to_ns);
}

static char said[4096];

static int say(void *arg, const struct wire_hdr *hdr, const void *payload)
{
	size_t used = strlen(said);
	char *at = said + used;
	size_t size = sizeof(said) - used;

	(void)arg;
	switch (hdr->type) {
	case WIRE_FLOW:
		snprintf(at, size, "f%llu ",
			 (unsigned long long)((const struct wire_flow *)payload)->sent_bytes);
		break;
	case WIRE_WINDOW:
		snprintf(at, size, "w%llu ",
			 (unsigned long long)((const struct wire_window *)payload)->to_ns);
		break;
	case WIRE_EXEC:
		snprintf(at, size, "e%u ", ((const struct wire_exec *)payload)->image.tgid);
		break;
	case WIRE_EXIT:
		snprintf(at, size, "x%u ", ((const struct wire_exit *)payload)->tgid);
		break;
	default:
		snprintf(at, size, "?%u ", hdr->type);
	}
	return 0;
}

/* What the next run would hear, and the number of the first fact in it. */
static const char *next_run(uint64_t *first)
{
	struct journal *next = journal_adopt(journal_fd(j));

	assert_non_null(next);
	assert_int_equal(journal_id(next), ID);
	assert_int_equal(journal_facts(next), journal_facts(j));
	said[0] = '\0';
	assert_int_equal(journal_replay(next, say, NULL), 0);
	*first = journal_first(next);
	journal_free(next);
	return said;
}

static void what_is_not_durable_is_sent_again(void **state)
{
	struct wire_tick tick = {0};
	uint64_t first;

	(void)state;
	assert_string_equal(next_run(&first), "");
	assert_int_equal(first, 0);
	flow(1);
	add(WIRE_TICK, &tick, sizeof(tick)); /* of no interest */
	flow(2);
	window(10);
	flow(3);
	assert_string_equal(next_run(&first), "f1 f2 w10 f3 ");
	assert_int_equal(first, 0);
	journal_durable(j, 9); /* no such window */
	assert_string_equal(next_run(&first), "f1 f2 w10 f3 ");
	journal_durable(j, 10);
	assert_string_equal(next_run(&first), "f3 ");
	assert_int_equal(first, 2);
	window(20);
	window(30);
	journal_durable(j, 30);
	assert_string_equal(next_run(&first), "");
	assert_int_equal(first, 3);
}

static void facts_are_numbered(void **state)
{
	struct wire_loss loss = {.stage = WIRE_STAGE_COLLECTOR};
	uint64_t first;

	(void)state;
	exec(5, WIRE_EXEC_EXECVE);
	exec(5, WIRE_EXEC_NETWORK);
	add(WIRE_LOSS, &loss, sizeof(loss));
	loss.stage = WIRE_STAGE_HASHER;
	add(WIRE_LOSS, &loss, sizeof(loss));
	flow(1);
	assert_int_equal(journal_facts(j), 3);
	copies(10);
	assert_int_equal(journal_facts(j), 503);
	flow(7);
	next_run(&first);
	assert_int_equal(first, 503);
}

/* Images of windows past come first: those that used the network, until their process ended and was done
 * with. */
static void who_may_have_traffic_stays(void **state)
{
	uint64_t first;

	(void)state;
	exec(1, WIRE_EXEC_RUNNING);
	exec(2, WIRE_EXEC_EXECVE);
	exec(3, WIRE_EXEC_EXECVE);
	exec(3, WIRE_EXEC_NETWORK);
	exec(4, WIRE_EXEC_NETWORK);
	ended(4);
	exec(3, WIRE_EXEC_NETWORK); /* again: the last word counts */
	copies(10);
	exec(6, WIRE_EXEC_NETWORK);
	flow(9);
	assert_string_equal(next_run(&first), "e1 e4 e3 e6 f9 ");
	assert_int_equal(first, 502);
	ended(1);
	copies(20);
	assert_string_equal(next_run(&first), "e1 e3 e6 ");
	copies(30);
	assert_string_equal(next_run(&first), "e3 e6 ");
}

static void what_does_not_fit_is_counted(void **state)
{
	uint64_t first, bytes;
	unsigned n = 0;

	(void)state;
	flow(1);
	window(10);
	for (; !journal_missed(j, &bytes); n++)
		flow(2);
	assert_in_range(n, JOURNAL_HALF / 200, JOURNAL_HALF / 140);
	assert_int_equal(bytes, 2);
	flow(40);
	window(20);
	assert_true(journal_missed(j, &bytes));
	assert_int_equal(bytes, 42);
	assert_int_equal(journal_facts(j), n + 2);
	journal_durable(j, 10); /* there is room now, but there would be a gap */
	flow(5);
	window(30);
	assert_int_equal(journal_facts(j), n + 3);
	journal_durable(j, 30);
	assert_false(journal_missed(j, &bytes));
	assert_string_equal(next_run(&first), "");
	assert_int_equal(first, n + 3);
	flow(6);
	assert_string_equal(next_run(&first), "f6 ");
	assert_int_equal(first, n + 3);
}

static void rubbish_is_refused(void **state)
{
	struct journal *next;
	char *memory = journal_notes(j);
	FILE *other = tmpfile();

	(void)state;
	assert_null(journal_adopt(fileno(other)));
	fclose(other);
	strcpy(memory, "notes");
	flow(1);
	next = journal_adopt(journal_fd(j));
	assert_non_null(next);
	assert_string_equal(journal_notes(next), "notes");
	journal_free(next);
	/* any byte of the marks or of the frame in front */
	for (size_t at = 0; at < 64; at++) {
		char was = 0, wrong = 0x55;

		if (pread(journal_fd(j), &was, 1, at) != 1 || pwrite(journal_fd(j), &wrong, 1, at) != 1)
			fail();
		journal_free(journal_adopt(journal_fd(j)));
		if (pwrite(journal_fd(j), &was, 1, at) != 1)
			fail();
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_not_durable_is_sent_again),
		TEST(facts_are_numbered),
		TEST(who_may_have_traffic_stays),
		TEST(what_does_not_fit_is_counted),
		TEST(rubbish_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
