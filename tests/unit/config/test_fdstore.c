// SPDX-License-Identifier: GPL-2.0-or-later
/* What a service manager kept goes to the collector, and what the collector makes goes to the service
 * manager, which is played here by the other end of its socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/fdstore.h"
#include "config/notify.h"

static int manager;
static char manager_name[64];

static int setup(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)state;
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(manager_name, sizeof(manager_name), "@femtosnitch-test-%d", (int)getpid());
	strcpy(address.sun_path + 1, manager_name + 1);
	return bind(manager, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(manager_name)));
}

static int teardown(void **state)
{
	(void)state;
	return close(manager);
}

/* What the manager hears next; *fd: what came with it, -1 nothing. */
static const char *heard(int *fd)
{
	static char text[512];
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {.iov_base = text, .iov_len = sizeof(text) - 1};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(manager, &msg, MSG_DONTWAIT);

	*fd = -1;
	if (n < 0)
		return "";
	text[n] = '\0';
	if (CMSG_FIRSTHDR(&msg))
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(*fd));
	return text;
}

/* As the service, with what systemd would have handed over at descriptor 3 and above. */
static void as_service(void (*run)(void), const char *names, int n, int for_us)
{
	char text[16];
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		for (int fd = 3; fd < 3 + n; fd++)
			if (fd != manager)
				dup2(0, fd);
		snprintf(text, sizeof(text), "%d", n);
		setenv("LISTEN_FDS", text, 1);
		snprintf(text, sizeof(text), "%d", (int)getpid() + !for_us);
		setenv("LISTEN_PID", text, 1);
		setenv("LISTEN_FDNAMES", names, 1);
		if (manager_name[0])
			setenv("NOTIFY_SOCKET", manager_name, 1);
		notify_open();
		run();
		if (getenv("LISTEN_FDS") || getenv("LISTEN_PID") || getenv("LISTEN_FDNAMES"))
			_exit(9);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define MUST(x)                                                                                              \
	do {                                                                                                 \
		if (!(x)) {                                                                                  \
			fprintf(stderr, "line %d: not so: %s\n", __LINE__, #x);                              \
			_exit(1);                                                                            \
		}                                                                                            \
	} while (0)

/* The manager's own descriptor may be any of the first: move it out of the way. */
static void move_manager(void)
{
	int fd = fcntl(manager, F_DUPFD_CLOEXEC, 100);

	close(manager);
	manager = fd;
}

static struct fdstore store;
static struct handover given;

static void exchange(void)
{
	int theirs;

	fdstore_open(&store, &theirs);
	MUST(theirs >= 0 && fdstore_fd(&store) >= 0);
	MUST(handover_receive(theirs, &given) == 0);
	MUST(given.n == 2);
	MUST(strcmp(given.name[0], "map.old.1") == 0 && strcmp(given.name[1], "link.old.1") == 0);
	handover_close(&given);
	MUST(fcntl(3, F_GETFD) < 0 && fcntl(5, F_GETFD) < 0); /* 4 was closed at once, and is our socket */
	MUST(handover_add(&given, "map.new.2", 9, dup(0)) == 0);
	MUST(handover_send(theirs, &given) == 0);
	fdstore_take(&store);
	handover_close(&given);
	given.more = true;
	MUST(handover_add(&given, "link.late.2", 11, dup(0)) == 0);
	MUST(handover_send(theirs, &given) == 0);
	fdstore_take(&store);
	MUST(fdstore_fd(&store) >= 0);
	close(theirs);
	fdstore_take(&store);
	MUST(fdstore_fd(&store) < 0);
}

static void what_is_new_replaces_what_was(void **state)
{
	int fd;

	(void)state;
	move_manager();
	as_service(exchange, "map.old.1:bad name:link.old.1", 3, 1);
	assert_string_equal(heard(&fd), "FDSTOREREMOVE=1\nFDNAME=map.old.1");
	assert_int_equal(fd, -1);
	assert_string_equal(heard(&fd), "FDSTOREREMOVE=1\nFDNAME=link.old.1");
	assert_string_equal(heard(&fd), "FDSTORE=1\nFDPOLL=0\nFDNAME=map.new.2");
	assert_true(fd >= 0);
	close(fd);
	assert_string_equal(heard(&fd), "FDSTORE=1\nFDPOLL=0\nFDNAME=link.late.2");
	assert_true(fd >= 0);
	close(fd);
	assert_string_equal(heard(&fd), "");
}

static void take_over(void)
{
	int theirs;

	fdstore_open(&store, &theirs);
	MUST(handover_receive(theirs, &given) == 0 && given.n == 1);
	handover_close(&given);
	given.more = true;
	MUST(handover_add(&given, "link.late.1", 11, dup(0)) == 0);
	MUST(handover_send(theirs, &given) == 0);
	fdstore_take(&store);
	close(theirs);
	fdstore_take(&store);
	MUST(fdstore_fd(&store) < 0);
}

static void what_is_taken_over_stays(void **state)
{
	int fd;

	(void)state;
	move_manager();
	as_service(take_over, "map.old.1", 1, 1);
	assert_string_equal(heard(&fd), "FDSTORE=1\nFDPOLL=0\nFDNAME=link.late.1");
	assert_true(fd >= 0);
	close(fd);
	assert_string_equal(heard(&fd), "");
}

static void nothing_given(void)
{
	int theirs;

	fdstore_open(&store, &theirs);
	MUST(handover_receive(theirs, &given) == 0 && given.n == 0);
	fdstore_close(&store);
}

static void what_is_for_another_process_is_not_ours(void **state)
{
	(void)state;
	move_manager();
	as_service(nothing_given, "map.old.1", 1, 0);
}

static void nobody(void)
{
	int theirs;

	fdstore_open(&store, &theirs);
	MUST(theirs == -1 && fdstore_fd(&store) == -1);
	MUST(fcntl(3, F_GETFD) < 0);
	fdstore_close(&store);
}

static void without_a_manager_there_is_nothing(void **state)
{
	(void)state;
	move_manager();
	manager_name[0] = '\0';
	as_service(nobody, "map.old.1", 1, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_new_replaces_what_was),
		TEST(what_is_taken_over_stays),
		TEST(what_is_for_another_process_is_not_ours),
		TEST(without_a_manager_there_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
