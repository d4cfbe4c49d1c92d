// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_stage.c - what all stages do alike: arguments, the first settings, and what they say downstream.
 */
#include "config/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define MAX_ARGS 16

static char *good_args[] = {"x", "--state-dir", "/s", "--log-dir", "/l", "--uid", "12", "--gid", "34", NULL};

struct child {
	pid_t pid;
	int in, out; /* what it reads, what it writes */
	struct frame_writer *w;
	struct frame_reader *r;
};

/* A child that starts as a stage, then calls then() and exits with its value. */
static void spawn(struct child *c, char **args, int (*then)(struct stage *))
{
	int in[2], out[2], argc = 0;
	struct stage s;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	while (args[argc])
		argc++;
	fflush(NULL);
	c->pid = fork();
	if (c->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		stage_start(&s, WIRE_STAGE_HASHER, 1 << 20, argc, args);
		_exit(then ? then(&s) : 50);
	}
	close(in[0]);
	close(out[1]);
	c->in = in[1];
	c->out = out[0];
	c->w = frame_writer_new(c->in, 1 << 20);
	c->r = frame_reader_new(c->out);
}

static int ends(struct child *c)
{
	int status;

	frame_writer_free(c->w);
	frame_reader_free(c->r);
	if (c->in >= 0)
		close(c->in);
	waitpid(c->pid, &status, 0);
	close(c->out);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void give_settings(struct child *c, unsigned generation, const char *text)
{
	struct wire_settings head = {.generation = generation, .text_len = (__u32)strlen(text)};

	assert_int_equal(frame_put(c->w, WIRE_SETTINGS, &head, sizeof(head), text, strlen(text)), 0);
	assert_int_equal(frame_flush(c->w), 0);
}

static const void *get(struct child *c, enum wire_type type)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why = "";
	int rc, i;

	for (i = 0; (rc = frame_next(c->r, &hdr, &payload, &why)) == 0 && i < 500; i++)
		if (frame_fill(c->r) == -EAGAIN)
			usleep(10000);
	if (rc != 1)
		fail_msg("no frame: %d %s", rc, why);
	assert_int_equal(hdr->type, type);
	return payload;
}

static int check_start(struct stage *s)
{
	struct sigaction sa;
	int i;
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

	for (i = 0; i < 4; i++)
		if (sigaction(ignored[i], NULL, &sa) < 0 || sa.sa_handler != SIG_IGN)
			return 1;
	return strcmp(s->state_dir, "/s") == 0 && strcmp(s->log_dir, "/l") == 0 && s->uid == 12 &&
			       s->gid == 34 && s->id == WIRE_STAGE_HASHER && s->settings.write_limit_s == 3 &&
			       s->settings_generation == 1
		       ? 0
		       : 2;
}

static void test_start(void **state)
{
	const struct wire_settings *passed;
	struct child c;

	(void)state;
	spawn(&c, good_args, check_start);
	give_settings(&c, 1, "{\"DB write limit (seconds)\": 3}");
	passed = get(&c, WIRE_SETTINGS);
	assert_int_equal(passed->generation, 1);
	assert_memory_equal(passed + 1, "{\"DB write limit (seconds)\": 3}", passed->text_len);
	assert_int_equal(ends(&c), 0);
}

/* What came right behind the settings must still be in the pipe, where poll(2) sees it. */
static int next_is_in_pipe(struct stage *s)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;

	if (frame_next(s->in, &hdr, &payload, &why) != 0 || frame_fill(s->in) != 1)
		return 1;
	return frame_next(s->in, &hdr, &payload, &why) == 1 && hdr->type == WIRE_TICK ? 0 : 2;
}

static void test_nothing_swallowed(void **state)
{
	struct wire_settings head = {.generation = 1, .text_len = 2};
	struct wire_tick tick = {.sequence = 1};
	struct child c;

	(void)state;
	spawn(&c, good_args, next_is_in_pipe);
	frame_put(c.w, WIRE_SETTINGS, &head, sizeof(head), "{}", 2);
	frame_put(c.w, WIRE_TICK, &tick, sizeof(tick), NULL, 0);
	assert_int_equal(frame_flush(c.w), 0);
	assert_int_equal(ends(&c), 0);
}

static void test_end_of_file(void **state)
{
	struct child c;

	(void)state;
	spawn(&c, good_args, NULL);
	assert_int_equal(ends(&c), 0);
	spawn(&c, good_args, NULL);
	assert_int_equal(write(c.in, "\001", 1), 1);
	assert_int_equal(ends(&c), 1);
}

static void test_broken_peer(void **state)
{
	struct wire_tick tick = {.sequence = 1};
	struct child c;

	(void)state;
	spawn(&c, good_args, NULL);
	frame_put(c.w, WIRE_TICK, &tick, sizeof(tick), NULL, 0);
	frame_flush(c.w);
	assert_int_equal(ends(&c), 1);
	spawn(&c, good_args, NULL);
	give_settings(&c, 1, "{\"Nonsense\": 1}");
	assert_int_equal(ends(&c), 1);
	spawn(&c, good_args, NULL);
	assert_int_equal(write(c.in, "GET / HTTP/1.0\r\n", 16), 16);
	assert_int_equal(ends(&c), 1);
}

static void test_bad_arguments(void **state)
{
	static char *bad[][MAX_ARGS] = {
		{"x", NULL},
		{"x", "--state-dir", "/s", "--log-dir", "/l", "--uid", "12", NULL},
		{"x", "--state-dir", "/s", "--log-dir", "/l", "--uid", "12", "--gid", "x", NULL},
		{"x", "--state-dir", "/s", "--log-dir", "/l", "--uid", "-1", "--gid", "1", NULL},
		{"x", "--state-dir", "/s", "--log-dir", "/l", "--uid", "4294967295", "--gid", "1", NULL},
		{"x", "--state-dir", "/s", "--log-dir", "/l", "--uid", "1", "--gid", "1", "more", NULL},
		{"x", "--state-dir", "/s", "--log-dir", "/l", "--uid", "1", "--gid", "1", "--what", NULL},
	};
	struct child c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		spawn(&c, bad[i], NULL);
		assert_int_equal(ends(&c), 1);
	}
}

static int speak(struct stage *s)
{
	char *text = malloc(3 * WIRE_TEXT_MAX);
	int rc;

	memset(text, '\xe9', 3 * WIRE_TEXT_MAX - 1); /* not UTF-8 */
	text[3 * WIRE_TEXT_MAX - 1] = '\0';
	rc = stage_ready(s, "one\ntwo \033[2J\nNOT PROVEN: \xc3\xa9");
	rc |= stage_error(s, "%s failed: %s", "x\ny", "z");
	rc |= stage_loss(s, WIRE_LOSS_PIPE, 0, 0, 3, 4, "%s", text);
	rc |= stage_loss(s, WIRE_LOSS_CLOCK, 5, 9, 0, 0, "%s", "");
	rc |= stage_ready(s, text);
	memset(text, '\n', 3 * WIRE_TEXT_MAX - 1);
	rc |= stage_ready(s, text);
	free(text);
	return rc | frame_flush(s->out);
}

static void test_speaks(void **state)
{
	const char *ready_text = "one\ntwo \\x1b[2J\nNOT PROVEN: \xc3\xa9";
	const struct wire_ready *ready;
	const struct wire_error *error;
	const struct wire_loss *loss;
	wire_ns before = stage_now();
	struct child c;

	(void)state;
	spawn(&c, good_args, speak);
	give_settings(&c, 1, "{}");
	get(&c, WIRE_SETTINGS);
	ready = get(&c, WIRE_READY);
	assert_int_equal(ready->stage, WIRE_STAGE_HASHER);
	assert_int_equal(ready->text_len, strlen(ready_text));
	assert_memory_equal(ready + 1, ready_text, ready->text_len);
	error = get(&c, WIRE_ERROR);
	assert_memory_equal(error + 1, "x\ny failed: z", error->text_len);
	assert_true(error->time_ns >= before && error->time_ns <= stage_now());
	loss = get(&c, WIRE_LOSS);
	assert_true(loss->records == 3 && loss->bytes == 4 && loss->kind == WIRE_LOSS_PIPE);
	assert_true(loss->from_ns >= before && loss->to_ns == loss->from_ns);
	assert_in_range(loss->detail_len, WIRE_TEXT_MAX - 8, WIRE_TEXT_MAX);
	loss = get(&c, WIRE_LOSS);
	assert_true(loss->from_ns == 5 && loss->to_ns == 9 && loss->detail_len == 0);
	get(&c, WIRE_READY);
	get(&c, WIRE_READY);
	assert_int_equal(ends(&c), 0);
}

static int reload(struct stage *s)
{
	struct {
		struct wire_settings head;
		char text[64];
	} w = {.head = {.generation = 2}};

	strcpy(w.text, "{\"Log ports\": false}");
	w.head.text_len = (__u32)strlen(w.text);
	if (stage_settings(s, &w.head) != 0 || s->settings.log_ports || s->settings_generation != 2)
		return 1;
	strcpy(w.text, "{\"Log ports\": 111111}");
	w.head.generation = 3;
	if (stage_settings(s, &w.head) == 0 || s->settings.log_ports || s->settings_generation != 2)
		return 2;
	return 0;
}

static void test_reload(void **state)
{
	struct child c;

	(void)state;
	spawn(&c, good_args, reload);
	give_settings(&c, 1, "{}");
	assert_int_equal(ends(&c), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),	      cmocka_unit_test(test_nothing_swallowed),
		cmocka_unit_test(test_end_of_file),   cmocka_unit_test(test_broken_peer),
		cmocka_unit_test(test_bad_arguments), cmocka_unit_test(test_speaks),
		cmocka_unit_test(test_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
