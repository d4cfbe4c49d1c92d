/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuse.c - a filesystem of a user's own at DIR: one file, "program", with the bytes of FILE, for UID and,
 * with "other", for everybody. Says "ready"; serves until it is killed or unmounted.
 */
#include "tests/actors/actor.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define DIRECTORY FUSE_ROOT_ID
#define PROGRAM 2

static int device, file;
static struct stat is;

static void answer(const struct fuse_in_header *in, int error, const void *data, size_t len)
{
	struct fuse_out_header out = {
		.len = (uint32_t)(sizeof(out) + len), .error = -error, .unique = in->unique};
	struct iovec iov[] = {{&out, sizeof(out)}, {(void *)data, len}};

	if (writev(device, iov, 2) < 0 && errno != ENOENT)
		die("answer");
}

static struct fuse_attr attributes(uint64_t node)
{
	struct fuse_attr a = {.ino = node, .mode = S_IFDIR | 0755, .nlink = 1, .blksize = 4096};

	if (node == PROGRAM) {
		a.mode = S_IFREG | 0755;
		a.size = (uint64_t)is.st_size;
		a.mtime = a.ctime = (uint64_t)is.st_mtime;
	}
	return a;
}

static void look_up(const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out entry = {.nodeid = PROGRAM, .entry_valid = 60, .attr_valid = 60};

	entry.attr = attributes(PROGRAM);
	if (strcmp(name, "program") != 0)
		answer(in, ENOENT, NULL, 0);
	else
		answer(in, 0, &entry, sizeof(entry));
}

static void read_file(const struct fuse_in_header *in, const struct fuse_read_in *r)
{
	static char bytes[1 << 17];
	ssize_t n = pread(file, bytes, r->size < sizeof(bytes) ? r->size : sizeof(bytes), (off_t)r->offset);

	answer(in, n < 0 ? EIO : 0, bytes, n < 0 ? 0 : (size_t)n);
}

static void serve(const struct fuse_in_header *in)
{
	const void *arg = in + 1;
	struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096};
	struct fuse_attr_out attr = {.attr_valid = 60};
	struct fuse_open_out opened = {0};

	switch (in->opcode) {
	case FUSE_INIT:
		init.max_readahead = ((const struct fuse_init_in *)arg)->max_readahead;
		answer(in, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		look_up(in, arg);
		break;
	case FUSE_GETATTR:
		attr.attr = attributes(in->nodeid);
		answer(in, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		answer(in, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		read_file(in, arg);
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_ACCESS:
		answer(in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(in, ENOSYS, NULL, 0);
		break;
	}
}

int main(int argc, char **argv)
{
	static char request[1 << 18];
	char options[128];

	if (argc < 4)
		usage("FILE DIR UID [other]");
	file = open(argv[1], O_RDONLY);
	device = open("/dev/fuse", O_RDWR);
	if (device < 0)
		cannot("no FUSE here");
	if (file < 0 || fstat(file, &is))
		die(argv[1]);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%s,group_id=%s%s", device, argv[3],
		 argv[3], argc > 4 ? ",allow_other" : "");
	if (mount("femtosnitch-test", argv[2], "fuse", MS_NOSUID | MS_NODEV, options)) {
		if (errno == ENODEV || errno == EPERM)
			cannot("no FUSE here");
		die("mount");
	}
	printf("ready\n");
	fflush(stdout);
	while (read(device, request, sizeof(request)) >= 0 || errno == EINTR || errno == ENOENT)
		serve((const struct fuse_in_header *)request);
	return 0;
}
