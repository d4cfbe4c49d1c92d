// SPDX-License-Identifier: GPL-2.0-or-later
/* What is held is found by kind and name, is a copy of its own, and is closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "collector/hold.h"

static void copies_are_found_and_closed(void **state)
{
	struct hold hold = {0};
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), map, link;

	(void)state;
	assert_int_equal(hold_copy(&hold, HOLD_MAP, "a", fd), 0);
	assert_int_equal(hold_copy(&hold, HOLD_LINK, "a", fd), 0);
	map = hold_fd(&hold, HOLD_MAP, "a");
	link = hold_fd(&hold, HOLD_LINK, "a");
	assert_true(map > 2 && link > 2 && map != link && map != fd);
	assert_int_equal(fcntl(map, F_GETFD), FD_CLOEXEC);
	assert_int_equal(hold_fd(&hold, HOLD_PROGRAM, "a"), -1);
	hold_close(&hold, HOLD_MAP, "a");
	hold_close(&hold, HOLD_MAP, "a");
	assert_int_equal(hold_fd(&hold, HOLD_MAP, "a"), -1);
	assert_int_equal(fcntl(map, F_GETFD), -1);
	assert_int_equal(hold_fd(&hold, HOLD_LINK, "a"), link);
	hold_close_all(&hold);
	assert_int_equal(fcntl(link, F_GETFD), -1);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC); /* the caller's own */
	close(fd);
}

static void bounds_are_kept(void **state)
{
	static struct hold hold;
	char name[HOLD_NAME_SIZE + 1];

	(void)state;
	memset(name, 'x', HOLD_NAME_SIZE);
	name[HOLD_NAME_SIZE] = '\0';
	assert_int_equal(hold_copy(&hold, HOLD_MAP, name, 0), -ENAMETOOLONG);
	assert_int_equal(hold_copy(&hold, HOLD_MAP, "closed", 999999), -EBADF);
	for (int i = 0; i < HOLD_MAX; i++)
		assert_int_equal(hold_copy(&hold, HOLD_MAP, "x", 0), 0);
	assert_int_equal(hold_copy(&hold, HOLD_MAP, "x", 0), -ENOSPC);
	hold_close_all(&hold);
	assert_int_equal(hold.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_are_found_and_closed),
		cmocka_unit_test(bounds_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
