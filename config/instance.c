// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * instance.c - see instance.h. The state directory belongs to an unprivileged user, so root opens nothing in
 * it through a symbolic link and believes nothing it reads there: the pid in the lock file is only used after
 * the kernel said that the lock is held and that this pid is a femtosnitch.
 */
#include "config/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/log.h"
#include "config/settings.h"

#define LOCK_TRIES 20 /* a look by instance_running() holds the lock for an instant */
#define LOCK_PAUSE_US 10000

int instance_system_user(uid_t *uid, gid_t *gid)
{
	/* Not getpwnam(): for a name that is not there it loads every name service into this process, for
	 * good. */
	FILE *f = fopen("/etc/passwd", "re");
	struct passwd *pw;
	int rc = -ENOENT;

	if (!f)
		return -errno;
	while (rc < 0 && (pw = fgetpwent(f)) != NULL) {
		if (strcmp(pw->pw_name, INSTANCE_USER) != 0)
			continue;
		*uid = pw->pw_uid;
		*gid = pw->pw_gid;
		rc = 0;
	}
	fclose(f);
	return rc;
}

/* Asked of the kernel by becoming that user in a child: groups, ACLs and each directory above count. */
static bool can_write(uid_t uid, gid_t gid, const char *dir)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
				      setresuid(uid, uid, uid) == 0 && access(dir, R_OK | W_OK | X_OK) == 0
			      ? 0
			      : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool id_from_environment(const char *name, uid_t *id)
{
	const char *text = getenv(name);
	unsigned long value;
	char *end;

	if (!text || text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (*end != '\0' || errno || value >= (uid_t)-1)
		return false;
	*id = (uid_t)value;
	return true;
}

/* Whose a new directory shall be: with --state-dir the user's behind sudo, else the system user's,
 * else ours. */
static void choose_owner(const struct options *o, uid_t *uid, gid_t *gid)
{
	uid_t sudo_uid, sudo_gid;

	if (o->typed_state && id_from_environment("SUDO_UID", &sudo_uid) &&
	    id_from_environment("SUDO_GID", &sudo_gid)) {
		*uid = sudo_uid;
		*gid = sudo_gid;
	} else if (instance_system_user(uid, gid) < 0) {
		*uid = geteuid();
		*gid = getegid();
	}
}

/* Through a descriptor: the directory above may be another user's, who puts a link to something else there. */
static int give_directory(const char *path, uid_t uid, gid_t gid)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), rc, err;

	if (fd < 0)
		return -1;
	rc = fchown(fd, uid, gid);
	err = errno;
	close(fd);
	errno = err;
	return rc;
}

static int make_directory(const struct options *o, const char *path, struct stat *st)
{
	uid_t uid;
	gid_t gid;

	if (mkdir(path, 0750) == 0) {
		choose_owner(o, &uid, &gid);
		if (geteuid() == 0 && give_directory(path, uid, gid) < 0) {
			log_warn("%s: chown to %u:%u", path, uid, gid);
			return -errno;
		}
	} else if (errno != EEXIST) {
		log_warn("%s: mkdir", path);
		return -errno;
	}
	if (stat(path, st) < 0) {
		log_warn("%s: stat", path);
		return -errno;
	}
	if (!S_ISDIR(st->st_mode)) {
		log_warnx("%s: not a directory", path);
		return -ENOTDIR;
	}
	if (st->st_mode & S_IWOTH)
		log_warnx("%s: anybody may write there: whoever does can forge or remove the log", path);
	return 0;
}

static pid_t read_pid(int fd)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long pid = n > 0 ? strtol(text, NULL, 10) : 0;

	return pid > 1 && pid <= 4194304 ? (pid_t)pid : 0;
}

static bool is_ours(pid_t pid)
{
	char path[32], exe[OPTIONS_PATH_MAX], *name;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n < 0) /* another user's process: the lock has to do */
		return errno == EACCES || errno == EPERM;
	exe[n] = '\0';
	name = strrchr(exe, '/');
	/* Or what we are called ourselves: a program may be installed under another name. */
	return name && (strncmp(name, "/femtosnitch", 12) == 0 ||
			strcmp(name + 1, program_invocation_short_name) == 0);
}

pid_t instance_running(const struct options *o)
{
	char path[OPTIONS_PATH_MAX + 32];
	pid_t pid = 0;
	int fd;

	if (!options_state_path(o, INSTANCE_LOCK, path, sizeof(path)))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0) {
		pid = errno == EWOULDBLOCK ? read_pid(fd) : -errno;
		if (pid > 0 && !is_ours(pid))
			pid = -ESTALE;
	}
	close(fd);
	return pid;
}

/* Opened is not yet ours: a second name of another's file (where the kernel allows such links) would have root
 * empty that file and give it away. */
static bool is_lock(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

static int take_lock(struct instance *in, const struct options *o)
{
	char path[OPTIONS_PATH_MAX + 32], text[16];
	int fd, i, n, err;

	if (!options_state_path(o, INSTANCE_LOCK, path, sizeof(path)))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
	if (fd < 0) {
		log_warn("%s: open", path);
		return -errno;
	}
	if (!is_lock(fd)) {
		log_warnx("%s: not a file of its own: remove it", path);
		close(fd);
		return -EINVAL;
	}
	for (i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		err = errno;
		if (err == EWOULDBLOCK && i < LOCK_TRIES) {
			usleep(LOCK_PAUSE_US);
			continue;
		}
		if (err == EWOULDBLOCK)
			log_warnx("already running with pid %d (%s)", (int)read_pid(fd), o->state_dir);
		else
			log_warn("%s: flock", path);
		close(fd);
		return err == EWOULDBLOCK ? -EBUSY : -err;
	}
	n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n) {
		log_warn("%s: write", path);
		close(fd);
		return -EIO;
	}
	if (geteuid() == 0)
		(void)!fchown(fd, in->uid, in->gid);
	in->lock_fd = fd;
	return 0;
}

int instance_prepare(struct instance *in, const struct options *o)
{
	struct stat st, log_st;
	uid_t uid;
	gid_t gid;
	int rc;

	in->lock_fd = -1;
	rc = make_directory(o, o->state_dir, &st);
	if (rc == 0 && strcmp(o->state_dir, o->log_dir) != 0)
		rc = make_directory(o, o->log_dir, &log_st);
	if (rc < 0)
		return rc;
	in->owner = in->uid = st.st_uid;
	in->gid = st.st_gid;
	if (geteuid() == 0 && instance_system_user(&uid, &gid) == 0 && can_write(uid, gid, o->state_dir)) {
		in->uid = uid;
		in->gid = gid;
	}
	return 0;
}

/* Where the desktops connect to: anybody may come in, and only the stages make something there. Without it
 * nobody is told on a desktop, and that is said by whoever needs it. */
static void make_run_dir(const struct instance *in, const struct options *o)
{
	const char *dir = options_run_dir(o->state_dir);

	if (strcmp(dir, o->state_dir) == 0 || geteuid() != 0 || (mkdir(dir, 0755) < 0 && errno != EEXIST))
		return;
	if (give_directory(dir, in->uid, in->gid) < 0)
		log_debug("%s: %s", dir, strerror(errno));
}

int instance_open(struct instance *in, const struct options *o)
{
	int rc = instance_prepare(in, o);

	if (rc == 0)
		rc = take_lock(in, o);
	if (rc == 0)
		make_run_dir(in, o);
	return rc;
}

void instance_close(struct instance *in)
{
	if (in->lock_fd < 0)
		return;
	/* The file stays: removing it would let two starters lock two different files of that name. */
	(void)!ftruncate(in->lock_fd, 0);
	close(in->lock_fd);
	in->lock_fd = -1;
}

int instance_first_config(const struct instance *in, const struct options *o)
{
	const char *text = settings_default_text();
	size_t len = text ? strlen(text) : 0, dir = strlen(o->state_dir);
	bool inside = strncmp(o->config, o->state_dir, dir) == 0 && o->config[dir] == '/';
	char parent[OPTIONS_PATH_MAX], *slash;
	int fd, rc = 1;

	if (!text)
		return -ENOMEM;
	if (access(o->config, F_OK) == 0)
		return 0;
	strcpy(parent, o->config);
	slash = strrchr(parent, '/');
	if (slash && slash != parent) {
		*slash = '\0';
		(void)!mkdir(parent, 0755);
	}
	fd = open(o->config, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	/* In the state directory it is its owner's; elsewhere root's, readable for the group. */
	if (geteuid() == 0 && fchown(fd, inside ? in->owner : 0, in->gid) < 0)
		rc = -errno;
	if (fchmod(fd, 0640) < 0 || write(fd, text, len) != (ssize_t)len)
		rc = -EIO;
	close(fd);
	if (rc < 0)
		unlink(o->config);
	return rc;
}
