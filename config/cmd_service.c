// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cmd_service.c - `start`, `stop` and `restart`: through systemctl where the unit is installed (and no other
 * state directory is meant), else by a process of our own in the background.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/client.h"
#include "config/command.h"
#include "config/instance.h"
#include "config/log.h"

#define UNIT COMMAND_UNIT
#define LOG_FILE "femtosnitch.log"
#define START_MS 60000
#define STOP_MS 10000 /* it promises 5 s */
#define LOOK_MS 50

bool command_by_systemd(const struct options *o)
{
	static const char *const dirs[] = {"/etc/systemd/system", "/run/systemd/system",
					   "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
					   "/lib/systemd/system"};
	char path[64];
	size_t i;

	/* sd_booted(3): else there is no systemd to ask. */
	if (o->typed_state || access("/run/systemd/system", F_OK) < 0)
		return false;
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/" UNIT, dirs[i]);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static int systemctl(const char *verb)
{
	log_info(UNIT " is installed: systemctl %s " UNIT, verb);
	execlp("systemctl", "systemctl", verb, UNIT, (char *)NULL);
	log_warn("systemctl");
	return COMMAND_FAILED;
}

static int need_root(const struct options *o, const char *verb)
{
	if (geteuid() == 0)
		return COMMAND_GOOD;
	log_warnx("%s needs root: try sudo %s %s", verb, o->argv0, verb);
	return COMMAND_FAILED;
}

/* The output of the last run is kept as .1, so that the file cannot grow without end. */
static int open_log(const struct options *o, const struct instance *in, char *path, size_t size)
{
	char old[OPTIONS_PATH_MAX + 32];
	int fd;

	snprintf(path, size, "%s/" LOG_FILE, o->log_dir);
	snprintf(old, sizeof(old), "%s/" LOG_FILE ".1", o->log_dir);
	if (rename(path, old) < 0 && errno != ENOENT)
		log_warn("%s: rename", path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0) {
		log_warn("%s: open", path);
		return -errno;
	}
	if (fchown(fd, in->uid, in->gid) < 0)
		log_warn("%s: chown", path);
	return fd;
}

static void become_daemon(const struct options *o, int log_fd)
{
	char *const argv[] = {(char *)o->argv0,
			      "run",
			      "--config",
			      (char *)o->config,
			      o->typed_state ? "--state-dir"
			      : o->debug     ? "--debug"
					     : NULL,
			      o->typed_state ? (char *)o->state_dir : NULL,
			      o->debug ? "--debug" : NULL,
			      NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(log_fd, 2) < 0)
		_exit(127);
	execv("/proc/self/exe", argv);
	_exit(127);
}

static void print_file(const char *path)
{
	char buf[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	while (f && fgets(buf, sizeof(buf), f))
		command_print(stderr, buf, strlen(buf));
	if (f)
		fclose(f);
	else if (fd >= 0)
		close(fd);
}

static bool answers_running(const struct options *o)
{
	char *answer = NULL;
	bool running =
		client_ask(o, "status", 1000, &answer) == 0 && strncmp(answer, "state: running\n", 15) == 0;

	free(answer);
	return running;
}

static int wait_until_ready(const struct options *o, pid_t child, const char *log_path)
{
	int waited, status;

	for (waited = 0; waited < START_MS; waited += LOOK_MS) {
		if (waitpid(child, &status, WNOHANG) == child) {
			print_file(log_path);
			log_warnx("not started: see above, or %s", log_path);
			return WIFEXITED(status) && WEXITSTATUS(status) == 2 ? COMMAND_USAGE : COMMAND_FAILED;
		}
		if (answers_running(o)) {
			log_info("started, pid %d; messages go to %s", (int)child, log_path);
			return COMMAND_GOOD;
		}
		usleep(LOOK_MS * 1000);
	}
	log_warnx("pid %d is not ready after %d s: see %s", (int)child, START_MS / 1000, log_path);
	return COMMAND_FAILED;
}

static int start(const struct options *o)
{
	char path[OPTIONS_PATH_MAX + 32];
	struct instance in;
	pid_t child, running;
	int log_fd;

	if (need_root(o, "start") != COMMAND_GOOD)
		return COMMAND_FAILED;
	running = instance_running(o);
	if (running > 0) {
		log_warnx("already running with pid %d (%s)", (int)running, o->state_dir);
		return COMMAND_FAILED;
	}
	if (instance_prepare(&in, o) < 0)
		return COMMAND_FAILED;
	log_fd = open_log(o, &in, path, sizeof(path));
	if (log_fd < 0)
		return COMMAND_FAILED;
	child = fork();
	if (child == 0)
		become_daemon(o, log_fd);
	close(log_fd);
	if (child < 0) {
		log_warn("fork");
		return COMMAND_FAILED;
	}
	return wait_until_ready(o, child, path);
}

static int stop(const struct options *o)
{
	pid_t pid = instance_running(o);
	struct pollfd gone = {.events = POLLIN};
	int rc = COMMAND_FAILED;

	if (pid == 0) {
		log_info("not running (%s)", o->state_dir);
		return COMMAND_GOOD;
	}
	if (pid < 0) {
		log_warnx("%s: %s", o->state_dir, strerror(-(int)pid));
		return COMMAND_FAILED;
	}
	/* A handle first, then the look again: between the two a number could not have changed its owner. */
	gone.fd = pidfd_open(pid, 0);
	if (gone.fd < 0 || instance_running(o) != pid) {
		if (gone.fd >= 0)
			close(gone.fd);
		return COMMAND_GOOD;
	}
	if (pidfd_send_signal(gone.fd, SIGTERM, NULL, 0) < 0)
		log_warn("pid %d", (int)pid);
	else if (poll(&gone, 1, STOP_MS) != 1)
		log_warnx("pid %d is still there after %d s", (int)pid, STOP_MS / 1000);
	else
		rc = COMMAND_GOOD;
	close(gone.fd);
	if (rc == COMMAND_GOOD)
		log_info("stopped, pid was %d", (int)pid);
	return rc;
}

int command_start(const struct options *o, int argc, char **argv)
{
	if (command_no_arguments(argc, argv) != COMMAND_GOOD)
		return COMMAND_USAGE;
	return command_by_systemd(o) ? systemctl("start") : start(o);
}

int command_stop(const struct options *o, int argc, char **argv)
{
	if (command_no_arguments(argc, argv) != COMMAND_GOOD)
		return COMMAND_USAGE;
	return command_by_systemd(o) ? systemctl("stop") : stop(o);
}

int command_restart(const struct options *o, int argc, char **argv)
{
	int rc;

	if (command_no_arguments(argc, argv) != COMMAND_GOOD)
		return COMMAND_USAGE;
	if (command_by_systemd(o))
		return systemctl("restart");
	rc = stop(o);
	return rc == COMMAND_GOOD ? start(o) : rc;
}
