// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/cgroups.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/cgroup.h"

/* The one record that is handed on again and again; path grows and shrinks as the tree is walked. */
struct walk {
	struct record *record;
	unsigned listed;
	struct {
		struct wire_hdr hdr;
		struct wire_cgroup cgroup;
		char path[WIRE_CGROUP_MAX];
	} found;
};

static void hand_on(struct walk *walk, uint64_t id, size_t len)
{
	walk->found.hdr.len = sizeof(walk->found.cgroup) + len + 1;
	walk->found.cgroup.id = id;
	walk->found.cgroup.path_len = len + 1;
	record_take(walk->record, &walk->found, sizeof(walk->found.hdr) + walk->found.hdr.len);
	frame_flush(walk->record->stage->out);
	walk->listed++;
}

static void list_below(struct walk *walk, int dir_fd, size_t len, unsigned depth);

/* A directory that vanishes while it is looked at is no loss: nobody is in it. */
static void list_one(struct walk *walk, int above_fd, const char *name, size_t len, unsigned depth)
{
	size_t name_len = strlen(name);
	struct stat st;
	int fd;

	if (len + 1 + name_len >= WIRE_CGROUP_MAX || depth >= CGROUPS_DEPTH)
		return;
	fd = openat(above_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	walk->found.path[len] = '/';
	memcpy(walk->found.path + len + 1, name, name_len + 1);
	if (fstat(fd, &st) == 0)
		hand_on(walk, st.st_ino, len + 1 + name_len);
	list_below(walk, fd, len + 1 + name_len, depth + 1);
}

/* Takes dir_fd. */
static void list_below(struct walk *walk, int dir_fd, size_t len, unsigned depth)
{
	DIR *dir = fdopendir(dir_fd);
	const struct dirent *entry;

	if (!dir) {
		close(dir_fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			list_one(walk, dir_fd, entry->d_name, len, depth);
	closedir(dir);
}

unsigned cgroups_list(struct record *record)
{
	struct walk walk = {.record = record,
			    .found.hdr = {.version = WIRE_VERSION, .type = WIRE_CGROUP},
			    .found.path = "/"};
	int root = cgroup_root_open();
	struct stat st;

	if (root < 0)
		return 0;
	if (fstat(root, &st) == 0)
		hand_on(&walk, st.st_ino, 1);
	list_below(&walk, root, 0, 0);
	return walk.listed;
}
