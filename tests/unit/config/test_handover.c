// SPDX-License-Identifier: GPL-2.0-or-later
/* Descriptors come with their names, all or none, and none stays open that nobody asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/handover.h"

static struct handover sent, came;
static int ends[2];

static int setup(void **state)
{
	(void)state;
	sent.n = came.n = 0;
	return handover_pair(ends);
}

static int teardown(void **state)
{
	(void)state;
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void names_and_descriptors_come_together(void **state)
{
	int before = open_fds(), fd = open("/dev/null", O_RDONLY), pipe_fds[2];
	char byte = 'x';

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(handover_add(&sent, "map.ring.01", 11, fd), 0);
	assert_int_equal(handover_add(&sent, "end-of_pipe", 11, pipe_fds[1]), 0);
	assert_int_equal(handover_send(ends[0], &sent), 0);
	handover_close(&sent);
	assert_int_equal(handover_receive(ends[1], &came), 0);
	assert_int_equal(came.n, 2);
	assert_string_equal(came.name[0], "map.ring.01");
	assert_string_equal(came.name[1], "end-of_pipe");
	assert_int_equal(fcntl(came.fd[1], F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(came.fd[1], &byte, 1), 1);
	byte = 0;
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	handover_close(&came);
	close(pipe_fds[0]);
	assert_int_equal(open_fds(), before);
}

static void nothing_is_something_to_say(void **state)
{
	(void)state;
	assert_int_equal(handover_send(ends[0], &sent), 0);
	assert_int_equal(handover_receive(ends[1], &came), 0);
	assert_int_equal(came.n, 0);
	shutdown(ends[0], SHUT_WR);
	assert_int_equal(handover_receive(ends[1], &came), -ENODATA);
}

static void as_many_as_there_may_be(void **state)
{
	int before = open_fds();

	(void)state;
	for (int i = 0; i < HANDOVER_MAX; i++)
		assert_int_equal(handover_add(&sent, "x", 1, 0), 0);
	assert_int_equal(handover_add(&sent, "x", 1, 0), -ENOSPC);
	assert_int_equal(handover_send(ends[0], &sent), 0);
	assert_int_equal(handover_receive(ends[1], &came), 0);
	assert_int_equal(came.n, HANDOVER_MAX);
	handover_close(&came);
	assert_int_equal(open_fds(), before);
}

static void bad_names_are_refused(void **state)
{
	char longest[HANDOVER_NAME_SIZE];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	assert_int_equal(handover_add(&sent, longest, sizeof(longest), 0), -EINVAL);
	assert_int_equal(handover_add(&sent, longest, sizeof(longest) - 1, 0), 0);
	assert_int_equal(handover_add(&sent, "", 0, 0), -EINVAL);
	assert_int_equal(handover_add(&sent, "a\nMAINPID=1", 11, 0), -EINVAL);
	assert_int_equal(handover_add(&sent, "a:b", 3, 0), -EINVAL);
	assert_int_equal(handover_add(&sent, "a\0b", 3, 0), -EINVAL);
}

/* Send text with n copies of fd 0, as a peer that breaks the contract would. */
static void send_raw(const void *text, size_t len, int n)
{
	char control[CMSG_SPACE(sizeof(int) * 4)] = "";
	struct iovec iov = {.iov_base = (void *)text, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n > 0) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN(sizeof(int) * n);
		memset(CMSG_DATA(CMSG_FIRSTHDR(&msg)), 0, sizeof(int) * n);
	}
	assert_int_equal(sendmsg(ends[0], &msg, 0), (ssize_t)len);
}

static void a_broken_peer_leaves_nothing_open(void **state)
{
	static const char good[] = "\2\0\0\0ab\0c"; /* its NUL ends the last name */
	int before = open_fds();

	(void)state;
	send_raw(good, sizeof(good), 2);
	assert_int_equal(handover_receive(ends[1], &came), 0);
	assert_int_equal(came.n, 2);
	handover_close(&came);
	for (size_t cut = 1; cut < sizeof(good); cut++) {
		send_raw(good, cut, 2);
		assert_int_equal(handover_receive(ends[1], &came), -EPROTO);
	}
	for (int n = 0; n < 4; n++) {
		if (n == 2)
			continue;
		send_raw(good, sizeof(good), n);
		assert_int_equal(handover_receive(ends[1], &came), -EPROTO);
	}
	send_raw("\1\0\0\0a\nb", 8, 1);
	assert_int_equal(handover_receive(ends[1], &came), -EPROTO);
	assert_int_equal(came.n, 0);
	assert_int_equal(open_fds(), before);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(names_and_descriptors_come_together),
		TEST(nothing_is_something_to_say),
		TEST(as_many_as_there_may_be),
		TEST(bad_names_are_refused),
		TEST(a_broken_peer_leaves_nothing_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
