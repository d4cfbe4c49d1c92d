// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sandbox.c - see sandbox.h. libcap-ng does the capability sets; everything that was asked for is read back
 * from the kernel afterwards, because a drop that silently did not happen is worse than none.
 */
#include "config/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "config/log.h"

#define GROUPS_MAX 64
#define CALLS_MAX 64

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

static uint64_t held(capng_type_t which)
{
	uint64_t set = 0;
	unsigned cap;

	for (cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (capng_have_capability(which, cap))
			set |= SANDBOX_CAP(cap);
	return set;
}

static uint64_t read_permitted(void)
{
	capng_clear(CAPNG_SELECT_ALL);
	if (capng_get_caps_process() != 0)
		fatalx("sandbox: cannot read the capabilities");
	return held(CAPNG_PERMITTED) | held(CAPNG_EFFECTIVE) | held(CAPNG_INHERITABLE);
}

/* No group but gid stays. Without CAP_SETGID they cannot be changed, which is fine if there are none. */
static void drop_groups(gid_t gid)
{
	gid_t groups[GROUPS_MAX];
	int n, i;

	if (setgroups(0, NULL) == 0)
		return;
	n = getgroups(GROUPS_MAX, groups);
	for (i = 0; i < n && groups[i] == gid; i++)
		;
	if (n < 0 || i < n) {
		errno = EPERM;
		fatal("sandbox: setgroups");
	}
}

static void become(uid_t uid, gid_t gid)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (setresgid(gid, gid, gid) < 0)
		fatal("sandbox: setresgid %u", gid);
	if (setresuid(uid, uid, uid) < 0)
		fatal("sandbox: setresuid %u", uid);
	if (getresuid(&ruid, &euid, &suid) < 0 || ruid != uid || euid != uid || suid != uid ||
	    getresgid(&rgid, &egid, &sgid) < 0 || rgid != gid || egid != gid || sgid != gid)
		fatalx("sandbox: still not %u:%u", uid, gid);
}

static void keep_only(uint64_t keep)
{
	unsigned cap;

	capng_clear(CAPNG_SELECT_BOTH);
	for (cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (keep & SANDBOX_CAP(cap))
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, cap);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		fatalx("sandbox: cannot set the capabilities");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		fatal("sandbox: ambient capabilities");
	if (read_permitted() != keep)
		fatalx("sandbox: other capabilities than asked for stay");
}

void sandbox_drop(uid_t uid, gid_t gid, uint64_t keep)
{
	uint64_t have = read_permitted();
	bool privileged = geteuid() == 0 || have != 0;

	keep &= held(CAPNG_PERMITTED);
	if (privileged)
		drop_groups(gid);
	/* The bounding set needs CAP_SETPCAP, which may be gone with the uid.
	 * Without it no_new_privs does. */
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP)) {
		capng_clear(CAPNG_SELECT_BOUNDS);
		if (capng_apply(CAPNG_SELECT_BOUNDS) != 0)
			fatalx("sandbox: cannot empty the bounding set");
	}
	if (keep && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		fatal("sandbox: PR_SET_KEEPCAPS");
	become(uid, gid);
	keep_only(keep);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fatal("sandbox: PR_SET_NO_NEW_PRIVS");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		fatal("sandbox: PR_SET_DUMPABLE");
	if (uid != 0 && setresuid((uid_t)-1, 0, (uid_t)-1) == 0)
		fatalx("sandbox: could become root again");
}

#ifdef ARCH
#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)
#define IF(what, value, then, otherwise) BPF_JUMP(BPF_JMP | what | BPF_K, value, then, otherwise)

/* A table of calls, and what is not in it is the end. The number alone says nothing: each architecture has
 * its own, and a process may use those of another. */
void sandbox_calls(const long *calls, size_t n)
{
	struct sock_filter code[2 * CALLS_MAX + 16] = {
		LOAD(arch),
		IF(BPF_JEQ, ARCH, 1, 0),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
		IF(BPF_JEQ, SYS_mmap, 0, 3),
		LOAD(args[2]), /* low half: PROT_* are small, and both are little-endian */
		IF(BPF_JSET, PROT_EXEC, 0, 1),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
	};
	struct sock_fprog program = {.len = 9, .filter = code};

	if (n > CALLS_MAX)
		fatalx("sandbox: too many calls");
	for (size_t i = 0; i < n; i++) {
		code[program.len++] = (struct sock_filter)IF(BPF_JEQ, (__u32)calls[i], 0, 1);
		code[program.len++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	}
	code[program.len++] = (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		fatal("sandbox: seccomp");
}
#else
void sandbox_calls(const long *calls, size_t n)
{
	(void)calls;
	(void)n;
	log_warnx("sandbox: system calls are not limited on this kind of machine");
}
#endif
