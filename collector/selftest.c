// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/selftest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/sweep.h"

#define UDP_BYTES 23
#define TCP_BYTES 41
#define TIMEOUT_S 2

static const struct timeval timeout = {.tv_sec = TIMEOUT_S};

static int loopback_socket(int type, struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	*addr = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (bind(fd, (struct sockaddr *)addr, sizeof(*addr)) ||
	    getsockname(fd, (struct sockaddr *)addr, &len)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

/* 0: UDP_BYTES went from one socket to another; else what hindered it. */
static int move_udp(void)
{
	char bytes[UDP_BYTES] = "";
	struct sockaddr_in to, from;
	int receiver = loopback_socket(SOCK_DGRAM, &to), sender = loopback_socket(SOCK_DGRAM, &from), err = 0;

	if (receiver < 0 || sender < 0)
		err = receiver < 0 ? receiver : sender;
	else if (sendto(sender, bytes, sizeof(bytes), 0, (struct sockaddr *)&to, sizeof(to)) < 0 ||
		 recv(receiver, bytes, sizeof(bytes), 0) < 0)
		err = -errno;
	if (receiver >= 0)
		close(receiver);
	if (sender >= 0)
		close(sender);
	return err;
}

static int move_tcp(void)
{
	char bytes[TCP_BYTES] = "";
	struct sockaddr_in to, from;
	int listener = loopback_socket(SOCK_STREAM, &to), sender = loopback_socket(SOCK_STREAM, &from);
	int receiver = -1, err = 0;

	if (listener < 0 || sender < 0)
		err = listener < 0 ? listener : sender;
	else if (listen(listener, 1) || connect(sender, (struct sockaddr *)&to, sizeof(to)) ||
		 (receiver = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0 ||
		 write(sender, bytes, sizeof(bytes)) < 0 ||
		 recv(receiver, bytes, sizeof(bytes), MSG_WAITALL) != sizeof(bytes))
		err = -errno;
	if (receiver >= 0)
		close(receiver);
	if (sender >= 0)
		close(sender);
	if (listener >= 0)
		close(listener);
	return err;
}

/* The child starts stopped in a pipe read until its pid is known to record_take(). */
static int start_program(struct record *record)
{
	static char *const argv[] = {"femtosnitch-collector", SELFTEST_ARG, NULL};
	static char *const envp[] = {NULL};
	int go[2], status;
	char c;
	pid_t pid;

	if (pipe2(go, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0) {
		if (read(go[0], &c, 1) == 1)
			execve("/proc/self/exe", argv, envp);
		_exit(127);
	}
	record->own.child = pid > 0 ? pid : 0;
	if (pid < 0 || write(go[1], "g", 1) != 1)
		pid = -1;
	close(go[0]);
	close(go[1]);
	if (pid < 0)
		return -EAGAIN;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static void collect(struct probe *probe, struct record *record)
{
	struct sweep *sweep = NULL;
	uint64_t jiffies;

	probe_ring_read(probe, record_take, record);
	if (sweep_start(&sweep, probe, record) == 0)
		while (sweep_step(&sweep, &jiffies) > 0)
			;
}

static void say(struct selftest_result *result, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct selftest_result *result, const char *fmt, ...)
{
	size_t used = strlen(result->text);
	va_list args;

	if (used && used + 1 < sizeof(result->text))
		result->text[used++] = '\n';
	va_start(args, fmt);
	vsnprintf(result->text + used, sizeof(result->text) - used, fmt, args);
	va_end(args);
}

/* True when it was seen as it was. */
static int judge(struct selftest_result *result, const char *what, int err, uint64_t seen, uint64_t moved)
{
	if (err)
		say(result, "NOT PROVEN: %s (loopback: %s)", what, strerror(-err));
	else if (seen != moved)
		say(result, "NOT PROVEN: %s (%llu of %llu bytes seen)", what, (unsigned long long)seen,
		    (unsigned long long)moved);
	else
		say(result, "%s: proven", what);
	return !err && seen == moved;
}

void selftest_run(struct probe *probe, struct record *record, struct selftest_result *result)
{
	struct record_own *own = &record->own;
	int udp, tcp, exec, seen;

	memset(result, 0, sizeof(*result));
	collect(probe, record);
	*own = (struct record_own){.tgid = getpid(), .before = own->before};
	udp = move_udp();
	tcp = move_tcp();
	exec = start_program(record);
	collect(probe, record);

	seen = judge(result, "datagrams sent", udp, own->udp_sent, UDP_BYTES);
	seen += judge(result, "datagrams received", udp, own->udp_received, UDP_BYTES);
	seen += judge(result, "TCP sent", tcp, own->tcp_sent, TCP_BYTES);
	seen += judge(result, "TCP received", tcp, own->tcp_received, TCP_BYTES);
	result->blind = !seen && !udp && !tcp;
	if (exec)
		say(result, "NOT PROVEN: programs started (%s)", strerror(-exec));
	else
		say(result,
		    own->execs ? "programs started: proven" : "NOT PROVEN: programs started (none seen)");
	own->child = 0;
}
