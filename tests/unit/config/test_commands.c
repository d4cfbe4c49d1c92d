// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_commands.c - the program itself, as a user types it: exit codes and the words that help. It runs the
 * femtosnitch of the same build directory.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char program[PATH_MAX], dir[64], out[32768];

/* Run it with these arguments through a shell; its exit code. What it says is in out. */
static int run(const char *arguments)
{
	char command[2 * PATH_MAX];
	size_t n;
	FILE *f;

	snprintf(command, sizeof(command), "%s %s 2>&1 < /dev/null", program, arguments);
	f = popen(command, "r");
	assert_non_null(f);
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = '\0';
	n = (size_t)pclose(f);
	return WIFEXITED((int)n) ? WEXITSTATUS((int)n) : -1;
}

static void says(const char *text)
{
	if (!strstr(out, text))
		fail_msg("wanted \"%s\", got: %s", text, out);
}

static void write_config(const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/config.json", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int setup(void **state)
{
	char *slash;
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 64);
	int i;

	(void)state;
	assert_true(n > 0);
	program[n] = '\0';
	for (i = 0; i < 4; i++) /* tests/unit/config/test_commands */
		if ((slash = strrchr(program, '/')) != NULL)
			*slash = '\0';
	strcat(program, "/femtosnitch");
	strcpy(dir, "/tmp/femtosnitch-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static void need_program(void)
{
	if (access(program, X_OK) == 0)
		return;
	print_message("SKIP test_commands: %s is not built\n", program);
	skip();
}

static void test_usage(void **state)
{
	(void)state;
	need_program();
	assert_int_equal(run(""), 2);
	says("usage: femtosnitch");
	assert_int_equal(run("frobnicate"), 2);
	says("unknown command frobnicate");
	says("check-config");
	assert_int_equal(run("status now"), 2);
	says("status: found now, allowed: no argument");
	assert_int_equal(run("--state-dir"), 2);
	assert_int_equal(run("help"), 0);
	says("3 status when it is not running");
	assert_int_equal(run("--help"), 0);
	assert_int_equal(run("version"), 0);
	says("femtosnitch " VERSION "\n");
	assert_int_equal(run("--version"), 0);
}

static void test_stopped(void **state)
{
	(void)state;
	need_program();
	assert_int_equal(run("status --state-dir s"), 3);
	says("state: stopped\n");
	assert_int_equal(run("--state-dir=s stop"), 0);
	says("not running");
	assert_int_equal(access("s", F_OK), -1);
}

static void test_check_config(void **state)
{
	(void)state;
	need_program();
	assert_int_equal(run("check-config --config config.json"), 1);
	says("config.json: No such file or directory");
	write_config("{\"Log ignore\": [443, \"com.example\", \"192.0.2.0/24\"],\n\"Dash theme\": \"dark\"}");
	assert_int_equal(run("check-config --config config.json"), 0);
	says("Log ignore: port 443\nLog ignore: domain example.com and below\nLog ignore: 192.0.2.0/24\n");
	says("config.json:2: \"Dash theme\": no effect: the web view");
	says("config.json: good\n");
	write_config("{\"Log ignore\": 443,\n\"Log port\": true}");
	assert_int_equal(run("--config config.json check-config"), 2);
	says("config.json:1: \"Log ignore\": found 443, allowed: a list");
	says("config.json:2: unknown key \"Log port\", did you mean \"Log ports\"?");
}

static void test_doctor(void **state)
{
	(void)state;
	need_program();
	write_config("{\"Log ports\": 1}");
	assert_int_equal(run("doctor --state-dir s --config config.json"), 1);
	says("config     BAD");
	says("running    no");
	says("not covered");
	says("BAD (config");
	says("nobody is watching");
}

static void write_stage(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/femtosnitch-%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\ncat <<'END'\n%s\nEND\n", text);
	fclose(f);
	assert_int_equal(chmod(path, 0755), 0);
}

/* What stages say, beside a copy of the program: each item has its mark, programs that the kernel refused
 * stand together by reason, and what they leave open is said in words. */
static void test_doctor_items(void **state)
{
	char command[2 * PATH_MAX], real[PATH_MAX];
	unsigned major = 0, minor = 0;
	struct utsname u;

	(void)state;
	need_program();
	if (geteuid() != 0) {
		print_message("SKIP test_doctor_items: only root may ask the stages\n");
		skip();
	}
	strcpy(real, program);
	snprintf(command, sizeof(command), "cp %s %s/femtosnitch", real, dir);
	assert_int_equal(system(command), 0);
	snprintf(program, sizeof(program), "%s/femtosnitch", dir);
	write_stage("hasher", "fanotify: ok");
	write_stage("collector", "TCP sent: proven\nNOT PROVEN: TCP received (0 of 41 bytes seen)\n"
				 "hooks trampolines: 9 attached\nrefused fexit/xsk_bind: not in this kernel\n"
				 "refused fexit/tun_sendmsg: because\nrefused fexit/tun_recvmsg: because\n"
				 "refused fexit/inet_sendpage: of old");
	assert_int_equal(run("doctor --state-dir s"), 1);
	says("collector  ok   TCP sent: proven\n");
	says("collector  BAD  NOT PROVEN: TCP received (0 of 41 bytes seen)\n");
	says("collector  ok   hooks trampolines: 9 attached (where the tracepoints");
	says("collector       not loaded: fexit/xsk_bind: not in this kernel\n");
	says("collector       not loaded: fexit/tun_sendmsg, fexit/tun_recvmsg: because\n");
	says("not covered     who has an AF_XDP socket: not in this kernel\n");
	says("not covered     virtual machines through vhost: because\n");
	assert_null(strstr(out, "WireGuard, VXLAN"));
	uname(&u); /* sendfile goes through sendmsg since Linux 6.5 */
	sscanf(u.release, "%u.%u", &major, &minor);
	assert_int_equal(strstr(out, "sendfile over TCP") == NULL, major * 100 + minor >= 605);
	says("BAD (");
	says("collector): see there.");
	strcpy(program, real);
}

static void test_needs_root(void **state)
{
	(void)state;
	need_program();
	if (geteuid() == 0) {
		print_message("SKIP test_needs_root: this is root\n");
		skip();
	}
	assert_int_equal(run("run --state-dir s"), 1);
	says("reading the kernel needs root: try sudo ");
	says("run --state-dir s");
	assert_int_equal(run("start --state-dir s"), 1);
	says("needs root");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usage),	     cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_check_config), cmocka_unit_test(test_doctor),
		cmocka_unit_test(test_doctor_items), cmocka_unit_test(test_needs_root),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
