// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * chain.c - see chain.h. Every end of every pipe is close-on-exec, so that a stage holds just its 0, 1 and 2:
 * one copied end too many and end of file would never come.
 */
#include "config/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/handover.h"
#include "config/log.h"
#include "config/wire_check.h"

#define PIPE_BYTES (1 << 20)
#define FIRST WIRE_STAGE_COLLECTOR

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int chain_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) < 0) {
		ends[0] = ends[1] = -1;
		return -errno;
	}
	if (fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES) < 0)
		log_debug("a pipe stays small: %s", strerror(errno));
	return 0;
}

/* Where a stage finds its end of a socket: the first descriptor behind the standard ones. */
static int move_handover(int fd)
{
	if (fd != HANDOVER_FD)
		return dup2(fd, HANDOVER_FD); /* without close-on-exec */
	return fcntl(fd, F_SETFD, 0) < 0 ? -1 : fd;
}

static void become_stage(const char *path, const struct chain_start *start)
{
	const struct options *o = start->options;
	bool handover = start->handover >= 0;
	char uid_text[16], gid_text[16];
	char *argv[] = {(char *)path,
			"--state-dir",
			(char *)o->state_dir,
			"--log-dir",
			(char *)o->log_dir,
			"--uid",
			uid_text,
			"--gid",
			gid_text,
			NULL,
			NULL,
			NULL};
	char **more = argv + 9;
	sigset_t none;

	snprintf(uid_text, sizeof(uid_text), "%u", start->uid);
	snprintf(gid_text, sizeof(gid_text), "%u", start->gid);
	if (o->debug)
		*more++ = "--debug";
	if (handover)
		*more++ = "--handover";
	if (dup2(start->in, 0) < 0 || dup2(start->out, 1) < 0 ||
	    (handover && move_handover(start->handover) < 0))
		fatal("dup2");
	/* what whoever started us forgot to close */
	(void)close_range(handover ? HANDOVER_FD + 1 : HANDOVER_FD, ~0U, 0);
	/* Ctrl-C reaches the whole group; only the supervisor acts on it. Before exec, so that no instant is
	 * left in which it kills. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(path, argv);
	log_warn("%s: exec", path);
	_exit(127);
}

pid_t chain_spawn(const char *name, const struct chain_start *start)
{
	char path[OPTIONS_PATH_MAX + 64];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/femtosnitch-%s", start->options->bin_dir, name);
	if (access(path, X_OK) < 0) {
		log_warn("%s", path);
		return -errno;
	}
	pid = fork();
	if (pid < 0) {
		log_warn("fork");
		return -errno;
	}
	if (pid == 0)
		become_stage(path, start);
	return pid;
}

static int start_stage(struct chain *c, enum wire_stage stage, const struct chain_start *start)
{
	pid_t pid = chain_spawn(wire_stage_name(stage), start);

	if (pid < 0)
		return pid;
	c->pid[stage] = pid;
	return 0;
}

int chain_start(struct chain *c, const struct options *o, uid_t uid, gid_t gid,
		const int handover[WIRE_CHAIN_END])
{
	struct chain_start start = {.options = o, .uid = uid, .gid = gid, .in = -1};
	int next[2] = {-1, -1}, rc, stage;

	memset(c, 0, sizeof(*c));
	c->tail = -1;
	rc = chain_pipe(next);
	start.in = next[0];
	c->head = next[1];
	for (stage = FIRST; rc == 0 && stage < WIRE_CHAIN_END; stage++) {
		rc = chain_pipe(next);
		start.out = next[1];
		start.handover = handover[stage];
		if (rc == 0)
			rc = start_stage(c, (enum wire_stage)stage, &start);
		close_fd(&start.in);
		close_fd(&next[1]);
		start.in = next[0];
	}
	c->tail = start.in;
	if (rc < 0) {
		chain_close(c);
		chain_kill(c);
		for (stage = FIRST; stage < WIRE_CHAIN_END; stage++)
			if (c->pid[stage] > 0)
				waitpid(c->pid[stage], NULL, 0);
		memset(c->pid, 0, sizeof(c->pid));
	}
	return rc;
}

enum wire_stage chain_reap(struct chain *c, pid_t *pid, int *status)
{
	int stage;

	/* By pid, never -1: a child of somebody else's making in this process is not ours to reap. */
	for (stage = FIRST; stage < WIRE_CHAIN_END; stage++) {
		if (c->pid[stage] == 0 || waitpid(c->pid[stage], status, WNOHANG) != c->pid[stage])
			continue;
		*pid = c->pid[stage];
		c->pid[stage] = 0;
		return (enum wire_stage)stage;
	}
	return WIRE_STAGE_SUPERVISOR;
}

void chain_describe(int status, char *buf, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(buf, size, "was killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == 0)
		snprintf(buf, size, "ended by itself");
	else
		snprintf(buf, size, "exited with %d", WEXITSTATUS(status));
}

bool chain_alive(const struct chain *c)
{
	int stage;

	for (stage = FIRST; stage < WIRE_CHAIN_END; stage++)
		if (c->pid[stage] > 0)
			return true;
	return false;
}

void chain_kill(const struct chain *c)
{
	int stage;

	for (stage = FIRST; stage < WIRE_CHAIN_END; stage++)
		if (c->pid[stage] > 0)
			kill(c->pid[stage], SIGKILL);
}

void chain_leave(struct chain *c)
{
	memset(c->pid, 0, sizeof(c->pid));
}

void chain_close_head(struct chain *c)
{
	close_fd(&c->head);
}

void chain_close(struct chain *c)
{
	close_fd(&c->head);
	close_fd(&c->tail);
}
