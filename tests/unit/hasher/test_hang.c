// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_hang.c - a server that stops answering must not stop the hasher. The worst there is: a user's own FUSE
 * below an overlay in a mount namespace of his, which serves a program to whoever runs it and leaves the
 * hasher waiting. The FUSE daemon here is the protocol by hand, for one file.
 */
#include "tests/unit/hasher/rig.h"

#include <linux/fuse.h>
#include <sys/prctl.h>

#define FIRST_NODE 2 /* of program-0 */

static char content[4 << 20];
static size_t content_len;

static void reply(int fd, const struct fuse_in_header *in, int error, const void *data, size_t len)
{
	static char buf[sizeof(struct fuse_out_header) + (1 << 20)];
	struct fuse_out_header out = {
		.unique = in->unique, .error = error, .len = (__u32)(sizeof(out) + len)};

	memcpy(buf, &out, sizeof(out));
	if (len)
		memcpy(buf + sizeof(out), data, len);
	if (write(fd, buf, out.len) < 0)
		return; /* interrupted meanwhile */
}

static struct fuse_attr attributes(__u64 node)
{
	if (node == FUSE_ROOT_ID)
		return (struct fuse_attr){.ino = 1, .mode = S_IFDIR | 0755, .nlink = 2};
	return (struct fuse_attr){.ino = node, .mode = S_IFREG | 0755, .nlink = 1, .size = content_len};
}

/* Is this thread one of the hasher's? */
static bool is_hasher(__u32 tid)
{
	char path[64], comm[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/comm", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, comm, sizeof(comm) - 1) < 0)
		comm[0] = '\0';
	close(fd);
	return !strncmp(comm, "femtosnitch-has", 15);
}

static void serve_one(int fd, const struct fuse_in_header *in, const void *arg)
{
	const struct fuse_read_in *rd = arg;
	struct fuse_entry_out entry = {.attr_valid = 60, .entry_valid = 60};
	struct fuse_attr_out attr = {.attr_valid = 60};
	struct fuse_init_out init = {.major = 7, .minor = 31, .max_readahead = 65536, .max_write = 65536};
	struct fuse_open_out opened = {0};
	unsigned number = 0;
	bool found;

	switch (in->opcode) {
	case FUSE_INIT:
		reply(fd, in, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		found = sscanf(arg, "program-%u", &number) == 1;
		entry.nodeid = FIRST_NODE + number;
		entry.attr = attributes(entry.nodeid);
		if (!found)
			reply(fd, in, -ENOENT, NULL, 0);
		else
			reply(fd, in, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		attr.attr = attributes(in->nodeid);
		reply(fd, in, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		if (in->opcode == FUSE_OPENDIR || !is_hasher(in->pid))
			reply(fd, in, 0, &opened, sizeof(opened));
		break; /* and no word to the hasher, ever */
	case FUSE_READ:
		if (rd->offset >= content_len)
			reply(fd, in, 0, NULL, 0);
		else
			reply(fd, in, 0, content + rd->offset,
			      rd->size < content_len - rd->offset ? rd->size : content_len - rd->offset);
		break;
	case FUSE_STATFS:
		reply(fd, in, 0, &(struct fuse_statfs_out){.st = {.bsize = 4096, .namelen = 255}},
		      sizeof(struct fuse_statfs_out));
		break;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_FLUSH:
	case FUSE_ACCESS:
		reply(fd, in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		reply(fd, in, -ENOSYS, NULL, 0);
	}
}

static _Noreturn void serve(int fd)
{
	static _Alignas(8) char buf[1 << 17];

	for (;;) {
		const struct fuse_in_header *in = (struct fuse_in_header *)buf;

		if (read(fd, buf, sizeof(buf)) < (ssize_t)sizeof(*in))
			_exit(0);
		serve_one(fd, in, in + 1);
	}
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) > 0;

	close(fd);
	return ok;
}

/* Root in a user namespace, as everybody may be. */
static bool be_root_there(void)
{
	return !unshare(CLONE_NEWUSER | CLONE_NEWNS) &&
	       !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       write_text("/proc/self/uid_map", "0 0 1") && write_text("/proc/self/setgroups", "deny") &&
	       write_text("/proc/self/gid_map", "0 0 1");
}

/* For each byte that goes comes a program of the folder that ran and is gone. */
static void run_served(const char *folder, int go, int tell)
{
	struct program p = {.parent = getpid()};
	unsigned i;
	char byte;
	pid_t pid;

	for (i = 1; read(go, &byte, 1) == 1; i++) {
		snprintf(p.path, sizeof(p.path), "%s/program-%u", folder, i);
		record_file(&p);
		pid = spawn(&p, NULL);
		waitpid(pid, NULL, 0);
		if (write(tell, &p, sizeof(p)) < 0 || write(tell, &pid, sizeof(pid)) < 0)
			_exit(1);
	}
}

/* In namespaces of its own: FUSE, an overlay over it, and programs from there. Exits 2 if this machine has no
 * such mounts. */
static _Noreturn void hostile_user(int go, int tell)
{
	char lower[80], upper[80], work[80], merged[80], options[320];
	pid_t server;
	int fuse;

	snprintf(lower, sizeof(lower), "%s/t/lower", dir);
	snprintf(upper, sizeof(upper), "%s/t/upper", dir);
	snprintf(work, sizeof(work), "%s/t/work", dir);
	snprintf(merged, sizeof(merged), "%s/t/merged", dir);
	snprintf(options, sizeof(options), "%s/t", dir);
	if (!be_root_there() || (fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC)) < 0 ||
	    mount("none", options, "tmpfs", 0, NULL) || mkdir(lower, 0755) || mkdir(upper, 0755) ||
	    mkdir(work, 0755) || mkdir(merged, 0755))
		_exit(2);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fuse);
	if (mount("test", lower, "fuse", 0, options))
		_exit(2);
	server = fork();
	if (!server) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody hanging */
		serve(fuse);
	}
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, work);
	if (mount("overlay", merged, "overlay", 0, options))
		kill(server, SIGKILL), _exit(2);
	run_served(merged, go, tell);
	pause(); /* the server stays: threads of the hasher hang in it */
	_exit(0);
}

/* In a mount namespace that root made: for each byte that goes comes a program that ran and is gone. */
static _Noreturn void container(int go, int tell)
{
	char private[80], byte;
	struct program p;
	unsigned i;
	pid_t pid;

	snprintf(private, sizeof(private), "%s/t", dir);
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", private, "tmpfs", 0, NULL))
		_exit(1);
	for (i = 0; read(go, &byte, 1) == 1; i++) {
		make_program(&p, private, "/bin/true", i);
		p.parent = getpid();
		pid = spawn(&p, NULL);
		unlink(p.path);
		waitpid(pid, NULL, 0);
		if (write(tell, &p, sizeof(p)) < 0 || write(tell, &pid, sizeof(pid)) < 0)
			_exit(1);
	}
	_exit(0);
}

/* Who runs a program elsewhere, when told to. */
struct runner {
	pid_t pid;
	int go, tell;
};

static struct runner start_runner(const struct rig *r, void (*run)(int go, int tell))
{
	struct runner n;
	int go[2], tell[2];

	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
	n = (struct runner){.pid = fork(), .go = go[1], .tell = tell[0]};
	if (!n.pid) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(go[1]);
		close(r->in); /* or the hasher's input never ends */
		close(r->out);
		run(go[0], tell[1]);
	}
	close(go[0]);
	close(tell[1]);
	return n;
}

/* False: it is gone. */
static bool run_there(struct rig *r, const struct runner *n, struct program *p, pid_t *pid)
{
	if (write(n->go, "", 1) != 1 || read(n->tell, p, sizeof(*p)) != sizeof(*p) ||
	    read(n->tell, pid, sizeof(*pid)) != sizeof(*pid))
		return false;
	send_exec(r, p, *pid, WIRE_EXEC_EXECVE, 0);
	return true;
}

static struct verdict run_in_container(struct rig *r, const struct runner *n, struct program *p)
{
	pid_t pid;

	assert_true(run_there(r, n, p, &pid));
	return wait_image(r, pid);
}

static void stop_runner(const struct runner *n)
{
	close(n->go);
	close(n->tell);
	kill(-n->pid, SIGKILL);
	reap(n->pid);
}

static void count(const struct got *g, unsigned *losses, unsigned *hashed, unsigned *timeouts)
{
	const struct wire_digest *digest = (const struct wire_digest *)g->payload;

	*losses += g->hdr.type == WIRE_LOSS;
	*hashed += g->hdr.type == WIRE_DIGEST && digest->hash_error == WIRE_HASH_OK;
	*timeouts += g->hdr.type == WIRE_DIGEST && digest->hash_error == WIRE_HASH_TIMEOUT;
}

/* A program that is not in the way of those that hang. The seconds until its hash came. */
static double hash_another(struct rig *r, unsigned i)
{
	struct program p;
	double begun;
	pid_t pid;

	make_program(&p, dir, "/bin/true", i);
	pid = spawn(&p, NULL);
	unlink(p.path);
	reap(pid);
	begun = now();
	send_exec(r, &p, pid, WIRE_EXEC_EXECVE, 0);
	assert_hash(wait_image(r, pid), &p);
	return now() - begun;
}

/* The server is asked as often as there are threads to lose, and more; programs elsewhere never notice. */
static void hung_server(void **state)
{
	enum {
		RUNS = 12
	};
	unsigned i, losses = 0, hashed = 0, timeouts = 0;
	struct runner contained, hostile;
	struct wire_tick tick = {0};
	double end, took, worst = 0;
	struct program p;
	char path[80];
	struct rig r;
	struct got g;
	pid_t pid;
	int fd, more;

	(void)state;
	fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
	content_len = (size_t)read(fd, content, sizeof(content));
	close(fd);
	snprintf(path, sizeof(path), "%s/t", dir);
	assert_int_equal(mkdir(path, 0755), 0);
	start(&r);
	hostile = start_runner(&r, hostile_user);
	contained = start_runner(&r, container);
	if (!run_there(&r, &hostile, &p, &pid)) {
		stop_runner(&hostile);
		stop_runner(&contained);
		stop(&r);
		rmdir(path);
		printf("SKIP hung_server: no FUSE or overlay on this machine\n");
		return;
	}
	run_in_container(&r, &contained, &p); /* from now on it is watched, as the server is */
	assert_hash(run_in_container(&r, &contained, &p), &p);
	for (i = 0; i < RUNS; i++) {
		assert_true(run_there(&r, &hostile, &p, &pid));
		took = hash_another(&r, i);
		worst = took > worst ? took : worst;
	}
	assert_true(worst < 1.5);
	/* said: events lost, that they are not watched any more, and a file that nobody could reach */
	for (end = now() + 20; (losses < 2 || !timeouts) && now() < end;) {
		send_frame(&r, WIRE_TICK, &tick, sizeof(tick), NULL);
		while (receive(&r, &g, 0.2) > 0)
			count(&g, &losses, &hashed, &timeouts);
	}
	assert_true(losses >= 2);
	assert_true(timeouts > 0);
	/* and the containers of others do not notice either */
	assert_hash(run_in_container(&r, &contained, &p), &p);
	stop_runner(&contained);
	close_head(&r);
	while ((more = receive(&r, &g, 6)) > 0)
		count(&g, &losses, &hashed, &timeouts);
	assert_int_equal(more, -1); /* the end, though its threads cannot die before the server */
	assert_int_equal(hashed, 0);
	stop_runner(&hostile);
	stop(&r);
	rmdir(path);
}

static int group(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(hung_server)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	(void)argc;
	signal(SIGPIPE, SIG_IGN); /* a runner that is gone is told by its pipe */
	return rig_main("test_hang", argv, group);
}
