// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The mount point in a line of mountinfo (proc(5)), if it shows the root of a cgroup2 hierarchy. */
static const char *root_mount_point(char *line)
{
	char *root, *point, *fstype, *rest = line;

	for (int i = 0; i < 3; i++)
		strsep(&rest, " ");
	root = strsep(&rest, " ");
	point = strsep(&rest, " ");
	if (!rest || strcmp(root, "/") != 0 || strchr(point, '\\'))
		return NULL;
	fstype = strstr(rest, " - ");
	return fstype && strncmp(fstype + 3, "cgroup2 ", 8) == 0 ? point : NULL;
}

static int open_mounted(void)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	int fd = -ENOENT;

	if (!mounts)
		return -errno;
	while (fd < 0 && getline(&line, &size, mounts) > 0) {
		const char *point = root_mount_point(line);

		if (point && (fd = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
			fd = -errno;
	}
	free(line);
	fclose(mounts);
	return fd;
}

static int open_unmounted(void)
{
	int fs = syscall(SYS_fsopen, "cgroup2", FSOPEN_CLOEXEC), fd;

	if (fs < 0)
		return -errno;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ||
	    (fd = syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0)) < 0)
		fd = -errno;
	close(fs);
	return fd;
}

int cgroup_root_open(void)
{
	int fd = open_mounted();

	return fd >= 0 ? fd : open_unmounted();
}
