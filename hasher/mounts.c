// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mounts.c - owns the table of filesystems, a plain array: there are a dozen on a desktop, hundreds where
 * containers run.
 */
#include "hasher/mounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST 32

struct mounts {
	struct mounts_fs *fs;
	unsigned n, size;
};

/* Default is local. "prefix." matches fuse.sshfs and the like. */
static const struct {
	const char *fstype;
	enum mounts_class class;
} classes[] = {
	{"autofs", MOUNTS_PSEUDO},	{"bdev", MOUNTS_PSEUDO},      {"binder", MOUNTS_PSEUDO},
	{"binfmt_misc", MOUNTS_PSEUDO}, {"bpf", MOUNTS_PSEUDO},	      {"cgroup", MOUNTS_PSEUDO},
	{"cgroup2", MOUNTS_PSEUDO},	{"configfs", MOUNTS_PSEUDO},  {"cpuset", MOUNTS_PSEUDO},
	{"debugfs", MOUNTS_PSEUDO},	{"devpts", MOUNTS_PSEUDO},    {"efivarfs", MOUNTS_PSEUDO},
	{"fusectl", MOUNTS_PSEUDO},	{"hugetlbfs", MOUNTS_PSEUDO}, {"mqueue", MOUNTS_PSEUDO},
	{"nfsd", MOUNTS_PSEUDO},	{"nsfs", MOUNTS_PSEUDO},      {"proc", MOUNTS_PSEUDO},
	{"pstore", MOUNTS_PSEUDO},	{"resctrl", MOUNTS_PSEUDO},   {"rpc_pipefs", MOUNTS_PSEUDO},
	{"securityfs", MOUNTS_PSEUDO},	{"selinuxfs", MOUNTS_PSEUDO}, {"smackfs", MOUNTS_PSEUDO},
	{"sysfs", MOUNTS_PSEUDO},	{"tracefs", MOUNTS_PSEUDO},

	{"9p", MOUNTS_REMOTE},		{"afs", MOUNTS_REMOTE},	      {"ceph", MOUNTS_REMOTE},
	{"cifs", MOUNTS_REMOTE},	{"coda", MOUNTS_REMOTE},      {"gfs2", MOUNTS_REMOTE},
	{"glusterfs", MOUNTS_REMOTE},	{"lustre", MOUNTS_REMOTE},    {"ncpfs", MOUNTS_REMOTE},
	{"nfs", MOUNTS_REMOTE},		{"nfs4", MOUNTS_REMOTE},      {"ocfs2", MOUNTS_REMOTE},
	{"orangefs", MOUNTS_REMOTE},	{"smb3", MOUNTS_REMOTE},      {"vboxsf", MOUNTS_REMOTE},
	{"virtiofs", MOUNTS_REMOTE},

	{"fuse", MOUNTS_USER},
};

enum mounts_class mounts_classify(const char *fstype)
{
	unsigned i;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		size_t len = strlen(classes[i].fstype);

		if (!strncmp(fstype, classes[i].fstype, len) && (!fstype[len] || fstype[len] == '.'))
			return classes[i].class;
	}
	return MOUNTS_LOCAL;
}

/* Undo \040 and the like. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' &&
		    s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* 36 35 98:0 /root /mnt/point rw,noatime shared:1 master:2 - ext4 /dev/sda1 rw */
int mounts_parse(char *line, struct mounts_line *m)
{
	unsigned id, major, minor;
	char *field[6], *rest = line;
	char *fstype, *source;
	int i;

	for (i = 0; i < 6; i++) {
		field[i] = strsep(&rest, " ");
		if (!field[i] || !*field[i])
			return -EINVAL;
	}
	do {
		field[5] = strsep(&rest, " ");
	} while (field[5] && strcmp(field[5], "-"));
	fstype = strsep(&rest, " \n");
	source = strsep(&rest, " \n");
	if (!field[5] || !fstype || !*fstype || sscanf(field[0], "%u", &id) != 1 ||
	    sscanf(field[2], "%u:%u", &major, &minor) != 2 || major > 0xfff || minor > 0xfffff)
		return -EINVAL;
	unescape(field[3]);
	unescape(field[4]);
	if (source)
		unescape(source);
	*m = (struct mounts_line){
		.mount_id = id,
		.dev = major << 20 | minor,
		.root = field[3],
		.point = field[4],
		.fstype = fstype,
		.source = source ? source : "",
	};
	return field[4][0] == '/' ? 0 : -EINVAL;
}

struct mounts *mounts_new(void)
{
	return calloc(1, sizeof(struct mounts));
}

void mounts_free(struct mounts *m)
{
	if (!m)
		return;
	free(m->fs);
	free(m);
}

struct mounts_fs *mounts_get(struct mounts *m, __u32 dev)
{
	unsigned i;

	for (i = 0; i < m->n; i++) {
		if (m->fs[i].dev == dev)
			return &m->fs[i];
	}
	return NULL;
}

struct mounts_fs *mounts_put(struct mounts *m, __u32 dev)
{
	struct mounts_fs *fs = mounts_get(m, dev);
	unsigned size = m->size ? m->size * 2 : FIRST;

	if (fs)
		return fs;
	if (m->n == MOUNTS_MAX) {
		memmove(m->fs, m->fs + MOUNTS_MAX / 4, (MOUNTS_MAX - MOUNTS_MAX / 4) * sizeof(*m->fs));
		m->n -= MOUNTS_MAX / 4;
	}
	if (m->n == m->size) {
		fs = realloc(m->fs, size * sizeof(*fs));
		if (!fs)
			return NULL;
		m->fs = fs;
		m->size = size;
	}
	fs = &m->fs[m->n++];
	*fs = (struct mounts_fs){.dev = dev, .distance = DISTANCE_STRANGE};
	return fs;
}

unsigned mounts_watched(const struct mounts *m)
{
	unsigned i, n = 0;

	for (i = 0; i < m->n; i++)
		n += m->fs[i].state == MOUNTS_WATCHED;
	return n;
}

int mounts_read(const char *file, void (*found)(void *arg, const struct mounts_line *), void *arg)
{
	FILE *f = fopen(file, "re");
	struct mounts_line m;
	char *line = NULL;
	size_t size = 0;
	int rc = 0;

	if (!f)
		return -errno;
	while (errno = 0, getline(&line, &size, f) > 0) {
		if (!mounts_parse(line, &m))
			found(arg, &m);
	}
	if (ferror(f))
		rc = errno ? -errno : -EIO;
	free(line);
	fclose(f);
	return rc;
}

void mounts_scan_begin(struct mounts *m)
{
	unsigned i;

	for (i = 0; i < m->n; i++)
		m->fs[i].seen = false;
}

void mounts_scan_end(struct mounts *m, void (*gone)(void *arg, __u32 dev), void *arg)
{
	unsigned i, kept = 0;

	for (i = 0; i < m->n; i++) {
		if (m->fs[i].ours && !m->fs[i].seen)
			gone(arg, m->fs[i].dev);
		else
			m->fs[kept++] = m->fs[i];
	}
	m->n = kept;
}
