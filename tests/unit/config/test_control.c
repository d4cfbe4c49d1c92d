// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_control.c - the control socket against polite, slow, silent, too many and foreign clients, with a
 * clock of the test's own.
 */
#include "config/control.h"

#include <errno.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define GROUP 4242
#define OWNER 4343

struct rig {
	char path[64];
	struct control *control;
	int64_t now;
	char heard[256];
	bool trusted;
};

static void command(void *arg, const char *line, const struct control_who *who, struct control_reply *reply)
{
	struct rig *r = arg;

	snprintf(r->heard, sizeof(r->heard), "%s", line);
	r->trusted = who->trusted;
	if (strcmp(line, "wait") == 0) {
		reply->ticket = 7;
		reply->wait_ms = 10000;
	} else if (strcmp(line, "long") == 0) {
		reply->text = malloc(4000001);
		memset(reply->text, 'x', 4000000);
		reply->text[4000000] = '\0';
	} else {
		reply->text = strdup("heard\n");
	}
}

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	snprintf(r->path, sizeof(r->path), "/tmp/femtosnitch-test-%d.sock", (int)getpid());
	/* A plain user can only be heard as the owner. */
	r->control = control_open(r->path, geteuid() ? geteuid() : OWNER, GROUP, command, r);
	assert_non_null(r->control);
	r->now = 1000;
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	control_close(r->control);
	assert_int_equal(access(r->path, F_OK), -1);
	free(r);
	return 0;
}

/* One turn of the loop, without waiting. */
static void turn(struct rig *r)
{
	struct pollfd fds[CONTROL_POLLFDS];
	size_t n = control_poll(r->control, fds);

	assert_true(n <= CONTROL_POLLFDS);
	assert_true(poll(fds, n, 0) >= 0);
	control_serve(r->control, fds, n, r->now);
}

static int dial(struct rig *r)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, r->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	turn(r);
	return fd;
}

static void send_text(struct rig *r, int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	turn(r);
}

/* Everything the client gets, and that the connection ends behind it. */
static void gets_and_ends(int fd, const char *want)
{
	char buf[256];
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, 0);

	assert_true(n >= 0);
	buf[n] = '\0';
	assert_string_equal(buf, want);
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 0);
	close(fd);
}

static void ended(int fd)
{
	char c;

	assert_true(recv(fd, &c, 1, 0) == 0 || errno == ECONNRESET);
	close(fd);
}

static void test_lines(void **state)
{
	struct rig *r = *state;
	char text[CONTROL_LINE_MAX + 1];
	int fd = dial(r);

	send_text(r, fd, "sta");
	assert_string_equal(r->heard, "");
	send_text(r, fd, "tus\nmore");
	assert_string_equal(r->heard, "status");
	gets_and_ends(fd, "heard\n");
	fd = dial(r);
	send_text(r, fd, "st\033tus\n");
	gets_and_ends(fd, "failed: not a command\n");
	memset(text, 'x', sizeof(text));
	text[CONTROL_LINE_MAX] = '\0';
	fd = dial(r);
	assert_int_equal(send(fd, text, CONTROL_LINE_MAX - 1, 0), CONTROL_LINE_MAX - 1);
	turn(r);
	gets_and_ends(fd, "failed: line too long\n");
}

static void test_ticket(void **state)
{
	struct rig *r = *state;
	int fd = dial(r);
	char c;

	send_text(r, fd, "wait\n");
	control_answer(r->control, 8, "other\n", r->now);
	assert_int_equal(recv(fd, &c, 1, 0), -1);
	control_answer(r->control, 7, "committed 1\n", r->now);
	gets_and_ends(fd, "committed 1\n");
	fd = dial(r);
	send_text(r, fd, "wait\n");
	assert_int_equal(control_timeout_ms(r->control, r->now), 10000);
	r->now += 9999;
	turn(r);
	assert_int_equal(recv(fd, &c, 1, 0), -1);
	r->now += 1;
	turn(r);
	gets_and_ends(fd, "failed: no answer in time\n");
	/* One that hangs up while it waits is forgotten. */
	fd = dial(r);
	send_text(r, fd, "wait\n");
	close(fd);
	turn(r);
	assert_int_equal(control_timeout_ms(r->control, r->now), -1);
}

static void test_silent_and_slow(void **state)
{
	struct rig *r = *state;
	int silent = dial(r), slow;

	assert_int_equal(control_timeout_ms(r->control, r->now), CONTROL_IDLE_MS);
	r->now += 100;
	slow = dial(r);
	send_text(r, slow, "long\n");
	r->now += CONTROL_IDLE_MS - 100;
	turn(r);
	ended(silent);
	assert_int_equal(control_timeout_ms(r->control, r->now), 100);
	r->now += 100;
	turn(r);
	assert_int_equal(control_timeout_ms(r->control, r->now), -1);
	close(slow);
}

static void test_too_many(void **state)
{
	struct rig *r = *state;
	int fds[CONTROL_CLIENTS], more, i;

	for (i = 0; i < CONTROL_CLIENTS; i++)
		fds[i] = dial(r);
	more = dial(r);
	ended(more);
	send_text(r, fds[3], "status\n");
	gets_and_ends(fds[3], "heard\n");
	fds[3] = dial(r);
	send_text(r, fds[3], "status\n");
	gets_and_ends(fds[3], "heard\n");
	for (i = 0; i < CONTROL_CLIENTS; i++)
		if (i != 3)
			close(fds[i]);
	turn(r);
	assert_int_equal(control_timeout_ms(r->control, r->now), -1);
}

/* Ask as another user. 0: heard, 1: turned away, 2: could not even connect. */
static int ask_in_groups(struct rig *r, uid_t uid, gid_t gid, const gid_t *groups, size_t n)
{
	int status, i;
	pid_t pid = fork();

	if (pid == 0) {
		struct sockaddr_un address = {.sun_family = AF_UNIX};
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		char buf[16];

		strcpy(address.sun_path, r->path);
		if (setgroups(n, groups) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
			_exit(9);
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
			_exit(2);
		if (send(fd, "status\n", 7, MSG_NOSIGNAL) != 7)
			_exit(1);
		_exit(recv(fd, buf, sizeof(buf), 0) > 0 ? 0 : 1);
	}
	for (i = 0; i < 500 && waitpid(pid, &status, WNOHANG) == 0; i++) {
		turn(r);
		usleep(2000);
	}
	assert_true(i < 500 && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int ask_as(struct rig *r, uid_t uid, gid_t gid, gid_t extra)
{
	return ask_in_groups(r, uid, gid, &extra, 1);
}

static void test_who(void **state)
{
	struct rig *r = *state;
	gid_t many[200];
	struct stat st;
	gid_t i;

	assert_int_equal(stat(r->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	if (geteuid() != 0) {
		print_message("SKIP test_who: needs root to become others\n");
		skip();
	}
	assert_int_equal(st.st_gid, GROUP);
	assert_int_equal(ask_as(r, OWNER, OWNER, OWNER), 0);
	assert_true(r->trusted);
	assert_int_equal(ask_as(r, 5000, GROUP, 5000), 0);
	assert_false(r->trusted);
	assert_int_equal(ask_as(r, 5000, 5000, GROUP), 0);
	assert_false(r->trusted);
	assert_int_equal(ask_as(r, 5000, 5000, 5000), 2);
	for (i = 0; i < 200; i++)
		many[i] = GROUP - 199 + i;
	assert_int_equal(ask_in_groups(r, 5000, 5000, many, 200), 0);
	/* Even if the file's mode were wide open. */
	assert_int_equal(chmod(r->path, 0666), 0);
	assert_int_equal(ask_as(r, 5000, 5000, 5000), 1);
}

/* What is left of a dead instance is replaced; what is no socket is not touched. */
static void test_left_over(void **state)
{
	struct rig *r = *state;
	struct control *second = control_open(r->path, OWNER, GROUP, command, r);
	char path[80];
	FILE *f;

	assert_non_null(second);
	control_close(second);
	snprintf(path, sizeof(path), "%s.file", r->path);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	assert_null(control_open(path, OWNER, GROUP, command, r));
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ticket, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silent_and_slow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_who, setup, teardown),
		cmocka_unit_test_setup_teardown(test_left_over, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
