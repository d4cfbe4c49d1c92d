// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_sandbox.c - what is left of a process after sandbox_drop(), as the kernel tells it.
 */
#include "config/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/log.h"

#define NOBODY 65534

/* A hexadecimal set of /proc/self/status. */
static unsigned long long status_set(const char *key)
{
	unsigned long long value = 0;
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtoull(line + strlen(key) + 1, NULL, 16);
	if (f)
		fclose(f);
	return value;
}

/* How the process ended that did this, as waitpid() says it. */
static int end_of(void (*child)(void))
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		child();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void run(void (*child)(void), int want)
{
	int status = end_of(child);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), want);
}

static void run_killed(void (*child)(void))
{
	int status = end_of(child);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

#define CHECK(what)                                                                                          \
	do {                                                                                                 \
		if (!(what)) {                                                                               \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);                   \
			_exit(99);                                                                           \
		}                                                                                            \
	} while (0)

static void check_common(unsigned long long caps)
{
	CHECK(status_set("CapPrm:") == caps);
	CHECK(status_set("CapEff:") == caps);
	CHECK(status_set("CapInh:") == 0);
	CHECK(status_set("CapAmb:") == 0);
	CHECK(status_set("CapBnd:") == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	CHECK(getgroups(0, NULL) == 0);
}

static void drop_all(void)
{
	gid_t groups[] = {1, 2, 3};

	CHECK(setgroups(3, groups) == 0);
	sandbox_drop(NOBODY, NOBODY, 0);
	check_common(0);
	CHECK(getuid() == NOBODY && geteuid() == NOBODY && getgid() == NOBODY && getegid() == NOBODY);
	CHECK(setuid(0) < 0 && setgid(0) < 0);
	CHECK(open("/etc/shadow", O_RDONLY) < 0 && errno == EACCES);
}

static void keep_one(void)
{
	sandbox_drop(NOBODY, NOBODY, SANDBOX_CAP(CAP_DAC_READ_SEARCH));
	check_common(SANDBOX_CAP(CAP_DAC_READ_SEARCH));
	CHECK(open("/etc/shadow", O_RDONLY) >= 0);
	CHECK(open("/etc/shadow", O_WRONLY) < 0);
}

/* Where there is no system user the stages stay root, without a single capability. */
static void root_without(void)
{
	sandbox_drop(0, 0, 0);
	check_common(0);
	CHECK(getuid() == 0);
	CHECK(chown("/proc/self/stat", 1, 1) < 0);
	CHECK(setuid(NOBODY) < 0);
}

static void twice(void)
{
	sandbox_drop(NOBODY, NOBODY, SANDBOX_CAP(CAP_SYS_PTRACE));
	/* A second step may give more away; what is not held any more cannot come back. */
	sandbox_drop(NOBODY, NOBODY, SANDBOX_CAP(CAP_SYS_PTRACE) | SANDBOX_CAP(CAP_SYS_ADMIN));
	check_common(SANDBOX_CAP(CAP_SYS_PTRACE));
	sandbox_drop(NOBODY, NOBODY, 0);
	check_common(0);
}

static void plain_user(void)
{
	if (geteuid() == 0) {
		CHECK(setgroups(0, NULL) == 0);
		CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0);
		CHECK(setresuid(NOBODY, NOBODY, NOBODY) == 0);
	}
	sandbox_drop(getuid(), getgid(), 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(status_set("CapEff:") == 0);
}

/* A plain user cannot become another: fatal, not silent. */
static void other_user(void)
{
	if (geteuid() == 0) {
		CHECK(setgroups(0, NULL) == 0);
		CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0);
		CHECK(setresuid(NOBODY, NOBODY, NOBODY) == 0);
	}
	fclose(stderr);
	sandbox_drop(getuid() + 1, getgid(), 0);
}

/* ---- system calls */

static void only_these(void)
{
	static const long calls[] = {SYS_write, SYS_mmap, SYS_exit_group};

	sandbox_calls(calls, sizeof(calls) / sizeof(calls[0]));
}

static void allowed_calls(void)
{
	only_these();
	if (write(-1, "", 1) == 0 ||
	    mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		_exit(1);
}

static void other_call(void)
{
	only_these();
	syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY);
}

static void code_in_memory(void)
{
	only_these();
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void test_calls(void **state)
{
	(void)state;
#ifdef __SANITIZE_ADDRESS__
	print_message("SKIP test_calls: ASan makes system calls of its own\n");
	skip();
#endif
	run(allowed_calls, 0);
	run_killed(other_call);
	run_killed(code_in_memory);
}

static void test_root(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("SKIP test_root: needs root to have something to drop\n");
		skip();
	}
	run(drop_all, 0);
	run(keep_one, 0);
	run(root_without, 0);
	run(twice, 0);
}

static void test_plain_user(void **state)
{
	(void)state;
	run(plain_user, 0);
	run(other_user, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_plain_user),
		cmocka_unit_test(test_calls),
	};

	log_open("test", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
