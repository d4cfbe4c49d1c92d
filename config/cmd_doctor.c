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

#include "config/client.h"
#include "config/command.h"
#include "config/instance.h"
#include "config/log.h"
#include "config/settings.h"
#include "config/utf8.h"

#define STATUS_MS 5000
#define AREA "%-10s %-4s "

/* What hooks that only some kernels take would show, by the functions they are for. */
#define N_FUNCTIONS 5
static const struct gap {
	const char *what;
	const char *functions[N_FUNCTIONS]; /* beginnings of their names */
	unsigned kernel;		    /* from this one on nothing is missing; 0: on every kernel */
} gaps[] = {
	{"sendfile over TCP", {"inet_sendpage"}, 605},
	{"splice from kTLS, SMC, MPTCP", {"sock_splice_read"}, 0},
	{"vsock (talk of virtual machines with their host)", {"vsock_"}, 0},
	{"programs behind TUN/TAP devices (VPNs)", {"tun_chr_", "tap_write", "tap_read"}, 0},
	{"virtual machines through vhost", {"tun_sendmsg", "tun_recvmsg", "tap_sendmsg", "tap_recvmsg"}, 0},
	{"connect() of SCTP that fails", {"sctp_"}, 0},
	{"who has an AF_XDP socket", {"xsk_"}, 0},
	{"the kernel's WireGuard, VXLAN, GENEVE",
	 {"udp_set_csum", "udp6_set_csum", "wg_", "vxlan_", "geneve_"},
	 0},
};
#define N_GAPS (sizeof(gaps) / sizeof(gaps[0]))

/* What was found, for the last lines. */
struct findings {
	unsigned bad;
	unsigned kernel;       /* major * 100 + minor */
	char why[N_GAPS][120]; /* a gap is one: the reason */
	char refused[160];     /* programs that were not loaded for one reason... */
	char programs[2048];   /* ...are said together */
	bool unseen;	       /* not all could be looked at */
	bool running;	       /* a daemon is */
	char where[200];
};

static void say(const char *area, bool good, const char *how, struct findings *found)
{
	size_t len = strlen(found->where);

	printf(AREA "%s\n", area, good ? "ok" : "BAD", how);
	if (good)
		return;
	found->bad++;
	if (!strstr(found->where, area))
		snprintf(found->where + len, sizeof(found->where) - len, "%s%s", len ? ", " : "", area);
}

/* Neither good nor bad. */
static void note(const char *area, const char *how)
{
	printf(AREA "%s\n", area, "", how);
}

static void check_kernel(struct findings *found)
{
	unsigned major = 0, minor = 0;
	struct utsname u;
	char how[256];

	uname(&u);
	sscanf(u.release, "%u.%u", &major, &minor);
	found->kernel = major * 100 + minor;
	snprintf(how, sizeof(how), "%.100s %.60s%s", u.release, u.machine,
		 major > 6 || (major == 6 && minor >= 3) ? ""
		 : major > 5 || (major == 5 && minor >= 10)
			 ? ": before 6.3, so by trampolines, where this kernel allows them"
			 : ": 5.10 or newer is needed, better 6.3");
	say("kernel", major > 5 || (major == 5 && minor >= 10), how, found);
	say("BTF", access("/sys/kernel/btf/vmlinux", R_OK) == 0,
	    "/sys/kernel/btf/vmlinux (a kernel with CONFIG_DEBUG_INFO_BTF)", found);
}

/* The root of cgroup v2: its usual place, or where a machine with v1 beside it has it. */
static void check_cgroup(struct findings *found)
{
	static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	struct statfs fs;
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (statfs(places[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC) {
			say("cgroup v2", true, places[i], found);
			return;
		}
	say("cgroup v2", false,
	    "not mounted: attempts, peers of unconnected sockets and units cannot be seen", found);
}

static void check_user(const struct options *o)
{
	struct stat st;
	char how[OPTIONS_PATH_MAX + 200];
	uid_t uid;
	gid_t gid;

	if (instance_system_user(&uid, &gid) == 0)
		snprintf(how, sizeof(how), "system user " INSTANCE_USER " (%u:%u)", uid, gid);
	else
		snprintf(how, sizeof(how),
			 "no system user " INSTANCE_USER
			 ": the stages keep the uid of the state directory's owner");
	note("user", how);
	if (stat(o->state_dir, &st) == 0)
		snprintf(how, sizeof(how), "%s (owner %u:%u, mode %04o)", o->state_dir, st.st_uid, st.st_gid,
			 (unsigned)st.st_mode & 07777);
	else
		snprintf(how, sizeof(how), "%s: %s", o->state_dir, strerror(errno));
	note("state", how);
}

static void refused(void *arg, const char *line)
{
	say("config", false, line, arg);
}

static void noticed(void *arg, const char *line)
{
	(void)arg;
	note("config", line);
}

static void check_config(const struct options *o, struct findings *found)
{
	char how[OPTIONS_PATH_MAX + 64];
	struct settings s;

	if (access(o->config, F_OK) < 0 && errno == ENOENT) {
		snprintf(how, sizeof(how), "%s: not there yet, the first run writes it", o->config);
		note("config", how);
		return;
	}
	if (settings_load(&s, o->config, NULL, NULL, refused, noticed, found) < 0)
		return;
	settings_free(&s);
	say("config", true, o->config, found);
}

/* ---- what the stages find out */

/* What does the absence of function's hook leave open? */
static void find_gap(const char *function, const char *why, struct findings *found)
{
	size_t i, f;

	for (i = 0; i < N_GAPS; i++)
		for (f = 0; f < N_FUNCTIONS && gaps[i].functions[f]; f++)
			if (strncmp(function, gaps[i].functions[f], strlen(gaps[i].functions[f])) == 0 &&
			    (gaps[i].kernel == 0 || found->kernel < gaps[i].kernel) && !found->why[i][0])
				snprintf(found->why[i], sizeof(found->why[i]), "%s", why);
}

static void say_refused(const char *stage, struct findings *found)
{
	char how[sizeof(found->programs) + sizeof(found->refused) + 32];

	if (found->programs[0]) {
		snprintf(how, sizeof(how), "not loaded: %s: %s", found->programs, found->refused);
		note(stage, how);
	}
	found->programs[0] = '\0';
}

/* "TYPE/FUNCTION: why" */
static void refuse(const char *stage, char *item, struct findings *found)
{
	char *why = strstr(item, ": "), *function = strchr(item, '/');
	size_t len;

	if (why) {
		*why = '\0';
		why += 2;
	}
	find_gap(function ? function + 1 : item, why ? why : "", found);
	if (strcmp(found->refused, why ? why : "") != 0)
		say_refused(stage, found);
	snprintf(found->refused, sizeof(found->refused), "%s", why ? why : "");
	len = strlen(found->programs);
	snprintf(found->programs + len, sizeof(found->programs) - len, "%s%s", len ? ", " : "", item);
}

/* One item: what was proven, what is missing, what the kernel refused without harm. The grammar is that of
 * the coverage that stages say when they are ready. */
static void say_item(const char *stage, char *item, struct findings *found)
{
	char how[1100];

	if (strncmp(item, "NOT PROVEN", 10) == 0) {
		say(stage, false, item, found);
	} else if (strncmp(item, "refused ", 8) == 0) {
		refuse(stage, item + 8, found);
	} else if (strncmp(item, "hooks ", 6) == 0) {
		snprintf(how, sizeof(how), "%s (%s)", item,
			 strncmp(item + 6, "tracepoints", 11) == 0
				 ? "the stable set, Linux 6.3 and newer"
				 : "where the tracepoints are not all there");
		say(stage, true, how, found);
	} else {
		say(stage, true, item, found);
	}
}

/* Say what comes out of fd, line by line. */
static void say_lines(int fd, const char *stage, struct findings *found)
{
	char *line = NULL, shown[1024];
	FILE *f = fdopen(fd, "r");
	size_t size = 0;
	ssize_t n;

	while (f && (n = getline(&line, &size, f)) > 0) {
		utf8_escape(shown, sizeof(shown), line, (size_t)n - (line[n - 1] == '\n'));
		say_item(stage, shown, found);
	}
	say_refused(stage, found);
	free(line);
	if (f)
		fclose(f);
	else
		close(fd);
}

/* Let a stage look at what it needs. */
static void ask_stage(const struct options *o, const char *stage, struct findings *found)
{
	char path[OPTIONS_PATH_MAX + 64];
	int status = -1, ends[2];
	unsigned bad = found->bad;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/femtosnitch-%s", o->bin_dir, stage);
	if (geteuid() != 0) {
		printf(AREA "only root may look: try sudo %s doctor\n", stage, "?", o->argv0);
		found->unseen = true;
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
	say_lines(ends[0], stage, found);
	if ((pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) && found->bad == bad)
		say(stage, false, "it cannot work here: see above", found);
}

/* ---- what the running daemon knows */

static bool begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

/* Lines of `status` that tell how well it sees. */
static void say_status(char *answer, struct findings *found)
{
	char *line, *rest = answer;
	bool lost = false;

	while ((line = strsep(&rest, "\n"))) {
		if (begins(line, "traffic "))
			note("traffic", line + strlen("traffic "));
		else if (begins(line, "settings refused"))
			say("config", false, line, found);
		else if (begins(line, "loss "))
			note("lost", line + strlen("loss "));
		else if (begins(line, "copy ") && strstr(line, ", last error: "))
			say("copy", false, line + strlen("copy "), found);
		else if (begins(line, "copy "))
			note("copy", line + strlen("copy "));
		lost |= begins(line, "loss ");
	}
	if (lost)
		note("lost", "what that means: femtosnitch query losses");
	else
		note("lost", "nothing since it was started");
}

static void check_running(const struct options *o, struct findings *found)
{
	pid_t pid = instance_running(o);
	char *answer = NULL, how[32];

	snprintf(how, sizeof(how), "pid %d", (int)pid);
	if (pid > 0)
		printf(AREA "%s\n", "running", "yes", how);
	else if (pid == 0)
		printf(AREA "what passed the interfaces, and what was lost, is known only while it runs\n",
		       "running", "no");
	else
		printf(AREA "%s\n", "running", "?", strerror(-(int)pid));
	found->running = pid > 0;
	if (pid <= 0)
		return;
	if (client_ask(o, "status", STATUS_MS, &answer) == 0)
		say_status(answer, found);
	else
		say("running", false, "it does not answer (or you are not in its group): femtosnitch status",
		    found);
	free(answer);
}

static void say_not_covered(const struct findings *found)
{
	static const char *const always[] = {
		"names asked for over TLS or HTTPS (DoT, DoH), or sent through io_uring: `domain` may be NULL",
		"frames through AF_XDP and DPDK: no socket call moves them",
		"TUN/TAP, vsock, WireGuard and their kin in the second after their modules are loaded",
		"recvmmsg and recv without an address buffer: the peer is inferred or unknown, and marked so",
		"root can stop, change or deceive everything on this machine",
	};
	size_t i;

	for (i = 0; i < N_GAPS; i++)
		if (found->why[i][0])
			printf("%-15s %s: %s\n", "not covered", gaps[i].what, found->why[i]);
	for (i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		printf("%-15s %s\n", "not covered", always[i]);
}

static void say_verdict(const struct findings *found)
{
	const char *state = found->running ? "" : " It does not run: nobody is watching.";

	if (found->bad > 0)
		printf("\n%u BAD (%s): see there.%s\n", found->bad, found->where, state);
	else if (found->unseen)
		printf("\nNothing BAD as far as you may look.%s\n", state);
	else
		printf("\nAll is well: what this machine lets us see is seen.%s\n", state);
}

int command_doctor(const struct options *o, int argc, char **argv)
{
	struct findings found = {0};

	if (command_no_arguments(argc, argv) != COMMAND_GOOD)
		return COMMAND_USAGE;
	printf(AREA "%s, programs in %s\n", "version", "", VERSION, o->bin_dir);
	check_kernel(&found);
	check_cgroup(&found);
	check_user(o);
	check_config(o, &found);
	ask_stage(o, "collector", &found);
	ask_stage(o, "hasher", &found);
	check_running(o, &found);
	say_not_covered(&found);
	say_verdict(&found);
	return found.bad ? COMMAND_FAILED : COMMAND_GOOD;
}
