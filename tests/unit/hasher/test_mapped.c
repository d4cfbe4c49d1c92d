// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_mapped.c - lines of /proc/PID/maps, and the files of a process that we are.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "hasher/mapped.h"

static void lines(void **state)
{
	static const struct {
		const char *line, *path;
		int rc;
		unsigned dev;
		__u64 ino;
	} table[] = {
		{"7f00-7f10 r-xp 00001000 fe:01 1234       /usr/lib/x y.so\n", "/usr/lib/x y.so", 1,
		 0xfe00001, 1234},
		{"7f00-7f10 r-xp 00000000 00:00 0\n", "", 1, 0, 0},
		{"7f00-7f10 rwxp 00000000 00:00 0 \n", "", 1, 0, 0},
		{"7f00-7f10 r-xs 00000000 00:01 7   /memfd:x (deleted)\n", "/memfd:x (deleted)", 1, 1, 7},
		{"7f00-7f10 r--p 00001000 fe:01 1234 /x\n", "", 0, 0, 0},
		{"7f00-7f10 r-xp 00000000 00:00 0 [vdso]\n", "", 0, 0, 0},
		{"7f00-7f10 --xp 00000000 00:00 0 [vsyscall]\n", "", 0, 0, 0},
		{"7f00 r-xp\n", "", 0, 0, 0},
		{"\n", "", 0, 0, 0},
		{"", "", 0, 0, 0},
	};
	struct mapped_line m;
	char line[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		strcpy(line, table[i].line);
		assert_int_equal(mapped_parse(line, &m), table[i].rc);
		if (!table[i].rc)
			continue;
		assert_string_equal(m.path, table[i].path);
		assert_int_equal(m.dev, table[i].dev);
		assert_int_equal(m.ino, table[i].ino);
		assert_int_equal(m.start, 0x7f00);
		assert_int_equal(m.end, 0x7f10);
	}
}

static __u64 start_ns(void)
{
	unsigned long long ticks = 0;
	char text[1024] = "", *s;
	FILE *f = fopen("/proc/self/stat", "r");
	int i;

	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	s = strrchr(text, ')');
	for (i = 3; s && i <= 22; i++)
		s = strchr(s + 1, ' ');
	assert_int_equal(sscanf(s, "%llu", &ticks), 1);
	return ticks * (1000000000ull / (unsigned long long)sysconf(_SC_CLK_TCK));
}

static struct mapped *look(struct crew *crew, const struct wire_exec *exec)
{
	struct pollfd fd = {.fd = crew_fd(crew), .events = POLLIN};
	struct mapped *job;
	int tries;

	assert_int_equal(mapped_submit(crew, exec), 0);
	for (tries = 0; !(job = mapped_result(crew)) && tries < 200; tries++)
		poll(&fd, 1, 100);
	assert_non_null(job);
	return job;
}

static void ourselves(void **state)
{
	struct crew *crew = mapped_crew(4);
	struct wire_exec exec = {.image = {.tgid = (__u32)getpid(), .start_ns = start_ns()}};
	struct wire_libraries first, again;
	struct mapped *job, *job_2;
	struct stat st;
	const char *text, *same;

	(void)state;
	if (geteuid() != 0) /* map_files */
		skip();
	assert_int_equal(stat("/proc/self/exe", &st), 0);
	exec.file.ino = st.st_ino;
	job = look(crew, &exec);
	assert_true(mapped_answer(job, &first, &text));
	assert_true(first.count > 1); /* libc, ld.so, cmocka */
	job_2 = look(crew, &exec);
	assert_true(mapped_answer(job_2, &again, &same));
	assert_memory_equal(first.set, again.set, sizeof(first.set));
	assert_int_equal(first.text_len, again.text_len);
	mapped_free(job);
	mapped_free(job_2);
	exec.image.start_ns += 5000000000ull; /* another process with our number */
	job = look(crew, &exec);
	assert_false(mapped_answer(job, &first, &text));
	mapped_free(job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(ourselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
