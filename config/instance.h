/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * instance.h - the one femtosnitch of a state directory: the directories and whose they are, and the lock
 * that keeps a second one out. Instances with different state directories may run at the same time.
 */
#ifndef FEMTOSNITCH_INSTANCE_H
#define FEMTOSNITCH_INSTANCE_H

#include <sys/types.h>

#include "config/options.h"

#define INSTANCE_USER "femtosnitch"
#define INSTANCE_LOCK "femtosnitch.pid"
#define INSTANCE_SOCKET "control.sock"

struct instance {
	int lock_fd;
	uid_t owner; /* of the state directory */
	uid_t uid;   /* what the stages become: the system user if it can write there, else the owner */
	gid_t gid;
};

/* Make the directories that are missing and find out owner, uid and gid. 0, or -errno after a message. */
int instance_prepare(struct instance *, const struct options *);

/* Prepare, take the lock and write our pid. 0, or -errno after a message; -EBUSY: another one runs. */
int instance_open(struct instance *, const struct options *);

/* Empty the pid file and let the lock go. */
void instance_close(struct instance *);

/* The pid of the instance that runs, 0 if none does, or -errno (-EACCES: we may not look). */
pid_t instance_running(const struct options *);

/* uid and gid of the system user from /etc/passwd. 0 or -ENOENT. */
int instance_system_user(uid_t *uid, gid_t *gid);

/* Write the config.json of a first run, 0640, unless there is one. 1: written, 0: there is one, -errno. */
int instance_first_config(const struct instance *, const struct options *);

#endif
