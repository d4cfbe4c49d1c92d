// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cmd_doctor.c - `doctor`: what this machine offers, how we are set up, and what is not covered and why. It
 * starts nothing that stays and changes nothing; what needs root is left out with a word when asked by
 * somebody else.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/command.h"
#include "config/instance.h"
#include "config/log.h"
#include "config/settings.h"
#include "config/utf8.h"

static void say(const char *what, bool good, const char *how, int *rc)
{
	printf("%-9s %-4s %s\n", what, good ? "ok" : "BAD", how);
	if (!good)
		*rc = COMMAND_FAILED;
}

static void check_kernel(int *rc)
{
	unsigned major = 0, minor = 0;
	struct utsname u;
	char how[256];

	uname(&u);
	sscanf(u.release, "%u.%u", &major, &minor);
	snprintf(how, sizeof(how), "%.100s %.60s (6.3 or newer is needed)", u.release, u.machine);
	say("kernel", major > 6 || (major == 6 && minor >= 3), how, rc);
	say("BTF", access("/sys/kernel/btf/vmlinux", R_OK) == 0,
	    "/sys/kernel/btf/vmlinux (a kernel with CONFIG_DEBUG_INFO_BTF)", rc);
}

/* The root of cgroup v2: its usual place, or where a machine with v1 beside it has it. */
static void check_cgroup(int *rc)
{
	static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	struct statfs fs;
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (statfs(places[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC) {
			say("cgroup v2", true, places[i], rc);
			return;
		}
	say("cgroup v2", false,
	    "not mounted: attempts, peers of unconnected sockets and units cannot be seen", rc);
}

static void check_user(const struct options *o, int *rc)
{
	struct stat st;
	char how[OPTIONS_PATH_MAX + 200];
	uid_t uid;
	gid_t gid;

	(void)rc;
	if (instance_system_user(&uid, &gid) == 0)
		snprintf(how, sizeof(how), "system user " INSTANCE_USER " (%u:%u)", uid, gid);
	else
		snprintf(how, sizeof(how),
			 "no system user " INSTANCE_USER
			 ": the stages keep the uid of the state directory's owner");
	printf("%-9s %-4s %s\n", "user", "", how);
	if (stat(o->state_dir, &st) == 0)
		snprintf(how, sizeof(how), "%s (owner %u:%u, mode %04o)", o->state_dir, st.st_uid, st.st_gid,
			 (unsigned)st.st_mode & 07777);
	else
		snprintf(how, sizeof(how), "%s: %s", o->state_dir, strerror(errno));
	printf("%-9s %-4s %s\n", "state", "", how);
}

static void refused(void *arg, const char *line)
{
	(void)arg;
	printf("%-9s %-4s %s\n", "config", "BAD", line);
}

static void noticed(void *arg, const char *line)
{
	(void)arg;
	printf("%-9s %-4s %s\n", "config", "", line);
}

static void check_config(const struct options *o, int *rc)
{
	struct settings s;

	if (access(o->config, F_OK) < 0 && errno == ENOENT) {
		printf("%-9s %-4s %s: not there yet, the first run writes it\n", "config", "", o->config);
		return;
	}
	if (settings_load(&s, o->config, NULL, NULL, refused, noticed, NULL) < 0) {
		*rc = COMMAND_FAILED;
		return;
	}
	settings_free(&s);
	printf("%-9s %-4s %s\n", "config", "ok", o->config);
}

static void check_running(const struct options *o)
{
	pid_t pid = instance_running(o);

	if (pid > 0)
		printf("%-9s %-4s pid %d\n", "running", "yes", (int)pid);
	else if (pid == 0)
		printf("%-9s %-4s\n", "running", "no");
	else
		printf("%-9s %-4s %s\n", "running", "?", strerror(-(int)pid));
}

/* Print what comes out of fd, each line behind the stage's name. */
static void print_lines(int fd, const char *stage)
{
	char *line = NULL, shown[1024];
	FILE *f = fdopen(fd, "r");
	size_t size = 0;
	ssize_t n;

	while (f && (n = getline(&line, &size, f)) > 0) {
		utf8_escape(shown, sizeof(shown), line, (size_t)n - (line[n - 1] == '\n'));
		printf("%-14s %s\n", stage, shown);
	}
	free(line);
	if (f)
		fclose(f);
	else
		close(fd);
}

/* Let a stage look at what it needs, and print what it says. */
static void ask_stage(const struct options *o, const char *stage, int *rc)
{
	char path[OPTIONS_PATH_MAX + 64];
	int status = -1, ends[2];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/femtosnitch-%s", o->bin_dir, stage);
	if (geteuid() != 0) {
		printf("%-9s %-4s only root may look: try sudo %s doctor\n", stage, "?", o->argv0);
		return;
	}
	fflush(stdout);
	if (pipe2(ends, O_CLOEXEC) < 0)
		fatal("pipe");
	pid = fork();
	if (pid == 0) {
		if (dup2(ends[1], 1) == 1 && dup2(ends[1], 2) == 2)
			execl(path, path, "--doctor", (char *)NULL);
		log_warn("%s", path);
		_exit(127);
	}
	close(ends[1]);
	print_lines(ends[0], stage);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		say(stage, false, "see above", rc);
}

static void say_not_covered(void)
{
	static const char *const gaps[] = {
		"names of remote hosts: not in this build, `domain` is NULL",
		"AF_XDP, TUN/TAP devices, vhost: traffic there passes no socket that is hooked",
		"traffic forwarded for others (routers, bridges): it has no program here",
		"recvmmsg and recv without an address buffer: the peer is inferred or unknown, and marked so",
		"root can stop, change or deceive everything on this machine",
	};
	size_t i;

	for (i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++)
		printf("%-14s %s\n", "not covered", gaps[i]);
}

int command_doctor(const struct options *o, int argc, char **argv)
{
	int rc = COMMAND_GOOD;

	if (command_no_arguments(argc, argv) != COMMAND_GOOD)
		return COMMAND_USAGE;
	printf("%-9s %-4s %s, programs in %s\n", "version", "", VERSION, o->bin_dir);
	check_kernel(&rc);
	check_cgroup(&rc);
	check_user(o, &rc);
	check_config(o, &rc);
	check_running(o);
	ask_stage(o, "collector", &rc);
	ask_stage(o, "hasher", &rc);
	say_not_covered();
	return rc;
}
