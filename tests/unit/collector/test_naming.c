// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_naming.c - the collector's end with the real femtosnitch-names at the other: names come back, and
 * whatever happens there, nothing here waits and nothing is lost without a word.
 */
#include "collector/naming.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS 10000

static char self[PATH_MAX];
static char hosts[64]; /* not there, mostly */
static const char *const files[WIRE_HOSTS__MAX] = {hosts, "/nowhere", "/nowhere"};
static const char hello[] = "GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n";

struct rig {
	struct stage stage;
	struct naming *naming;
	struct frame_reader *from;
	int out;
	int64_t now_ms;
	const struct wire_hdr *hdr; /* what was read last */
	const void *payload;
};

static int set_up(void **state)
{
	static struct rig r;
	int ends[2];

	memset(&r, 0, sizeof(r));
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	r.stage.id = WIRE_STAGE_COLLECTOR;
	r.stage.state_dir = r.stage.log_dir = "/";
	r.stage.uid = geteuid() ? geteuid() : 65534;
	r.stage.gid = geteuid() ? getegid() : 65534;
	r.stage.out = frame_writer_new(ends[1], 1 << 20);
	r.from = frame_reader_new(ends[0]);
	r.out = ends[0];
	r.naming = naming_new(&r.stage, self, files);
	assert_non_null(r.naming);
	r.now_ms = 1;
	*state = &r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	naming_free(r->naming);
	frame_writer_free(r->stage.out);
	frame_reader_free(r->from);
	return 0;
}

/* Serve it until there is a frame downstream. */
static void expect(struct rig *r, enum wire_type type)
{
	struct pollfd fd = {.fd = naming_fd(r->naming), .events = POLLIN};
	const char *why;
	int waited = 0;

	while (frame_next(r->from, &r->hdr, &r->payload, &why) != 1) {
		if (waited++ > WAIT_MS / 10)
			fail_msg("no frame of type %d", type);
		poll(&fd, 1, 10);
		naming_serve(r->naming, r->now_ms);
		frame_flush(r->stage.out);
		frame_fill(r->from);
	}
	assert_int_equal(r->hdr->type, type);
}

static void give(struct rig *r, uint64_t cookie)
{
	const struct wire_payload p = {.cookie = cookie,
				       .family = AF_INET,
				       .protocol = IPPROTO_TCP,
				       .rport = 80,
				       .data_len = sizeof(hello) - 1};

	naming_payload(r->naming, &p, hello);
}

static void expect_name(struct rig *r, uint64_t cookie)
{
	const struct wire_name *name;

	expect(r, WIRE_NAME);
	name = r->payload;
	assert_int_equal(name->cookie, cookie);
	assert_string_equal((const char *)(name + 1), "www.example.org");
}

static void names_come_back(void **state)
{
	struct rig *r = *state;

	naming_tick(r->naming, true, r->now_ms);
	assert_int_equal(naming_due_ms(r->naming, r->now_ms), -1);
	assert_false(naming_mark(r->naming, 1, 2)); /* nothing to wait for */
	give(r, 1);
	assert_true(naming_mark(r->naming, 1, 2));
	expect_name(r, 1);
	for (int i = 0; !naming_echoed(r->naming) && i < WAIT_MS; i++) {
		usleep(1000);
		naming_serve(r->naming, r->now_ms);
	}
	assert_true(naming_echoed(r->naming));
	assert_false(naming_mark(r->naming, 1, 2));
}

static pid_t only_child(void)
{
	char path[64];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "r");
	if (!f || fscanf(f, "%d", &pid) != 1)
		fail_msg("it does not run");
	fclose(f);
	return pid;
}

static void it_is_started_again(void **state)
{
	const struct wire_loss *loss;
	struct rig *r = *state;

	naming_tick(r->naming, true, r->now_ms);
	give(r, 1);
	expect_name(r, 1);
	kill(only_child(), SIGKILL);
	expect(r, WIRE_ERROR);
	assert_int_equal(((const struct wire_error *)r->payload)->stage, WIRE_STAGE_COLLECTOR);
	give(r, 2); /* nobody takes it */
	assert_false(naming_mark(r->naming, 1, 2));
	expect(r, WIRE_LOSS);
	loss = r->payload;
	assert_int_equal(loss->kind, WIRE_LOSS_NAME);
	assert_int_equal(loss->records, 2); /* the first was not acknowledged */
	assert_true(naming_echoed(r->naming));
	assert_int_equal(naming_due_ms(r->naming, r->now_ms), 1000);
	r->now_ms += 999;
	naming_tick(r->naming, true, r->now_ms);
	assert_int_equal(naming_due_ms(r->naming, r->now_ms), 1);
	r->now_ms += 1;
	naming_tick(r->naming, true, r->now_ms);
	give(r, 3);
	naming_serve(r->naming, r->now_ms);
	expect_name(r, 3);
	kill(only_child(), SIGKILL);
	expect(r, WIRE_ERROR);
	assert_int_equal(naming_due_ms(r->naming, r->now_ms), 2000);
}

static void who_does_not_read_is_not_waited_for(void **state)
{
	const struct wire_loss *loss;
	struct rig *r = *state;
	uint64_t lost;
	pid_t pid;

	naming_tick(r->naming, true, r->now_ms);
	give(r, 1);
	expect_name(r, 1);
	pid = only_child();
	kill(pid, SIGSTOP);
	for (uint64_t i = 2; i < 30000; i++)
		give(r, i);
	naming_mark(r->naming, 1, 2);
	expect(r, WIRE_LOSS);
	loss = r->payload;
	assert_int_equal(loss->kind, WIRE_LOSS_NAME);
	lost = loss->records;
	assert_true(lost > 1000 && lost < 29998);
	assert_int_equal(loss->bytes, lost * (sizeof(hello) - 1));
	kill(pid, SIGCONT);
	for (uint64_t i = 2; i < 30000 - lost; i++)
		expect_name(r, i);
}

static void unwanted_it_does_not_run(void **state)
{
	struct rig *r = *state;

	naming_tick(r->naming, false, r->now_ms);
	assert_int_equal(naming_due_ms(r->naming, r->now_ms), -1);
	give(r, 1);
	assert_false(naming_mark(r->naming, 1, 2));
	naming_tick(r->naming, true, r->now_ms);
	give(r, 2);
	naming_serve(r->naming, r->now_ms);
	expect_name(r, 2);
	naming_tick(r->naming, false, r->now_ms);
	assert_int_equal(naming_due_ms(r->naming, r->now_ms), -1);
	assert_true(naming_echoed(r->naming));
}

static void write_hosts(const char *text)
{
	FILE *f = fopen(hosts, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void expect_host(struct rig *r, const char *text, uint32_t ttl_s)
{
	const struct wire_name *name;

	expect(r, WIRE_NAME);
	name = r->payload;
	assert_int_equal(name->source, WIRE_NAME_HOSTS);
	assert_string_equal((const char *)(name + 1), text);
	assert_int_equal(name->ttl_s, ttl_s);
	assert_true(name->netns != 0);
	assert_true(name->time_ns != 0);
}

static void the_hosts_file_is_sent_when_it_changes(void **state)
{
	struct rig *r = *state;

	write_hosts("192.0.2.1 one.example.org\n");
	naming_tick(r->naming, true, r->now_ms);
	naming_serve(r->naming, r->now_ms);
	expect_host(r, "one.example.org", WIRE_NAME_EVER);
	assert_false(naming_mark(r->naming, 1, 2));
	write_hosts("192.0.2.1 one.example.org\n192.0.2.2 two.example.org");
	assert_true(naming_mark(r->naming, 1, 2));
	expect_host(r, "two.example.org", WIRE_NAME_EVER);
	unlink(hosts);
	naming_mark(r->naming, 1, 2);
	expect_host(r, "one.example.org", 0);
	expect_host(r, "two.example.org", 0);
	write_hosts("192.0.2.3 three.example.org");
	naming_mark(r->naming, 1, 2);
	expect_host(r, "three.example.org", WIRE_NAME_EVER);
	kill(only_child(), SIGKILL);
	expect(r, WIRE_ERROR);
	naming_tick(r->naming, true, r->now_ms += 1000);
	naming_serve(r->naming, r->now_ms);
	expect_host(r, "three.example.org", WIRE_NAME_EVER);
	unlink(hosts);
}

/* Who cannot live is tried less and less often. */
static void a_broken_program_does_no_harm(void **state)
{
	struct rig *r = *state;
	char dir[] = "/tmp/femtosnitch-test-XXXXXX", path[64];
	int fd;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/femtosnitch-names", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_int_equal(write(fd, "no program\n", 11), 11);
	close(fd);
	naming_free(r->naming);
	r->naming = naming_new(&r->stage, path, files);
	for (int wait = 1000; wait <= 8000; wait *= 2) {
		naming_tick(r->naming, true, r->now_ms);
		expect(r, WIRE_ERROR);
		assert_int_equal(naming_due_ms(r->naming, r->now_ms), wait);
		r->now_ms += wait;
	}
	unlink(path);
	rmdir(dir);
	assert_null(naming_new(&r->stage, path, files));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_come_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(it_is_started_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_does_not_read_is_not_waited_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unwanted_it_does_not_run, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_hosts_file_is_sent_when_it_changes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_broken_program_does_no_harm, set_up, tear_down),
	};

	(void)argc;
	signal(SIGPIPE, SIG_IGN);
	/* build/tests/unit/collector/test_naming */
	snprintf(self, sizeof(self), "%.*s/../../../", (int)(strrchr(argv[0], '/') - argv[0]), argv[0]);
	snprintf(hosts, sizeof(hosts), "/tmp/femtosnitch-hosts-%d", (int)getpid());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
